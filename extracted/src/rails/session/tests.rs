//! What is remembered, and when a cookie is sent.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use time::{Duration, OffsetDateTime, macros::datetime};

use super::*;
use crate::rails::{
    cookie::{CookieOptions, Encryption, SigningDigest},
    key_generator::{KeyDigest, KeyGenerator},
    serializer::Serializer,
};

const NOW: OffsetDateTime = datetime!(2026-11-28 22:00 UTC);

fn store() -> CookieStore {
    let options = CookieOptions {
        keys: KeyGenerator::new("0123456789abcdef".repeat(8), KeyDigest::Sha1),
        serializer: Serializer::Json,
        encryption: Encryption::Gcm,
        signing: SigningDigest::Sha1,
        metadata: true,
    };
    CookieStore::new(SessionCookie::new("_shop_session"), &options)
}

/// The fields of the next request of a browser that was sent this.
fn sent_back(store: &CookieStore, session: &Session) -> HeaderMap {
    let cookie = store.save(session, NOW, &mut rand::rng()).unwrap().unwrap();
    let field = cookie.to_header().unwrap();
    assert!(field.to_str().unwrap().ends_with("; path=/; HttpOnly; SameSite=Lax"), "{field:?}");
    let pair = field.to_str().unwrap().split(';').next().unwrap();
    HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(pair).unwrap())])
}

#[test]
fn what_is_written_is_there_at_the_next_request_and_is_not_sent_again() {
    let store = store();
    let mut session = store.load(&HeaderMap::new(), NOW).unwrap();
    assert_eq!(store.save(&session, NOW, &mut rand::rng()).unwrap(), None);
    session.set("user_id", 7);
    let fields = sent_back(&store, &session);
    let mut again = store.load(&fields, NOW).unwrap();
    assert_eq!(again.get("user_id"), Some(&Value::Integer(7)));
    assert_eq!(again.data.pairs[0].0.as_str(), Some(ID));
    assert_eq!(again.id().unwrap().len(), 32);
    assert_eq!(store.save(&again, NOW, &mut rand::rng()).unwrap(), None);
    again.set("user_id", 7);
    assert_eq!(store.save(&again, NOW, &mut rand::rng()).unwrap(), None, "the same again");
    again.set("flash", Value::Nil);
    assert_eq!(store.save(&again, NOW, &mut rand::rng()).unwrap(), None, "nil is not kept");
    again.set("user_id", 8);
    assert!(store.save(&again, NOW, &mut rand::rng()).unwrap().is_some());
}

#[test]
fn a_session_that_is_sent_again_unchanged_says_nothing() {
    let store = store();
    let mut session = Session::none();
    session.set("user_id", 7);
    let asked = sent_back(&store, &session);
    let mut session = store.load(&asked, NOW).unwrap();
    // As Rails sends it: encrypted anew.
    session.outdated = true;
    let set = |session: &Session, store: &CookieStore| {
        let cookie = store.save(session, NOW, &mut rand::rng()).unwrap().unwrap();
        cookie.to_header().unwrap()
    };
    let same = set(&session, &store);
    assert!(store.sends_again(&asked, &same, NOW));
    session.set("user_id", 8);
    assert!(!store.sends_again(&asked, &set(&session, &store), NOW), "another user");
    for other in ["_shop_session=; path=/", "_shop_session=x", "other=1", ""] {
        assert!(!store.sends_again(&asked, &HeaderValue::from_static(other), NOW), "{other}");
    }
    assert!(!store.sends_again(&HeaderMap::new(), &same, NOW), "it begins");
    let mut lasting = store.clone();
    lasting.cookie.expire_after = Some(Duration::HOUR);
    assert!(!lasting.sends_again(&asked, &same, NOW), "its end is put off");
}

#[test]
fn a_reset_leaves_nothing_but_another_id() {
    let store = store();
    let mut session = Session::none();
    session.set("user_id", 7);
    let mut session = store.load(&sent_back(&store, &session), NOW).unwrap();
    let before = session.id().unwrap().to_owned();
    session.reset();
    assert_eq!(session.id(), None);
    let after = store.load(&sent_back(&store, &session), NOW).unwrap();
    assert_eq!(after.data.pairs.len(), 1);
    assert_ne!(after.id().unwrap(), before);
}

#[test]
fn a_renewed_session_is_the_same_under_another_id() {
    let store = store();
    let mut session = Session::none();
    session.set("user_id", 7);
    let mut session = store.load(&sent_back(&store, &session), NOW).unwrap();
    let before = session.id().unwrap().to_owned();
    session.renew_id();
    let after = store.load(&sent_back(&store, &session), NOW).unwrap();
    assert_eq!(after.get("user_id"), Some(&Value::Integer(7)));
    assert_ne!(after.id().unwrap(), before);
}

#[test]
fn what_is_not_genuine_is_no_session() {
    let store = store();
    let mut session = Session::none();
    session.set("user_id", 7);
    let fields = sent_back(&store, &session);
    let cookie = fields[COOKIE].to_str().unwrap().to_owned();
    let other = cookie.replacen("_shop_session", "_other_session", 1);
    let tampered = cookie.replacen("_shop_session=", "_shop_session=A", 1);
    for text in [other.as_str(), &tampered, "_shop_session=", "_shop_session", ""] {
        let fields = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(text).unwrap())]);
        assert_eq!(store.load(&fields, NOW).unwrap(), Session::none(), "{text}");
    }
}

#[test]
fn a_session_that_expires_is_sent_each_time_and_not_read_after_it() {
    let mut store = store();
    store.cookie.expire_after = Some(Duration::HOUR);
    let mut session = Session::none();
    session.set("user_id", 7);
    let cookie = store.save(&session, NOW, &mut rand::rng()).unwrap().unwrap();
    let field = format!("{}={}", cookie.name, cookie.value.replace('+', "%2B"));
    let fields = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&field).unwrap())]);
    let session = store.load(&fields, NOW + Duration::MINUTE).unwrap();
    assert!(session.get("user_id").is_some());
    let again = store.save(&session, NOW + Duration::MINUTE, &mut rand::rng()).unwrap().unwrap();
    assert_eq!(again.expires, Some(NOW + Duration::MINUTE + Duration::HOUR));
    assert_eq!(store.load(&fields, NOW + Duration::hours(2)).unwrap(), Session::none());
}

#[test]
fn a_session_that_grew_beyond_a_cookie_is_an_error() {
    let mut session = Session::none();
    session.set("notes", "x".repeat(5000));
    let error = store().save(&session, NOW, &mut rand::rng()).unwrap_err();
    assert!(error.to_string().contains("4096"), "{error}");
}
