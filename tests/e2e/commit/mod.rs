//! Writes that are extracted, while the database's connection is killed at every statement: no click
//! is sold twice, no order that a buyer was told of is lost, and everything adds up.

mod bodies;
mod ledger;
mod misbehaving;
mod monolith;
mod redis_faults;
mod saboteur;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use extracted::{Effects, Extraction, Reply};
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Method};
use tests::{
    banyan::{Proxy, Setup},
    shop::Addresses,
};

use self::{
    ledger::{BUY, Click, ITEMS, Ledger, QUEUE, STEPS, Sold},
    monolith::Monolith,
    redis_faults::FlakyRedis,
    saboteur::{Cut, Fault, Plan, Saboteur},
};
use crate::support::{eventually, forever, metric, quiet_shop, shop};

const ROUTES: &str = r#"
[[route]]
id      = "ledger.buy"
match   = { method = "POST", path = "/orders" }
stage   = "extracted"
timeout = "5s"
breaker = { failures = 0 }
"#;

/// The database's URL, through the saboteur.
fn through(saboteur: &Saboteur, database: &str) -> String {
    let (credentials, rest) = database.rsplit_once('@').unwrap();
    let (_, name) = rest.split_once('/').unwrap();
    format!("{credentials}@{}/{name}", saboteur.address)
}

fn server(database: &str) -> &str {
    database.rsplit_once('@').unwrap().1.split_once('/').unwrap().0
}

async fn selling_monolith(ledger: &Ledger) -> Monolith {
    let ledger = ledger.clone();
    Monolith::answering(move |body| {
        let ledger = ledger.clone();
        async move {
            let click: Click = serde_json::from_slice(&body).unwrap();
            serde_json::to_vec(&ledger.sell(&click).await).unwrap()
        }
    })
    .await
}

async fn proxy(monolith: &Monolith, database: String, redis: String) -> Proxy {
    let setup = Setup {
        monolith: monolith.url(),
        database: Some(database),
        routes: Some(ROUTES.to_owned()),
        flags: vec!["--redis".to_owned(), redis],
        ..Setup::default()
    };
    Proxy::start(setup, forever(vec![BUY])).await.unwrap()
}

/// How long buyers click: a while, or with `FULL=1` ten minutes.
#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of the proxy")]
fn patience() -> Duration {
    let full = std::env::var("FULL").is_ok_and(|it| it == "1");
    if full { Duration::from_mins(10) } else { Duration::from_secs(20) }
}

/// Every statement with every way to break there. The one that leaves the server in the dark holds
/// its rows for a second, and so comes up less often.
fn faults() -> Vec<Fault> {
    let everywhere =
        (0..2 * STEPS).map(|it| (it / 2, if it % 2 == 0 { Cut::Before } else { Cut::Lost }));
    let often = everywhere.cycle().take(4 * 2 * STEPS);
    often.chain([(STEPS - 1, Cut::Half)]).collect()
}

type Told = Arc<Mutex<BTreeMap<String, Sold>>>;

/// One buyer after another clicks once, and remembers what they were told.
async fn click_on(url: String, buyer: u32, stop: Arc<AtomicBool>, told: Told) {
    let client = Client::new();
    let mut number = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let click =
            Click { click: format!("{buyer}-{number}"), item: (number * 7 + buyer) % ITEMS };
        let answer = client.post(&url).json(&click).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "{click:?}: {}", answer.status());
        let sold: Sold = answer.json().await.unwrap();
        told.lock().unwrap().insert(click.click, sold);
    }
}

