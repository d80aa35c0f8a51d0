//! What several end-to-end tests need.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use extracted::Extraction;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use shadow::{DifferenceReport, Reports, RouteReport};
use tests::{
    banyan::{Proxy, Setup},
    project::Scratch,
    shop::{Addresses, Puma, Shop},
};
use toml::{Table, Value};

/// The shop that the buyers of all tests share. It stops when the process ends: see [`Shop`].
static SHOP: LazyLock<Shop> = LazyLock::new(|| Shop::start().expect("the shop must start"));

/// A shop in which nobody buys, for tests that compare two answers to one request: a sale between
/// the two would be a difference, and a true one.
static QUIET: LazyLock<Shop> = LazyLock::new(|| Shop::start().expect("the shop must start"));

/// Where the parts of the busy shop are.
pub(crate) async fn shop() -> Addresses {
    tokio::task::spawn_blocking(|| SHOP.addresses.clone()).await.unwrap()
}

/// Where the busy shop's mails are, a file for each recipient.
pub(crate) async fn mails() -> PathBuf {
    tokio::task::spawn_blocking(|| SHOP.mails()).await.unwrap()
}

/// One more Puma of the busy shop.
pub(crate) async fn another_puma() -> Puma {
    tokio::task::spawn_blocking(|| SHOP.another_puma()).await.unwrap().unwrap()
}

/// One more Puma of the busy shop, with these of its switches.
pub(crate) async fn another_puma_with(switches: Vec<(&'static str, &'static str)>) -> Puma {
    let start = move || SHOP.another_puma_with(&switches);
    tokio::task::spawn_blocking(start).await.unwrap().unwrap()
}

/// One more Puma of the quiet shop, with these of its switches.
pub(crate) async fn quiet_puma_with(switches: Vec<(&'static str, &'static str)>) -> Puma {
    let start = move || QUIET.another_puma_with(&switches);
    tokio::task::spawn_blocking(start).await.unwrap().unwrap()
}

/// Where the parts of the quiet shop are.
pub(crate) async fn quiet_shop() -> Addresses {
    tokio::task::spawn_blocking(|| QUIET.addresses.clone()).await.unwrap()
}

/// The route table of the demo, which is the one that an operator of this shop would run.
pub(crate) fn routes() -> String {
    fs::read_to_string(tests::project::root().join("routes.toml")).unwrap()
}

/// Banyan in front of a shop with these routes and handlers. Routes of handlers that are not among
/// these are the monolith's.
pub(crate) async fn proxy(
    shop: Addresses,
    routes: String,
    extractions: &'static [Extraction],
) -> Proxy {
    let setup = Setup {
        flags: shop.flags(),
        monolith: shop.url,
        database: Some(shop.database_url),
        routes: Some(known(&routes, extractions)),
        ..Setup::default()
    };
    Proxy::start(setup, extractions).await.unwrap()
}

fn known(routes: &str, extractions: &[Extraction]) -> String {
    let mut table: Table = routes.parse().unwrap();
    for route in table.get_mut("route").and_then(Value::as_array_mut).into_iter().flatten() {
        let id = route.get("id").and_then(Value::as_str).unwrap_or_default();
        let handled = extractions.iter().any(|it| it.id == id);
        if !handled && extracted::all().iter().any(|it| it.id == id) {
            route.as_table_mut().unwrap().insert("stage".to_owned(), "monolith".into());
        }
    }
    table.to_string()
}

/// The flags for a certificate that nobody else has: `shop.crt` and `shop.key` in `folder`.
pub(crate) fn certificate(folder: &Path) -> Vec<String> {
    let names = ["127.0.0.1".to_owned(), "shop.test".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    fs::write(folder.join("shop.crt"), cert.pem()).unwrap();
    fs::write(folder.join("shop.key"), signing_key.serialize_pem()).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    vec!["--tls-cert".into(), file("shop.crt"), "--tls-key".into(), file("shop.key")]
}

/// Two of Banyan in front of one shop: one without TLS, for HTTP/1.1 and for HTTP/2 by prior
/// knowledge, and one behind a certificate.
pub(crate) struct Pair {
    pub(crate) clear: Proxy,
    pub(crate) tls: Proxy,
    /// For what a test writes, beside the certificate.
    pub(crate) files: Scratch,
}

impl Pair {
    /// Both are started as `setup` says, but for where they listen; in front of the busy shop unless
    /// it names another.
    pub(crate) async fn start(mut setup: Setup) -> Self {
        let files = Scratch::new("pair");
        if setup.monolith.is_empty() {
            setup.monolith = shop().await.url;
        }
        setup.listen = Some("h2c://127.0.0.1:0".into());
        let clear = Proxy::start(setup.clone(), &[]).await.unwrap();
        setup.flags.extend(certificate(files.path()));
        setup.listen = Some("https://127.0.0.1:0".into());
        let tls = Proxy::start(setup, &[]).await.unwrap();
        Self { clear, tls, files }
    }

    pub(crate) async fn stop(self) {
        tokio::join!(self.clear.stop(), self.tls.stop());
    }
}

/// A handler list that lives as long as the process, as the one of a real build does.
pub(crate) fn forever(extractions: Vec<Extraction>) -> &'static [Extraction] {
    Box::leak(extractions.into_boxed_slice())
}

/// Waits until `look` finds something, and fails the test when that takes too long.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < patience, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What the judge has stored of one route, once it has looked at `requests` of them, compared or
/// not.
pub(crate) async fn judged(proxy: &Proxy, route: &'static str, requests: u64) -> RouteReport {
    let reports = Arc::new(Reports::open_read_only(&proxy.store()).await.unwrap());
    eventually(&format!("{requests} judged requests of {route}"), || {
        let reports = Arc::clone(&reports);
        async move {
            let report = reports.route(route).await.unwrap()?;
            let unknown: u64 = report.unknowns.values().sum();
            let seen = report.compared() + unknown;
            (seen >= requests).then_some(report)
        }
    })
    .await
}

/// The differences of a route that no rule excused.
pub(crate) async fn differences(proxy: &Proxy, route: &str) -> Vec<DifferenceReport> {
    let reports = Reports::open_read_only(&proxy.store()).await.unwrap();
    let all = reports.differences(route).await.unwrap();
    all.into_iter().filter(|it| it.requests > it.excused).collect()
}

/// The value of a series in the proxy's `/metrics`, such as `name{route="x"}`; 0 when absent.
pub(crate) async fn metric(proxy: &Proxy, series: &str) -> f64 {
    let text =
        reqwest::get(format!("{}/metrics", proxy.admin())).await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|it| it.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}
