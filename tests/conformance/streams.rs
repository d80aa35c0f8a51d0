//! Streams: what is sent arrives while more is still to come, and nobody streams to nobody.

use std::time::Duration;

use tests::banyan::Proxy;
use tokio::time::timeout;

use crate::{
    origin::Origin,
    support::{Verdict, Verdicts, banyan, buyer, get, holds},
    wire::{End, Wire},
};

/// A buyer, and the origin's end of what it asked for.
async fn asked(origin: &Origin, proxy: &Proxy, request: impl AsRef<[u8]>) -> (Wire, Wire) {
    let mut wire = buyer(proxy).await;
    wire.send(request).await;
    let mut server = origin.accept().await.unwrap();
    server.head().await.unwrap();
    (wire, server)
}

/// Each piece is waited for before the next is sent: a proxy that holds one back never gets another.
#[tokio::test(flavor = "multi_thread")]
async fn pieces_arrive_as_they_are_sent() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    for head in ["Transfer-Encoding: chunked\r\n", "Content-Length: 65\r\n", ""] {
        let (mut wire, mut server) = asked(&origin, &proxy, get("/events")).await;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{head}\r\n");
        server.send(&head).await;
        let seen = wire.head().await.unwrap();
        assert_eq!(seen.status(), 200, "{head:?}");
        let coded = seen.get("transfer-encoding").is_some();
        for number in 0..5 {
            let event = format!("data: {number}    \n\n");
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            server.send(if head.contains("chunked") { &chunk } else { &event }).await;
            let arrived = if coded {
                wire.chunk().await.unwrap().unwrap()
            } else {
                wire.exactly(event.len()).await.unwrap()
            };
            assert_eq!(arrived, event.as_bytes(), "{head:?}");
        }
    }
    proxy.stop().await;
}

/// One piece goes up, one comes back, and neither body has an end yet. The first one goes with the
/// head: a request whose body has not begun need not hold a server's connection.
#[tokio::test(flavor = "multi_thread")]
async fn both_bodies_may_stream_at_once() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let fields = "Transfer-Encoding: chunked\r\n\r\n";
    let request = format!("POST /echo HTTP/1.1\r\nHost: shop.test\r\n{fields}3\r\none\r\n");
    let (mut wire, mut server) = asked(&origin, &proxy, request).await;
    server.send(format!("HTTP/1.1 200 OK\r\n{fields}")).await;
    assert_eq!(wire.head().await.unwrap().status(), 200);
    assert_eq!(server.chunk().await.unwrap().unwrap(), b"one");
    for text in ["5\r\nhello\r\n", "5\r\nagain\r\n"] {
        wire.send(text).await;
        let up = server.chunk().await.unwrap().unwrap();
        server.send(text).await;
        assert_eq!(wire.chunk().await.unwrap().unwrap(), up);
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(server.chunk().await.unwrap(), None);
    server.send("0\r\n\r\n").await;
    assert_eq!(wire.chunk().await.unwrap(), None);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_may_be_silent_for_longer_than_other_answers() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "timeouts = { answer_idle = \"100ms\" }\n").await;
    let (mut wire, mut server) = asked(&origin, &proxy, get("/events")).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
                Transfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n";
    server.send(head).await;
    wire.head().await.unwrap();
    wire.chunk().await.unwrap();
    wire.silent_for(Duration::from_millis(500)).await.unwrap();
    server.send("3\r\nend\r\n0\r\n\r\n").await;
    assert_eq!(wire.chunk().await.unwrap().unwrap(), b"end");
    assert_eq!(wire.chunk().await.unwrap(), None);
    proxy.stop().await;
}

/// A server that works for nobody has a thread less for the others.
#[tokio::test(flavor = "multi_thread")]
async fn the_origin_learns_soon_that_a_client_has_gone() {
    let stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
    // So long that it is passed on before it is whole.
    let upload = format!(
        "POST /a HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000\r\n\r\n{}",
        "x".repeat(200_000)
    );
    let posted = "POST /a HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello";
    let plain = get("/a");
    let mut verdicts = Verdicts::default();
    for (name, request, answer) in [
        ("before the answer", &plain[..], ""),
        ("before the answer to an upload", posted, ""),
        ("within an upload", &upload, ""),
        ("within a stream", &plain, stream),
        ("within a stream after an upload", posted, stream),
        ("within an answer of known length", &plain, length),
    ] {
        for reset in [false, true] {
            let name = format!("{name}, {}", if reset { "reset" } else { "closed" });
            verdicts.add(&name, is_noticed(request, answer, reset).await);
        }
    }
    verdicts.conclude();
}

async fn is_noticed(request: &str, answer: &str, reset: bool) -> Verdict {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let (mut wire, mut server) = asked(&origin, &proxy, request).await;
    if !answer.is_empty() {
        server.send(answer).await;
        wire.head().await?;
    }
    if reset {
        wire.reset();
    } else {
        drop(wire);
    }
    let ended = timeout(Duration::from_secs(2), server.rest()).await;
    let verdict = match ended {
        Ok((_, end)) => holds(end != End::Open, || "it did not".to_owned()),
        Err(_) => Err("not within 2 s".to_owned()),
    };
    proxy.stop().await;
    verdict
}
