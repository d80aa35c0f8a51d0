//! Switching protocols: only where both sides agree, and nothing passes before they do.

use std::time::Duration;

use crate::{
    message::Message,
    origin::{Origin, ok},
    support::{Verdict, Verdicts, ask, banyan, buyer, get, holds, is, same},
    wire::{End, Wire},
};

/// For how long nothing must happen.
const WHILE: Duration = Duration::from_millis(100);

fn asking(protocols: &str) -> String {
    format!(
        "GET /cable HTTP/1.1\r\nHost: shop.test\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: {protocols}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

fn switching(protocol: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
}

/// Sends `request`, and takes what arrives of its head at the origin.
async fn ask_origin(
    origin: &Origin,
    wire: &mut Wire,
    request: &str,
) -> Result<(Wire, Message), String> {
    wire.send(request).await;
    let mut server = origin.accept().await?;
    let arrived = server.head().await?;
    Ok((server, arrived))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_a_tunnel_in_both_directions() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    let (mut server, arrived) = ask_origin(&origin, &mut wire, &asking("websocket")).await.unwrap();
    assert_eq!(arrived.get("upgrade"), Some("websocket"));
    assert!(arrived.lists("connection", "upgrade"), "{arrived:?}");
    assert_eq!(arrived.get("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    // Bytes right behind the 101 belong to the tunnel.
    server.send(switching("WebSocket") + "\x00first").await;
    let head = wire.head().await.unwrap();
    assert_eq!(head.status(), 101);
    assert_eq!(head.get("upgrade").map(str::to_lowercase).as_deref(), Some("websocket"));
    assert!(head.lists("connection", "upgrade"), "{head:?}");
    assert_eq!(head.get("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(wire.exactly(6).await.unwrap(), b"\x00first");
    let large = vec![0xff; 1024 * 1024];
    let (mut up, mut down) = (large.clone(), large.clone());
    up.push(1);
    down.push(2);
    let both = async {
        let upwards = async {
            wire.send(&up).await;
            wire.exactly(down.len()).await
        };
        let downwards = async {
            let seen = server.exactly(up.len()).await;
            server.send(&down).await;
            seen
        };
        tokio::join!(upwards, downwards)
    };
    let (seen_by_buyer, seen_by_origin) = both.await;
    assert!(seen_by_buyer.unwrap() == down && seen_by_origin.unwrap() == up);
    // What looks like a request is none any more.
    wire.send(get("/evil")).await;
    assert_eq!(server.exactly(get("/evil").len()).await.unwrap(), get("/evil").as_bytes());
    server.half_close().await;
    let (rest, end) = wire.rest().await;
    assert_eq!((rest.len(), end), (0, End::Closed));
    drop(wire);
    assert_ne!(server.rest().await.1, End::Open);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_a_tunnel_takes_the_origin_with_it() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    for reset in [false, true] {
        let mut wire = buyer(&proxy).await;
        let (mut server, _) = ask_origin(&origin, &mut wire, &asking("websocket")).await.unwrap();
        server.send(switching("websocket")).await;
        assert_eq!(wire.head().await.unwrap().status(), 101);
        if reset {
            wire.reset();
        } else {
            drop(wire);
        }
        assert_ne!(server.rest().await.1, End::Open, "reset: {reset}");
    }
    proxy.stop().await;
}

/// CVE-2026-2833 of another proxy: what it passed on before the 101 was the next request of
/// somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_before_the_switch_waits_for_it() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    let request = asking("websocket") + "EARLY";
    let (mut server, _) = ask_origin(&origin, &mut wire, &request).await.unwrap();
    server.silent_for(WHILE).await.unwrap();
    wire.send("LATER").await;
    server.silent_for(WHILE).await.unwrap();
    server.send(switching("websocket")).await;
    assert_eq!(wire.head().await.unwrap().status(), 101);
    assert_eq!(server.exactly(10).await.unwrap(), b"EARLYLATER");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_does_not_switch_has_answered_a_request_and_the_next_one_follows() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let not_found = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno".to_owned();
    // Names the protocols that it knows, as RFC 9110 §15.5.22 wants it.
    let required = "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Content-Length: 2\r\n\r\nno"
        .to_owned();
    let fine = String::from_utf8(ok("no")).unwrap();
    for (status, answer) in [(200, fine), (404, not_found), (426, required)] {
        let verdict = async {
            let mut wire = buyer(&proxy).await;
            let request = asking("websocket") + &get("/next");
            let (mut server, _) = ask_origin(&origin, &mut wire, &request).await?;
            server.silent_for(WHILE).await?;
            server.send(answer).await;
            let answer = wire.answer("GET").await?;
            is(&answer, status)?;
            same("the body", &answer.text()[..], "no")?;
            // On the same connection or on another one: a request of its own.
            let next = tokio::select! {
                next = server.head() => next?,
                other = origin.accept() => { server = other?; server.head().await? }
            };
            same("the next request", next.target(), "/next")?;
            same("its Upgrade", &next.get("upgrade"), &None)?;
            server.send(ok("next")).await;
            same("the next answer", &wire.answer("GET").await?.text()[..], "next")
        };
        verdicts.add(&status.to_string(), verdict.await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_must_agree_to_one_of_the_offers() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let bare = "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned();
    for (offered, answer, status) in [
        ("foo, websocket", switching("websocket"), 101),
        ("foo, websocket", switching("foo"), 101),
        ("websocket", switching("WEBSOCKET"), 101),
        ("foo, websocket", switching("foo, websocket"), 502),
        ("foo, websocket", switching("bar"), 502),
        ("websocket", switching("h2c"), 502),
        ("websocket", switching("web"), 502),
        ("websocket", switching(""), 502),
        ("websocket", bare, 502),
    ] {
        let verdict = async {
            let mut wire = buyer(&proxy).await;
            let request = asking(offered) + "EARLY";
            let (mut server, _) = ask_origin(&origin, &mut wire, &request).await?;
            server.send(&answer).await;
            let head = wire.head().await?;
            is(&head, status)?;
            if status == 101 {
                return same("what was early", &server.exactly(5).await?[..], b"EARLY");
            }
            let (rest, end) = server.rest().await;
            holds(rest.is_empty() && end != End::Open, || format!("{rest:?}, then {end:?}"))
        };
        verdicts.add(&format!("{offered:?} {answer:?}"), verdict.await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

/// Requests that name a protocol, but may not switch: they arrive as others do, without the wish.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_may_not_switch_is_an_ordinary_one() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let websocket = "Upgrade: websocket\r\n";
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (number, (name, method, version, lines)) in (0..).zip([
        ("a length", "GET", "1.1", format!("{upgrade}Content-Length: 5\r\n\r\nhello")),
        (
            "chunks",
            "GET",
            "1.1",
            format!("{upgrade}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        ),
        ("POST", "POST", "1.1", format!("{upgrade}Content-Length: 5\r\n\r\nhello")),
        ("no Connection", "GET", "1.1", format!("{websocket}\r\n")),
        ("another Connection", "GET", "1.1", format!("{websocket}Connection: close\r\n\r\n")),
        ("no Upgrade", "GET", "1.1", "Connection: upgrade\r\n\r\n".to_owned()),
        ("HTTP/1.0", "GET", "1.0", format!("{upgrade}\r\n")),
    ]) {
        let target = format!("/{number}");
        let request = format!("{method} {target} HTTP/{version}\r\nHost: shop.test\r\n{lines}");
        verdicts.add(name, is_ordinary(&origin, &mut buyer(&proxy).await, &target, &request).await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

async fn is_ordinary(origin: &Origin, wire: &mut Wire, target: &str, request: &str) -> Verdict {
    is(&ask(wire, request).await?, 200)?;
    let arrived = origin.request(target)?;
    same("Upgrade", &arrived.get("upgrade"), &None)?;
    holds(!arrived.lists("connection", "upgrade"), || format!("{:?}", arrived.fields))?;
    same("the body", &arrived.text()[..], if request.contains("hello") { "hello" } else { "" })
}

/// HTTP/2 inside a tunnel would hide its requests from everything that looks at requests.
#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_not_switched_to_behind_our_back() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let request = "GET /h2c HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                   Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
    is_ordinary(&origin, &mut buyer(&proxy).await, "/h2c", request).await.unwrap();
    assert_eq!(origin.request("/h2c").unwrap().get("http2-settings"), None);
    proxy.stop().await;
}
