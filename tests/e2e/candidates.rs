//! A route is compared with a service: a second real Puma, and one that is set up otherwise.

use std::collections::BTreeMap;

use shadow::{DifferenceKind, Unknown};
use tests::banyan::{Proxy, Setup};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{differences, judged, metric, quiet_puma_with, quiet_shop};

/// Banyan in front of the quiet shop, with a page and a file of it compared with this service.
async fn compared_with(service: &str) -> Proxy {
    let route = |id: &str, path: &str| {
        format!(
            "[[route]]\nid = \"{id}\"\nmatch = {{ method = \"GET\", path = \"{path}\" }}\n\
             stage = \"shadow\"\ncandidate = \"service\"\ntimeout = \"20s\"\n\
             ignore = [{{ at = \":root > body > footer::text\", why = \"each has its clock\" }}]\n"
        )
    };
    let routes = format!(
        "[upstream.service]\nservers = [\"{service}\"]\n\n{}{}",
        route("page", "/products"),
        route("file", "/404.html"),
    );
    let setup =
        Setup { monolith: quiet_shop().await.url, routes: Some(routes), ..Setup::default() };
    Proxy::start(setup, &[]).await.unwrap()
}

async fn get(proxy: &Proxy, path: &str) -> String {
    let answer = reqwest::get(format!("{}{path}", proxy.url())).await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_the_same_matches_and_one_that_is_set_up_otherwise_differs() {
    let puma = quiet_puma_with(vec![]).await;
    let proxy = compared_with(&puma.url).await;
    for page in 1..=5 {
        let page = get(&proxy, &format!("/products?page={page}")).await;
        assert!(page.contains("Banyan Shop"), "{page}");
        get(&proxy, "/404.html").await;
    }
    for id in ["page", "file"] {
        let report = judged(&proxy, id, 5).await;
        let found = differences(&proxy, id).await;
        assert_eq!((report.matched + report.ignored, report.compared()), (5, 5), "{id}: {found:?}");
    }
    proxy.stop().await;
    drop(puma);

    // What this one sends of a file is for the proxy before it to read.
    let puma = quiet_puma_with(vec![("SHOP_SENDFILE", "X-Sendfile")]).await;
    let proxy = compared_with(&puma.url).await;
    get(&proxy, "/products").await;
    assert!(!get(&proxy, "/404.html").await.is_empty());
    assert_eq!(judged(&proxy, "page", 1).await.mismatched, 0);
    assert_eq!(judged(&proxy, "file", 1).await.mismatched, 1);
    let found = differences(&proxy, "file").await;
    let found: Vec<_> = found.iter().map(|it| (&*it.path, it.kind)).collect();
    let expected =
        [("body", DifferenceKind::Missing), ("headers.x-sendfile", DifferenceKind::Extra)];
    assert_eq!(found, expected);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_told_that_it_is_only_compared_and_its_failures_are_unknowns() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = compared_with(&format!("http://{address}")).await;
    let client = reqwest::Client::new();
    let ask = client.get(format!("{}/404.html", proxy.url()));
    let ask = ask.header("cookie", "a=b").header("x-banyan-shadow", "0");
    let answer = ask.send().await.unwrap();
    assert_eq!(answer.status(), 200, "the buyer does not wait for it");

    let (mut asked, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(asked.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("get /404.html ") && head.contains("\r\ncookie: a=b\r\n"), "{head}");
    assert_eq!(head.matches("x-banyan-shadow").count(), 1, "{head}");
    assert!(head.contains("\r\nx-banyan-shadow: 1\r\n"), "{head}");
    asked.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
    drop(asked);
    let report = judged(&proxy, "file", 1).await;
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Failed, 1)]), "{report:?}");

    // A service that is not there is not asked again, and left to those it answers.
    drop(listener);
    for _ in 0..20 {
        get(&proxy, "/404.html").await;
    }
    let report = judged(&proxy, "file", 21).await;
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Failed, 21)]), "{report:?}");
    let server = format!("server=\"http://{address}\",upstream=\"service\"");
    let ejections = format!("banyan_upstream_ejections_total{{{server}}}");
    assert!(metric(&proxy, &ejections).await.abs() < f64::EPSILON);
    proxy.stop().await;
}
