//! Tunnels over HTTP/2: the extended CONNECT of RFC 8441 becomes an upgrade of HTTP/1.1.

use std::time::Duration;

use tests::banyan::Proxy;

use crate::{
    h2_life::timeouts,
    h2_requests::{answer, h2c},
    h2_wire::{Client, DATA, END_STREAM, HEADERS, Outcome, RST_STREAM, data, get, headers, reset},
    message::Message,
    origin::{Origin, Step, ok},
    support::{Verdicts, fired, holds, same},
    wire::{End, Wire},
};

/// The pseudo-fields of an extended CONNECT (RFC 8441 §4).
fn connect(protocol: &str) -> [(&str, &str); 5] {
    [
        (":method", "CONNECT"),
        (":protocol", protocol),
        (":scheme", "http"),
        (":path", "/cable"),
        (":authority", "shop.test"),
    ]
}

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                         Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";

/// A tunnel on stream 1: the client's end, and the origin's with the head that it got.
async fn tunnel(origin: &Origin, proxy: &Proxy, more: &str) -> (Client, Wire, Message) {
    let mut client = Client::connect(proxy.address()).await;
    client.send(headers(1, 0, &connect("websocket"))).await;
    let mut server = origin.accept().await.unwrap();
    let head = server.head().await.unwrap();
    server.send(format!("{SWITCHING}{more}")).await;
    let answered = client.until(HEADERS, 1).await.unwrap();
    assert_eq!((answered.status(), answered.flags & END_STREAM), (200, 0));
    (client, server, head)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extended_connect_is_a_tunnel_to_a_server_of_http_1_1() {
    let origin = Origin::start().await;
    let proxy = h2c(&origin, "").await;
    let (mut client, mut server, head) = tunnel(&origin, &proxy, "first").await;
    assert_eq!(head.first_line, "GET /cable HTTP/1.1");
    assert_eq!((head.get("upgrade"), head.get("host")), (Some("websocket"), Some("shop.test")));
    assert!(head.lists("connection", "upgrade") && head.get("sec-websocket-key").is_some());
    assert_eq!(client.until(DATA, 1).await.unwrap().payload, b"first");
    for _ in 0..3 {
        client.send(data(1, 0, "up")).await;
        assert_eq!(server.exactly(2).await.unwrap(), b"up");
        server.send("down").await;
        assert_eq!(client.until(DATA, 1).await.unwrap().payload, b"down");
    }
    // Requests go on beside it.
    client.send(headers(3, END_STREAM, &get("/beside"))).await;
    let mut beside = origin.accept().await.unwrap();
    beside.head().await.unwrap();
    beside.send(ok("seen")).await;
    assert_eq!(client.outcome(3).await, answer(200, "seen"));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn either_side_may_end_a_tunnel() {
    let origin = Origin::start().await;
    let proxy = h2c(&origin, "").await;
    let (mut client, mut server, _) = tunnel(&origin, &proxy, "").await;
    server.send("bye").await;
    server.half_close().await;
    assert_eq!(client.until(DATA, 1).await.unwrap().payload, b"bye");
    assert_eq!(client.until(DATA, 1).await.unwrap().flags & END_STREAM, END_STREAM);

    let (mut client, mut server, _) = tunnel(&origin, &proxy, "").await;
    client.send(data(1, END_STREAM, "bye")).await;
    assert_eq!(server.rest().await, (b"bye".to_vec(), End::Closed));

    let (mut client, mut server, _) = tunnel(&origin, &proxy, "").await;
    client.send(reset(1)).await;
    assert_ne!(server.rest().await.1, End::Open);

    let (client, mut server, _) = tunnel(&origin, &proxy, "").await;
    drop(client);
    assert_ne!(server.rest().await.1, End::Open);
    proxy.stop().await;
}

/// What is no 101 is no tunnel, least of all an answer with 200.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_switch_opens_no_tunnel() {
    let mut verdicts = Verdicts::default();
    for (name, protocol, sent, due) in [
        ("403", "websocket", "403 Forbidden", answer(403, "no")),
        ("404", "websocket", "404 Not Found", answer(404, "no")),
        ("200", "websocket", "200 OK", answer(501, "no")),
        ("another protocol", "h2c", "200 OK", answer(501, "no")),
    ] {
        let script = format!("HTTP/1.1 {sent}\r\nContent-Length: 2\r\n\r\nno");
        let origin = Origin::scripted(move |_| vec![Step::Send(script.clone().into())]).await;
        let proxy = h2c(&origin, "").await;
        let mut client = Client::connect(proxy.address()).await;
        let verdict = async {
            client.send(headers(1, 0, &connect(protocol))).await;
            same("the answer", &client.outcome(1).await, &due)?;
            let next = client.ask(3, &get("/next")).await;
            holds(matches!(next, Outcome::Answer { .. }), || format!("{next:?}"))
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_in_which_nothing_moves_is_closed() {
    let origin = Origin::start().await;
    let proxy = h2c(&origin, &timeouts("tunnel_idle")).await;
    let (mut client, mut server, _) = tunnel(&origin, &proxy, "").await;
    for _ in 0..6 {
        server.send("x").await;
        client.until(DATA, 1).await.unwrap();
        client.silent_for(1, Duration::from_millis(100)).await.unwrap();
    }
    let ended = client.next().await.unwrap();
    assert!(ended.kind == RST_STREAM || ended.flags & END_STREAM != 0, "{ended:?}");
    assert_ne!(server.rest().await.1, End::Open);
    fired(&proxy, "tunnel_idle").await.unwrap();
    proxy.stop().await;
}
