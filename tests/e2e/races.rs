//! A buyer buys between the two answers: what changed then is neither side's fault, and hides none.

use std::{collections::BTreeMap, net::SocketAddr};

use bytes::Bytes;
use extracted::{Ctx, Extraction, HandlerError, Reply, Request, catalog::show::SHOW};
use proxy::{
    config::{self, Format},
    report,
};
use shadow::{DifferenceKind, Reports, RouteReport, Unknown};
use sqlx::MySqlPool;
use tests::banyan::Proxy;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};
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

/// The same with a wrong price.
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
            route.insert("timeout".to_owned(), "1m".into());
            // Clocks may be minutes apart, since machines are busy where this runs.
            for rule in route["tolerate"].as_array_mut().unwrap() {
                let within = match rule["at"].as_str() {
                    Some("$.viewed_at") => "10m".into(),
                    Some("$.age_seconds") => 600.into(),
                    _ => continue,
                };
                rule.as_table_mut().unwrap().insert("within".to_owned(), within);
            }
        }
    }
    table.to_string()
}

/// The same, but for the handler's place, which this service has.
fn served_by(service: SocketAddr) -> String {
    let mut table: Table = patient().parse().unwrap();
    let routes = table["route"].as_array_mut().unwrap().iter_mut();
    for route in routes.filter_map(|it| it.as_table_mut()) {
        if route["id"].as_str() == Some(SHOW.id) {
            route.insert("candidate".to_owned(), "till".into());
        }
    }
    format!("{table}\n[upstream.till]\nservers = [\"http://{service}\"]\n")
}

/// A service that asks the shop, which is never wrong, and while somebody is at the till sells before
/// and after.
async fn serve(listener: TcpListener, shop: String) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        head.truncate(head.len() - 2);
        head.extend_from_slice(b"Connection: close\r\n\r\n");
        pay().await;
        let mut server = TcpStream::connect(shop.trim_start_matches("http://")).await.unwrap();
        server.write_all(&head).await.unwrap();
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await.unwrap();
        pay().await;
        client.write_all(&answer).await.unwrap();
    }
}

fn assert_raced(report: &RouteReport) {
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Raced, 1)]), "{report:?}");
    assert_eq!(report.compared(), 0);
}

/// A sample of the race is wherever people look.
async fn assert_looked_at(proxy: &Proxy, product: i64) {
    let (store, route) = (proxy.store(), SHOW.id.to_owned());
    let samples = Reports::open_read_only(&store).await.unwrap().races(&route).await.unwrap();
    let [sample] = &*samples else { panic!("{samples:?}") };
    // Its id is in the shop's routes what a sample may show.
    assert_eq!(sample.request, format!("GET /api/products/{product}"));
    let arguments = config::Report { route: Some(route), store, format: Format::Text };
    let mut seen = vec![report::text(&arguments).await.unwrap()];
    for page in ["/routes/catalog.show", "/routes/catalog.show/raced"] {
        for page in [page.to_owned(), format!("/api{page}")] {
            let answer = reqwest::get(format!("{}{page}", proxy.admin())).await.unwrap();
            assert_eq!(answer.status(), 200, "{page}");
            seen.push(answer.text().await.unwrap());
        }
    }
    let [text, page, _, raced, twin] = &*seen else { unreachable!() };
    assert!(page.contains("href=\"/routes/catalog.show/raced\""), "{page}");
    for seen in [text, raced, twin] {
        assert!(seen.contains(&*sample.path) && seen.contains("GET /api/products/"), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_between_the_answers_are_no_fault_of_either_and_hide_none() {
    let shop = quiet_shop().await;
    let url = |proxy: &Proxy, product| format!("{}/api/products/{product}", proxy.url());
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
    for candidate in [LATE, LATE_AND_WRONG] {
        let others = extracted::all().iter().filter(|it| it.id != SHOW.id).copied();
        let build = forever(others.chain([candidate]).collect());
        let proxy = proxy(shop.clone(), patient(), build).await;
        TILL.lock().await.push(buyer(321).await);
        reqwest::get(url(&proxy, product)).await.unwrap().bytes().await.unwrap();
        let report = judged(&proxy, SHOW.id, 1).await;
        let found: Vec<_> = differences(&proxy, SHOW.id).await;
        let found: Vec<_> = found.iter().map(|it| (&*it.path, it.kind)).collect();
        if std::ptr::fn_addr_eq(candidate.run, LATE.run) {
            assert_raced(&report);
            assert_eq!(found, vec![]);
        } else {
            assert_eq!((report.mismatched, &report.unknowns), (1, &BTreeMap::new()));
            let changed = ["$.price", "$.updated_at", "$.variants[*].stock"];
            assert_eq!(found, changed.map(|it| (it, DifferenceKind::Changed)));
        }
        assert!(TILL.lock().await.is_empty(), "everybody bought");
        proxy.stop().await;
    }

    // One sale on either side of the candidate's answer.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let routes = served_by(listener.local_addr().unwrap());
    let service = tokio::spawn(serve(listener, shop.url.clone()));
    let proxy = proxy(shop.clone(), routes, extracted::all()).await;
    for user in [321, 322] {
        TILL.lock().await.push(buyer(user).await);
    }
    reqwest::get(url(&proxy, product)).await.unwrap().bytes().await.unwrap();
    assert_raced(&judged(&proxy, SHOW.id, 1).await);
    assert!(TILL.lock().await.is_empty(), "both bought");
    assert_looked_at(&proxy, product).await;
    proxy.stop().await;
    service.abort();
}
