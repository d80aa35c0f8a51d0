//! What is extracted correctly shows no difference, however often it is compared: 3,000 requests, or
//! with `FULL=1` 100,000, of all kinds that a GET can be here, with the shop's noise on.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::join_all;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};
use shadow::Unknown;
use tests::banyan::Proxy;

use super::{
    shadowing::{shadowed, table},
    specimen::specimen,
};
use crate::{
    noise::COUNTED,
    support::{differences, eventually, judged, metric, proxy, quiet_shop},
};

/// Buyers at the same time: more than Puma's threads.
const BUYERS: u64 = 12;

/// Experiments that may wait for the judge, of a thousand.
const QUEUE: f64 = 200.0;

/// How often each of these is asked for, of a hundred times.
const KINDS: [(&str, u32); 13] = [
    ("catalog.browse", 4),
    ("catalog.home", 2),
    ("catalog.list", 23),
    ("catalog.product", 4),
    ("catalog.show", 40),
    ("cart.api_show", 6),
    ("cart.show", 3),
    ("notifications.api_list", 6),
    ("notifications.list", 2),
    ("onboarding.session", 4),
    ("purchasing.api_order", 3),
    ("purchasing.order", 2),
    ("purchasing.orders", 1),
];

#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of Banyan's")]
fn requests() -> u64 {
    if std::env::var("FULL").is_ok_and(|it| it == "1") { 100_000 } else { 3_000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn correct_extractions_never_differ_with_the_shops_noise_on() {
    specimen().await;
    let requests = requests();
    let routes = KINDS.iter().map(|(id, _)| shadowed(id)).collect();
    let proxy = proxy(quiet_shop().await, table(routes), extracted::all()).await;
    let (left, asked) = (AtomicU64::new(requests), Mutex::new(BTreeMap::new()));
    let buyers = (0..BUYERS).map(|number| {
        let (proxy, left, asked) = (&proxy, &left, &asked);
        async move {
            let (buyer, tokens) = Buyer::arrive(proxy.url(), number).await;
            *asked.lock().unwrap().entry("onboarding.session").or_insert(0) += tokens;
            let mut random = StdRng::seed_from_u64(number);
            let one_less = |it: u64| it.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                let kind = kind(random.random_range(0..100));
                buyer.ask(&target(kind, &mut random)).await;
                if random.random_ratio(1, 10) {
                    until_the_judge_follows(proxy).await;
                }
                *asked.lock().unwrap().entry(kind).or_insert(0) += 1;
            }
        }
    });
    join_all(buyers).await;
    let asked = asked.into_inner().unwrap();
    assert!(asked.values().sum::<u64>() >= requests, "{asked:?}");
    for (route, asked) in asked {
        let report = judged(&proxy, route, asked).await;
        let found = differences(&proxy, route).await;
        println!(
            "{route}: {asked} asked, {} matched, {} ignored, {} noise, {} mismatched, {:?}",
            report.matched, report.ignored, report.noise, report.mismatched, report.unknowns
        );
        assert!(found.is_empty() && report.mismatched == 0, "{route}: {found:#?}");
        // A view that another buyer counts between two answers is neither side's fault.
        let raced = report.unknowns.get(&Unknown::Raced).copied().unwrap_or_default();
        assert_eq!(report.compared() + raced, asked, "{route}: {:?}", report.unknowns);
        assert!(raced <= asked / 20, "{route}: {raced} of {asked} raced");
    }
    proxy.stop().await;
}

/// The judge yields to all else on the machine: a full queue would drop.
async fn until_the_judge_follows(proxy: &Proxy) {
    eventually("the judge to follow", || async {
        (metric(proxy, "banyan_shadow_queue_depth").await < QUEUE).then_some(())
    })
    .await;
}

fn kind(mut at: u32) -> &'static str {
    for (kind, share) in KINDS {
        if at < share {
            return kind;
        }
        at -= share;
    }
    unreachable!("the shares are a hundred");
}

fn target(kind: &str, random: &mut StdRng) -> String {
    let (page, sort) = (random.random_range(1..120), ["name", "price_asc", "price_desc", ""]);
    let listed = format!("page={page}&sort={}", sort[random.random_range(0..sort.len())]);
    let (mut product, order) = (random.random_range(1..2_600), random.random_range(1..2_100));
    if COUNTED.contains(&product) {
        product -= 100;
    }
    match kind {
        "catalog.browse" => format!("/products?{listed}"),
        "catalog.home" => "/".to_owned(),
        "catalog.list" => format!("/api/products?{listed}&per_page={}", random.random_range(1..25)),
        "catalog.product" => format!("/products/{product}"),
        "catalog.show" => format!("/api/products/{product}"),
        "cart.api_show" => "/api/cart".to_owned(),
        "cart.show" => "/cart".to_owned(),
        "notifications.api_list" => "/api/notifications".to_owned(),
        "notifications.list" => "/notifications".to_owned(),
        "onboarding.session" => "/api/session".to_owned(),
        "purchasing.api_order" => format!("/api/orders/{order}"),
        "purchasing.order" => format!("/orders/{order}"),
        "purchasing.orders" => "/orders".to_owned(),
        other => unreachable!("{other} is none of the kinds"),
    }
}

/// One of three: nobody, who keeps no cookie; a visitor with a cart; a user with orders.
struct Buyer {
    client: Client,
    base: String,
}

impl Buyer {
    /// And how often it had to ask for a token.
    async fn arrive(base: String, number: u64) -> (Self, u64) {
        let client =
            Client::builder().redirect(Policy::none()).cookie_store(!number.is_multiple_of(3));
        let buyer = Self { client: client.build().unwrap(), base };
        match number % 3 {
            0 => {}
            1 => {
                let token = buyer.token().await;
                let line = json!({ "variant_id": number * 7, "quantity": 1 });
                let status = buyer.post("/api/cart/lines", &token, &line).await;
                assert!(status == 201 || status == 422, "it is sold, or sold out: {status}");
            }
            _ => {
                let email = format!("buyer{number}@shop.test");
                let login = json!({ "email": email, "password": "correct horse" });
                let token = buyer.token().await;
                assert_eq!(buyer.post("/api/session", &token, &login).await, 201);
            }
        }
        (buyer, u64::from(!number.is_multiple_of(3)))
    }

    async fn token(&self) -> String {
        let url = format!("{}/api/session", self.base);
        let session: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        session["csrf_token"].as_str().unwrap().to_owned()
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> u16 {
        let request = self.client.request(Method::POST, format!("{}{path}", self.base));
        let response = request.header("X-CSRF-Token", token).json(body).send().await.unwrap();
        response.status().as_u16()
    }

    async fn ask(&self, target: &str) {
        let response = self.client.get(format!("{}{target}", self.base)).send().await.unwrap();
        assert!(response.status().as_u16() < 500, "{target}: {}", response.status());
        response.bytes().await.unwrap();
    }
}
