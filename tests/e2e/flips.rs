//! The whole buyers' run while routes go back and forth between Rails and Rust, and with all of them
//! on either side: carts, log-ins, flash messages and totals survive.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tests::{
    banyan::Proxy,
    browser::Browser,
    buyers::{Buyers, Tally, Until},
};
use tokio::time::interval;
use toml::Table;

use crate::support::{metric, proxy, routes, shop};

/// routes.toml with the stage that `stage` gives to each extraction's route.
pub(crate) fn staged(mut stage: impl FnMut() -> &'static str) -> String {
    let mut table: Table = routes().parse().unwrap();
    for route in table["route"].as_array_mut().unwrap() {
        let route = route.as_table_mut().unwrap();
        if extracted::all().iter().any(|it| route["id"].as_str() == Some(it.id)) {
            route.insert("stage".into(), stage().into());
            route.insert("sample".into(), "0%".into());
            route.insert("timeout".into(), "20s".into());
        }
    }
    table.remove("monolith");
    table.to_string()
}

/// Buyers shop for a while; who has a complaint fails the test.
pub(crate) async fn shopping(proxy: &Proxy, seed: u64, time: Duration) -> Tally {
    let buyers = Buyers { base: proxy.url(), at_once: 3, seed };
    let tally = buyers.run(Until::Elapsed(time)).await;
    assert_eq!(tally.complaints, [] as [String; 0]);
    assert!(tally.journeys > 0);
    tally
}

/// Requests that this side has answered, over all routes.
pub(crate) async fn answered(proxy: &Proxy, side: &str) -> f64 {
    let mut sum = 0.0;
    for extraction in extracted::all() {
        for class in ["2xx", "3xx", "4xx"] {
            let labels =
                format!("{{route=\"{}\",side=\"{side}\",status=\"{class}\"}}", extraction.id);
            sum += metric(proxy, &format!("banyan_requests_total{labels}")).await;
        }
    }
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_notice_nothing_when_all_is_extracted() {
    let proxy = proxy(shop().await, staged(|| "extracted"), extracted::all()).await;
    shopping(&proxy, 41, Duration::from_secs(20)).await;
    let (rust, rails) = (answered(&proxy, "extraction").await, answered(&proxy, "monolith").await);
    assert!(rust > 50.0 * rails, "Rust answered {rust}, and gave {rails} to Rails");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_notice_nothing_when_nothing_is_extracted() {
    let proxy = proxy(shop().await, staged(|| "monolith"), extracted::all()).await;
    shopping(&proxy, 42, Duration::from_secs(10)).await;
    assert!(answered(&proxy, "extraction").await < 1.0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_notice_nothing_while_routes_flip_every_second() {
    let proxy = proxy(shop().await, staged(|| "monolith"), extracted::all()).await;
    let done = Arc::new(AtomicBool::new(false));
    let (file, ended) = (proxy.route_file(), Arc::clone(&done));
    let flipping = tokio::spawn(async move {
        let mut random = StdRng::seed_from_u64(7);
        let mut second = interval(Duration::from_secs(1));
        while !ended.load(Ordering::Relaxed) {
            second.tick().await;
            let text = staged(|| if random.random() { "extracted" } else { "monolith" });
            // At once, so that nobody reads half of it.
            let new = file.with_extension("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, &file).unwrap();
        }
    });
    shopping(&proxy, 43, Duration::from_secs(30)).await;
    done.store(true, Ordering::Relaxed);
    flipping.await.unwrap();
    let (rust, rails) = (answered(&proxy, "extraction").await, answered(&proxy, "monolith").await);
    assert!(rust > 100.0 && rails > 100.0, "Rust answered {rust}, Rails {rails}");
    proxy.stop().await;
}

/// Somebody is shopping while Banyan is put in front, and again while it is taken away.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_rails_began_lives_on_in_rust_and_then_in_rails() {
    let shop = shop().await;
    let rails = Browser::new(&shop.url);
    let proxy = proxy(shop, staged(|| "extracted"), extracted::all()).await;
    let rust = rails.at(&proxy.url());

    let page = rails.visit("/products/3").await.unwrap();
    let fields = [("variant_id", "9"), ("quantity", "1")];
    let page = rust.submit(&page, "/cart/lines", &fields).await.unwrap();
    assert!(page.flash()[0].contains("is in your cart"), "{:?}", page.flash());
    let page = rust.visit("/login").await.unwrap();
    let fields = [("email", "buyer500@shop.test"), ("password", "correct horse")];
    let page = rails.submit(&page, "/login", &fields).await.unwrap();
    assert!(page.flash()[0].contains("Welcome back"), "{:?}", page.flash());

    let (_, session) = rust.json("/api/session").await.unwrap();
    assert_eq!(session["user"]["email"], "buyer500@shop.test");
    let (_, cart) = rust.json("/api/cart").await.unwrap();
    let lines = cart["lines"].as_array().unwrap();
    assert!(lines.iter().any(|it| it["variant_id"] == 9), "{cart}");
    let page = rust.visit("/cart").await.unwrap();
    let page = rails.submit(&page, "/logout", &[]).await.unwrap();
    assert!(page.flash()[0].contains("logged out"), "{:?}", page.flash());
    let (_, session) = rust.json("/api/session").await.unwrap();
    assert!(session["user"].is_null(), "{session}");
    let by_rust = answered(&proxy, "extraction").await;
    assert!(by_rust > 5.0, "Rust answered {by_rust}");
    proxy.stop().await;
}
