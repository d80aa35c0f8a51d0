//! Upgrades to servers that speak HTTP/2.

use bytes::Bytes;
use http::Response;

use crate::{
    stream_origin::{Exchange, Settings, StreamOrigin, echo},
    support::{banyan_before, buyer, once},
};

const HANDSHAKE: &str = "GET /cable HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\n\
                         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_an_extended_connect() {
    let script = |mut exchange: Exchange| async move {
        let mut stream = exchange.begin(Response::new(()));
        while let Some(Ok(data)) = exchange.request.body_mut().data().await {
            let length = data.len();
            stream.send_data(data, false).unwrap();
            exchange.request.body_mut().flow_control().release_capacity(length).unwrap();
        }
        stream.send_data(Bytes::new(), true).unwrap();
    };
    let settings = Settings { websockets: true, ..Settings::default() };
    let origin = StreamOrigin::with(settings, script).await;
    let proxy = banyan_before(&[origin.url()], "").await;
    let mut wire = buyer(&proxy).await;
    wire.send(HANDSHAKE).await;
    let answer = wire.head().await.unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.get("upgrade"), Some("websocket"));
    assert_eq!(answer.get("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    for message in ["ping", "pong", &"x".repeat(600_000)] {
        wire.send(message).await;
        assert_eq!(wire.exactly(message.len()).await.unwrap(), message.as_bytes());
    }
    let head = origin.heads().remove(0);
    assert_eq!((head.method().as_str(), head.uri().path()), ("CONNECT", "/cable"));
    assert_eq!(head.headers()["sec-websocket-version"], "13");
    assert!(!head.headers().contains_key("sec-websocket-key"));
    wire.half_close().await;
    wire.ends().await.unwrap();
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_the_server_does_not_offer_is_a_502_and_other_answers_pass() {
    let without = StreamOrigin::start(echo).await;
    let proxy = banyan_before(&[without.url()], "").await;
    assert_eq!(once(&proxy, HANDSHAKE).await.unwrap().status(), 502);
    assert_eq!(without.heads().len(), 0);
    proxy.stop().await;
    let refusing = Settings { websockets: true, ..Settings::default() };
    let refusing = StreamOrigin::with(refusing, |mut exchange: Exchange| async move {
        let head = Response::builder().status(403).body(()).unwrap();
        exchange.begin(head).send_data("no".into(), true).unwrap();
    })
    .await;
    let proxy = banyan_before(&[refusing.url()], "").await;
    let answer = once(&proxy, HANDSHAKE).await.unwrap();
    assert_eq!((answer.status(), &*answer.text()), (403, "no"));
    let other = HANDSHAKE.replace("Upgrade: websocket", "Upgrade: echo");
    assert_eq!(once(&proxy, other).await.unwrap().status(), 502);
    proxy.stop().await;
}
