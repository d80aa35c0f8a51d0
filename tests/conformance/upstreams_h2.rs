//! Servers that speak HTTP/2: what they are asked, and what becomes of their answers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, HeaderValue, Response};
use tests::banyan::{Proxy, Setup};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    time::timeout,
};

use crate::{
    origin::Origin,
    stream_origin::{Exchange, Settings, StreamOrigin},
    support::{Verdicts, ask, buyer, fired, get, holds, is, once, same},
    wire::PATIENCE,
};

/// Banyan with one worker in front of a server, with further lines of routes.toml.
async fn banyan_before(server: &str, more: &str) -> Proxy {
    let routes = format!("[monolith]\nservers = [\"{server}\"]\n{more}");
    let flags = vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()];
    let setup = Setup { routes: Some(routes), flags, ..Setup::default() };
    Proxy::start(setup, &[]).await.unwrap()
}

async fn before(origin: &StreamOrigin) -> Proxy {
    banyan_before(&format!("h2c://{}", origin.address), "").await
}

/// A POST with a short body.
fn post(target: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello")
}

/// Answers with what it was sent, as the body and the trailers.
async fn echo(mut exchange: Exchange) {
    let (body, trailers) = exchange.body().await.unwrap();
    let head = Response::builder().header("content-length", body.len()).body(()).unwrap();
    let mut stream = exchange.begin(head);
    stream.reserve_capacity(body.len());
    stream.send_data(body.into(), trailers.is_none()).unwrap();
    if let Some(trailers) = trailers {
        stream.send_trailers(trailers).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_said_as_http2_says_it() {
    let origin = StreamOrigin::start(echo).await;
    let proxy = before(&origin).await;
    let request = "POST /a/%62?q=1 HTTP/1.1\r\nHost: shop.test:8443\r\nTE: gzip\r\nCookie: a=1\r\n\
                   Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nContent-Length: 5\r\n\r\nhello";
    let answer = once(&proxy, request).await.unwrap();
    assert_eq!((answer.status(), &*answer.text()), (200, "hello"));
    let head = origin.heads().remove(0);
    assert_eq!(head.method(), "POST");
    assert_eq!(head.uri(), "http://shop.test:8443/a/%62?q=1");
    let value = |name: &str| head.headers().get(name).and_then(|it| it.to_str().ok());
    for (name, due) in [
        ("host", None),
        ("connection", None),
        ("x-hop", None),
        ("te", Some("trailers")),
        ("content-length", Some("5")),
        ("cookie", Some("a=1")),
        ("x-forwarded-host", Some("shop.test:8443")),
    ] {
        assert_eq!(value(name), due, "{name}");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_trailers_pass_in_both_directions_over_one_connection() {
    let origin = StreamOrigin::start(echo).await;
    let proxy = before(&origin).await;
    let chunked = "POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\nHost: evil.test\r\n\r\n";
    let answer = once(&proxy, chunked).await.unwrap();
    assert_eq!(answer.text(), "hello world");
    let long = "x".repeat(1_000_000);
    let head =
        format!("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {}\r\n\r\n", long.len());
    let answer = once(&proxy, head + &long).await.unwrap();
    assert_eq!(answer.text().len(), long.len());
    assert_eq!(origin.connections(), 1);
    assert!(!origin.heads()[0].headers().contains_key("content-length"));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_a_request_and_of_an_answer_arrive() {
    let (seen, mut arrived) = mpsc::unbounded_channel();
    let origin = StreamOrigin::start(move |mut exchange: Exchange| {
        let seen = seen.clone();
        async move {
            seen.send(exchange.body().await.unwrap().1).unwrap();
            let mut stream = exchange.begin(Response::new(()));
            stream.send_data("body".into(), false).unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("x-digest", HeaderValue::from_static("abc"));
            trailers.insert("set-cookie", HeaderValue::from_static("a=1"));
            stream.send_trailers(trailers).unwrap();
        }
    })
    .await;
    let proxy = before(&origin).await;
    let chunked = "POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n0\r\nX-Sum: 5\r\nHost: evil.test\r\n\r\n";
    let answer = once(&proxy, chunked).await.unwrap();
    assert_eq!(answer.text(), "body");
    assert_eq!(answer.trailers, [("x-digest".to_owned(), "abc".to_owned())]);
    let trailers = arrived.recv().await.unwrap().unwrap();
    assert_eq!(trailers["x-sum"], "5");
    assert_eq!(trailers.len(), 1);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_have_none_and_keep_their_length() {
    let origin = StreamOrigin::start(|mut exchange: Exchange| async move {
        let status: u16 = exchange.request.uri().path()[1..].parse().unwrap();
        let mut head = Response::builder().status(status);
        if status != 204 {
            head = head.header("content-length", "11");
        }
        exchange.respond.send_response(head.body(()).unwrap(), true).unwrap();
    })
    .await;
    let proxy = before(&origin).await;
    let mut verdicts = Verdicts::default();
    let mut wire = buyer(&proxy).await;
    for (method, status) in [("HEAD", 200), ("GET", 304), ("GET", 204), ("HEAD", 404)] {
        let request = format!("{method} /{status} HTTP/1.1\r\nHost: shop.test\r\n\r\n");
        let verdict = match ask(&mut wire, request).await {
            Ok(answer) => is(&answer, status).and_then(|()| {
                let length = (status != 204).then_some("11");
                same("the length", &answer.get("content-length"), &length)
            }),
            Err(error) => Err(error),
        };
        verdicts.add(&format!("{method} {status}"), verdict);
    }
    verdicts.conclude();
    proxy.stop().await;
}

/// Each side hears the other's first piece before the second is sent.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_the_end_of_a_body() {
    let origin = StreamOrigin::start(|mut exchange: Exchange| async move {
        let mut stream = exchange.begin(Response::new(()));
        while let Some(Ok(data)) = exchange.request.body_mut().data().await {
            stream.send_data(data, false).unwrap();
        }
        stream.send_data(Bytes::new(), true).unwrap();
    })
    .await;
    let proxy = before(&origin).await;
    let mut wire = buyer(&proxy).await;
    wire.send("POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    wire.head().await.unwrap();
    for piece in ["one", "two"] {
        wire.send(format!("3\r\n{piece}\r\n")).await;
        assert_eq!(wire.chunk().await.unwrap().unwrap(), piece.as_bytes());
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.chunk().await.unwrap(), None);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_end_of_an_upload_is_passed_on() {
    let origin = StreamOrigin::start(|mut exchange: Exchange| async move {
        let head = Response::builder().status(413).body(()).unwrap();
        // That nothing is read of the request makes h2 reset the stream, without an error.
        exchange.begin(head).send_data("too much".into(), true).unwrap();
    })
    .await;
    let proxy = before(&origin).await;
    let mut wire = buyer(&proxy).await;
    wire.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 9000000\r\n\r\nbegun").await;
    let answer = wire.answer("POST").await.unwrap();
    assert_eq!((answer.status(), &*answer.text()), (413, "too much"));
    proxy.stop().await;
}

/// The status that the buyer gets, and how often the request reached the origin, when `script` is
/// what happens to it first, on a connection that has carried another request before.
async fn fails(request: String, script: fn(Exchange)) -> Result<(u16, usize), String> {
    let origin = StreamOrigin::start(move |mut exchange: Exchange| async move {
        if exchange.number == 1 { script(exchange) } else { exchange.ok("ok") }
    })
    .await;
    let proxy = before(&origin).await;
    let mut wire = buyer(&proxy).await;
    is(&ask(&mut wire, get("/first")).await?, 200)?;
    let answer = ask(&mut wire, request).await;
    proxy.stop().await;
    Ok((answer?.status(), origin.times("/fails")))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_is_sent_again_and_what_it_breaks_off_is_not() {
    let refused: fn(Exchange) = |mut it| it.respond.send_reset(Reason::REFUSED_STREAM);
    let internal: fn(Exchange) = |mut it| it.respond.send_reset(Reason::INTERNAL_ERROR);
    let cancelled: fn(Exchange) = |mut it| it.respond.send_reset(Reason::CANCEL);
    let chunked = "POST /fails HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n0\r\n\r\n";
    let mut verdicts = Verdicts::default();
    for (name, request, script, due) in [
        ("GET refused", get("/fails"), refused, (200, 2)),
        ("POST refused", post("/fails"), refused, (200, 2)),
        ("a body that is not kept, refused", chunked.to_owned(), refused, (502, 1)),
        ("GET, internal error", get("/fails"), internal, (502, 1)),
        ("POST, internal error", post("/fails"), internal, (502, 1)),
        ("GET cancelled", get("/fails"), cancelled, (502, 1)),
    ] {
        let seen = fails(request, script).await;
        verdicts.add(name, seen.and_then(|it| same("it", &it, &due)));
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_what_was_promised_is_broken_off() {
    let origin = StreamOrigin::start(|mut exchange: Exchange| async move {
        let path = exchange.request.uri().path().to_owned();
        let head = Response::builder();
        let head = if path == "/reset" { head } else { head.header("content-length", "10") };
        let mut stream = exchange.begin(head.body(()).unwrap());
        match &*path {
            "/short" => stream.send_data("short".into(), true).unwrap(),
            "/long" => stream.send_data("much too long".into(), true).unwrap(),
            _ => {
                stream.send_data("begun".into(), false).unwrap();
                exchange.respond.send_reset(Reason::INTERNAL_ERROR);
            }
        }
    })
    .await;
    let proxy = before(&origin).await;
    let mut verdicts = Verdicts::default();
    for target in ["/short", "/long", "/reset", "/reset-of-a-promise"] {
        let answer = once(&proxy, get(target)).await;
        let broken = answer.as_ref().map_or(true, |it| it.status() == 502);
        verdicts.add(target, holds(broken, || format!("{answer:?}")));
    }
    verdicts.conclude();
    assert_eq!(origin.connections(), 1, "only the stream is broken");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_cannot_be_passed_on_is_a_502() {
    let origin = StreamOrigin::start(|mut exchange: Exchange| async move {
        let mut head = Response::builder();
        match exchange.request.uri().path() {
            "/large" => head = head.header("x-large", "x".repeat(80_000)),
            "/many" => {
                for number in 0..300 {
                    head = head.header(format!("x-{number}"), "1");
                }
            }
            "/two-lengths" => {
                head = head.header("content-length", "1").header("content-length", "2");
            }
            _ => {
                head = head.header("content-length", "2").header("content-length", "2");
            }
        }
        exchange.begin(head.body(()).unwrap()).send_data("ok".into(), true).unwrap();
    })
    .await;
    let proxy = before(&origin).await;
    let mut verdicts = Verdicts::default();
    for (target, status) in [("/large", 502), ("/many", 502), ("/two-lengths", 502), ("/same", 200)]
    {
        let answer = once(&proxy, get(target)).await;
        verdicts.add(target, answer.and_then(|it| is(&it, status)));
    }
    verdicts.conclude();
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_time_out_fires_as_in_http1() {
    let mut verdicts = Verdicts::default();
    for (limit, key, begins) in [
        ("answer", "answer = \"100ms\"", false),
        ("total", "total = \"100ms\"", false),
        ("answer_idle", "answer_idle = \"100ms\"", true),
    ] {
        let origin = StreamOrigin::start(move |mut exchange: Exchange| async move {
            let stream = begins.then(|| exchange.begin(Response::new(())));
            let mut body = exchange.request.into_body();
            // Until Banyan gives up.
            std::future::pending::<()>().await;
            drop((body.data().await, stream));
        })
        .await;
        let address = format!("h2c://{}", origin.address);
        let proxy = banyan_before(&address, &format!("[timeouts]\n{key}\n")).await;
        let answer = once(&proxy, get("/")).await;
        let seen = match (begins, answer) {
            (false, Ok(answer)) => is(&answer, 504),
            (true, Err(_)) => Ok(()),
            (_, other) => Err(format!("{other:?}")),
        };
        let counted = fired(&proxy, limit).await;
        verdicts.add(limit, seen.and(counted));
        proxy.stop().await;
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_speak_http2_is_a_502_or_a_504() {
    let http1 = Origin::plain().await;
    let proxy = banyan_before(&format!("h2c://{}", http1.address), "").await;
    assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 502);
    assert!(http1.request("/").is_err(), "nothing of the request may be sent");
    proxy.stop().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("h2c://{}", silent.local_addr().unwrap());
    let proxy = banyan_before(&address, "[timeouts]\nconnect = \"100ms\"\n").await;
    assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 504);
    fired(&proxy, "connect").await.unwrap();
    proxy.stop().await;
}

/// An origin that holds its answers until the test has seen enough.
async fn holding(streams: u32) -> (StreamOrigin, mpsc::UnboundedReceiver<usize>, Arc<Semaphore>) {
    let (came, arrivals) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let script = move |mut exchange: Exchange| {
        let (came, gate) = (came.clone(), Arc::clone(&opened));
        async move {
            came.send(exchange.connection).unwrap();
            let _passed = gate.acquire().await.unwrap();
            exchange.ok("ok");
        }
    };
    let settings = Settings { streams: Some(streams), ..Settings::default() };
    (StreamOrigin::with(settings, script).await, arrivals, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_is_shared_until_its_streams_are_used_up() {
    let (origin, mut arrivals, gate) = holding(2).await;
    let proxy = before(&origin).await;
    let mut buyers = Vec::new();
    let mut on = Vec::new();
    for _ in 0..5 {
        let mut wire = buyer(&proxy).await;
        wire.send(get("/")).await;
        on.push(timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap());
        buyers.push(wire);
    }
    assert_eq!(on, [0, 0, 1, 1, 2]);
    gate.add_permits(Semaphore::MAX_PERMITS);
    for mut wire in buyers {
        assert_eq!(wire.answer("GET").await.unwrap().status(), 200);
    }
    assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 200);
    assert_eq!(arrivals.recv().await, Some(0), "the first with a free stream");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_open_one_connection() {
    let (origin, mut arrivals, gate) = holding(100).await;
    let proxy = before(&origin).await;
    let mut buyers = Vec::new();
    for _ in 0..20 {
        let mut wire = buyer(&proxy).await;
        wire.send(get("/")).await;
        buyers.push(wire);
    }
    for _ in 0..20 {
        assert_eq!(timeout(PATIENCE, arrivals.recv()).await.unwrap(), Some(0));
    }
    gate.add_permits(Semaphore::MAX_PERMITS);
    for mut wire in buyers {
        assert_eq!(wire.answer("GET").await.unwrap().status(), 200);
    }
    assert_eq!(origin.connections(), 1);
    proxy.stop().await;
}

/// Windows that are used up by those who do not read must leave room for those who do.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_stops_nobody_else() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let origin = StreamOrigin::start(move |mut exchange: Exchange| {
        let sent = Arc::clone(&counted);
        async move {
            if exchange.request.uri().path() != "/endless" {
                return exchange.ok("ok");
            }
            let mut stream = exchange.begin(Response::new(()));
            loop {
                stream.reserve_capacity(16 * 1024);
                let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
                // Until Banyan gives up.
                let Some(Ok(room)) = room else { return };
                stream.send_data(vec![b'x'; room].into(), false).unwrap();
                sent.fetch_add(room, Ordering::SeqCst);
            }
        }
    })
    .await;
    let proxy = before(&origin).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let mut wire = buyer(&proxy).await;
        wire.send(get("/endless")).await;
        wire.head().await.unwrap();
        idle.push(wire);
    }
    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 20 {
        assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 200);
        let now = sent.load(Ordering::SeqCst);
        unchanged = if now == before { unchanged + 1 } else { 0 };
        before = now;
    }
    assert_eq!(origin.connections(), 1);
    drop(idle);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_asked_where_one_cannot_be() {
    let refusing = StreamOrigin::start(|mut it: Exchange| async move {
        it.respond.send_reset(Reason::REFUSED_STREAM);
    })
    .await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let good = StreamOrigin::start(echo).await;
    let mut verdicts = Verdicts::default();
    for (name, other) in [("refusing", refusing.address), ("gone", gone)] {
        let both = format!("h2c://{other}\", \"h2c://{}", good.address);
        let budget = "retry_budget = { min_per_second = 1000 }\n";
        let proxy = banyan_before(&both, budget).await;
        for number in 0..10 {
            let answer = once(&proxy, post("/")).await;
            verdicts.add(&format!("{name} {number}"), answer.and_then(|it| is(&it, 200)));
        }
        proxy.stop().await;
    }
    verdicts.conclude();
    assert!(refusing.times("/") > 0, "it was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_in_time() {
    let origin = StreamOrigin::start(echo).await;
    let address = format!("h2c://{}", origin.address);
    let proxy = banyan_before(&address, "[timeouts]\npool_idle = \"1ms\"\n").await;
    while origin.connections() < 2 {
        // What has been idle for too long is not used, once a request comes late enough.
        assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 200);
    }
    assert!(origin.all_closed().await, "and closed");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_a_buyer_who_has_gone_is_reset() {
    let (saw, mut resets) = mpsc::unbounded_channel();
    let origin = StreamOrigin::start(move |mut exchange: Exchange| {
        let saw = saw.clone();
        async move {
            let begun = exchange.request.uri().path() == "/begun";
            let mut stream = begun.then(|| exchange.begin(Response::new(())));
            if let Some(stream) = &mut stream {
                stream.send_data("begun".into(), false).unwrap();
            }
            let reset = std::future::poll_fn(|cx| match &mut stream {
                Some(stream) => stream.poll_reset(cx),
                None => exchange.respond.poll_reset(cx),
            });
            saw.send(reset.await.unwrap()).unwrap();
        }
    })
    .await;
    let proxy = before(&origin).await;
    for target in ["/begun", "/waiting"] {
        let mut wire = buyer(&proxy).await;
        wire.send(get(target)).await;
        while origin.times(target) == 0 {
            tokio::task::yield_now().await;
        }
        if target == "/begun" {
            wire.head().await.unwrap();
        }
        wire.reset();
        let reset = timeout(PATIENCE, resets.recv()).await.expect(target);
        assert_eq!(reset, Some(Reason::CANCEL), "{target}");
    }
    assert_eq!(origin.connections(), 1);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_checked_over_http2() {
    let origin = StreamOrigin::start(|mut exchange: Exchange| async move {
        exchange.ok("ok");
    })
    .await;
    let address = format!("h2c://{}", origin.address);
    let health = "health = { interval = \"5ms\", host = \"shop.test\" }\n";
    let proxy = banyan_before(&address, health).await;
    let checked = async {
        while origin.times("/up") < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, checked).await.expect("checks");
    let check = origin.heads().remove(0);
    assert_eq!(check.uri(), "http://shop.test/up");
    assert_eq!(check.headers()["x-forwarded-proto"], "https");
    let metrics = reqwest::get(format!("{}/metrics", proxy.admin())).await.unwrap();
    let up = format!("banyan_upstream_server_up{{server=\"{address}\",upstream=\"monolith\"}} 1");
    assert!(metrics.text().await.unwrap().contains(&up));
    proxy.stop().await;
}

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
    let proxy = before(&origin).await;
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
    let proxy = before(&without).await;
    assert_eq!(once(&proxy, HANDSHAKE).await.unwrap().status(), 502);
    assert_eq!(without.heads().len(), 0);
    proxy.stop().await;
    let refusing = Settings { websockets: true, ..Settings::default() };
    let refusing = StreamOrigin::with(refusing, |mut exchange: Exchange| async move {
        let head = Response::builder().status(403).body(()).unwrap();
        exchange.begin(head).send_data("no".into(), true).unwrap();
    })
    .await;
    let proxy = before(&refusing).await;
    let answer = once(&proxy, HANDSHAKE).await.unwrap();
    assert_eq!((answer.status(), &*answer.text()), (403, "no"));
    let other = HANDSHAKE.replace("Upgrade: websocket", "Upgrade: echo");
    assert_eq!(once(&proxy, other).await.unwrap().status(), 502);
    proxy.stop().await;
}
