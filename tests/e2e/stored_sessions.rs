//! Sessions in Redis, as Rails' cache keeps them, are Rust's and Rails' alike: through Banyan, and
//! in the store itself.

use std::{net::TcpListener, sync::LazyLock, time::Duration};

use extracted::rails::{
    cache::Format,
    session::{Kept, RedisStore, Saved, Session, SessionCookie},
    value::Value,
};
use http::{HeaderMap, HeaderValue, Method, header::COOKIE};
use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use serde_json::Value as Json;
use tests::{
    banyan::{Proxy, Setup},
    shop::{Addresses, Puma},
};
use tokio::sync::OnceCell;

use crate::{
    flips::{answered, shopping, staged},
    sessions::{Browser, NAME, made_here, now, rails_takes},
    support::{another_puma_with, eventually, judged, metric, shop},
};

const PREFIX: &str = "sessions:_session_id:";
const DAY: u32 = 24 * 60 * 60;

const SESSION: &str = r#"
[[route]]
id    = "onboarding.session"
match = { method = "GET", path = "/api/session" }
stage = "STAGE"
"#;

/// Rails with its sessions in the busy shop's Redis. It stops when the process ends.
static RAILS: LazyLock<OnceCell<Puma>> = LazyLock::new(OnceCell::new);

async fn rails() -> &'static Puma {
    RAILS.get_or_init(|| another_puma_with(vec![("SHOP_SESSION_STORE", "cache")])).await
}

/// Where Banyan is told that the sessions are.
struct Place<'a> {
    redis: &'a str,
    prefix: &'a str,
}

async fn banyan(routes: String, shop: &Addresses, place: Place<'_>) -> Proxy {
    let (mut flags, day) = (shop.flags(), DAY.to_string());
    let more = [
        ["--session-store", "cache-6.1"],
        ["--session-redis", place.redis],
        ["--session-prefix", place.prefix],
        ["--session-expire-after", &day],
    ];
    flags.extend(more.as_flattened().iter().map(|it| (*it).to_owned()));
    let setup = Setup {
        monolith: rails().await.url.clone(),
        database: Some(shop.database_url.clone()),
        routes: Some(routes),
        flags,
        ..Setup::default()
    };
    Proxy::start(setup, extracted::all()).await.unwrap()
}

fn store(shop: &Addresses) -> RedisStore {
    let expire_after = Some(time::Duration::seconds(DAY.into()));
    let cookie = SessionCookie { expire_after, ..SessionCookie::new(NAME) };
    RedisStore::new(&shop.redis_url, cookie, PREFIX, Kept::Entry(Format::Rails61)).unwrap()
}

