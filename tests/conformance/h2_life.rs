//! The life of HTTP/2 connections and streams: slow clients, silent clients and drains.

use std::time::Duration;

use tests::banyan::{Proxy, Setup};
use tokio::{net::TcpStream, time::interval};

use crate::{
    h2_requests::{answer, h2c},
    h2_wire::{
        CANCEL, CONTINUATION, Client, DATA, END_STREAM, GOAWAY, HEADERS, NO_ERROR, Outcome,
        RST_STREAM, block, data, frame, get, headers, post, window,
    },
    origin::{Origin, Step, ok},
    support::{Verdict, Verdicts, fired, holds, same},
};

/// Settings: no window for any answer.
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];

/// So much is taken by somebody who is slow but not silent, and between two steps so long passes.
const PIECE: u32 = 8000;
const PACE: Duration = Duration::from_millis(50);

pub(crate) fn timeouts(key: &str) -> String {
    format!("timeouts = {{ {key} = \"300ms\" }}\n")
}

/// A client that takes nothing of an answer unless it opens a window for it.
async fn without_window(proxy: &Proxy) -> Client {
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    Client::over(stream, &[NO_WINDOW]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_must_take_its_answer_and_loses_only_that() {
    let mut verdicts = Verdicts::default();
    for (name, size, pieces) in [
        ("a short answer", 10, 0),
        ("one that is read ahead", 500_000, 20),
        ("one that is not read ahead", 8 * 1024 * 1024, 20),
    ] {
        let body = "x".repeat(size);
        let origin = Origin::scripted(move |_| vec![Step::Send(ok(&body))]).await;
        let proxy = h2c(&origin, &timeouts("write_idle")).await;
        let mut client = without_window(&proxy).await;
        let verdict = async {
            client
                .send([headers(1, END_STREAM, &get("/large")), window(0, 1 << 24)].concat())
                .await;
            same("the status", &client.until(HEADERS, 1).await?.status(), &200)?;
            // As long as it takes something now and then, it is served.
            let mut pace = interval(PACE);
            for _ in 0..pieces {
                pace.tick().await;
                client.send(window(1, PIECE)).await;
            }
            let mut taken = 0;
            loop {
                let frame = client.next().await?;
                match (frame.kind, frame.stream) {
                    (DATA, 1) => taken += frame.payload.len(),
                    (RST_STREAM, 1) => break same("the end", &frame.code(0), &CANCEL)?,
                    _ => {}
                }
            }
            same("what it took", &taken, &(pieces * PIECE as usize))?;
            fired(&proxy, "write_idle").await?;
            client.send([headers(3, END_STREAM, &get("/next")), window(3, 1 << 24)].concat()).await;
            let next = client.outcome(3).await;
            let whole = |it: &Outcome| match it {
                Outcome::Answer { status, body } => *status == 200 && body.len() == size,
                _ => false,
            };
            holds(whole(&next), || format!("the next one is {next:.100?}"))
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}

/// A Puma thread writes its answer itself: it must not wait for a client that opens no window.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_off_the_server_whatever_the_client_takes() {
    let body = "x".repeat(500_000);
    let origin = Origin::scripted(move |_| vec![Step::Send(ok(&body))]).await;
    let one_slot =
        format!("[monolith]\nservers = [\"http://{}\"]\nconcurrency = 1\n", origin.address);
    let setup = Setup {
        routes: Some(one_slot),
        listen: Some("h2c://127.0.0.1:0".to_owned()),
        flags: vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()],
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let mut slow = without_window(&proxy).await;
    slow.send(headers(1, END_STREAM, &get("/slow"))).await;
    assert_eq!(slow.until(HEADERS, 1).await.unwrap().status(), 200);
    let mut other = Client::connect(proxy.address()).await;
    let windows = [window(0, 500_000), window(1, 500_000)].concat();
    other.send([headers(1, END_STREAM, &get("/other")), windows].concat()).await;
    assert!(matches!(other.outcome(1).await, Outcome::Answer { status: 200, .. }));
    slow.send([window(0, 500_000), window(1, 500_000)].concat()).await;
    let mut taken = 0;
    while taken < 500_000 {
        taken += slow.until(DATA, 1).await.unwrap().payload.len();
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_must_go_on() {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, &timeouts("body_idle")).await;
    let mut client = Client::connect(proxy.address()).await;
    let length = [&post("/upload")[..], &[("content-length", "100000")]].concat();
    client.send([headers(1, 0, &length), data(1, 0, "hello")].concat()).await;
    assert!(matches!(client.outcome(1).await, Outcome::Answer { status: 408, .. }));
    fired(&proxy, "body_idle").await.unwrap();
    assert_eq!(client.ask(3, &get("/next")).await, answer(200, "/next"));
    assert!(origin.request("/upload").is_err());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_must_be_complete_in_time() {
    let mut verdicts = Verdicts::default();
    let fields = block(&get("/bad"));
    let (first, second) = fields.split_at(10);
    let begun = frame(HEADERS, END_STREAM, 3, first);
    let second = &frame(CONTINUATION, 4, 3, second)[..12];
    for (name, bytes) in [
        ("part of a frame", headers(3, END_STREAM, &get("/bad"))[..20].to_vec()),
        ("part of a block", begun.clone()),
        ("part of a CONTINUATION", [&begun, second].concat()),
    ] {
        let origin = Origin::plain().await;
        let proxy = h2c(&origin, &timeouts("head")).await;
        let mut client = Client::connect(proxy.address()).await;
        let verdict = async {
            same("the one before", &client.ask(1, &get("/fine")).await, &answer(200, "/fine"))?;
            client.send(bytes).await;
            client.ends().await?;
            holds(origin.requests().len() == 1, || "something arrived".to_owned())?;
            let limit =
                if name == "part of a frame's head" { "keep_alive" } else { "timeouts.head" };
            fired(&proxy, limit).await
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}

/// Fails unless the next thing that is said is a good-bye.
async fn says_good_bye(client: &mut Client) -> Verdict {
    let goodbye = client.until(GOAWAY, 0).await?;
    same("the code", &goodbye.code(4), &NO_ERROR)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_with_a_good_bye() {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, &timeouts("keep_alive")).await;
    let mut client = Client::connect(proxy.address()).await;
    for number in 0..3 {
        assert_eq!(client.ask(2 * number + 1, &get("/a")).await, answer(200, "/a"));
        client.silent_for(0, Duration::from_millis(100)).await.unwrap();
    }
    says_good_bye(&mut client).await.unwrap();
    client.ends().await.unwrap();
    fired(&proxy, "keep_alive").await.unwrap();
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_not_idle_while_an_answer_is_awaited() {
    let origin = Origin::start().await;
    let proxy = h2c(&origin, &timeouts("keep_alive")).await;
    let mut client = Client::connect(proxy.address()).await;
    client.send(headers(1, END_STREAM, &get("/slow"))).await;
    let mut server = origin.accept().await.unwrap();
    server.head().await.unwrap();
    client.silent_for(0, Duration::from_secs(1)).await.unwrap();
    server.send(ok("done")).await;
    assert_eq!(client.outcome(1).await, answer(200, "done"));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_says_good_bye_and_finishes_what_is_open() {
    let origin = Origin::start().await;
    let setup = Setup {
        monolith: format!("http://{}", origin.address),
        listen: Some("h2c://127.0.0.1:0".to_owned()),
        flags: vec!["--workers=1".to_owned(), "--drain-timeout=20".to_owned()],
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let mut client = Client::connect(proxy.address()).await;
    let open = [headers(1, END_STREAM, &get("/answer")), headers(3, 0, &post("/upload"))];
    client.send([&open.concat()[..], &data(3, 0, "hel")].concat()).await;
    let mut servers = Vec::new();
    for _ in 0..2 {
        let mut server = origin.accept().await.unwrap();
        let head = server.head().await.unwrap();
        servers.push((head.target().to_owned(), server));
    }
    servers.sort_by(|a, b| a.0.cmp(&b.0));
    let draining = tokio::spawn(proxy.stop());
    says_good_bye(&mut client).await.unwrap();
    servers[0].1.send(ok("done")).await;
    assert_eq!(client.outcome(1).await, answer(200, "done"));
    client.send(data(3, END_STREAM, "lo")).await;
    let mut body = Vec::new();
    while let Some(chunk) = servers[1].1.chunk().await.unwrap() {
        body.extend(chunk);
    }
    assert_eq!(body, b"hello");
    servers[1].1.send(ok("taken")).await;
    assert_eq!(client.outcome(3).await, answer(200, "taken"));
    client.ends().await.unwrap();
    draining.await.unwrap();
}
