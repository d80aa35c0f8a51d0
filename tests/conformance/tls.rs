//! TLS from clients: which certificate they are shown, for which hosts it is good, and what becomes
//! of those who do not speak it as they should.

use std::time::Duration;

use rustls::{HandshakeKind, ProtocolVersion, pki_types::CertificateDer};
use tests::banyan::Proxy;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use crate::{
    h2_requests::answer,
    h2_wire::{Client, Outcome},
    origin::Origin,
    support::{Verdicts, banyan, buyer, fired, get, same},
    tls_setup::{ALL, Pki, connect},
    wire::{End, PATIENCE},
};

/// Sends a request over HTTP/1.1, and reads the first line of its answer.
async fn first_line(
    stream: &mut TlsStream<TcpStream>,
    host: &str,
) -> Result<String, std::io::Error> {
    stream.write_all(format!("GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n") {
        seen.push(timeout(PATIENCE, stream.read_u8()).await??);
    }
    // The rest of this answer is of no interest, but stands before the next one.
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(timeout(PATIENCE, stream.read_u8()).await??);
    }
    let text = String::from_utf8_lossy(&seen).into_owned();
    let length = text
        .lines()
        .find_map(|it| it.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let length = length.and_then(|it| it.parse().ok()).unwrap_or_default();
    timeout(PATIENCE, stream.read_exact(&mut vec![0; length])).await??;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_name_gets_its_certificate_in_every_version_and_protocol() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    pki.issue("first", &["shop.test"]);
    pki.issue("wildcard", &["*.shop.test"]);
    pki.issue("exact", &["pay.shop.test"]);
    let proxy = pki.banyan(&origin, &["first", "wildcard", "exact"], &[]).await;
    let mut verdicts = Verdicts::default();
    for (version, number) in
        [(ALL[0], ProtocolVersion::TLSv1_3), (ALL[1], ProtocolVersion::TLSv1_2)]
    {
        for protocols in [&["h2", "http/1.1"][..], &["http/1.1"], &[]] {
            let client = pki.client(&[version], protocols, None);
            for (name, file) in
                [("shop.test", "first"), ("pay.shop.test", "exact"), ("www.shop.test", "wildcard")]
            {
                let verdict = async {
                    let mut stream = connect(&proxy, &client, name).await?;
                    same("the certificate", &shown(&stream), &pki.certificate(file))?;
                    let session = stream.get_ref().1;
                    same("the version", &session.protocol_version(), &Some(number))?;
                    let spoken = session.alpn_protocol().map(<[u8]>::to_vec);
                    same("ALPN", &spoken, &protocols.first().map(|it| it.as_bytes().to_vec()))?;
                    if protocols.first() == Some(&"h2") {
                        let mut client = Client::over(stream, &[]).await;
                        let seen = client.ask(1, &h2_get(name)).await;
                        return same("the answer", &seen, &answer(200, "/a"));
                    }
                    let line = first_line(&mut stream, name).await.map_err(|it| it.to_string())?;
                    same("the answer", &line[..], "HTTP/1.1 200 OK")
                };
                verdicts.add(&format!("{name} {number:?} {protocols:?}"), verdict.await);
            }
        }
    }
    proxy.stop().await;
    verdicts.conclude();
}

fn h2_get(host: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "https"), (":path", "/a"), (":authority", host)]
}