async fn redis(shop: &Addresses) -> MultiplexedConnection {
    let client = redis::Client::open(shop.redis_url.as_str()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// What a browser sends once it has got this session.
async fn kept(store: &RedisStore, session: &Session) -> String {
    let unsaved = store.save(session, now(), &mut rand::rng()).unwrap().unwrap();
    assert_eq!(unsaved.save().await.unwrap(), Saved::Kept);
    let field = unsaved.cookie().unwrap().to_str().unwrap();
    field.split(';').next().unwrap().to_owned()
}

fn fields(cookie: &str) -> HeaderMap {
    HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
}

/// Of a cookie: whether the shop's Redis knows its session, under whichever key.
async fn is_alive(shop: &Addresses, cookie: &str) -> bool {
    store(shop).load(&fields(cookie), now()).await.unwrap().exists()
}

#[tokio::test]
async fn an_entry_is_the_same_on_both_sides() {
    let (shop, url) = (shop().await, rails().await.url.clone());
    let store = store(&shop);
    let mut browser = Browser { url: url.clone(), cookie: None };
    let user = browser.sign_in().await;
    let read = store.load(&browser.fields(), now()).await.unwrap();
    assert_eq!(read.get("user_id"), Some(&Value::Integer(user)), "as Rails wrote it");

    let (session, token) = made_here(user);
    let mut browser = Browser { url, cookie: Some(kept(&store, &session).await) };
    rails_takes(&mut browser, user, &token, "in Redis").await;
}

#[tokio::test]
async fn what_another_request_did_meanwhile_is_not_undone() {
    let shop = shop().await;
    let store = store(&shop);
    let mut session = Session::none();
    session.set("cart_id", 1);
    let cookie = kept(&store, &session).await;
    let load = || async { store.load(&fields(&cookie), now()).await.unwrap() };

    let (only_looked, mut wrote) = (load().await, load().await);
    wrote.set("cart_id", 2);
    for session in [wrote, only_looked] {
        let _ = kept(&store, &session).await;
    }
    assert_eq!(load().await.get("cart_id"), Some(&Value::Integer(2)), "who only looked");

    let mut late = load().await;
    let mut signed_out = load().await;
    signed_out.reset();
    let _ = kept(&store, &signed_out).await;
    late.set("cart_id", 3);
    let unsaved = store.save(&late, now(), &mut rand::rng()).unwrap().unwrap();
    assert_eq!(unsaved.save().await.unwrap(), Saved::Ended);
    assert!(!load().await.exists(), "it has come back");
}

#[tokio::test]
async fn a_session_begun_at_rails_lives_on_in_rust_until_it_is_left() {
    let shop = shop().await;
    let proxy =
        banyan(staged(|| "extracted"), &shop, Place { redis: &shop.redis_url, prefix: PREFIX })
            .await;
    let mut browser = Browser { url: rails().await.url.clone(), cookie: None };
    browser.session().await;
    let visitor = browser.cookie.clone().unwrap();

    browser.url = proxy.url();
    let user = browser.sign_in().await;
    let signed_in = browser.cookie.clone().unwrap();
    assert_ne!(visitor, signed_in, "signing in renews the id");
    assert!(!is_alive(&shop, &visitor).await, "and the old one is dead");
    assert!(is_alive(&shop, &signed_in).await);
    let said = browser.session().await;
    assert_eq!(said["user"]["id"], user);
    // As Rails answers, over the same session.
    browser.url.clone_from(&rails().await.url);
    assert_eq!(browser.session().await["user"]["id"], user);

    browser.url = proxy.url();
    let token = browser.session().await["csrf_token"].as_str().unwrap().to_owned();
    let (status, body) = browser.ask(Method::DELETE, "/api/session", &token, &Json::Null).await;
    assert_eq!(status, 204, "{body}");
    assert!(!is_alive(&shop, &signed_in).await, "signing out ends it");
    browser.cookie = Some(signed_in);
    assert_eq!(browser.session().await["user"], Json::Null, "for all who know it");
    assert!(answered(&proxy, "extraction").await >= 4.0);
    assert!(metric(&proxy, "banyan_sessions_total{result=\"kept\"}").await >= 4.0);
    proxy.stop().await;
}

#[tokio::test]
async fn an_expired_session_is_none_and_the_monolith_begins_the_next() {
    let shop = shop().await;
    let proxy =
        banyan(staged(|| "extracted"), &shop, Place { redis: &shop.redis_url, prefix: PREFIX })
            .await;
    let mut browser = Browser { url: proxy.url(), cookie: None };
    browser.sign_in().await;
    let ended = browser.cookie.clone().unwrap();
    let mut session = store(&shop).load(&browser.fields(), now()).await.unwrap();
    session.set("user_id", Value::Nil);
    let mut brief = store(&shop);
    brief.cookie.expire_after = Some(time::Duration::milliseconds(1));
    let unsaved = brief.save(&session, now(), &mut rand::rng()).unwrap().unwrap();
    unsaved.save().await.unwrap();
    eventually("the end of the session", || async {
        (!is_alive(&shop, &ended).await).then_some(())
    })
    .await;
    assert_eq!(browser.session().await["user"], Json::Null);
    assert_ne!(browser.cookie.as_ref(), Some(&ended));
    let next = browser.cookie.clone().unwrap();
    browser.session().await;
    assert_eq!(browser.cookie.as_ref(), Some(&next), "which goes on");
    proxy.stop().await;
}

#[tokio::test]
async fn the_judge_leaves_nothing_in_redis() {
    let shop = shop().await;
    let mut redis = redis(&shop).await;
    for (stage, prefix, left) in [("shadow", "judged:", 0), ("extracted", "live:", 1)] {
        let place = Place { redis: &shop.redis_url, prefix };
        let proxy = banyan(SESSION.replace("STAGE", stage), &shop, place).await;
        let answer = reqwest::get(format!("{}/api/session", proxy.url())).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
        if stage == "shadow" {
            let report = judged(&proxy, "onboarding.session", 1).await;
            assert!(report.unknowns.is_empty(), "no answer of the handler: {:?}", report.unknowns);
        }
        let keys: Vec<String> = redis.keys(format!("{prefix}*")).await.unwrap();
        assert_eq!(keys.len(), left, "{stage}: {keys:?}");
        proxy.stop().await;
    }
}

#[tokio::test]
async fn the_judge_asks_redis_who_is_signed_in() {
    let shop = shop().await;
    let place = Place { redis: &shop.redis_url, prefix: PREFIX };
    let proxy = banyan(SESSION.replace("STAGE", "shadow"), &shop, place).await;
    let url = &rails().await.url;
    let mut visitor = Browser { url: url.clone(), cookie: None };
    let mut buyer = Browser { url: url.clone(), cookie: None };
    visitor.session().await;
    buyer.sign_in().await;
    for browser in [visitor, buyer] {
        let request = reqwest::Client::new().get(format!("{}/api/session", proxy.url()));
        let answer = request.headers(browser.fields()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
    }
    let report = judged(&proxy, "onboarding.session", 2).await;
    assert!(report.unknowns.is_empty(), "{:?}", report.unknowns);
    let kinds: Vec<_> = report.strata.iter().map(|it| it.stratum.as_str()).collect();
    assert_eq!(kinds, ["2xx signed-in application/json", "2xx signed-out application/json"]);
    proxy.stop().await;
}

#[tokio::test]
async fn without_its_redis_the_monolith_answers_and_nothing_is_lost() {
    let shop = shop().await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place { redis: &format!("redis://{nobody}/0"), prefix: PREFIX };
    let proxy = banyan(staged(|| "extracted"), &shop, place).await;
    let mut browser = Browser { url: rails().await.url.clone(), cookie: None };
    let user = browser.sign_in().await;
    browser.url = proxy.url();
    for _ in 0..3 {
        assert_eq!(browser.session().await["user"]["id"], user);
    }
    assert!(answered(&proxy, "extraction").await < 1.0);
    proxy.stop().await;
}

#[tokio::test]
async fn a_session_that_cannot_be_written_is_lost_and_the_answer_goes_out_once() {
    let shop = shop().await;
    // A user of Redis who may read, and no more.
    let mut admin = redis(&shop).await;
    let mut user = redis::cmd("ACL");
    user.arg(&["SETUSER", "reader", "on", ">secret", "~*", "+@read", "+@connection"]);
    let () = user.query_async(&mut admin).await.unwrap();
    let url = shop.redis_url.replacen("redis://", "redis://reader:secret@", 1);
    let place = Place { redis: &url, prefix: PREFIX };
    let proxy = banyan(staged(|| "extracted"), &shop, place).await;
    let mut browser = Browser { url: rails().await.url.clone(), cookie: None };
    browser.session().await;
    let visitor = browser.cookie.clone().unwrap();
    browser.url = proxy.url();
    browser.sign_in().await;
    assert!(metric(&proxy, "banyan_sessions_total{result=\"failed\"}").await >= 1.0);
    assert!(answered(&proxy, "monolith").await < 1.0, "nobody answers again");
    assert!(is_alive(&shop, &visitor).await);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_notice_nothing_when_their_sessions_are_in_redis() {
    let shop = shop().await;
    let proxy =
        banyan(staged(|| "extracted"), &shop, Place { redis: &shop.redis_url, prefix: PREFIX })
            .await;
    shopping(&proxy, 44, Duration::from_secs(15)).await;
    let (rust, rails) = (answered(&proxy, "extraction").await, answered(&proxy, "monolith").await);
    assert!(rust > 50.0 * rails, "Rust answered {rust}, and gave {rails} to Rails");
    assert!(metric(&proxy, "banyan_sessions_total{result=\"failed\"}").await < 1.0);
    proxy.stop().await;
}
