//! Sessions and tokens of a recording, in the place of which this run's come.

use std::time::Duration;

use extracted::Defaults;
use extracted::rails::{
    cookie::{Encryption, EncryptionKey},
    key_generator::{KeyDigest, KeyGenerator},
    serializer::Serializer,
    session::{CookieStore, SessionCookie},
};
use http::StatusCode;

use super::*;
use crate::downstream::Downstream;

const NAME: &str = "_shop_session";

fn store(secret: &str) -> CookieStore {
    let options = Defaults::of(6, 1).cookies(secret, Serializer::Json);
    CookieStore::new(SessionCookie::new(NAME), &options)
}

fn sessions(store: CookieStore) -> Sessions {
    let sessions = Some(Stored::Cookie(store));
    Sessions::new(Application { sessions, ..Application::default() })
}

/// The cookie of a session that holds a token of its own, as an answer sets it.
fn cookie(store: &CookieStore, token: &CsrfToken) -> String {
    let mut session = Session::none();
    let alphabet = extracted::rails::csrf::Alphabet::UrlSafe;
    session.set(CSRF, token.to_session(alphabet).as_str());
    let saved = store.save(&session, OffsetDateTime::now_utc(), &mut rand::rng());
    let field = saved.unwrap().unwrap().to_header().unwrap();
    field.to_str().unwrap().split(';').next().unwrap().to_owned()
}

pub(super) fn answer(cookie: &str) -> Observation {
    let line = HeaderValue::try_from(format!("{cookie}; path=/; HttpOnly")).unwrap();
    Observation {
        status: StatusCode::OK,
        headers: HeaderMap::from_iter([(SET_COOKIE, line)]),
        body: Bytes::new().into(),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    }
}

pub(super) fn asked(cookie: &str, body: &str) -> Exchange {
    Exchange {
        at: OffsetDateTime::now_utc(),
        route: "cart".into(),
        downstream: Downstream::known("::1".parse().unwrap(), false, false),
        method: http::Method::POST,
        target: "/cart".parse().unwrap(),
        headers: HeaderMap::from_iter([
            (COOKIE, HeaderValue::try_from(format!("a=1; {cookie}")).unwrap()),
            (CONTENT_LENGTH, HeaderValue::from(body.len())),
        ]),
        body: Bytes::copy_from_slice(body.as_bytes()),
        answer: None,
    }
}

fn token() -> CsrfToken {
    CsrfToken::generate(&mut rand::rng())
}

fn form(token: &CsrfToken) -> String {
    token.for_form(None, extracted::rails::csrf::Alphabet::UrlSafe, &mut rand::rng())
}

#[tokio::test]
async fn a_recorded_session_becomes_the_one_that_this_run_was_given() {
    let store = store("secret");
    let (recorded, now) = (token(), token());
    let (was, is) = (cookie(&store, &recorded), cookie(&store, &now));
    let sessions = sessions(store);
    let mut first = asked("b=2", "");
    first.answer = Some(answer(&was));
    sessions.translate(&mut first).await;
    assert_eq!(first.headers[COOKIE], "a=1; b=2", "nothing is known yet");
    sessions.learn(&first, &answer(&is));

    let sent = form(&recorded);
    let mut next = asked(&was, &format!("authenticity_token={sent}&id=1"));
    next.headers.insert(X_CSRF_TOKEN, sent.parse().unwrap());
    sessions.translate(&mut next).await;
    assert_eq!(next.headers[COOKIE], format!("a=1; {is}"));
    assert_eq!(next.headers[CONTENT_LENGTH], next.body.len().to_string());
    let body = str::from_utf8(&next.body).unwrap().to_owned();
    let brought = body.strip_prefix("authenticity_token=").unwrap();
    let brought = brought.strip_suffix("&id=1").unwrap();
    let cart = extracted::rails::csrf::Form { path: "/cart", method: "POST" };
    assert!(now.accepts(brought, cart, true) && !recorded.accepts(brought, cart, true));
    assert!(now.accepts(next.headers[X_CSRF_TOKEN].to_str().unwrap(), cart, true));

    let later = Sessions::new(sessions.application.clone());
    later.resume(sessions.aliases());
    let mut next = asked(&was, "");
    later.translate(&mut next).await;
    assert_eq!(next.headers[COOKIE], format!("a=1; {is}"), "after an interruption");
}

#[tokio::test]
async fn a_session_of_an_old_secret_is_encrypted_anew() {
    let old = store("old");
    let keys = KeyGenerator::new("old", KeyDigest::Sha1);
    let rotated = store("new").rotate(EncryptionKey::derive(&keys, Encryption::Gcm));
    let sessions = sessions(rotated);
    let mut exchange = asked(&cookie(&old, &token()), "");
    sessions.translate(&mut exchange).await;
    let read = |store: CookieStore| {
        let now = OffsetDateTime::now_utc();
        store.load(&exchange.headers, now).unwrap().exists()
    };
    assert!(read(store("new")) && !read(store("old")));
}

#[test]
fn tokens_are_found_in_every_kind_of_body_and_nothing_else_is() {
    let new = form(&token());
    let standard = "QUJD".repeat(21) + "QQ==";
    for (before, sent, behind) in [
        ("a=1&authenticity_token=", form(&token()), "&b=2"),
        ("authenticity_token=", standard.replace('=', "%3D"), ""),
        ("{\"authenticity_token\":\"", standard, "\",\"a\":1}"),
        ("--x\r\nname=\"authenticity_token\"\r\n\r\n", form(&token()), "\r\n--x--"),
    ] {
        let body = with_token(format!("{before}{sent}{behind}").as_bytes(), &new).unwrap();
        assert_eq!(str::from_utf8(&body).unwrap(), format!("{before}{new}{behind}"));
    }
    for body in ["", "a=1", "authenticity_token", "authenticity_token=", "authenticity_token=x&b"] {
        assert_eq!(with_token(body.as_bytes(), &new), None, "{body}");
    }
}
