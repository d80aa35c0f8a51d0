//! Who is signed in, where Devise keeps it: Warden's members of the session, and the remember cookie.
//!
//! Source: warden 1.2.8, `proxy.rb` and `session_serializer.rb`; devise 4.8.1,
//! `models/authenticatable.rb`, `models/rememberable.rb`, `hooks/timeoutable.rb`, `hooks/csrf_cleaner.rb`.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use time::{Duration, OffsetDateTime};

use super::{
    job::seconds,
    json::float_to_s,
    session::Session,
    value::{Hash, Value},
};

const LAST_REQUEST_AT: &str = "last_request_at";

/// A scope's member holds what is not read here: an older Devise's time, another application's key.
/// The request is the monolith's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session or the remember cookie holds what only Devise reads")]
pub struct Unclear;

/// Whom a session or a remember cookie names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<'a> {
    /// The record's id.
    pub id: i64,
    /// `authenticatable_salt`, or the remember cookie's token.
    pub salt: Option<&'a str>,
}

impl Named<'_> {
    /// `serialize_from_session`: the record counts only while its salt is this one, so that a changed
    /// password signs out everywhere.
    pub fn is_still(&self, authenticatable_salt: Option<&str>) -> bool {
        match (self.salt, authenticatable_salt) {
            (Some(one), Some(other)) => same(one, other),
            (one, other) => one == other,
        }
    }
}

/// Whom the session names in this scope, which is `user` mostly. Nobody: `None`.
///
/// # Errors
/// [`Unclear`] when the key is not Devise's, or its id no integer.
pub fn user<'a>(session: &'a Session, scope: &str) -> Result<Option<Named<'a>>, Unclear> {
    session.get(&member(scope, "key")).filter(|it| it.is_truthy()).map(named).transpose()
}

/// `sign_in`: names the record, takes the forms' token away, and asks for another session id.
pub fn sign_in(session: &mut Session, scope: &str, id: i64, authenticatable_salt: Option<&str>) {
    let salt = authenticatable_salt.map_or(Value::Nil, Value::from);
    let key = vec![Value::Array(vec![Value::Integer(id)]), salt];
    session.set(&member(scope, "key"), Value::Array(key));
    session.remove("_csrf_token");
    session.renew_id();
}

/// `warden.logout(scope)`. Devise's `sign_out_all_scopes`, which is its default, resets the session
/// instead.
pub fn sign_out(session: &mut Session, scope: &str) {
    session.remove(&member(scope, "session"));
    session.remove(&member(scope, "key"));
}

/// `:timeoutable`, `timedout?`: whether the last request is that long ago. Never without one.
///
/// # Errors
/// [`Unclear`] when the time is no number.
pub fn is_timed_out(
    session: &Session,
    scope: &str,
    timeout_in: Duration,
    now: OffsetDateTime,
) -> Result<bool, Unclear> {
    let last = session.get(&member(scope, "session")).and_then(|it| it.get(LAST_REQUEST_AT));
    match last {
        None | Some(Value::Nil) => Ok(false),
        Some(Value::Integer(last)) => {
            let last = OffsetDateTime::from_unix_timestamp(*last).map_err(|_| Unclear)?;
            Ok(last <= now - timeout_in)
        }
        Some(_) => Err(Unclear),
    }
}

/// `:timeoutable`: what each request of who is signed in leaves. Without it a buyer whom only Rust
/// answers would time out.
pub fn touch(session: &mut Session, scope: &str, now: OffsetDateTime) {
    let name = member(scope, "session");
    let mut kept = match session.get(&name) {
        Some(Value::Hash(kept)) => kept.clone(),
        _ => Hash::default(),
    };
    kept.set(LAST_REQUEST_AT, now.unix_timestamp());
    session.set(&name, kept);
}

/// The name of the signed cookie: `remember_user_token`.
pub fn remember_cookie(scope: &str) -> String {
    format!("remember_{scope}_token")
}

/// `serialize_into_cookie`: what the signed cookie holds. `token` is the record's `remember_token`, or
/// its salt where it has none. The cookie is `HttpOnly` and expires after `remember_for`.
pub fn remember(id: i64, token: &str, now: OffsetDateTime) -> Value {
    let id = Value::Array(vec![Value::Integer(id)]);
    Value::Array(vec![id, token.into(), float_to_s(seconds(now)).into()])
}

/// What makes a remember cookie good.
#[derive(Debug, Clone, Copy)]
pub struct Remembering<'a> {
    /// `remember_for`: two weeks when nothing is set.
    pub remember_for: Duration,
    /// The record's `remember_created_at`: cookies from before it are void.
    pub created_at: Option<OffsetDateTime>,
    /// The record's `remember_token` or salt.
    pub token: &'a str,
}

/// Whom a remember cookie's value names.
///
/// # Errors
/// [`Unclear`] when it is not Devise's.
pub fn remembered(cookie: &Value) -> Result<Named<'_>, Unclear> {
    named(cookie)
}

impl Remembering<'_> {
    /// `remember_me?`: whether the cookie's value is good for this record.
    ///
    /// # Errors
    /// [`Unclear`] when its time is not a number in a text, as old versions wrote it.
    pub fn accepts(&self, cookie: &Value, now: OffsetDateTime) -> Result<bool, Unclear> {
        let Some([_, token, at, ..]) = cookie.as_array() else { return Err(Unclear) };
        let generated_at = at.as_str().and_then(unix_time).ok_or(Unclear)?;
        let Some(token) = token.as_str() else { return Err(Unclear) };
        // Blank is never equal.
        let known = !self.token.trim().is_empty() && same(self.token, token);
        let fresh = now - self.remember_for < generated_at;
        Ok(known && fresh && generated_at > self.created_at.unwrap_or(now))
    }
}

