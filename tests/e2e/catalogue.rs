//! The catalogue's routes as the demo runs them: the list from Rust, the product in shadow.

use reqwest::{Client, Method, StatusCode};
use tests::buyers::{Buyers, Until};

use crate::support::{differences, judged, metric, proxy, routes, shop};

#[tokio::test(flavor = "multi_thread")]
async fn buyers_are_answered_by_rust_and_every_answer_is_compared() {
    let proxy = proxy(shop().await, routes(), extracted::all()).await;
    let buyers = Buyers { base: proxy.url(), at_once: 4, seed: 2 };
    let tally = buyers.run(Until::Journeys(8)).await;
    assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);

    let by_rust =
        "banyan_requests_total{route=\"catalog.list\",side=\"extraction\",status=\"2xx\"}";
    let answered = metric(&proxy, by_rust).await;
    assert!(answered > 0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    judged(&proxy, "catalog.list", answered as u64).await;
    judged(&proxy, "catalog.show", 10).await;
    for route in ["catalog.list", "catalog.show"] {
        let paths = differences(&proxy, route).await.into_iter().map(|it| it.path);
        // What was sold between the two answers is a difference, and a true one.
        let sold = ["$.variants[*].stock", "$.updated_at", "$.in_stock", "$.products[*].in_stock"];
        let others: Vec<_> = paths.filter(|it| !sold.contains(&it.as_str())).collect();
        assert!(others.is_empty(), "{route}: {others:?}");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_and_the_request_id_pass_an_extracted_route() {
    let (proxy, client) = (proxy(shop().await, routes(), extracted::all()).await, Client::new());
    let response = client.get(format!("{}/api/products", proxy.url())).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        !response.headers().contains_key("set-cookie"),
        "a catalogue page is no reason to change a session"
    );
    assert_eq!(response.headers()["x-request-id"].len(), 36);
    assert!(response.headers().contains_key("x-runtime"));
    proxy.stop().await;
}

/// What the handler does not reproduce, the monolith answers: a HEAD is the handler's, a nested
/// parameter and a body are not.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_declines_the_monolith_answers() {
    let (proxy, client) = (proxy(shop().await, routes(), extracted::all()).await, Client::new());
    let url = format!("{}/api/products", proxy.url());
    let head = client.head(&url).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let nested = client.get(format!("{url}?page[]=2")).send().await.unwrap();
    let declined =
        metric(&proxy, "banyan_fallbacks_total{reason=\"declined\",route=\"catalog.list\"}").await;
    assert!((declined - 1.0).abs() < f64::EPSILON, "{declined} declined");
    assert!(nested.headers().contains_key("x-runtime"));
    let with_body = client.request(Method::GET, &url).body("x").send().await.unwrap();
    assert_eq!(with_body.status(), StatusCode::OK);
    let by_rust =
        "banyan_requests_total{route=\"catalog.list\",side=\"extraction\",status=\"2xx\"}";
    assert!((metric(&proxy, by_rust).await - 1.0).abs() < f64::EPSILON, "only the HEAD is Rust's");
    proxy.stop().await;
}
