//! Extractions with known mistakes: each must appear in the report under its path and kind, with
//! the shop's noise on, and the correct one must show nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use extracted::{Ctx, Extraction, HandlerError, Reply, Request, catalog};
use reqwest::Client;
use serde_json::{Value, json, value::RawValue};
use shadow::DifferenceKind::{self, Changed, Extra, Missing, Moved, Retyped};
use tests::banyan::Proxy;
use toml::Table;

use crate::support::{differences, forever, judged, proxy, quiet_shop, routes};

/// A product with two variants or more, and a product that is soft-deleted, of the seeds.
struct Specimens {
    ordinary: u64,
    deleted: u64,
}

/// A document's members. Their texts are kept as they are: the mistake must be the only difference.
type Members = BTreeMap<String, Box<RawValue>>;

/// The correct handler's reply, with a mistake put into it.
async fn mistaken(
    ctx: &mut Ctx,
    request: &Request,
    correct: Extraction,
    mistake: fn(&mut Members),
) -> Result<Reply, HandlerError> {
    let mut reply = (correct.run)(ctx, request).await?;
    let mut members: Members = serde_json::from_slice(&reply.body).expect("an object is written");
    mistake(&mut members);
    reply.body = Bytes::from(serde_json::to_vec(&members).expect("JSON can be written"));
    Ok(reply)
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("a test's JSON is well-formed")
}

macro_rules! planted {
    ($correct:expr, $mistake:expr) => {
        Extraction {
            run: |ctx, request| Box::pin(mistaken(ctx, request, $correct, $mistake)),
            ..$correct
        }
    };
}

/// Shadows the catalogue's JSON, whatever the demo's table says of its stage.
fn shadowing() -> String {
    let mut table: Table = routes().parse().unwrap();
    for route in table["route"].as_array_mut().unwrap() {
        if [catalog::list::LIST.id, catalog::show::SHOW.id]
            .map(Some)
            .contains(&route["id"].as_str())
        {
            route.as_table_mut().unwrap().insert("stage".to_owned(), "shadow".into());
        }
    }
    table.to_string()
}

/// Runs `extraction` as the candidate for a few requests to `path`, and returns what was found.
async fn found(extraction: Extraction, path: &str) -> (Proxy, Vec<(String, DifferenceKind)>) {
    const REQUESTS: u64 = 5;
    let others = extracted::all().iter().filter(|it| it.id != extraction.id).copied();
    let build = forever(others.chain([extraction]).collect());
    let proxy = proxy(quiet_shop().await, shadowing(), build).await;
    for _ in 0..REQUESTS {
        let response = reqwest::get(format!("{}{path}", proxy.url())).await.unwrap();
        response.bytes().await.unwrap();
    }
    let report = judged(&proxy, extraction.id, REQUESTS).await;
    assert!(report.unknowns.is_empty(), "{:?}", report.unknowns);
    let found = differences(&proxy, extraction.id).await;
    (proxy, found.into_iter().map(|it| (it.path, it.kind)).collect())
}

async fn assert_found(extraction: Extraction, path: &str, at: &str, kind: DifferenceKind) {
    let (proxy, found) = found(extraction, path).await;
    assert_eq!(found, [(at.to_owned(), kind)]);
    proxy.stop().await;
}

/// Looks the specimens up in the shop itself.
async fn specimens() -> Specimens {
    let shop = quiet_shop().await;
    let client = Client::new();
    let (mut ordinary, mut deleted) = (None, None);
    for id in 1..=2000_u64 {
        let url = format!("{}/api/products/{id}", shop.url);
        let response = client.get(url).send().await.unwrap();
        if response.status() == 404 {
            deleted = deleted.or(Some(id));
        } else {
            let product: Value = response.json().await.unwrap();
            let variants = product["variants"].as_array().map_or(0, Vec::len);
            let suits = variants > 1 && product["subtitle"] == json!("");
            ordinary = ordinary.or(suits.then_some(id));
        }
        if let (Some(ordinary), Some(deleted)) = (ordinary, deleted) {
            return Specimens { ordinary, deleted };
        }
    }
    panic!("the seeds lack a product with an empty subtitle and two variants, or a deleted one");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_correct_handlers_show_no_difference_with_the_shops_noise_on() {
    let proxy = proxy(quiet_shop().await, shadowing(), extracted::all()).await;
    let client = Client::new();
    for id in 1..=150_u64 {
        let page = id % 50;
        for path in [format!("/api/products/{id}"), format!("/api/products?page={page}&sort=name")]
        {
            client
                .get(format!("{}{path}", proxy.url()))
                .send()
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
        }
    }
    for route in ["catalog.show", "catalog.list"] {
        let report = judged(&proxy, route, 150).await;
        assert!(report.unknowns.is_empty(), "{route}: {:?}", report.unknowns);
        assert!(
            differences(&proxy, route).await.is_empty(),
            "{:?}",
            differences(&proxy, route).await
        );
        assert_eq!(report.mismatched, 0, "{route}");
        assert_eq!(report.matched + report.ignored, 150, "{route}");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_decimal_is_a_changed_price() {
    let path = format!("/api/products/{}", specimens().await.ordinary);
    let wrong = planted!(catalog::show::SHOW, |it| {
        it.insert("price".to_owned(), raw("\"0.01\""));
    });
    assert_found(wrong, &path, "$.price", Changed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_missing() {
    let path = format!("/api/products/{}", specimens().await.ordinary);
    let wrong = planted!(catalog::show::SHOW, |it| {
        it.remove("brand");
    });
    assert_found(wrong, &path, "$.brand", Missing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_for_an_empty_string_is_retyped() {
    let path = format!("/api/products/{}", specimens().await.ordinary);
    let wrong = planted!(catalog::show::SHOW, |it| {
        it.insert("subtitle".to_owned(), raw("null"));
    });
    assert_found(wrong, &path, "$.subtitle", Retyped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_deleted_product_that_is_shown_is_a_changed_status() {
    let path = format!("/api/products/{}", specimens().await.deleted);
    let wrong = Extraction {
        run: |ctx, request| {
            Box::pin(async {
                let mut reply = (catalog::show::SHOW.run)(ctx, request).await?;
                reply.status = http::StatusCode::OK;
                reply.body = Bytes::from(r#"{"id":1,"name":"A product that is gone"}"#);
                Ok(reply)
            })
        },
        ..catalog::show::SHOW
    };
    let (proxy, found) = found(wrong, &path).await;
    for expected in [("status", Changed), ("$.error", Missing), ("$.id", Extra), ("$.name", Extra)]
    {
        let expected = (expected.0.to_owned(), expected.1);
        assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_off_by_one_is_other_products() {
    let wrong = Extraction {
        run: |ctx, request| {
            Box::pin(async {
                let next =
                    Request { query: request.query.replace("page=2", "page=3"), ..request.clone() };
                (catalog::list::LIST.run)(ctx, &next).await
            })
        },
        ..catalog::list::LIST
    };
    let (proxy, found) = found(wrong, "/api/products?page=2").await;
    let expected = ("$.products[*].id".to_owned(), Changed);
    assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reordered_list_is_moved_where_order_matters() {
    let path = format!("/api/products/{}", specimens().await.ordinary);
    let wrong = planted!(catalog::show::SHOW, |it| {
        let variants = it["variants"].get();
        let mut variants: Vec<Box<RawValue>> = serde_json::from_str(variants).expect("a list");
        variants.reverse();
        it.insert("variants".to_owned(), raw(&serde_json::to_string(&variants).expect("a list")));
    });
    assert_found(wrong, &path, "$.variants", Moved).await;
}
