//! What a handler has locked does not keep others waiting for long once it is given up.

use std::time::{Duration, Instant};

use extracted::{Effects, Extraction, Reply, rails::database};
use http::{HeaderMap, StatusCode};
use reqwest::Client;
use sqlx::Executor as _;
use tests::{
    banyan::{Proxy, Setup},
    shop::Addresses,
};

use super::{
    buyer::Buyer,
    checkout,
    monolith::Monolith,
    saboteur::{Cut, Plan, Saboteur},
};
use crate::support::{forever, quiet_shop, shop};

/// The monolith waits for the same cart: by itself the server would keep it locked for eight hours.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_client_is_gone_unheard_frees_its_rows_within_seconds() {
    // The first statement of a checkout locks the cart.
    const HOLDING_THE_CART: usize = 2;
    let shop = shop().await;
    let saboteur = Saboteur::before(&shop.database_url).await;
    let proxy = checkout::proxy(&shop, &saboteur).await;
    let database = database::pool(&shop.database_url, 1).unwrap();
    let buyer = Buyer::sign_in(&proxy.url(), 482).await;
    buyer.fill_with_anything(&database).await;
    buyer.buy().await;

    let fault = (HOLDING_THE_CART, Cut::Half);
    saboteur.follow(Plan { faults: vec![fault], ..Plan::default() });
    buyer.fill_with_anything(&database).await;
    let begin = Instant::now();
    buyer.buy().await;
    let waited = begin.elapsed();
    assert_eq!(saboteur.done().get(&fault), Some(&1));
    // Three seconds, and what the two of them need to answer.
    assert!(waited > Duration::from_secs(2), "it did not hold the cart: {waited:?}");
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    proxy.stop().await;
}

/// Locks its first row, and waits for the second.
const WAITS: Extraction = Extraction {
    id: "locks.wait",
    replaces: "LocksController#wait",
    effects: Effects::Rows,
    run: |ctx, _| {
        Box::pin(async {
            ctx.tx.execute("SELECT id FROM locks WHERE id = 1 FOR UPDATE").await?;
            ctx.tx.execute("SELECT id FROM locks WHERE id = 2 FOR UPDATE").await?;
            Ok(Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: "rust".into() })
        })
    },
};

/// The server goes on with the statement that a handler was given up in.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_waited_too_long_for_a_row_frees_those_that_it_had() {
    let Addresses { database_url, .. } = quiet_shop().await;
    let pool = database::pool(&database_url, 2).unwrap();
    pool.execute("CREATE TABLE locks (id INT PRIMARY KEY) ENGINE = InnoDB").await.unwrap();
    pool.execute("INSERT INTO locks VALUES (1), (2)").await.unwrap();
    let monolith = Monolith::answering(|_| async { b"monolith".to_vec() }).await;
    let routes = "[[route]]\nid = \"locks.wait\"\nmatch = { path = \"/\" }\n\
                  stage = \"extracted\"\ntimeout = \"1s\"\n";
    let setup = Setup {
        monolith: monolith.url(),
        database: Some(database_url),
        routes: Some(routes.to_owned()),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, forever(vec![WAITS])).await.unwrap();

    let mut second = pool.begin().await.unwrap();
    second.execute("SELECT id FROM locks WHERE id = 2 FOR UPDATE").await.unwrap();
    let answer = Client::new().post(proxy.url()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "monolith");
    let mut first = pool.begin().await.unwrap();
    first.execute("SET SESSION innodb_lock_wait_timeout = 10").await.unwrap();
    let freed = first.execute("SELECT id FROM locks WHERE id = 1 FOR UPDATE").await;
    assert!(freed.is_ok(), "{freed:?}");
    proxy.stop().await;
}
