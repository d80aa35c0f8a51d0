//! The session: what Rails remembers of a visitor between requests.
//!
//! Source: actionpack 6.1, `request/session.rb` and `middleware/session/cookie_store.rb`; rack 2.2,
//! `session/abstract/id.rb` (`commit_session`).

mod cookie_store;
#[cfg(test)]
mod tests;

use super::value::{Hash, Value};

pub use cookie_store::{CookieStore, SessionError};

/// Where a session keeps its own id.
const ID: &str = "session_id";

/// One visitor's session, while one request is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    data: Hash,
    /// What the store held; `None` for a visitor who came without a session.
    stored: Option<Hash>,
    /// The store holds it in a form that is being left.
    outdated: bool,
    /// Rails would have loaded it for writing, and so store it.
    written: bool,
}

impl Session {
    /// Of a visitor who came without one. Nothing is stored until something is written.
    pub fn none() -> Self {
        Self { data: Hash::default(), stored: None, outdated: false, written: false }
    }

    /// As a store held it; `outdated` where it is to be stored anew in any case.
    pub fn stored(data: Hash, outdated: bool) -> Self {
        let data = data.with_string_keys();
        Self { stored: Some(data.clone()), data, outdated, written: false }
    }

    /// Whether the visitor came with one.
    pub fn exists(&self) -> bool {
        self.stored.is_some()
    }

    /// `session[key]`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.data.get(key).filter(|it| **it != Value::Nil)
    }

    /// `session.key?(key)`, also where the value is nil.
    pub fn has(&self, key: &str) -> bool {
        self.data.get(key).is_some()
    }

    /// `session[key] = value`.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.written = true;
        self.data.set(key, value);
    }

    /// `session.delete(key)`.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.written = true;
        self.data.remove(key)
    }

    /// `reset_session`: forgets everything, its id too, lest somebody who knew the old one go on with
    /// it.
    pub fn reset(&mut self) {
        self.written = true;
        self.data = Hash::default();
    }

    /// Its id, once it has one.
    pub fn id(&self) -> Option<&str> {
        self.get(ID)?.as_str()
    }

    /// What is to be stored, if anything has to be: without what is nil, and with an id, which is
    /// `id` where there is none yet. Rails stores each session that it has looked at; this one stays
    /// as it is unless something changed, so that of two requests at once the one that changed nothing
    /// does not undo what the other wrote.
    pub fn to_store(&self, id: impl FnOnce() -> String) -> Option<Hash> {
        let mut data = self.data.clone();
        data.pairs.retain(|(_, value)| *value != Value::Nil);
        let due = match &self.stored {
            None => self.written,
            Some(stored) => self.outdated || *stored != data,
        };
        if !due {
            return None;
        }
        if data.get(ID).is_none() {
            let id = (Value::from(ID), Value::from(id()));
            // A session that Rails begins has its id first.
            let end =
                self.stored.as_ref().filter(|it| it.get(ID).is_none() && !it.pairs.is_empty());
            data.pairs.insert(end.map_or(0, |_| data.pairs.len()), id);
        }
        Some(data)
    }
}