fn member(scope: &str, what: &str) -> String {
    format!("warden.user.{scope}.{what}")
}

/// `[[id], salt, …]`
fn named(value: &Value) -> Result<Named<'_>, Unclear> {
    let Some([key, salt, ..]) = value.as_array() else { return Err(Unclear) };
    let Some([Value::Integer(id)]) = key.as_array() else { return Err(Unclear) };
    let salt = match salt {
        Value::Nil => None,
        other => Some(other.as_str().ok_or(Unclear)?),
    };
    Ok(Named { id: *id, salt })
}

/// `/\A\d+\.\d+\Z/`, to the microsecond, which is as far as such a float goes.
fn unix_time(text: &str) -> Option<OffsetDateTime> {
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let (whole, fraction) = text.split_once('.')?;
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let whole = OffsetDateTime::from_unix_timestamp(whole.parse().ok()?).ok()?;
    Some(whole + Duration::microseconds(micros))
}

fn same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-28 22:00:00.25 UTC);
    const SALT: &str = "$2a$04$abcdefghijklmnopqrstuu";

    fn of(json: &str) -> Session {
        let Value::Hash(hash) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
        Session::stored(hash, false)
    }

    #[test]
    fn who_signs_in_is_named_until_the_password_changes() {
        let mut session = of(r#"{"session_id":"a","_csrf_token":"b","cart_id":1}"#);
        assert_eq!(user(&session, "user"), Ok(None));
        sign_in(&mut session, "user", 7, Some(SALT));
        let stored =
            serde_json::to_string(&session.to_store(|| "c".to_owned()).map(Value::Hash)).unwrap();
        assert_eq!(
            stored,
            r#"{"session_id":"c","cart_id":1,"warden.user.user.key":[[7],"$2a$04$abcdefghijklmnopqrstuu"]}"#
        );
        let named = user(&session, "user").unwrap().unwrap();
        assert_eq!(named.id, 7);
        for (salt, still) in [(Some(SALT), true), (Some("$2a$04$other"), false), (None, false)] {
            assert_eq!(named.is_still(salt), still, "{salt:?}");
        }
        assert_eq!(user(&session, "admin"), Ok(None), "another scope");
        touch(&mut session, "user", NOW);
        sign_out(&mut session, "user");
        assert_eq!(user(&session, "user"), Ok(None));
        assert!(!session.has("warden.user.user.session"));
    }

    #[test]
    fn a_key_that_is_not_devises_is_unclear() {
        for key in
            ["7", r#"[7,"salt"]"#, r#"[["uuid"],"salt"]"#, "[[7]]", "[[7],1]", "[[1,2],null]"]
        {
            let session = of(&format!(r#"{{"warden.user.user.key":{key}}}"#));
            assert_eq!(user(&session, "user"), Err(Unclear), "{key}");
        }
        let session = of(r#"{"warden.user.user.key":[[7],null]}"#);
        let named = user(&session, "user").unwrap().unwrap();
        assert!(named.is_still(None) && !named.is_still(Some("")));
    }

    #[test]
    fn who_asks_in_time_goes_on() {
        let mut session = of(r#"{"warden.user.user.session":{"a":1,"last_request_at":5}}"#);
        let timed_out = |session: &Session, after| {
            is_timed_out(session, "user", Duration::minutes(30), NOW + after).unwrap()
        };
        assert!(timed_out(&session, Duration::ZERO));
        touch(&mut session, "user", NOW);
        let kept = session.get("warden.user.user.session").unwrap();
        assert_eq!(kept.get("last_request_at"), Some(&Value::Integer(NOW.unix_timestamp())));
        assert_eq!(kept.get("a"), Some(&Value::Integer(1)), "what else is there stays");
        assert!(!timed_out(&session, Duration::minutes(29)));
        assert!(timed_out(&session, Duration::minutes(30)));
        assert!(!timed_out(&of("{}"), Duration::ZERO), "no request before");
        let old = of(r#"{"warden.user.user.session":{"last_request_at":"2026-11-28"}}"#);
        assert_eq!(is_timed_out(&old, "user", Duration::HOUR, NOW), Err(Unclear));
    }

    #[test]
    fn a_remember_cookie_is_good_for_its_time_and_token() {
        let cookie = remember(7, SALT, NOW);
        // As Ruby's to_f has it of this moment.
        assert_eq!(
            serde_json::to_string(&cookie).unwrap(),
            format!(r#"[[7],"{SALT}","1795903200.2499998"]"#)
        );
        assert_eq!(remembered(&cookie).unwrap(), Named { id: 7, salt: Some(SALT) });
        let good = Remembering {
            remember_for: Duration::weeks(2),
            created_at: Some(NOW - Duration::SECOND),
            token: SALT,
        };
        let at = |record: Remembering<'_>, after| record.accepts(&cookie, NOW + after).unwrap();
        assert!(at(good, Duration::days(13)));
        assert!(!at(good, Duration::weeks(2)), "too old");
        assert!(!at(Remembering { token: "other", ..good }, Duration::DAY));
        assert!(!at(Remembering { created_at: Some(NOW), ..good }, Duration::DAY), "from before");
        assert!(!at(Remembering { created_at: None, ..good }, Duration::DAY), "never remembered");
        let blank = remember(7, "", NOW);
        let nobody = Remembering { token: "", ..good };
        assert!(!nobody.accepts(&blank, NOW).unwrap());
        for text in [r#"[[7],"t","yesterday"]"#, r#"[[7],"t"]"#, r#"[[7],"t","1."]"#, "7"] {
            let cookie: Value = serde_json::from_str(text).unwrap();
            assert_eq!(good.accepts(&cookie, NOW), Err(Unclear), "{text}");
        }
    }
}
