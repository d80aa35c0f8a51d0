//! The extracted checkout in front of the real shop, at whose tables both sell.

use std::{
    collections::BTreeMap,
    io,
    ops::RangeInclusive,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use extracted::{purchasing::api_checkout::API_CHECKOUT, rails::database};
use reqwest::StatusCode;
use sqlx::{AssertSqlSafe, MySqlPool};
use tests::{
    banyan::{Proxy, Setup},
    shop::{Addresses, Puma, Shop},
};

use super::{
    books::Books,
    buyer::{Basket, Buyer, Told},
    redis_faults::FlakyRedis,
    saboteur::{Cut, Fault, Plan, Saboteur},
};
use crate::support::{eventually, forever, metric, shop};

const ROUTES: &str = r#"
[[route]]
id      = "purchasing.api_checkout"
match   = { method = "POST", path = "/api/checkout" }
stage   = "extracted"
breaker = { failures = 0 }
"#;

/// The shop behind a proxy whose handlers' way to the database leads through the saboteur. All but
/// the checkout is the monolith's.
pub(super) async fn proxy(shop: &Addresses, saboteur: &Saboteur) -> Proxy {
    let setup = Setup {
        monolith: shop.url.clone(),
        database: Some(saboteur.in_the_way_of(&shop.database_url)),
        routes: Some(ROUTES.to_owned()),
        flags: shop.flags(),
        ..Setup::default()
    };
    Proxy::start(setup, forever(vec![API_CHECKOUT])).await.unwrap()
}

/// How long buyers click: until every fault has happened, but no longer than minutes; or with
/// `FULL=1` ten of them.
#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of the proxy")]
fn patience() -> RangeInclusive<Duration> {
    let full = std::env::var("FULL").is_ok_and(|it| it == "1");
    let least = if full { Duration::from_mins(10) } else { Duration::ZERO };
    least..=least + Duration::from_mins(3)
}

/// Every statement of a transaction of so many, with every way to break there.
fn faults(statements: usize) -> Vec<Fault> {
    let cuts = |it| [Cut::Before, Cut::Lost, Cut::Half].map(|cut| (it, cut));
    (0..statements).flat_map(cuts).collect()
}

/// Buyers who click all at once, and what is done to them.
struct Rush {
    books: Books,
    saboteur: Saboteur,
    told: Mutex<BTreeMap<Basket, Told>>,
}

impl Rush {
    /// One click of a buyer's: fills a cart, pays, and remembers what was told.
    async fn click(&self, buyer: &Buyer, coupon: &str, number: u32) {
        let basket = self.books.basket(buyer.user, number);
        buyer.fill(&basket).await;
        buyer.redeem(coupon).await;
        let sold = buyer.buy().await;
        assert_eq!(self.told.lock().unwrap().insert(basket, sold), None);
    }

    /// Click after click, until all of it has happened.
    async fn click_on(self: Arc<Self>, buyer: Buyer, coupon: String, faults: Arc<[Fault]>) {
        let (begin, patience) = (Instant::now(), patience());
        let enough = || {
            let done = self.saboteur.done();
            let all = faults.iter().all(|it| done.contains_key(it));
            (all && begin.elapsed() > *patience.start()) || begin.elapsed() > *patience.end()
        };
        for number in 1.. {
            self.click(&buyer, &coupon, number).await;
            if enough() {
                break;
            }
        }
    }
}

/// Nobody works on its jobs, so that they can be counted; and its Puma has a thread for each of the
/// buyers, since those who meet a row that is held wait for it there.
fn shop_for_many() -> io::Result<(Shop, Puma)> {
    let shop = Shop::start_without_workers(&"c".repeat(128))?;
    let puma = shop.another_puma_with(&[("RAILS_MAX_THREADS", "16")])?;
    Ok((shop, puma))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_lost_or_made_twice_when_the_connection_dies_at_any_statement_of_a_checkout() {
    const BUYERS: u32 = 16;
    let (shop, puma) = tokio::task::spawn_blocking(shop_for_many).await.unwrap().unwrap();
    let flaky = FlakyRedis::before(&shop.addresses.redis_url).await;
    let (url, redis_url) = (puma.url.clone(), flaky.url());
    let seen = Addresses { url, redis_url, ..shop.addresses.clone() };
    let books = Books::open(&shop.addresses, BUYERS).await;
    let saboteur = Saboteur::before(&shop.addresses.database_url).await;
    let proxy = proxy(&seen, &saboteur).await;
    let rush = Arc::new(Rush { books, saboteur, told: Mutex::default() });

    let mut buyers = Vec::new();
    for number in 1..=BUYERS {
        buyers.push((Buyer::sign_in(&proxy.url(), number).await, Books::coupon(number)));
    }
    // A first order, in peace, shows what there is to break.
    rush.click(&buyers[0].0, &buyers[0].1, 0).await;
    let faults: Arc<[Fault]> = faults(rush.saboteur.length()).into();
    rush.saboteur.follow(Plan { faults: faults.to_vec(), lost_questions: 4, ..Plan::default() });
    let begin = Instant::now();
    let clicking = |(buyer, coupon)| Arc::clone(&rush).click_on(buyer, coupon, Arc::clone(&faults));
    let buyers: Vec<_> = buyers.into_iter().map(|it| tokio::spawn(clicking(it))).collect();
    for buyer in buyers {
        buyer.await.unwrap();
    }

    let (told, done) = (rush.told.lock().unwrap().clone(), rush.saboteur.done());
    rush.books.audit(&told).await;
    rush.books.audit_jobs(&shop.addresses.redis_url).await;
    outbox_is_empty(&rush.books.database).await;
    let missing: Vec<_> = faults.iter().filter(|it| !done.contains_key(it)).collect();
    assert!(missing.is_empty(), "what has not happened: {missing:?}");
    let outcome =
        async |it: &str| metric(&proxy, &format!("banyan_commits_total{{outcome=\"{it}\"}}")).await;
    let outcomes = [outcome("ok").await, outcome("found").await, outcome("undone").await];
    assert!(outcomes.iter().all(|it| *it > 0.0), "{outcomes:?}");
    println!(
        "{} orders and {} faults at {} statements in {:?}; ok/found/undone {outcomes:?}",
        told.len(),
        done.values().sum::<usize>(),
        faults.len() / 3,
        begin.elapsed()
    );
    proxy.stop().await;
}

async fn outbox_is_empty(database: &MySqlPool) {
    eventually("the outbox to be empty", || async {
        let waiting = "SELECT COUNT(*) FROM banyan_commits WHERE state = 1";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(database).await.unwrap();
        (waiting == 0).then_some(())
    })
    .await;
}

/// Nobody can find out here: the one connection is lost in COMMIT, and no other can be opened.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_found_out_is_an_honest_error_and_nothing_is_asked_again() {
    let shop = shop().await;
    let saboteur = Saboteur::before(&shop.database_url).await;
    let proxy = proxy(&shop, &saboteur).await;
    let database = database::pool(&shop.database_url, 2).unwrap();
    let buyer = Buyer::sign_in(&proxy.url(), 481).await;
    let last = "SELECT MAX(id) FROM orders";
    let last: i64 = sqlx::query_scalar(last).fetch_one(&database).await.unwrap();
    let orders = async |which: &str| {
        let sql = "SELECT COUNT(*) FROM orders WHERE id > ? AND user_id = ? AND ";
        let count = sqlx::query_scalar(AssertSqlSafe(format!("{sql}{which}")));
        let count: i64 = count.bind(last).bind(buyer.user).fetch_one(&database).await.unwrap();
        count
    };

    buyer.fill_with_anything(&database).await;
    buyer.buy().await;
    let commit = (saboteur.length() - 1, Cut::Lost);
    saboteur.follow(Plan { faults: vec![commit], alone_after_a_fault: true, ..Plan::default() });
    buyer.fill_with_anything(&database).await;
    let answer = buyer.click().await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["content-type"], "application/json; charset=utf-8");
    let error: serde_json::Value = answer.json().await.unwrap();
    assert!(error["error"].as_str().unwrap().contains("do not know"), "{error}");
    let unknown = metric(&proxy, "banyan_commits_total{outcome=\"unknown\"}").await;
    assert_eq!(unknown.to_string(), "1");
    assert_eq!(orders("TRUE").await, 2);

    // It had been committed: its job is in the transaction's row, and leaves when it can.
    saboteur.admit();
    eventually("the job to be swept up and done", || async {
        (orders("status = 1").await == 2).then_some(())
    })
    .await;
    assert_eq!(orders("TRUE").await, 2);
    proxy.stop().await;
}