/// The payloads in the queue.
async fn jobs(redis: &str) -> Vec<String> {
    let client = redis::Client::open(redis).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("queue:{QUEUE}");
    redis::cmd("LRANGE").arg(key).arg(0).arg(-1).query_async(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sale_is_lost_or_made_twice_when_the_connection_dies_at_any_statement() {
    const BUYERS: u32 = 16;
    let Addresses { database_url, redis_url, .. } = shop().await;
    let ledger = Ledger::create(&database_url).await;
    let monolith = selling_monolith(&ledger).await;
    let plan = Plan { faults: faults(), lost_questions: 4, alone_after_a_fault: false };
    let saboteur = Saboteur::before(server(&database_url), plan).await;
    let flaky = FlakyRedis::before(&redis_url).await;
    let proxy = proxy(&monolith, through(&saboteur, &database_url), flaky.url()).await;

    let (stop, told) = (Arc::<AtomicBool>::default(), Told::default());
    let url = format!("{}/orders", proxy.url());
    let buyers: Vec<_> = (0..BUYERS)
        .map(|it| tokio::spawn(click_on(url.clone(), it, Arc::clone(&stop), Arc::clone(&told))))
        .collect();
    let end = Instant::now() + patience();
    eventually("every fault to have happened", || {
        let done = saboteur.done();
        async move { faults().iter().all(|it| done.contains_key(it)).then_some(()) }
    })
    .await;
    tokio::time::sleep_until(end.into()).await;
    stop.store(true, Ordering::Relaxed);
    for buyer in buyers {
        buyer.await.unwrap();
    }

    let told = told.lock().unwrap().clone();
    ledger.audit(&told).await;
    let outcome =
        async |it: &str| metric(&proxy, &format!("banyan_commits_total{{outcome=\"{it}\"}}")).await;
    let outcomes = [outcome("ok").await, outcome("found").await, outcome("undone").await];
    assert!(outcomes.iter().all(|it| *it > 0.0), "{outcomes:?}");
    let faults: usize = saboteur.done().values().sum();
    println!("{} sales, {faults} faults, ok/found/undone {outcomes:?}", told.len());

    // Whatever was sold in Rust leaves one job, at once or later; the monolith's are not its.
    let expected = ledger.sold_in_rust().await;
    let found = eventually("every job to be pushed", || async {
        let found = jobs(&redis_url).await;
        (found.len() >= expected.len()).then_some(found)
    })
    .await;
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert_eq!(found.len(), expected.len(), "a job was pushed twice");
    eventually("the outbox to be empty", || async {
        let waiting = "SELECT COUNT(*) FROM banyan_commits WHERE state = 1";
        (ledger.count(waiting).await == 0).then_some(())
    })
    .await;
    proxy.stop().await;
}

/// Nobody can find out here: the one connection is lost in COMMIT, and no other can be opened.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_found_out_is_an_honest_error_and_nothing_is_asked_again() {
    let Addresses { database_url, redis_url, .. } = quiet_shop().await;
    let ledger = Ledger::create(&database_url).await;
    let monolith = selling_monolith(&ledger).await;
    let plan =
        Plan { faults: vec![(STEPS - 1, Cut::Lost)], lost_questions: 0, alone_after_a_fault: true };
    let saboteur = Saboteur::before(server(&database_url), plan).await;
    let proxy = proxy(&monolith, through(&saboteur, &database_url), redis_url.clone()).await;
    let (client, url) = (Client::new(), format!("{}/orders", proxy.url()));
    let click = |name: &str| Click { click: name.to_owned(), item: 1 };

    let first = client.post(&url).json(&click("known")).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::CREATED);
    let second = client.post(&url).json(&click("unknown")).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.headers()["content-type"], "application/json; charset=utf-8");
    let error: serde_json::Value = second.json().await.unwrap();
    assert!(error["error"].as_str().unwrap().contains("do not know"), "{error}");
    assert_eq!(monolith.asked(), 0, "the monolith was asked again");
    let unknown = metric(&proxy, "banyan_commits_total{outcome=\"unknown\"}").await;
    assert_eq!(unknown.to_string(), "1");
    // It had been committed: its job is in the transaction's row, and leaves when it can.
    assert_eq!(ledger.sold_in_rust().await.len(), 2);
    saboteur.admit();
    eventually("the job to be swept up", || async {
        (jobs(&redis_url).await.len() == 2).then_some(())
    })
    .await;
    proxy.stop().await;
}

