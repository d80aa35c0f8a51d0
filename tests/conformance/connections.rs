//! A buyer's connection: how long it lives, and which answer is whose.

use tests::banyan::Proxy;

use crate::{
    origin::{Origin, Step, ok},
    support::{Verdict, Verdicts, ask, banyan, buyer, get, holds, same},
};

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_clients_are_served() {
    let origin = Origin::scripted(|request| {
        vec![Step::Send(match request.target() {
            "/chunks" => {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
                    .to_vec()
            }
            other => ok(other),
        })]
    })
    .await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let old = |target: &str, lines: &str| format!("GET {target} HTTP/1.0\r\n{lines}\r\n");
    for (target, lines) in [
        ("/bare", ""),
        ("/host", "Host: shop.test\r\n"),
        ("/close", "Connection: close\r\n"),
        ("/chunks", "Host: shop.test\r\n"),
    ] {
        let verdict = async {
            let mut wire = buyer(&proxy).await;
            let answer = ask(&mut wire, old(target, lines)).await?;
            same(
                "the body",
                &answer.text()[..],
                if target == "/chunks" { "hello" } else { target },
            )?;
            same("a coding", &answer.get("transfer-encoding"), &None)?;
            wire.ends().await?;
            let arrived = origin.request(target)?;
            holds(arrived.first_line.ends_with(" HTTP/1.1"), || arrived.first_line.clone())?;
            same("the Hosts' number", &arrived.all("host").count(), &1)
        };
        verdicts.add(target, verdict.await);
    }
    verdicts
        .add("keep-alive", keeps_alive(&proxy, &old("/kept", "Connection: Keep-Alive\r\n")).await);
    proxy.stop().await;
    verdicts.conclude();
}

async fn keeps_alive(proxy: &Proxy, request: &str) -> Verdict {
    let mut wire = buyer(proxy).await;
    for _ in 0..2 {
        let answer = ask(&mut wire, request).await?;
        same("the body", &answer.text()[..], "/kept")?;
        holds(answer.lists("connection", "keep-alive"), || format!("{:?}", answer.fields))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_decides_when_its_connection_ends() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    for target in ["/1", "/2", "/3"] {
        assert_eq!(ask(&mut wire, get(target)).await.unwrap().text(), target);
    }
    let last = "GET /4 HTTP/1.1\r\nHost: shop.test\r\nConnection: x, Close\r\n\r\n";
    let answer = ask(&mut wire, [last, &get("/5")].concat()).await.unwrap();
    assert_eq!(answer.text(), "/4");
    assert!(answer.lists("connection", "close"), "{answer:?}");
    wire.ends().await.unwrap();
    assert!(origin.request("/5").is_err(), "what follows a close is not looked at");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    let post = "POST /2 HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello";
    let chunks = "POST /3 HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n\
                  5\r\nhello\r\n0\r\n\r\n";
    let head = "HEAD /4 HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    // One empty line before a request line is an old browser's, and tolerated.
    wire.send([&get("/1"), post, chunks, head, "\r\n", &get("/5")].concat()).await;
    for (method, body) in
        [("GET", "/1"), ("POST", "/2"), ("POST", "/3"), ("HEAD", ""), ("GET", "/5")]
    {
        assert_eq!(wire.answer(method).await.unwrap().text(), body);
    }
    let arrived: Vec<_> =
        origin.requests().iter().map(|it| it.request.target().to_owned()).collect();
    assert_eq!(arrived, ["/1", "/2", "/3", "/4", "/5"]);
    proxy.stop().await;
}

/// However TCP cuts a request up, it is the same request.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_come_byte_by_byte() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    let request = "\r\nPOST /bytes HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n\
                   2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    for byte in request.bytes() {
        wire.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(wire.answer("POST").await.unwrap().text(), "/bytes");
    assert_eq!(origin.request("/bytes").unwrap().text(), "hello");
    proxy.stop().await;
}
