//! `Expect: 100-continue`: between the client and Banyan, and nobody else's concern.

use std::time::Duration;

use crate::{
    origin::Origin,
    support::{Verdicts, ask, banyan, buyer, get, is, once},
};

const EXPECTING: &str = "POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\
                         Expect: 100-Continue\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_100_gets_it_and_the_origin_never_sees_that_it_waited() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    wire.send(EXPECTING).await;
    let interim = wire.head().await.unwrap();
    assert_eq!((interim.status(), interim.fields.len()), (100, 0), "{interim:?}");
    assert_eq!(ask(&mut wire, "hello").await.unwrap().status(), 200);
    let arrived = origin.request("/upload").unwrap();
    assert_eq!((arrived.text().as_str(), arrived.get("expect")), ("hello", None));
    // And the connection goes on.
    assert_eq!(ask(&mut wire, get("/next")).await.unwrap().text(), "/next");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_100_is_sent_where_none_is_due() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "limits = { body = \"1KiB\" }\n").await;
    let mut verdicts = Verdicts::default();
    let refused = EXPECTING.replace("Host: shop.test", "Host: a b");
    let large = EXPECTING.replace("Length: 5", "Length: 2000");
    for (name, request, status) in [("a refusal", refused, 400), ("too large", large, 413)] {
        // A 100 would be a fault: it is no final answer.
        let verdict = once(&proxy, request).await.and_then(|it| is(&it, status));
        verdicts.add(name, verdict);
    }
    let old = async {
        let mut wire = buyer(&proxy).await;
        wire.send(EXPECTING.replace("HTTP/1.1", "HTTP/1.0")).await;
        wire.silent_for(Duration::from_millis(100)).await?;
        is(&ask(&mut wire, "hello").await?, 200)
    };
    verdicts.add("HTTP/1.0", old.await);
    proxy.stop().await;
    verdicts.conclude();
}

/// An upload that the origin refuses at its head need not be sent to its end.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_before_the_body_is_passed_on() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    wire.send(EXPECTING.replace("Length: 5", "Length: 1000000")).await;
    // Whether the origin is asked before or after the first bytes have come: both is fine.
    let (mut server, continued) = tokio::select! {
        server = origin.accept() => (server.unwrap(), false),
        interim = wire.head() => {
            assert_eq!(interim.unwrap().status(), 100);
            wire.send("x".repeat(200_000)).await;
            (origin.accept().await.unwrap(), true)
        }
    };
    server.head().await.unwrap();
    server.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").await;
    server.half_close().await;
    let mut head = wire.head().await.unwrap();
    if !continued && head.status() == 100 {
        head = wire.head().await.unwrap();
    }
    assert_eq!(head.status(), 403);
    assert_eq!(wire.exactly(2).await.unwrap(), b"no");
    // What follows could be the body or another request: nobody knows.
    wire.ends().await.unwrap();
    drop(server);
    proxy.stop().await;
}
