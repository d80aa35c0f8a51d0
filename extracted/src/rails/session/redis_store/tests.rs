//! Where a session is kept, and what becomes of it. That Rails reads it is proved in
//! `tests/e2e/stored_sessions.rs`.

use time::{Duration, macros::datetime};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-28 22:00 UTC);
const CACHE: Kept = Kept::Entry(cache::Format::Rails61);

fn store(kept: Kept, expire_after: Option<Duration>) -> RedisStore {
    let cookie = SessionCookie { expire_after, ..SessionCookie::new("_shop_session") };
    RedisStore::new("redis://127.0.0.1:1/0", cookie, "sessions:_session_id:", kept).unwrap()
}

/// As it is read again from what was written.
fn read(store: &RedisStore, id: &str, bytes: Vec<u8>) -> Session {
    let (data, outdated) = store.read(&bytes, NOW).unwrap().unwrap();
    Session::in_redis(data, outdated, Place { id: id.to_owned(), bytes })
}

fn change(store: &RedisStore, session: &Session) -> Option<Change> {
    store.change(session, NOW, &mut rand::rng()).unwrap()
}

/// A session that has been kept, with its id.
fn kept(store: &RedisStore) -> Session {
    let mut session = Session::none();
    session.set("user_id", 7);
    session.set("nothing", Value::Nil);
    let Some(Change::Begin { id, entry, ended: None, .. }) = change(store, &session) else {
        panic!("it begins")
    };
    read(store, &id, entry.bytes)
}

#[tokio::test]
async fn keys_are_those_of_rack() {
    let store = store(CACHE, None);
    // printf d3 | sha256sum
    let digest = "f451a61749c611ba0fa0e16c61831db44f38c611dff25879cf271a24c81a88b6";
    let [private, public] = store.keys("d3");
    assert_eq!(private, format!("sessions:_session_id:2::{digest}"));
    assert_eq!(public, "sessions:_session_id:d3");
}

#[test]
fn a_private_id_opens_no_session() {
    assert!(is_public("d3") && is_public(&"a".repeat(256)));
    let private = "2::f451a61749c611ba0fa0e16c61831db44f38c611dff25879cf271a24c81a88b6";
    assert!(!is_public(private) && !is_public(&"a".repeat(257)));
}

#[tokio::test]
async fn what_is_written_is_read_again_however_it_is_kept() {
    use cache::Format::{Rails61, Rails70, Rails71};
    let entries = [Rails61, Rails70, Rails71].map(Kept::Entry);
    let plain = [Serializer::Marshal, Serializer::Json, Serializer::Hybrid].map(Kept::Plain);
    for way in entries.into_iter().chain(plain) {
        let session = kept(&store(way, Some(Duration::HOUR)));
        assert_eq!(session.get("user_id"), Some(&Value::Integer(7)), "{way:?}");
        assert!(!session.has("nothing") && !session.has("session_id"), "{way:?}");
        assert_eq!(session.id().unwrap().len(), 32, "{way:?}");
        assert!(!session.outdated, "{way:?}");
    }
}

#[tokio::test]
async fn who_only_looks_changes_nothing_but_how_long_it_lives() {
    for (expire_after, lives_on) in [(None, false), (Some(Duration::HOUR), true)] {
        let store = store(CACHE, expire_after);
        assert_eq!(change(&store, &Session::none()), None, "no session");
        let session = kept(&store);
        let change = change(&store, &session);
        let held = session.place.unwrap().bytes;
        match change {
            None => assert!(!lives_on),
            Some(Change::Refresh { read, entry, .. }) => {
                assert!(lives_on && read == held && entry.lives == expire_after);
            }
            Some(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_change_is_written_where_the_session_is() {
    let store = store(CACHE, None);
    let mut session = kept(&store);
    session.set("user_id", 8);
    let Some(Change::Overwrite { id, keys, entry }) = change(&store, &session) else {
        panic!("it is overwritten")
    };
    assert_eq!((Some(id.as_str()), keys), (session.id(), store.keys(&id)));
    assert_eq!(read(&store, &id, entry.bytes).get("user_id"), Some(&Value::Integer(8)));
}

#[tokio::test]
async fn a_reset_and_a_renewal_end_the_id_that_was() {
    type Ends = fn(&mut Session);
    let store = store(CACHE, None);
    for (ends, user) in [(Session::reset as Ends, None), (Session::renew_id, Some(7))] {
        let mut session = kept(&store);
        let before = session.id().unwrap().to_owned();
        ends(&mut session);
        assert_eq!(session.id(), None);
        let Some(Change::Begin { id, key, entry, ended }) = change(&store, &session) else {
            panic!("it begins anew")
        };
        assert_ne!(id, before);
        assert_eq!((key, ended), (store.keys(&id)[0].clone(), Some(store.keys(&before))));
        let after = read(&store, &id, entry.bytes);
        assert_eq!(after.get("user_id").and_then(Value::as_integer), user);
    }
}

#[tokio::test]
async fn the_cookie_is_sent_where_the_id_is_new_or_its_end_moves() {
    for (expire_after, again) in [(None, false), (Some(Duration::HOUR), true)] {
        let store = store(Kept::Plain(Serializer::Marshal), expire_after);
        let mut session = Session::none();
        session.set("user_id", 7);
        let unsaved = store.save(&session, NOW, &mut rand::rng()).unwrap().unwrap();
        let field = unsaved.cookie().unwrap().to_str().unwrap().to_owned();
        assert!(field.starts_with("_shop_session=") && field.contains("; HttpOnly"), "{field}");
        let mut session = kept(&store);
        session.set("user_id", 8);
        let unsaved = store.save(&session, NOW, &mut rand::rng()).unwrap().unwrap();
        assert_eq!(unsaved.cookie().is_some(), again);
    }
}

#[tokio::test]
async fn an_entry_that_has_ended_or_holds_no_session_is_not_taken_for_one() {
    let store = store(CACHE, Some(Duration::HOUR));
    let entry = store.write(Hash::default(), NOW).unwrap().bytes;
    assert!(store.read(&entry, NOW + Duration::MINUTE).unwrap().is_some());
    assert!(store.read(&entry, NOW + Duration::HOUR).unwrap().is_none());
    let text = Stored::dump(&Value::Integer(7), cache::Format::Rails61, NOW, None);
    for bytes in [&b""[..], b"no entry", &text] {
        assert!(store.read(bytes, NOW).is_err(), "{bytes:?}");
    }
}