/// Answers whatever it is asked, if it has a database.
const IDLE: Extraction = Extraction {
    id: "ledger.idle",
    replaces: "LedgerController#idle",
    effects: Effects::None,
    run: |ctx, request| {
        Box::pin(async {
            sqlx::query("SELECT 1").execute(&mut *ctx.tx).await?;
            let (status, body) = (StatusCode::OK, request.body.clone());
            Ok(Reply { status, headers: HeaderMap::new(), body })
        })
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_spares_buyers_a_database_that_is_down_and_closes_when_it_is_back() {
    let Addresses { database_url, .. } = shop().await;
    let monolith = Monolith::answering(|_| async { b"monolith".to_vec() }).await;
    let plan = Plan { faults: Vec::new(), lost_questions: 0, alone_after_a_fault: false };
    let saboteur = Saboteur::before(server(&database_url), plan).await;
    let routes = "[[route]]\nid = \"ledger.idle\"\nmatch = { path = \"/\" }\nstage = \"extracted\"\n\
                  breaker = { failures = 3, pause = \"100ms\" }\n";
    let setup = Setup {
        monolith: monolith.url(),
        database: Some(through(&saboteur, &database_url)),
        routes: Some(routes.to_owned()),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, forever(vec![IDLE])).await.unwrap();
    let ask = async || {
        let answer = Client::new().post(proxy.url()).body("rust").send().await.unwrap();
        answer.text().await.unwrap()
    };
    assert_eq!(ask().await, "rust");
    saboteur.refuse();
    let spared = "banyan_fallbacks_total{reason=\"breaker\",route=\"ledger.idle\"}";
    eventually("the breaker to spare somebody", || async {
        assert_eq!(ask().await, "monolith");
        (metric(&proxy, spared).await > 0.0).then_some(())
    })
    .await;
    let open = "banyan_breaker_open{route=\"ledger.idle\"}";
    assert_eq!(metric(&proxy, open).await.to_string(), "1");
    let page = format!("{}/api/routes/ledger.idle", proxy.admin());
    let page: serde_json::Value = reqwest::get(page).await.unwrap().json().await.unwrap();
    assert_ne!(page["live"]["breaker"], "closed");
    saboteur.admit();
    eventually("the handler to answer again", || async { (ask().await == "rust").then_some(()) })
        .await;
    assert_eq!(metric(&proxy, open).await.to_string(), "0");
    proxy.stop().await;
}

/// Without a database every request falls back, after its body was read for the handler.
#[tokio::test(flavor = "multi_thread")]
async fn the_monolith_gets_the_same_bytes_after_a_handler_failed() {
    let monolith = Monolith::answering(|body| async { body }).await;
    let routes = "[[route]]\nid = \"ledger.idle\"\nmatch = { path = \"/{rest...}\" }\n\
                  stage = \"extracted\"\nbreaker = { failures = 0 }\n";
    let setup =
        Setup { monolith: monolith.url(), routes: Some(routes.to_owned()), ..Setup::default() };
    let proxy = Proxy::start(setup, forever(vec![IDLE])).await.unwrap();
    let (client, url) = (Client::new(), format!("{}/orders", proxy.url()));
    let kib = 1024;
    for size in [0, 1, 64 * kib, 64 * kib + 1, kib * kib, kib * kib + 1, 3 * kib * kib] {
        let body: Vec<u8> = (0..=250_u8).cycle().take(size).collect();
        for (method, streamed) in [
            (Method::POST, false),
            (Method::POST, true),
            (Method::PATCH, false),
            (Method::PUT, true),
        ] {
            let request = client.request(method.clone(), &url);
            let request = if streamed {
                let pieces: Vec<_> =
                    body.chunks(50_000).map(|it| Ok::<_, std::io::Error>(it.to_vec())).collect();
                request.body(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces)))
            } else {
                request.body(body.clone())
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::CREATED, "{method} {size} {streamed}");
            let same = answer.bytes().await.unwrap() == body;
            assert!(same, "{method} of {size} bytes, streamed: {streamed}");
        }
    }
    let fallbacks = async |reason: &str| {
        let series = format!("banyan_fallbacks_total{{reason=\"{reason}\",route=\"ledger.idle\"}}");
        metric(&proxy, &series).await.to_string()
    };
    assert_eq!(fallbacks("error").await, "20", "those that a handler may be asked");
    assert_eq!(fallbacks("declined").await, "8", "those that are too large");
    proxy.stop().await;
}
