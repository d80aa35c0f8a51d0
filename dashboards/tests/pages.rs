//! The router as a browser meets it, over a real store.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use dashboards::{LiveRoute, LiveRoutes, LiveTable};
use serde_json::Value;
use tempfile::TempDir;
use time::macros::datetime;
use tower::ServiceExt as _;

use crate::support::Bench;

mod support;

#[derive(Debug)]
struct OneRoute;

impl LiveRoutes for OneRoute {
    fn table(&self) -> LiveTable {
        LiveTable {
            generation: 1,
            hash: "3f9ac21e".into(),
            loaded_at: datetime!(2026-11-24 11:17:00 UTC),
            last_rejected: None,
            routes: vec![LiveRoute {
                id: "catalog.show".into(),
                methods: vec!["GET".into()],
                path: "/api/products/{id}".into(),
                stage: "shadow",
                extraction: Some("catalog.show".into()),
                candidate: None,
                by_monolith: 3,
                by_extraction: 1,
                fallbacks: 0,
                failed: 0,
                breaker: None,
            }],
        }
    }
}

fn pages(bench: &Bench) -> Router {
    dashboards::pages(bench.store.reports(), Arc::new(OneRoute))
}

async fn get(app: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn get_json(app: &Router, path: &str) -> (StatusCode, Value) {
    let (status, _, body) = get(app, path).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn a_route_that_the_table_knows_has_a_page_before_it_has_a_report() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    let app = pages(&bench);
    for path in ["/", "/routes/catalog.show"] {
        let (status, headers, body) = get(&app, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(body.contains("catalog.show"), "{path}");
    }
}

#[tokio::test]
async fn a_difference_is_followed_from_the_overview_to_both_sides_of_a_sample() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    let same = (r#"{"price":"19.90"}"#, r#"{"price":"19.90"}"#);
    let other = (r#"{"price":"19.90"}"#, r#"{"price":"19.9"}"#);
    bench.judge("catalog.show", &[same, same, other]).await;
    let app = pages(&bench);

    let (_, _, overview) = get(&app, "/").await;
    assert!(overview.contains("href=\"/routes/catalog.show\""), "{overview}");
    assert!(overview.contains("2 matched, 1 mismatched, 1 unknown"), "{overview}");

    let (_, route) = get_json(&app, "/api/routes/catalog.show").await;
    assert_eq!(route["report"]["mismatched"], 1);
    let difference = &route["differences"][0];
    assert_eq!(difference["path"], "$.price");
    let link = format!("/routes/catalog.show/differences/{}", difference["id"].as_str().unwrap());

    let (_, _, page) = get(&app, "/routes/catalog.show").await;
    assert!(page.contains(&format!("href=\"{link}\"")), "{link}: {page}");
    let (status, _, page) = get(&app, &link).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("<del>&#34;19.90&#34;</del>"), "{page}");
    assert!(page.contains("<ins>&#34;19.9&#34;</ins>"), "{page}");
    assert!(page.contains("class=\"control marked\""), "{page}");

    let (_, twin) = get_json(&app, &format!("/api{link}")).await;
    assert_eq!(twin["samples"][0]["candidate"]["value"], "\"19.9\"");
}

#[tokio::test]
async fn the_json_twins_tell_the_same() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    let app = pages(&bench);

    let (status, overview) = get_json(&app, "/api/routes").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(overview["loaded_at"], "2026-11-24T11:17:00Z");
    assert_eq!(overview["routes"][0]["id"], "catalog.show");
    assert_eq!(overview["routes"][0]["live"]["by_extraction"], 1);
    assert_eq!(overview["routes"][0]["report"], Value::Null);

    let (status, route) = get_json(&app, "/api/routes/catalog.show").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(route["live"]["stage"], "shadow");
    assert_eq!(route["differences"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn what_is_not_there_is_a_404_page_and_a_404_in_json() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    let app = pages(&bench);
    let paths = [
        "/nothing",
        "/static/nothing.css",
        "/routes/%3Cscript%3E",
        "/routes/catalog.show/differences/1",
        "/routes/catalog.show/differences/one",
    ];
    for path in paths {
        let (status, headers, body) = get(&app, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
        assert!(body.contains("There is no") && !body.contains("<script>"), "{path}");
    }
    for path in ["/api/routes/nothing", "/api/routes/catalog.show/differences/1"] {
        let (status, fault) = get_json(&app, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(fault["error"].as_str().unwrap().starts_with("There is no"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_forbids_what_is_not_ours() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    let app = pages(&bench);
    for path in ["/", "/nothing", "/api/routes", "/static/banyan.css"] {
        let (_, headers, _) = get(&app, path).await;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn every_static_file_of_the_layout_is_served() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    let app = pages(&bench);
    let (_, _, page) = get(&app, "/").await;
    let files = [
        ("/static/banyan.css", "text/css; charset=utf-8"),
        ("/static/refresh.js", "text/javascript; charset=utf-8"),
        ("/static/banyan.svg", "image/svg+xml"),
    ];
    for (path, kind) in files {
        assert!(page.contains(path), "{path}");
        let (status, headers, body) = get(&app, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], kind);
        assert!(!body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_with_a_remedy() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    let app = pages(&bench);
    for file in directory.path().read_dir().unwrap() {
        std::fs::write(file.unwrap().path(), "no database").unwrap();
    }
    for path in ["/", "/routes/catalog.show", "/routes/catalog.show/differences/1"] {
        let (status, _, body) = get(&app, path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(body.contains("The report store cannot be read"), "{path}");
        assert!(body.contains("Check that the file named by --store"), "{path}");
    }
    let (status, fault) = get_json(&app, "/api/routes").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!fault["causes"].as_array().unwrap().is_empty(), "{fault}");
}
