//! The shop through TLS and HTTP/2 is the shop through HTTP/1.1.

use std::path::Path;

use reqwest::{Client, Version};
use tests::{
    banyan::{Proxy, Setup},
    buyers::{Buyers, Until},
    project::Scratch,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};

use crate::support::{certificate, shop};

/// Banyan behind a certificate of its own, in front of the shop.
async fn behind_tls(files: &Path) -> (Proxy, String) {
    let proxy = listening("https://127.0.0.1:0", certificate(files)).await;
    let base = format!("https://{}", proxy.address());
    (proxy, base)
}

async fn listening(listen: &str, flags: Vec<String>) -> Proxy {
    let setup = Setup {
        monolith: shop().await.url,
        listen: Some(listen.to_owned()),
        flags,
        ..Setup::default()
    };
    Proxy::start(setup, &[]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_notice_nothing_of_tls_and_http2() {
    let files = Scratch::new("tls");
    let (proxy, base) = behind_tls(files.path()).await;
    let probe = Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    let response = probe.get(format!("{base}/up")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    let buyers = Buyers { base, at_once: 4, seed: 11 };
    let tally = buyers.run(Until::Journeys(6)).await;
    assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
    proxy.stop().await;
}

/// curl is another implementation of everything: TLS, ALPN, HTTP/2, uploads.
#[tokio::test(flavor = "multi_thread")]
async fn curl_is_served_over_every_protocol() {
    let files = Scratch::new("curl");
    let (proxy, base) = behind_tls(files.path()).await;
    let clear = listening("h2c://127.0.0.1:0", Vec::new()).await;
    let clear_base = format!("http://{}", clear.address());
    for (arguments, base, version) in [
        (&["--http1.1"][..], &base, "1.1"),
        (&["--http2"][..], &base, "2"),
        (&["--http1.0"][..], &clear_base, "1.1"),
        (&["--http1.1"][..], &clear_base, "1.1"),
        (&["--http2-prior-knowledge"][..], &clear_base, "2"),
        (&["--http2-prior-knowledge", "--head"][..], &clear_base, "2"),
    ] {
        let output = Command::new("curl")
            .args(["--silent", "--insecure", "--max-time", "20", "--output", "/dev/null"])
            .args(["--write-out", "%{http_code} %{http_version}"])
            .args(arguments)
            .arg(format!("{base}/up"))
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let expected = if arguments[0] == "--http1.0" { "1" } else { version };
        assert_eq!(said, format!("200 {expected}"), "{arguments:?}");
    }
    proxy.stop().await;
    clear.stop().await;
}

/// Rails sets its cookies and builds its redirects for the scheme that the buyer used.
#[tokio::test(flavor = "multi_thread")]
async fn rails_knows_that_the_buyer_came_through_tls() {
    let files = Scratch::new("scheme");
    let (proxy, base) = behind_tls(files.path()).await;
    let client = Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    // A guest is sent to the login, by an address that Rails makes of what it is told.
    let response = client.get(format!("{base}/orders")).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let location = response.headers()["location"].to_str().unwrap();
    assert_eq!(location, format!("{base}/login"));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_file_serves_buyers_too() {
    let files = Scratch::new("socket");
    let path = files.path().join("banyan.sock");
    let proxy = listening(&format!("unix://{}", path.display()), Vec::new()).await;
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    let request = b"GET /up HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    proxy.stop().await;
}