/// RFC 9110 §15.5.20: the browser asks again, on a connection of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_the_certificate_does_not_have_is_sent_to_another_connection() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    pki.issue("shop", &["shop.test", "*.cdn.test", "127.0.0.1"]);
    pki.issue("pay", &["pay.test"]);
    let proxy = pki.banyan(&origin, &["shop", "pay"], &[]).await;
    let mut verdicts = Verdicts::default();
    let cases = [
        ("shop.test", "shop.test", 200),
        ("shop.test", "SHOP.test:443", 200),
        ("shop.test", "a.cdn.test", 200),
        ("shop.test", "127.0.0.1", 200),
        ("a.cdn.test", "shop.test", 200),
        ("shop.test", "pay.test", 421),
        ("shop.test", "pay.test:443", 421),
        ("shop.test", "a.b.cdn.test", 421),
        ("shop.test", "[::1]:443", 421),
        ("pay.test", "shop.test", 421),
        // Who asked for no name is not held to one.
        ("127.0.0.1", "elsewhere.test", 200),
    ];
    for (name, host, status) in cases {
        let case = format!("{name}, {host}");
        let before = origin.requests().len();
        let verdict = async {
            let stream = connect(&proxy, &pki.client(ALL, &["h2"], None), name).await?;
            let mut client = Client::over(stream, &[]).await;
            let Outcome::Answer { status: seen, .. } = client.ask(1, &h2_get(host)).await else {
                return Err("no answer".to_owned());
            };
            same("the status", &seen, &status)?;
            same("what arrived", &(origin.requests().len() - before), &usize::from(status == 200))?;
            // The stream is at fault, not the connection.
            let next = if name == "127.0.0.1" { "shop.test" } else { name };
            same("the next one", &client.ask(3, &h2_get(next)).await, &answer(200, "/a"))
        };
        verdicts.add(&format!("{case} over HTTP/2"), verdict.await);
        let verdict = async {
            let mut stream = connect(&proxy, &pki.client(ALL, &[], None), name).await?;
            let line = first_line(&mut stream, host).await.map_err(|it| it.to_string())?;
            same("the status", &line[9..12], &status.to_string()[..])
        };
        verdicts.add(&format!("{case} over HTTP/1.1"), verdict.await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

/// A hop that is believed who its client is may ask for any host, by whatever name it reached us.
#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_name_any_host() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    pki.issue("shop", &["banyan.internal"]);
    let proxy = pki.banyan(&origin, &["shop"], &["--trusted-proxy=127.0.0.0/8"]).await;
    let client = pki.client(ALL, &[], None);
    let mut stream = connect(&proxy, &client, "banyan.internal").await.unwrap();
    assert_eq!(first_line(&mut stream, "shop.test").await.unwrap(), "HTTP/1.1 200 OK");
    proxy.stop().await;
}

async fn expiries(proxy: &Proxy) -> Vec<String> {
    let metrics = reqwest::get(format!("{}/metrics", proxy.admin())).await.unwrap();
    let text = metrics.text().await.unwrap();
    let series = "banyan_tls_certificate_not_after_timestamp_seconds{";
    text.lines()
        .filter(|it| it.starts_with(series))
        .map(|it| it[series.len()..].to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_the_certificate_and_no_open_connection() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    pki.issue("shop", &["shop.test"]);
    let proxy = pki.banyan(&origin, &["shop"], &[]).await;
    let client = pki.client(ALL, &[], None);
    let mut open = connect(&proxy, &client, "shop.test").await.unwrap();
    let before = pki.certificate("shop");
    assert_eq!(first_line(&mut open, "shop.test").await.unwrap(), "HTTP/1.1 200 OK");
    assert_eq!(expiries(&proxy).await, ["name=\"shop.test\"} 4102444800"]);

    pki.issue("shop", &["new.test", "shop.test"]);
    proxy.reload();
    let new = connect(&proxy, &pki.client(ALL, &[], None), "new.test").await.unwrap();
    assert_eq!(shown(&new), pki.certificate("shop"));
    assert_eq!(expiries(&proxy).await, ["name=\"new.test\"} 4102444800"]);
    assert_eq!(shown(&open), before);
    assert_eq!(first_line(&mut open, "shop.test").await.unwrap(), "HTTP/1.1 200 OK");
    // It is good for what its own certificate says.
    assert_eq!(&first_line(&mut open, "new.test").await.unwrap()[9..12], "421");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_resumed_and_serves() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    pki.issue("shop", &["shop.test"]);
    let proxy = pki.banyan(&origin, &["shop"], &[]).await;
    for version in ALL {
        let client = pki.client(&[version], &[], None);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = connect(&proxy, &client, "shop.test").await.unwrap();
            assert_eq!(first_line(&mut stream, "shop.test").await.unwrap(), "HTTP/1.1 200 OK");
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind), "{version:?}");
            assert_eq!(&first_line(&mut stream, "else.test").await.unwrap()[9..12], "421");
        }
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_show_certificates_where_they_are_asked_to() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let origin = Origin::plain().await;
    pki.issue("shop", &["shop.test"]);
    pki.issue("client", &["client.test"]);
    stranger.issue("client", &["client.test"]);
    let ca = format!("--tls-client-ca={}", pki.ca_file());
    let mut verdicts = Verdicts::default();
    for required in [false, true] {
        let flags = [&ca[..], "--tls-client-required"];
        let proxy = pki.banyan(&origin, &["shop"], &flags[..=usize::from(required)]).await;
        for version in ALL {
            let known = pki.client(&[version], &[], Some("client"));
            let nobody = pki.client(&[version], &[], None);
            // It believes our CA, but shows a certificate of another.
            std::fs::copy(stranger.file("client.pem"), pki.file("other.pem")).unwrap();
            std::fs::copy(stranger.file("client.key"), pki.file("other.key")).unwrap();
            let other = pki.client(&[version], &[], Some("other"));
            for (who, client, served) in
                [("known", known, true), ("nobody", nobody, !required), ("other", other, false)]
            {
                let answered = async {
                    let mut stream = connect(&proxy, &client, "shop.test").await.ok()?;
                    first_line(&mut stream, "shop.test").await.ok()
                };
                let verdict = same("served", &answered.await.is_some(), &served);
                verdicts.add(&format!("{who}, required: {required}, {version:?}"), verdict);
            }
        }
        proxy.stop().await;
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn protocols_without_overlap_are_refused_in_the_handshake() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    pki.issue("shop", &["shop.test"]);
    let proxy = pki.banyan(&origin, &["shop"], &[]).await;
    for version in ALL {
        let client = pki.client(&[version], &["h3", "spdy/3"], None);
        let refused = connect(&proxy, &client, "shop.test").await.unwrap_err();
        assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_no_tls_is_let_go_at_once_and_who_says_nothing_soon() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    pki.issue("shop", &["shop.test"]);
    let proxy = pki.banyan(&origin, &["shop"], &[]).await;
    let mut wire = buyer(&proxy).await;
    wire.send(get("/a")).await;
    let (said, end) = wire.rest().await;
    // Nothing but an alert (RFC 8446 §6), which no client takes for an answer.
    assert!(end != End::Open && said.first().is_none_or(|it| *it == 0x15), "{said:?} {end:?}");
    let mut silent = buyer(&proxy).await;
    silent.ends().await.unwrap();
    fired(&proxy, "handshake").await.unwrap();
    assert!(origin.bytes().is_empty());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_to_a_cleartext_listener_is_refused_at_once() {
    let (pki, origin) = (Pki::new(), Origin::plain().await);
    let proxy = banyan(&origin, "").await;
    let client = pki.client(ALL, &[], None);
    let refused = connect(&proxy, &client, "shop.test");
    // Far sooner than a head may take.
    let refused = timeout(Duration::from_secs(5), refused).await.unwrap();
    assert!(refused.is_err());
    let mut wire = buyer(&proxy).await;
    wire.send([0x16, 3, 1, 0]).await;
    assert_eq!(wire.answer("GET").await.unwrap().status(), 400);
    wire.ends().await.unwrap();
    proxy.stop().await;
}
