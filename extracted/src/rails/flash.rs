//! The flash: a message for the next page, and for that one only.
//!
//! Source: actionpack 6.1, `middleware/flash.rb`.

use super::{
    session::Session,
    value::{Hash, Value},
};

const KEY: &str = "flash";

/// `flash`. An action that asks for it shows, or throws away, what the last one left.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flash {
    /// Each with whether it is gone after this request.
    messages: Vec<(String, Value, bool)>,
}

impl Flash {
    /// What the last request left.
    pub fn load(session: &Session) -> Self {
        let Some(Value::Hash(stored)) = session.get(KEY) else { return Self::default() };
        let shown: Vec<&str> = match stored.get("discard").and_then(Value::as_array) {
            Some(names) => names.iter().filter_map(Value::as_str).collect(),
            None => Vec::new(),
        };
        let messages = stored.get("flashes").and_then(Value::as_hash);
        let messages =
            messages.into_iter().flat_map(|it| &it.pairs).filter_map(|(name, message)| {
                let name = name.as_str().filter(|it| !shown.contains(it))?;
                Some((name.to_owned(), message.clone(), true))
            });
        Self { messages: messages.collect() }
    }

    /// `flash[name] = message`: for the next page.
    pub fn set(&mut self, name: &str, message: impl Into<Value>) {
        self.put(name, message.into(), false);
    }

    /// `flash.now[name] = message`: for the page that is being made.
    pub fn now(&mut self, name: &str, message: impl Into<Value>) {
        self.put(name, message.into(), true);
    }

    fn put(&mut self, name: &str, message: Value, shown: bool) {
        match self.messages.iter_mut().find(|it| it.0 == name) {
            Some(before) => (before.1, before.2) = (message, shown),
            None => self.messages.push((name.to_owned(), message, shown)),
        }
    }

    /// Names and messages, in order: those that are text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.messages.iter().filter_map(|it| Some((it.0.as_str(), it.1.as_str()?)))
    }

    /// `commit_flash`: leaves in the session what the next page is to show.
    pub fn commit(self, session: &mut Session) {
        if self.messages.is_empty() && !session.has(KEY) {
            return;
        }
        let kept: Hash = self.messages.iter().filter(|it| !it.2).fold(
            Hash::default(),
            |mut kept, (name, message, _)| {
                kept.set(name, message.clone());
                kept
            },
        );
        if kept.pairs.is_empty() {
            session.remove(KEY);
            return;
        }
        let mut flash = Hash::default();
        flash.set("discard", Vec::new());
        flash.set("flashes", kept);
        session.set(KEY, flash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(json: &str) -> Session {
        let Value::Hash(hash) = serde_json::from_str(json).unwrap() else { unreachable!() };
        Session::stored(hash, false)
    }

    fn shown(flash: &Flash) -> Vec<(&str, &str)> {
        flash.iter().collect()
    }

    fn stored(session: &Session) -> Option<String> {
        session.get(KEY).map(|it| serde_json::to_string(it).unwrap())
    }

    #[test]
    fn a_message_is_shown_once() {
        let mut session = Session::none();
        let mut flash = Flash::load(&session);
        flash.set("notice", "Hello");
        flash.commit(&mut session);
        let written = r#"{"discard":[],"flashes":{"notice":"Hello"}}"#;
        assert_eq!(stored(&session).as_deref(), Some(written));
        let flash = Flash::load(&session);
        assert_eq!(shown(&flash), [("notice", "Hello")]);
        flash.commit(&mut session);
        assert!(!session.has(KEY));
    }

    #[test]
    fn a_message_for_now_is_not_kept_and_one_for_then_takes_its_place() {
        let mut session = session(r#"{"flash":{"discard":[],"flashes":{"notice":"old"}}}"#);
        let mut flash = Flash::load(&session);
        flash.now("alert", "Wrong");
        assert_eq!(shown(&flash), [("notice", "old"), ("alert", "Wrong")]);
        flash.set("notice", "new");
        flash.commit(&mut session);
        let written = r#"{"discard":[],"flashes":{"notice":"new"}}"#;
        assert_eq!(stored(&session).as_deref(), Some(written));
    }

    #[test]
    fn what_was_discarded_or_is_malformed_is_not_shown() {
        for json in [
            r#"{"flash":{"discard":["notice"],"flashes":{"notice":"old"}}}"#,
            r#"{"flash":{"discard":[]}}"#,
            r#"{"flash":"text"}"#,
            r#"{"flash":{"flashes":[1]}}"#,
            "{}",
        ] {
            assert_eq!(Flash::load(&session(json)), Flash::default(), "{json}");
        }
    }

    #[test]
    fn who_never_had_a_flash_gets_none() {
        let mut session = Session::none();
        Flash::load(&session).commit(&mut session);
        assert_eq!(session, Session::none());
    }
}
