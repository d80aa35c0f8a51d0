//! Who answers when handlers have no database: the monolith, with the same bytes, and without the
//! handlers being asked for ever.

use extracted::{Effects, Extraction, Reply};
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Method};
use tests::{
    banyan::{Proxy, Setup},
    shop::Addresses,
};

use super::{monolith::Monolith, saboteur::Saboteur};
use crate::support::{eventually, forever, metric, shop};

/// Answers whatever it is asked, if it has a database.
pub(super) const IDLE: Extraction = Extraction {
    id: "idle.answer",
    replaces: "IdleController#answer",
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
    let saboteur = Saboteur::before(&database_url).await;
    let routes = "[[route]]\nid = \"idle.answer\"\nmatch = { path = \"/\" }\nstage = \"extracted\"\n\
                  breaker = { failures = 3, pause = \"100ms\" }\n";
    let setup = Setup {
        monolith: monolith.url(),
        database: Some(saboteur.in_the_way_of(&database_url)),
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
    let spared = "banyan_fallbacks_total{reason=\"breaker\",route=\"idle.answer\"}";
    eventually("the breaker to spare somebody", || async {
        assert_eq!(ask().await, "monolith");
        (metric(&proxy, spared).await > 0.0).then_some(())
    })
    .await;
    let open = "banyan_breaker_open{route=\"idle.answer\"}";
    assert_eq!(metric(&proxy, open).await.to_string(), "1");
    let page = format!("{}/api/routes/idle.answer", proxy.admin());
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
    let routes = "[[route]]\nid = \"idle.answer\"\nmatch = { path = \"/{rest...}\" }\n\
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
        let series = format!("banyan_fallbacks_total{{reason=\"{reason}\",route=\"idle.answer\"}}");
        metric(&proxy, &series).await.to_string()
    };
    assert_eq!(fallbacks("error").await, "20", "those that a handler may be asked");
    assert_eq!(fallbacks("declined").await, "8", "those that are too large");
    proxy.stop().await;
}
