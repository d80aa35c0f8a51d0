//! Connections to the origin: when they are used again, and what happens when they die.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    message::Message,
    origin::{Origin, Step, ok},
    support::{Verdict, Verdicts, ask, banyan, buyer, get, is, once, same},
};

/// An origin that does `steps` for the first request to `/dies`, and answers all others.
async fn dying_once(steps: Vec<Step>) -> Origin {
    let times = AtomicUsize::new(0);
    Origin::scripted(move |request: &Message| {
        let dies = request.target() == "/dies" && times.fetch_add(1, Ordering::Relaxed) == 0;
        if dies { steps.clone() } else { vec![Step::Send(ok(request.target()))] }
    })
    .await
}

/// The status that the buyer gets, and how often the request reached the origin: its second one on
/// its connection, so that the origin's connection is one that is used again.
async fn dies(method: &str, rest: &str, steps: Vec<Step>) -> Result<(u16, usize), String> {
    let origin = dying_once(steps).await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    let seen = async {
        is(&ask(&mut wire, get("/first")).await?, 200)?;
        ask(&mut wire, format!("{method} /dies HTTP/1.1\r\nHost: shop.test\r\n{rest}")).await
    };
    let seen = seen.await;
    let arrived: Vec<_> = origin.requests();
    let times = arrived.iter().filter(|it| it.request.target() == "/dies").count();
    let reused = arrived.iter().all(|it| it.connection == 0 || it.request.target() == "/dies");
    proxy.stop().await;
    assert!(reused, "a new connection where the old one could be used: {arrived:?}");
    Ok((seen?.status(), times))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_request_is_sent_again_when_a_reused_connection_dies() {
    let mut verdicts = Verdicts::default();
    for method in ["GET", "HEAD", "OPTIONS"] {
        for step in [Step::Close, Step::Reset] {
            let name = format!("{method} {step:?}");
            let seen = dies(method, "\r\n", vec![step]).await;
            verdicts.add(&name, seen.and_then(|it| same("it", &it, &(200, 2))));
        }
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_happen_twice_is_never_sent_twice() {
    let mut verdicts = Verdicts::default();
    let body = "Content-Length: 5\r\n\r\nhello";
    let chunks = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (method, rest) in [
        ("POST", body),
        ("POST", chunks),
        ("POST", "Content-Length: 0\r\n\r\n"),
        ("PUT", body),
        ("PATCH", body),
        ("DELETE", "\r\n"),
        ("PURGE", "\r\n"),
        ("GET", body),
    ] {
        for step in [Step::Close, Step::Reset] {
            let name = format!("{method} {rest:?} {step:?}");
            let seen = dies(method, rest, vec![step]).await;
            verdicts.add(&name, seen.and_then(|it| same("it", &it, &(502, 1))));
        }
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    let mut verdicts = Verdicts::default();
    for begun in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        for step in [Step::Close, Step::Reset] {
            let name = format!("{begun:?} {step:?}");
            let steps = vec![Step::Send(begun.as_bytes().to_vec()), step];
            let seen = dies("GET", "\r\n", steps).await;
            verdicts.add(&name, seen.and_then(|it| same("it", &it, &(502, 1))));
        }
    }
    let error = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec();
    let seen = dies("GET", "\r\n", vec![Step::Send(error)]).await;
    verdicts.add("503", seen.and_then(|it| same("it", &it, &(503, 1))));
    verdicts.conclude();
}

/// A new connection that dies at once shows a server that is down: asking again would only add load.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_connection_that_dies_is_a_502() {
    let origin = Origin::scripted(|_| vec![Step::Close]).await;
    let proxy = banyan(&origin, "").await;
    assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 502);
    assert_eq!(origin.requests().len(), 1);
    proxy.stop().await;
}

/// Asks once, lets `meanwhile` happen on the idle connection to the origin, and asks again: that
/// must go over another one.
async fn not_used_after(meanwhile: &str, close: bool, method: &str) -> Verdict {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    wire.send(get("/first")).await;
    let mut old = origin.accept().await?;
    old.request().await?;
    old.send(ok("first")).await;
    same("the first answer", &wire.answer("GET").await?.text()[..], "first")?;
    old.send(meanwhile).await;
    let kept = (!close).then_some(old);
    wire.send(format!("{method} /second HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n"))
        .await;
    let mut new = origin.accept().await?;
    same("the target", new.request().await?.target(), "/second")?;
    new.send(ok("second")).await;
    same("the second answer", &wire.answer("GET").await?.text()[..], "second")?;
    drop(kept);
    proxy.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_something_happened_while_idle_is_not_used_again() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    let mut verdicts = Verdicts::default();
    for method in ["GET", "POST"] {
        for (name, bytes, close) in [
            ("closed", "", true),
            ("an answer to nothing", evil, false),
            ("an answer to nothing, and closed", evil, true),
            ("a byte", "\n", false),
            ("408", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", true),
        ] {
            verdicts.add(&format!("{method}, {name}"), not_used_after(bytes, close, method).await);
        }
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_idle_for_too_long_is_not_used_again_and_is_closed() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "timeouts = { pool_idle = \"200ms\" }\n").await;
    let mut wire = buyer(&proxy).await;
    let mut exchange = async |target: &str| {
        wire.send(get(target)).await;
        let mut server = origin.accept().await.unwrap();
        assert_eq!(server.request().await.unwrap().target(), target);
        server.send(ok(target)).await;
        assert_eq!(wire.answer("GET").await.unwrap().text(), target);
        server
    };
    let mut old = exchange("/first").await;
    // Idle for as long as it may be; it is closed at the end of that or a moment later.
    let _ = old.silent_for(Duration::from_millis(250)).await;
    let mut new = exchange("/second").await;
    for server in [&mut old, &mut new] {
        server.ends().await.unwrap();
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_origin_will_close_is_not_used_again() {
    let mut verdicts = Verdicts::default();
    for (name, head, same_connection) in [
        ("1.1", "HTTP/1.1 200 OK", true),
        ("1.1 close", "HTTP/1.1 200 OK\r\nConnection: close", false),
        ("1.1 close in a list", "HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: y, CLOSE", false),
        ("1.0", "HTTP/1.0 200 OK", false),
        ("1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive", true),
    ] {
        let answer = format!("{head}\r\nContent-Length: 5\r\n\r\nhello").into_bytes();
        let origin = Origin::scripted(move |_| vec![Step::Send(answer.clone())]).await;
        let proxy = banyan(&origin, "").await;
        let mut wire = buyer(&proxy).await;
        let verdict = async {
            same("the first", &ask(&mut wire, get("/1")).await?.text()[..], "hello")?;
            // What the origin does with its connection is no concern of the buyer's.
            same("the second", &ask(&mut wire, get("/2")).await?.text()[..], "hello")?;
            let on: Vec<_> = origin.requests().iter().map(|it| it.connection).collect();
            same("the same connection", &(on[0] == on[1]), &same_connection)
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}

/// The origin's refusal reaches a buyer who is still sending, whether the origin reads on or not.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_reaches_a_buyer_who_is_still_sending() {
    let mut verdicts = Verdicts::default();
    for (name, reads_on) in [("reads on", true), ("closes at once", false)] {
        let origin = Origin::start().await;
        let proxy = banyan(&origin, "").await;
        let mut wire = buyer(&proxy).await;
        let verdict = async {
            let body = "x".repeat(8 * 1024 * 1024);
            let head = format!(
                "POST /big HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            wire.send(head + &body[..64 * 1024]).await;
            let mut server = origin.accept().await?;
            server.head().await?;
            let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
            server.send(refusal).await;
            let reading = reads_on.then(|| tokio::spawn(async move { server.rest().await }));
            wire.send(&body[64 * 1024..]).await;
            let answer = wire.answer("POST").await?;
            drop(reading);
            is(&answer, 413)?;
            same("the body", &answer.text()[..], "no")
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}
