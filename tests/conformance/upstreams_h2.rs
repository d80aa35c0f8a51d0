//! Servers that speak HTTP/2: what they are asked, and what becomes of their answers.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, HeaderValue, Response};
use tokio::sync::mpsc;

use crate::{
    stream_origin::{Exchange, StreamOrigin, echo},
    support::{Verdicts, ask, banyan_before, buyer, fired, get, holds, is, once, post, same},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_said_as_http2_says_it() {
    let origin = StreamOrigin::start(echo).await;
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
    let proxy = banyan_before(&[origin.url()], "").await;
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
        let proxy = banyan_before(&[origin.url()], &format!("[timeouts]\n{key}\n")).await;
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
