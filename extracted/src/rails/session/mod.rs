//! The session: what Rails remembers of a visitor between requests.
//!
//! Source: actionpack 6.1, `request/session.rb` and `middleware/session/cookie_store.rb`; rack 2.2,
//! `session/abstract/id.rb` (`commit_session`).

mod cookie;
mod cookie_store;
mod error;
mod redis_store;
#[cfg(test)]
mod tests;
mod unsaved;

use rand::CryptoRng;

use self::redis_store::Place;
use super::value::{Hash, Value};

pub use self::{
    cookie::SessionCookie,
    cookie_store::CookieStore,
    error::SessionError,
    redis_store::{Kept, RedisStore},
    unsaved::{Saved, UnsavedSession},
};

/// Where a session keeps its own id.
const ID: &str = "session_id";

/// Where an application keeps its sessions.
#[derive(Debug, Clone)]
pub enum Sessions {
    /// Each in its cookie.
    Cookie(CookieStore),
    /// In Redis, each under the id that its cookie holds.
    Redis(RedisStore),
}

impl Sessions {
    /// The cookie that a session is known by.
    pub fn cookie(&self) -> &SessionCookie {
        match self {
            Self::Cookie(store) => &store.cookie,
            Self::Redis(store) => &store.cookie,
        }
    }
}

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
    /// It goes on under another id.
    renewed: bool,
    /// Where Redis has it.
    place: Option<Place>,
}

impl Session {
    /// Of a visitor who came without one. Nothing is stored until something is written.
    pub fn none() -> Self {
        Self {
            data: Hash::default(),
            stored: None,
            outdated: false,
            written: false,
            renewed: false,
            place: None,
        }
    }

    /// As a store held it; `outdated` where it is to be stored anew in any case.
    pub fn stored(data: Hash, outdated: bool) -> Self {
        let data = data.with_string_keys();
        Self { stored: Some(data.clone()), data, outdated, ..Self::none() }
    }

    /// As Redis held it.
    fn in_redis(data: Hash, outdated: bool, place: Place) -> Self {
        Self { place: Some(place), ..Self::stored(data, outdated) }
    }

    /// Whether the visitor came with one.
    pub fn exists(&self) -> bool {
        self.stored.is_some()
    }

    /// `session[key]`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.data.get(key).filter(|it| **it != Value::Nil)
    }

    /// Every key and value, in the order in which they were written.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.data.pairs.iter().filter_map(|(key, value)| Some((key.as_str()?, value)))
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
        self.renewed = true;
        self.data = Hash::default();
    }

    /// `request.session_options[:renew] = true`: goes on under another id, and the old one ends.
    pub fn renew_id(&mut self) {
        self.renewed = true;
        self.data.remove(ID);
    }

    /// Its public id, once it has one.
    pub fn id(&self) -> Option<&str> {
        match &self.place {
            Some(place) if !self.renewed => Some(&place.id),
            _ => self.get(ID)?.as_str(),
        }
    }

    /// What it holds now, without what is nil, and whether that has to be stored. Rails stores each
    /// session that it has looked at; this one stays as it is unless something changed, so that of
    /// two requests at once the one that changed nothing does not undo what the other wrote.
    fn leaves(&self) -> (Hash, bool) {
        let mut data = self.data.clone();
        data.pairs.retain(|(_, value)| *value != Value::Nil);
        let due = match &self.stored {
            None => self.written,
            Some(stored) => self.outdated || self.renewed || *stored != data,
        };
        (data, due)
    }

    /// What a cookie is to hold, if it has to be sent: with an id, which is `id` where there is none
    /// yet.
    pub(super) fn to_store(&self, id: impl FnOnce() -> String) -> Option<Hash> {
        let (mut data, due) = self.leaves();
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

/// `SecureRandom.hex(16)`
fn new_id(random: &mut impl CryptoRng) -> String {
    let mut id = [0; 16];
    random.fill_bytes(&mut id);
    hex::encode(id)
}
