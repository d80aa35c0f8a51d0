//! Routes that an upstream of their own answers.

use std::time::Instant;

use tests::banyan::{Proxy, Setup};

use crate::{
    message::Message,
    origin::{Origin, Step, ok},
    support::{get, once},
    wire::PATIENCE,
};

/// An origin that answers everything with its name.
async fn named(name: &'static str) -> Origin {
    Origin::scripted(move |_: &Message| vec![Step::Send(ok(name))]).await
}

fn routes(monolith: &Origin, returns: &Origin, more: &str) -> String {
    format!(
        "[monolith]\nservers = [\"http://{}\"]\n{more}\n\
         [upstream.returns-svc]\nservers = [\"http://{}\"]\n{more}\n\
         [[route]]\nid = \"returns.new\"\nmatch = {{ path = \"/returns\" }}\n\
         stage = \"upstream\"\nupstream = \"returns-svc\"\n",
        monolith.address, returns.address
    )
}

async fn text(proxy: &Proxy, target: &str) -> String {
    once(proxy, get(target)).await.unwrap().text()
}

async fn metrics(proxy: &Proxy) -> String {
    reqwest::get(format!("{}/metrics", proxy.admin())).await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_routes_go_to_an_upstream_and_all_else_to_the_monolith() {
    let (monolith, returns) = (named("monolith").await, named("returns").await);
    let setup = Setup { routes: Some(routes(&monolith, &returns, "")), ..Setup::default() };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    assert_eq!(text(&proxy, "/returns").await, "returns");
    assert_eq!(text(&proxy, "/").await, "monolith");
    let patience = Instant::now() + PATIENCE;
    for series in [
        "banyan_requests_total{route=\"returns.new\",side=\"upstream\",status=\"2xx\"} 1",
        "banyan_requests_total{route=\"unrouted\",side=\"monolith\",status=\"2xx\"} 1",
    ] {
        while !metrics(&proxy).await.contains(series) {
            assert!(Instant::now() < patience, "{series} does not come");
            tokio::task::yield_now().await;
        }
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lines_monolith_replaces_only_the_monolith() {
    let (monolith, returns) = (named("monolith").await, named("returns").await);
    let pinned = named("pinned").await;
    let checks = "health = { path = \"/health\", interval = \"2ms\" }";
    let setup = Setup {
        monolith: format!("http://{}", pinned.address),
        routes: Some(routes(&monolith, &returns, checks)),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    assert_eq!(text(&proxy, "/returns").await, "returns");
    assert_eq!(text(&proxy, "/").await, "pinned");
    // By then the monolith would have been checked too, had it been.
    let patience = Instant::now() + PATIENCE;
    while returns.requests().iter().filter(|it| it.request.target() == "/health").count() < 5 {
        assert!(Instant::now() < patience, "the upstream is not checked");
        tokio::task::yield_now().await;
    }
    assert!(monolith.requests().is_empty(), "nobody asks the file's monolith anything");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_moves_a_route_to_another_upstream() {
    let (monolith, returns) = (named("monolith").await, named("returns").await);
    let text_before = routes(&monolith, &returns, "");
    let setup = Setup { routes: Some(text_before.clone()), ..Setup::default() };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    assert_eq!(text(&proxy, "/returns").await, "returns");
    let back = text_before
        .replace("stage = \"upstream\"\nupstream = \"returns-svc\"", "stage = \"monolith\"");
    std::fs::write(proxy.route_file(), back).unwrap();
    let patience = Instant::now() + PATIENCE;
    while text(&proxy, "/returns").await != "monolith" {
        assert!(Instant::now() < patience, "the reload does not come into force");
        tokio::task::yield_now().await;
    }
    proxy.stop().await;
}
