//! Who the client is, as a listener is told.

use tests::banyan::{Proxy, Setup};

use crate::{
    origin::Origin,
    support::{buyer, get},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_behind_a_balancer_takes_its_word_for_the_client_and_serves_nobody_else() {
    let origin = Origin::plain().await;
    let setup = Setup {
        monolith: format!("http://{}", origin.address),
        listen: Some("http://127.0.0.1:0?proxy-protocol".to_owned()),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x0a\x7f\0\0\x01\x0f\xa0\0\x50";
    for (header, target, client) in [
        (&b"PROXY TCP4 203.0.113.9 127.0.0.1 4000 80\r\n"[..], "/1", "203.0.113.9"),
        (b"PROXY UNKNOWN\r\n", "/unknown", "127.0.0.1"),
        (v2, "/2", "203.0.113.10"),
    ] {
        let mut wire = buyer(&proxy).await;
        wire.send([header, get(target).as_bytes()].concat()).await;
        assert_eq!(wire.answer("GET").await.unwrap().status(), 200);
        let request = origin.request(target).unwrap();
        assert_eq!(request.get("x-forwarded-for"), Some(client), "{target}");
    }
    let mut wire = buyer(&proxy).await;
    wire.send(get("/bare")).await;
    wire.ends().await.unwrap();
    assert!(origin.request("/bare").is_err());
    proxy.stop().await;
}
