//! A buyer buys between the two answers: what changed then is neither side's fault, and hides none.

use std::collections::BTreeMap;

use bytes::Bytes;
use extracted::{Ctx, Extraction, HandlerError, Reply, Request, catalog::show::SHOW};
use shadow::{DifferenceKind, Unknown};
use sqlx::MySqlPool;
use tokio::sync::Mutex;
use toml::Table;

use crate::{
    commit::buyer::{Basket, Buyer},
    support::{differences, forever, judged, proxy, quiet_shop, routes},
};

/// Who is at the till, with a full cart: they pay when the candidate is asked.
static TILL: Mutex<Vec<Buyer>> = Mutex::const_new(Vec::new());

/// The correct handler, asked a sale too late.
const LATE: Extraction =
    Extraction { run: |ctx, request| Box::pin(after_a_sale(ctx, request)), ..SHOW };

/// The same, and another sale before its answer arrives.
const BETWEEN: Extraction =
    Extraction { run: |ctx, request| Box::pin(between_sales(ctx, request)), ..SHOW };

/// The late one with a wrong price.
const LATE_AND_WRONG: Extraction =
    Extraction { run: |ctx, request| Box::pin(wrong(ctx, request)), ..SHOW };

async fn after_a_sale(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    pay().await;
    (SHOW.run)(ctx, request).await
}

async fn pay() {
    if let Some(buyer) = TILL.lock().await.pop() {
        buyer.buy().await;
    }
}

async fn between_sales(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let reply = after_a_sale(ctx, request).await;
    pay().await;
    reply
}

async fn wrong(ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
    let mut reply = after_a_sale(ctx, request).await?;
    let body = String::from_utf8_lossy(&reply.body);
    // The first one is the product's own.
    reply.body = Bytes::from(body.replacen("\"price\":\"", "\"price\":\"9", 1));
    Ok(reply)
}

/// The demo's table, in which the product's page is shadowed and has time for a sale.
fn patient() -> String {
    let mut table: Table = routes().parse().unwrap();
    let routes = table["route"].as_array_mut().unwrap().iter_mut();
    for route in routes.filter_map(|it| it.as_table_mut()) {
        if route["id"].as_str() == Some(SHOW.id) {
            route.insert("stage".to_owned(), "shadow".into());
            route.insert("timeout".to_owned(), "20s".into());
        }
    }
    table.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_between_the_answers_are_no_fault_of_either_and_hide_none() {
    let shop = quiet_shop().await;
    let database = MySqlPool::connect(&shop.database_url).await.unwrap();
    let (product, variant): (i64, i64) = sqlx::query_as(
        "SELECT products.id, variants.id FROM variants JOIN products ON products.id = product_id \
         WHERE deleted_at IS NULL AND stock > 5 ORDER BY variants.id DESC LIMIT 1",
    )
    .fetch_one(&database)
    .await
    .unwrap();
    let buyer = async |user| {
        let buyer = Buyer::sign_in(&shop.url, user).await;
        let lines = BTreeMap::from([(variant, 1)]);
        buyer.fill(&Basket { user: buyer.user, lines }).await;
        buyer
    };
    for (candidate, sales) in [(LATE, 1), (BETWEEN, 2), (LATE_AND_WRONG, 1)] {
        let others = extracted::all().iter().filter(|it| it.id != SHOW.id).copied();
        let build = forever(others.chain([candidate]).collect());
        let proxy = proxy(shop.clone(), patient(), build).await;
        for sale in 0..sales {
            let buyer = buyer(321 + sale).await;
            TILL.lock().await.push(buyer);
        }
        let url = format!("{}/api/products/{product}", proxy.url());
        reqwest::get(url).await.unwrap().bytes().await.unwrap();
        let report = judged(&proxy, SHOW.id, 1).await;
        let found: Vec<_> = differences(&proxy, SHOW.id).await;
        let found: Vec<_> = found.iter().map(|it| (&*it.path, it.kind)).collect();
        if !std::ptr::fn_addr_eq(candidate.run, LATE_AND_WRONG.run) {
            assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Raced, 1)]), "{report:?}");
            assert_eq!((report.compared(), found), (0, vec![]));
        } else {
            assert_eq!((report.mismatched, &report.unknowns), (1, &BTreeMap::new()));
            let changed = ["$.price", "$.updated_at", "$.variants[*].stock"];
            assert_eq!(found, changed.map(|it| (it, DifferenceKind::Changed)));
        }
        assert!(TILL.lock().await.is_empty(), "everybody bought");
        proxy.stop().await;
    }
}
