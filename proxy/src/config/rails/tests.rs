//! What the flags of the monolith's settings come to.

use clap::Parser as _;

use extracted::rails::{cookie::CookieOptions, session::Session};

use super::*;
use crate::config::{Cli, Command};

fn rails(flags: &[&str]) -> Rails {
    let flags = ["banyan", "serve"].iter().chain(flags);
    let Command::Serve(serve) = Cli::try_parse_from(flags).unwrap().command else {
        panic!("not serve")
    };
    serve.rails
}

#[test]
fn sessions_need_a_secret_and_a_name() {
    assert!(rails(&[]).application().unwrap().sessions.is_none());
    let secret = ["--secret-key-base", "0123"];
    assert!(matches!(rails(&secret).application(), Err(RailsError::NoCookie)));
    let both = [&secret[..], &["--session-cookie", "_shop_session"]].concat();
    let sessions = rails(&both).application().unwrap().sessions.unwrap();
    assert_eq!(sessions.cookie().name, "_shop_session");
    let empty = ["--secret-key-base", "", "--session-cookie", "_shop_session"];
    assert!(matches!(rails(&empty).application(), Err(RailsError::Empty)));
}

#[tokio::test]
async fn sessions_in_redis_need_its_address_and_a_name_but_no_secret() {
    let faults = |flags: &[&str]| rails(flags).application().unwrap_err();
    let (store, cookie) = (["--session-store", "cache-6.1"], ["--session-cookie", "_s"]);
    let url = ["--session-redis", "redis://127.0.0.1:1/0"];
    let and = |flags: &[[&'static str; 2]]| flags.as_flattened().to_vec();
    assert!(matches!(faults(&and(&[store, cookie])), RailsError::NoRedis));
    assert!(matches!(faults(&and(&[store, url])), RailsError::NoCookie));
    assert!(matches!(faults(&and(&[cookie, url])), RailsError::NotInRedis));
    let wrong = ["--session-redis", "127.0.0.1"];
    assert!(matches!(faults(&and(&[store, cookie, wrong])), RailsError::Redis(_)));

    for (given, prefix) in [
        (vec![store], "_session_id:"),
        (vec![["--session-store", "redis-json"]], "rack:session:"),
        (vec![store, ["--session-prefix", "shop:"]], "shop:"),
    ] {
        let flags = and(&[&given[..], &[cookie, url]].concat());
        let sessions = rails(&flags).application().unwrap().sessions.unwrap();
        let Sessions::Redis(store) = sessions else { panic!("not in Redis") };
        assert_eq!(store.prefix, prefix);
    }
}

#[test]
fn cookies_of_old_secrets_and_of_an_old_digest_are_still_read() {
    let old = tempfile::NamedTempFile::new().unwrap();
    fs::write(old.path(), "old\n").unwrap();
    let flags = [
        ["--secret-key-base", "new"],
        ["--session-cookie", "_shop_session"],
        ["--old-secret-key-base-file", old.path().to_str().unwrap()],
        ["--rails-defaults", "7.0"],
    ];
    let store = |flags: &[&str]| match rails(flags).application().unwrap().sessions {
        Some(Sessions::Cookie(store)) => store,
        other => panic!("{other:?}"),
    };
    let now = time::OffsetDateTime::now_utc();
    let mut headers = http::HeaderMap::new();
    let mut reads = |flags: &[&str], secret: &str, digest| {
        let keys = KeyGenerator::new(secret, digest);
        let options =
            CookieOptions { keys, ..Defaults::of(7, 0).cookies(secret, Serializer::Json) };
        let maker = CookieStore::new(SessionCookie::new("_shop_session"), &options);
        let mut session = Session::none();
        session.set("user_id", 7);
        let made = maker.save(&session, now, &mut rand::rng()).unwrap().unwrap();
        let field = made.to_header().unwrap();
        let pair = field.to_str().unwrap().split(';').next().unwrap().to_owned();
        headers.insert(http::header::COOKIE, pair.parse().unwrap());
        store(flags).load(&headers, now).unwrap().exists()
    };
    let flags = flags.as_flattened();
    assert!(reads(flags, "new", KeyDigest::Sha256) && reads(flags, "old", KeyDigest::Sha256));
    assert!(!reads(flags, "new", KeyDigest::Sha1) && !reads(flags, "other", KeyDigest::Sha256));
    let both = [flags, &["--sha1-cookies"]].concat();
    assert!(reads(&both, "new", KeyDigest::Sha1) && reads(&both, "old", KeyDigest::Sha1));
}

#[test]
fn a_secret_in_a_file_is_read_without_its_line_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "0123\n").unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(rails(&["--secret-key-base-file", path]).secret().unwrap().unwrap(), "0123");
    let error = rails(&["--secret-key-base-file", "/nowhere"]).secret().unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
}

#[test]
fn a_version_is_two_numbers_or_none() {
    assert_eq!("7.0".parse(), Ok(Version(Defaults::of(7, 0))));
    assert_eq!("none".parse(), Ok(Version(Defaults::NONE)));
    for text in ["", "7", "7.0.1", "seven", "-1.0"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
}
