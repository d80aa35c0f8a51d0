//! Sessions of a recording are this run's sessions in a replay, wherever the monolith keeps them.

use proxy::replay::Conclusion;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use tests::{browser::Browser, shop::Addresses};

use crate::{
    replay::{Studio, recorded_with_noise, table},
    support::{another_puma_with, quiet_puma_with, quiet_shop, shop},
};

/// Signs in one of the seeds' buyers and puts a thing into the cart; returns how many of it are there.
async fn put_into_cart(browser: &Browser, buyer: &str, variant: i64) -> u64 {
    let (_, visitor) = browser.json("/api/session").await.unwrap();
    let token = visitor["csrf_token"].as_str().unwrap();
    let who = json!({ "email": buyer, "password": "correct horse" });
    let (_, session) = browser.send_json(Method::POST, "/api/session", token, &who).await.unwrap();
    let token = session["csrf_token"].as_str().unwrap();
    let line = json!({ "variant_id": variant, "quantity": 1 });
    let (status, cart) =
        browser.send_json(Method::POST, "/api/cart/lines", token, &line).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{cart}");
    quantity(&cart, variant)
}

fn quantity(cart: &Value, variant: i64) -> u64 {
    let lines = cart["lines"].as_array().unwrap();
    let line = lines.iter().find(|it| it["variant_id"] == json!(variant)).unwrap();
    line["quantity"].as_u64().unwrap()
}

/// What a buyer did in front of one shop, replayed against another, which knows neither its sessions
/// nor their tokens. Each of them has more settings.
async fn replayed_elsewhere(
    there: (Addresses, Vec<String>),
    here: (Addresses, Vec<String>),
    buyer: &str,
) {
    assert_ne!(there.0.secret_key_base, here.0.secret_key_base);
    let database = MySqlPool::connect(&here.0.database_url).await.unwrap();
    let variant: i64 =
        sqlx::query_scalar("SELECT id FROM variants WHERE stock > 5 ORDER BY id LIMIT 1")
            .fetch_one(&database)
            .await
            .unwrap();
    let mut studio = Studio::new(there.0, table(recorded_with_noise));
    studio.rails = there.1;
    let proxy = studio.proxy(extracted::all()).await;
    put_into_cart(&Browser::new(&proxy.url()), buyer, variant).await;
    proxy.stop().await;

    (studio.shop, studio.rails) = here;
    let browser = Browser::new(&studio.shop.url);
    let before = put_into_cart(&browser, buyer, variant).await;
    let unasked = studio.replay(&studio.recordings(), &[], extracted::all()).await.unwrap();
    assert_eq!(unasked.conclusion, Conclusion::Same, "{}", unasked.text);
    assert!(unasked.text.contains("2 skipped: writes, without --writes"), "{}", unasked.text);

    let flags = ["--writes", "--values"];
    let replayed = studio.replay(&studio.recordings(), &flags, extracted::all()).await.unwrap();
    assert_eq!(replayed.conclusion, Conclusion::Same, "{}", replayed.text);
    assert!(!replayed.text.contains("another status"), "{}", replayed.text);
    let (_, cart) = browser.json("/api/cart").await.unwrap();
    // The monolith did it once more, and the handler's was undone.
    assert_eq!(quantity(&cart, variant), before + 1, "{cart}");

    // At once, but for what one buyer did: none of it is a visitor's.
    let flags = ["--writes", "--values", "--rate", "1000"];
    let replayed = studio.replay(&studio.recordings(), &flags, extracted::all()).await.unwrap();
    assert_eq!(replayed.conclusion, Conclusion::Same, "{}", replayed.text);
    assert!(!replayed.text.contains("another status"), "{}", replayed.text);
    let (_, cart) = browser.json("/api/cart").await.unwrap();
    assert_eq!(quantity(&cart, variant), before + 2, "{cart}");
}

/// Nor does it know the secret that they are encrypted with.
#[tokio::test(flavor = "multi_thread")]
async fn writes_are_replayed_in_the_sessions_that_this_run_was_given() {
    let (there, here) = (shop().await, quiet_shop().await);
    replayed_elsewhere((there, Vec::new()), (here, Vec::new()), "buyer487@shop.test").await;
}

/// A cookie holds an id only, and the other shop's Redis has none of these.
#[tokio::test(flavor = "multi_thread")]
async fn writes_are_replayed_in_sessions_that_are_in_redis() {
    const STORE: [(&str, &str); 1] = [("SHOP_SESSION_STORE", "cache")];
    let in_redis = |shop: Addresses, url: &str| {
        let flags = [
            ["--session-store", "cache-6.1"],
            ["--session-redis", &shop.redis_url],
            ["--session-prefix", "sessions:_session_id:"],
            ["--session-expire-after", "86400"],
        ];
        let flags = flags.as_flattened().iter().map(|it| (*it).to_owned()).collect();
        (Addresses { url: url.to_owned(), ..shop }, flags)
    };
    let (there, here) = (another_puma_with(STORE.into()), quiet_puma_with(STORE.into()));
    let (there, here) = (there.await, here.await);
    let (there, here) =
        (in_redis(shop().await, &there.url), in_redis(quiet_shop().await, &here.url));
    replayed_elsewhere(there, here, "buyer486@shop.test").await;
}
