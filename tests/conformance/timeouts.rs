//! Time-outs: each is made to fire, with what the client sees and the name that it is counted under.

use std::time::{Duration, Instant};

use tests::banyan::{Proxy, Setup};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{interval, timeout},
};

use crate::{
    origin::{Origin, Step, ok},
    support::{Verdict, Verdicts, ask, banyan, buyer, fired, get, holds, is, same},
    wire::{End, Wire},
};

/// Between two bytes of somebody who is slow but not silent.
const SLOWLY: Duration = Duration::from_millis(20);

const UPLOAD: &str = "POST /a HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100000\r\n\r\nhello";

fn timeouts(key: &str) -> String {
    format!("timeouts = {{ {key} = \"200ms\" }}\n")
}

/// Sends a byte now and then until the other side closes, for at most a minute.
async fn trickle(wire: &mut Wire, byte: u8) {
    let (mut pace, begin) = (interval(SLOWLY), Instant::now());
    while begin.elapsed() < Duration::from_mins(1) {
        pace.tick().await;
        if !wire.send_now([byte]).await || wire.has_news() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_must_be_complete_in_time_however_steadily_it_trickles() {
    let mut verdicts = Verdicts::default();
    for (name, start, trickles) in [
        ("the first byte", "G", false),
        ("a line", "GET / HTTP/1.1\r\nHost: shop.test\r\n", false),
        ("an empty line", "\r\n", false),
        ("a trickle", "GET / HTTP/1.1\r\nHost: shop.test\r\nX: ", true),
    ] {
        let origin = Origin::plain().await;
        let proxy = banyan(&origin, &timeouts("head")).await;
        let mut wire = buyer(&proxy).await;
        wire.send(start).await;
        if trickles {
            trickle(&mut wire, b'a').await;
        }
        let verdict = async {
            is(&wire.answer("GET").await?, 408)?;
            wire.ends().await?;
            same("what arrived", &origin.bytes()[..], &[])?;
            fired(&proxy, "timeouts.head").await
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_nothing_is_left_without_an_answer() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "timeouts = { head = \"200ms\", keep_alive = \"200ms\" }\n").await;
    buyer(&proxy).await.ends().await.unwrap();
    fired(&proxy, "keep_alive").await.unwrap();
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_without_a_word() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "timeouts = { keep_alive = \"500ms\" }\n").await;
    let mut wire = buyer(&proxy).await;
    for _ in 0..2 {
        assert_eq!(ask(&mut wire, get("/a")).await.unwrap().status(), 200);
    }
    // A word, such as a 408, could be taken for the answer to a request that is on its way.
    wire.ends().await.unwrap();
    fired(&proxy, "keep_alive").await.unwrap();
    proxy.stop().await;
}

/// Fails unless an upload that is too slow gets a 408, and never becomes whole.
async fn too_slow(routes: &str, limit: &str, trickles: bool) -> Verdict {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, routes).await;
    let mut wire = buyer(&proxy).await;
    wire.send(UPLOAD).await;
    if trickles {
        trickle(&mut wire, b'x').await;
    }
    let verdict = async {
        is(&wire.answer("POST").await?, 408)?;
        wire.ends().await?;
        same("what arrived whole", &origin.requests().len(), &0)?;
        fired(&proxy, limit).await
    };
    let verdict = verdict.await;
    proxy.stop().await;
    verdict
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_go_on() {
    too_slow(&timeouts("body_idle"), "body_idle", false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_have_a_minimal_rate() {
    too_slow("limits = { min_rate = \"1KiB\" }\n", "min_rate", true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_must_take_its_answer() {
    let body = "x".repeat(64 * 1024 * 1024);
    let origin = Origin::scripted(move |_| vec![Step::Send(ok(&body))]).await;
    let proxy = banyan(&origin, &timeouts("write_idle")).await;
    let mut wire = buyer(&proxy).await;
    wire.send(get("/large")).await;
    // Nothing is read until it has fired.
    fired(&proxy, "write_idle").await.unwrap();
    let (bytes, end) = wire.rest().await;
    assert!(bytes.len() < 64 * 1024 * 1024 && end != End::Open, "{} {end:?}", bytes.len());
    proxy.stop().await;
}

/// A listener whose queue is full: whoever connects waits, and nobody says no. It is full as long as
/// what is returned lives.
async fn deaf() -> (String, tokio::net::TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    let patience = Duration::from_millis(500);
    while let Ok(stream) = timeout(patience, TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
        assert!(queued.len() < 100, "the queue is never full");
    }
    (format!("http://{address}"), listener, queued)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_must_accept() {
    let (monolith, listener, queued) = deaf().await;
    let setup = Setup { monolith, routes: Some(timeouts("connect")), ..Setup::default() };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let answer = ask(&mut buyer(&proxy).await, get("/a")).await.unwrap();
    assert_eq!(answer.status(), 504);
    fired(&proxy, "connect").await.unwrap();
    drop((listener, queued));
    proxy.stop().await;
}

/// What the buyer sees of an origin that sends `start` and then goes on as `then` says.
async fn origin_stalls(
    routes: &str,
    limit: &str,
    start: &str,
    good: fn(Seen) -> Verdict,
) -> Verdict {
    let start = start.as_bytes().to_vec();
    let origin = Origin::scripted(move |_| vec![Step::Send(start.clone()), Step::Silence]).await;
    let proxy = banyan(&origin, routes).await;
    let mut wire = buyer(&proxy).await;
    let seen = ask(&mut wire, get("/stalls")).await;
    let verdict = good(seen);
    let verdict = match verdict {
        Ok(()) => fired(&proxy, limit).await,
        fault => fault,
    };
    proxy.stop().await;
    verdict
}

type Seen = Result<crate::message::Message, String>;

fn is_504(seen: Seen) -> Verdict {
    is(&seen?, 504)
}

fn is_cut(seen: Seen) -> Verdict {
    let fault = seen.err().ok_or("it looks whole")?;
    holds(fault.starts_with("closed") || fault.starts_with("reset"), || fault.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_must_answer_and_go_on_answering() {
    let mut verdicts = Verdicts::default();
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    for (key, start, good) in [
        ("answer", "", is_504 as fn(Seen) -> Verdict),
        ("answer", "HTTP/1.1 200 OK\r\nContent-Le", is_504),
        ("answer", interim, is_504),
        ("answer_idle", length, is_cut),
        ("answer_idle", chunks, is_cut),
        ("total", "", is_504),
        ("total", length, is_cut),
        ("total", chunks, is_cut),
    ] {
        let verdict = origin_stalls(&timeouts(key), key, start, good).await;
        verdicts.add(&format!("{key} {start:?}"), verdict);
    }
    verdicts.conclude();
}

/// A server that never stalls can still take for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_must_come_to_an_end() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, &timeouts("total")).await;
    let mut wire = buyer(&proxy).await;
    wire.send(get("/endless")).await;
    let mut server = origin.accept().await.unwrap();
    server.head().await.unwrap();
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await;
    trickle(&mut server, b'x').await;
    is_cut(wire.answer("GET").await).unwrap();
    fired(&proxy, "total").await.unwrap();
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_in_which_nothing_moves_is_closed() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "timeouts = { tunnel_idle = \"500ms\" }\n").await;
    let mut wire = buyer(&proxy).await;
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    wire.send(format!("GET /cable HTTP/1.1\r\nHost: shop.test\r\n{upgrade}")).await;
    let mut server = origin.accept().await.unwrap();
    server.head().await.unwrap();
    server.send(format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}")).await;
    assert_eq!(wire.head().await.unwrap().status(), 101);
    // As long as one direction moves, it is alive.
    for _ in 0..30 {
        server.send("x").await;
        wire.exactly(1).await.unwrap();
        wire.silent_for(SLOWLY).await.unwrap();
    }
    wire.ends().await.unwrap();
    assert_ne!(server.rest().await.1, End::Open);
    fired(&proxy, "tunnel_idle").await.unwrap();
    proxy.stop().await;
}
