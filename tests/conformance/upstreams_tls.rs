//! Servers behind TLS: whom Banyan believes, and whom it does not.

use std::time::{Duration, Instant};

use tests::banyan::Proxy;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    stream_origin::{Exchange, Settings, StreamOrigin},
    support::{Verdicts, ask, banyan_before, buyer, fired, get, is, once},
    tls_origin::{Pki, TlsOrigin},
    wire::PATIENCE,
};

fn ca(pki: &Pki) -> String {
    format!("tls = {{ ca = \"{}\" }}", pki.ca_file().display())
}

fn ca_and_name(pki: &Pki, name: &str) -> String {
    format!("tls = {{ ca = \"{}\", name = \"{name}\" }}", pki.ca_file().display())
}

async fn over_http2(acceptor: TlsAcceptor) -> StreamOrigin {
    let settings = Settings { tls: Some(acceptor), ..Settings::default() };
    StreamOrigin::with(settings, |mut exchange: Exchange| async move { exchange.ok("h2") }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_believed_answers_over_kept_connections() {
    let pki = Pki::new();
    let origin = TlsOrigin::start(pki.acceptor("127.0.0.1", &["http/1.1"]), "puma").await;
    let proxy = banyan_before(&[format!("https://{}", origin.address)], &ca(&pki)).await;
    let mut wire = buyer(&proxy).await;
    for _ in 0..3 {
        let answer = ask(&mut wire, get("/cart")).await.unwrap();
        assert_eq!((answer.status(), &*answer.text()), (200, "puma"));
    }
    assert_eq!(origin.connections(), 1);
    assert!(origin.heads()[0].starts_with("GET /cart HTTP/1.1\r\n"));
    assert!(origin.heads()[0].contains("\r\nhost: shop.test\r\n"));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_passes_through_tls() {
    let pki = Pki::new();
    let origin = TlsOrigin::start(pki.acceptor("127.0.0.1", &[]), "puma").await;
    let proxy = banyan_before(&[format!("https://{}", origin.address)], &ca(&pki)).await;
    let mut wire = buyer(&proxy).await;
    wire.send("GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .await;
    assert_eq!(wire.head().await.unwrap().status(), 101);
    wire.send("hello").await;
    assert_eq!(wire.exactly(5).await.unwrap(), b"hello");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_settled_by_alpn_and_nothing_else_will_do() {
    let pki = Pki::new();
    let mut verdicts = Verdicts::default();
    for (protocols, status) in
        [(&["h2", "http/1.1"][..], 200), (&["h2"], 200), (&["http/1.1"], 502), (&[], 502)]
    {
        let origin = over_http2(pki.acceptor("127.0.0.1", protocols)).await;
        let proxy = banyan_before(&[format!("h2://{}", origin.address)], &ca(&pki)).await;
        let answer = once(&proxy, get("/")).await;
        verdicts.add(&format!("{protocols:?}"), answer.and_then(|it| is(&it, status)));
        if status == 200 {
            assert_eq!(origin.heads()[0].uri(), "https://shop.test/");
        }
        proxy.stop().await;
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_sent_a_byte_of_a_request() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let mut verdicts = Verdicts::default();
    for (name, acceptor, tls, status) in [
        ("the address", pki.acceptor("127.0.0.1", &[]), ca(&pki), 200),
        ("a name", pki.acceptor("puma.test", &[]), ca_and_name(&pki, "puma.test"), 200),
        ("another CA", pki.acceptor("127.0.0.1", &[]), ca(&stranger), 502),
        ("only the system's CAs", pki.acceptor("127.0.0.1", &[]), String::new(), 502),
        ("another address", pki.acceptor("127.0.0.2", &[]), ca(&pki), 502),
        ("another name", pki.acceptor("127.0.0.1", &[]), ca_and_name(&pki, "puma.test"), 502),
        ("expired", pki.expired("127.0.0.1"), ca(&pki), 502),
    ] {
        let origin = TlsOrigin::start(acceptor, "puma").await;
        let proxy = banyan_before(&[format!("https://{}", origin.address)], &tls).await;
        let answer = once(&proxy, get("/")).await;
        verdicts.add(name, answer.and_then(|it| is(&it, status)));
        assert_eq!(origin.heads().len(), usize::from(status == 200), "{name}");
        proxy.stop().await;
    }
    verdicts.conclude();
}

/// A connection is good only for those who believe the same of the server.
#[tokio::test(flavor = "multi_thread")]
async fn upstreams_that_believe_others_share_no_connection() {
    let pki = Pki::new();
    let mut verdicts = Verdicts::default();
    let http1 = TlsOrigin::start(pki.acceptor("127.0.0.1", &[]), "puma").await;
    let http2 = over_http2(pki.acceptor("127.0.0.1", &["h2"])).await;
    for (scheme, address) in [("https", http1.address), ("h2", http2.address)] {
        let strict = format!(
            "{}\n[upstream.strict]\nservers = [\"{scheme}://{address}\"]\n{}\n\
             [[route]]\nid = \"strict\"\nmatch = {{ path = \"/strict\" }}\n\
             stage = \"upstream\"\nupstream = \"strict\"",
            ca(&pki),
            ca_and_name(&pki, "strict.test")
        );
        let proxy = banyan_before(&[format!("{scheme}://{address}")], &strict).await;
        for (target, status) in [("/", 200), ("/strict", 502), ("/", 200)] {
            let answer = once(&proxy, get(target)).await;
            verdicts.add(&format!("{scheme} {target}"), answer.and_then(|it| is(&it, status)));
        }
        proxy.stop().await;
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_counts_as_connecting() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    for scheme in ["https", "h2"] {
        let more = "[timeouts]\nconnect = \"100ms\"";
        let proxy = banyan_before(&[format!("{scheme}://{address}")], more).await;
        assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 504);
        fired(&proxy, "connect").await.unwrap();
        proxy.stop().await;
    }
}

/// Waits until the next request gets this status: over a new connection each time.
async fn until(proxy: &Proxy, status: u16) {
    let patience = Instant::now() + PATIENCE;
    while once(proxy, get("/")).await.unwrap().status() != status {
        assert!(Instant::now() < patience, "{status} does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Connections that were made to the old CA's servers are not used for the new one's.
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_file_that_changes_comes_into_force_by_itself() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let origin = TlsOrigin::start(pki.acceptor("127.0.0.1", &[]), "puma").await;
    let file = pki.ca_file();
    let proxy = banyan_before(&[format!("https://{}", origin.address)], &ca(&pki)).await;
    until(&proxy, 200).await;
    stranger.write_to(&file);
    until(&proxy, 502).await;
    // What cannot be used changes nothing.
    std::fs::write(&file, "no certificate").unwrap();
    let rejected = format!("{}/metrics", proxy.admin());
    let patience = Instant::now() + PATIENCE;
    let is_rejected = "banyan_route_table_last_reload_success 0";
    while !reqwest::get(&rejected).await.unwrap().text().await.unwrap().contains(is_rejected) {
        assert!(Instant::now() < patience, "it is not rejected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pki.write_to(&file);
    until(&proxy, 200).await;
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_checked_through_tls() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    for (trusted, up) in [(&pki, "1"), (&stranger, "0")] {
        let http1 = TlsOrigin::start(pki.acceptor("127.0.0.1", &[]), "puma").await;
        let http2 = over_http2(pki.acceptor("127.0.0.1", &["h2"])).await;
        for (scheme, address) in [("https", http1.address), ("h2", http2.address)] {
            let more = format!("{}\nhealth = {{ interval = \"5ms\" }}", ca(trusted));
            let proxy = banyan_before(&[format!("{scheme}://{address}")], &more).await;
            let line = format!(
                "banyan_upstream_server_up{{server=\"{scheme}://{address}\",upstream=\"monolith\"}} {up}"
            );
            let patience = Instant::now() + PATIENCE;
            let url = format!("{}/metrics", proxy.admin());
            while !reqwest::get(&url).await.unwrap().text().await.unwrap().contains(&line) {
                assert!(Instant::now() < patience, "{line} does not come");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            proxy.stop().await;
        }
        let checked = !http1.heads().is_empty() && !http2.heads().is_empty();
        assert_eq!(checked || up == "1", up == "1", "a stranger was asked");
    }
}
