//! Pause and stop, for the whole shop and for one route.

use std::{fs, time::Duration};

use crate::{
    origin::Origin,
    support::{banyan, buyer, get},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_route_shows_its_page_and_the_others_go_on() {
    let origin = Origin::plain().await;
    let routes = "[[route]]\nid = \"cart\"\nmatch = { path = \"/cart\" }\nstage = \"monolith\"\n\
                  maintenance = { stop = \"Back <soon>.\", retry_after = \"5m\" }\n";
    let proxy = banyan(&origin, routes).await;
    let mut wire = buyer(&proxy).await;
    wire.send(get("/cart")).await;
    let answer = wire.answer("GET").await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.get("retry-after"), Some("300"));
    assert!(answer.text().contains("Back &lt;soon&gt;."), "{}", answer.text());
    wire.send(get("/other")).await;
    assert_eq!(wire.answer("GET").await.unwrap().status(), 200);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_requests_until_it_ends_or_for_as_long_as_it_says() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "maintenance = { pause = \"100ms\" }\n").await;
    let mut wire = buyer(&proxy).await;
    wire.send(get("/held")).await;
    let answer = wire.answer("GET").await.unwrap();
    assert_eq!((answer.status(), answer.get("retry-after")), (503, Some("1")));

    let paused = "maintenance = { pause = \"60s\" }\n";
    let running = "[timeouts]\nhead = \"14s\"\n";
    let file = proxy.route_file();
    fs::write(&file, paused).unwrap();
    let mut held = buyer(&proxy).await;
    // The reload takes a moment; before it, the old pause of 100 ms still answers 503.
    loop {
        held.send(get("/held")).await;
        if held.silent_for(Duration::from_millis(400)).await.is_ok() {
            break;
        }
        held.answer("GET").await.unwrap();
    }
    fs::write(&file, running).unwrap();
    assert_eq!(held.answer("GET").await.unwrap().status(), 200);
    proxy.stop().await;
}

/// An answer that is given before the body was read leaves the body on the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_read_is_not_the_next_request() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "maintenance = { stop = \"Back soon.\" }\n").await;
    let body = get("/smuggled");
    for head in [format!("Content-Length: {}", body.len()), "Transfer-Encoding: chunked".to_owned()]
    {
        let mut wire = buyer(&proxy).await;
        wire.send(format!("POST /cart HTTP/1.1\r\nHost: shop.test\r\n{head}\r\n\r\n{body}")).await;
        assert_eq!(wire.answer("POST").await.unwrap().status(), 503);
        wire.ends().await.unwrap();
    }
    assert!(origin.requests().is_empty());
    proxy.stop().await;
}
