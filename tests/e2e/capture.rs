//! What is captured of answers: long bodies by digest, trailers, every line; and what becomes of a
//! request of which nothing can be compared.

use std::{collections::BTreeMap, sync::Mutex};

use bytes::Bytes;
use extracted::{Effects, Extraction, HandlerError, Reply};
use http::{HeaderMap, HeaderValue, StatusCode};
use rand::Rng as _;
use shadow::{DifferenceKind, Reports, Unknown};
use tests::{banyan::Proxy, shop::Addresses};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{differences, forever, judged, proxy, shop};

/// More than what is kept.
const LONG: usize = 3 * 1024 * 1024;

/// A monolith that says to each path what `answer` has for it.
async fn monolith(answer: fn(&str) -> Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap_or(b'\n'));
                }
                let head = String::from_utf8_lossy(&head);
                let path = head.split(' ').nth(1).unwrap_or_default();
                // A client that has gone misses nothing.
                let _ = client.write_all(&answer(path)).await;
            });
        }
    });
    url
}

fn response(fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The handler of `/capture/NAME`.
macro_rules! handler {
    ($name:literal, |$ctx:ident| $reply:expr) => {
        Extraction {
            id: concat!("capture.", $name),
            replaces: "",
            effects: Effects::None,
            run: |$ctx, _| Box::pin(async move { $reply }),
        }
    };
    ($name:literal, $reply:expr) => {
        handler!($name, |_ctx| Ok($reply))
    };
}

fn reply(headers: &[(&'static str, &'static str)], body: impl Into<Bytes>) -> Reply {
    let field = |(name, value): &(&'static str, &'static str)| {
        (http::HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let mut all = HeaderMap::new();
    headers.iter().map(field).for_each(|(name, value)| {
        all.append(name, value);
    });
    Reply { status: StatusCode::OK, headers: all, body: body.into() }
}

/// Banyan in front of it, with a route for each handler in the stage `shadow`.
async fn in_front_of(monolith: String, extractions: Vec<Extraction>) -> Proxy {
    let route = |it: &Extraction| {
        let (id, path) = (it.id, it.id.replace('.', "/"));
        // A panic is written down with all that led to it, which takes a while.
        let timeout = if id.ends_with("hangs") { "100ms" } else { "30s" };
        format!(
            "[[route]]\nid = \"{id}\"\nmatch = {{ method = \"GET\", path = \"/{path}\" }}\n\
             stage = \"shadow\"\ntimeout = \"{timeout}\"\n"
        )
    };
    let routes = extractions.iter().map(route).collect();
    proxy(Addresses { url: monolith, ..shop().await }, routes, forever(extractions)).await
}

async fn get(proxy: &Proxy, id: &str) -> Bytes {
    let url = format!("{}/{}", proxy.url(), id.replace('.', "/"));
    reqwest::get(url).await.unwrap().bytes().await.unwrap()
}

fn fine() -> Reply {
    reply(&[("content-type", "application/json")], "1")
}

fn long(last: u8) -> Vec<u8> {
    let mut body = vec![b'a'; LONG];
    body[LONG - 1] = last;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn long_bodies_are_compared_by_digest_and_the_report_says_so() {
    let url = monolith(|path| match path {
        "/capture/packed" => response("Content-Encoding: gzip\r\n", &long(b'z')),
        _ => response("", &long(b'z')),
    })
    .await;
    let handlers = [
        handler!("other", reply(&[], long(b'y'))),
        handler!("packed", reply(&[("content-encoding", "gzip")], long(b'y'))),
        handler!("same", reply(&[], long(b'z'))),
        handler!("short", reply(&[], "a")),
    ];
    let proxy = in_front_of(url, handlers.into()).await;
    let reports = Reports::open_read_only(&proxy.store()).await.unwrap();
    for id in ["capture.same", "capture.other", "capture.short"] {
        assert_eq!(get(&proxy, id).await.len(), LONG);
    }
    let report = judged(&proxy, "capture.same", 1).await;
    assert_eq!((report.matched, report.compared()), (1, 1), "{report:?}");
    for id in ["capture.other", "capture.short"] {
        let report = judged(&proxy, id, 1).await;
        assert_eq!((report.mismatched, report.compared()), (1, 1), "{report:?}");
        let found = differences(&proxy, id).await;
        let [it] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&*it.path, it.kind), ("body", DifferenceKind::Changed));
        let samples = reports.samples(id, &it.id).await.unwrap();
        let value = samples[0].control.value.as_deref().unwrap();
        assert!(value.starts_with("‹body of over 256 KiB, by digest #"), "{value}");
    }
    // Of what is compressed other bytes may mean the same. It is sent as it is, whatever is in it.
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    let url = format!("{}/capture/packed", proxy.url());
    client.get(url).send().await.unwrap().bytes().await.unwrap();
    let report = judged(&proxy, "capture.packed", 1).await;
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::TooLarge, 1)]), "{report:?}");
    proxy.stop().await;
}

/// The last request is of another kind, and so it is compared when those before it are no more.
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_requests_is_compared_until_there_are_enough_of_it() {
    let url = monolith(|path| {
        let gone = || b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into();
        if path.contains("gone") { gone() } else { response("", b"1") }
    })
    .await;
    let handler = handler!("some", reply(&[], "1"));
    let routes = "[[route]]\nid = \"capture.some\"\n\
                  match = { method = \"GET\", path = \"/capture/some\" }\n\
                  stage = \"shadow\"\nsample = { per_kind = 3, then = \"0%\" }\n";
    let shop = Addresses { url, ..shop().await };
    let proxy = proxy(shop, routes.into(), forever(vec![handler])).await;
    for number in (1..=10).chain(1..=10) {
        get(&proxy, &format!("capture.some?{number}")).await;
    }
    get(&proxy, "capture.some?gone").await;
    let report = judged(&proxy, "capture.some", 4).await;
    assert_eq!((report.matched, report.mismatched), (3, 1), "{report:?}");
    proxy.stop().await;
}

/// What a handler drew, of each time that it was asked.
static DRAWN: Mutex<Vec<u64>> = Mutex::new(Vec::new());

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_are_asked_for_one_request_draw_the_same() {
    let url = monolith(|_| response("", b"another")).await;
    let routes = "[[route]]\nid = \"capture.draws\"\nmatch = { path = \"/capture/draws\" }\n\
                  stage = \"extracted\"\n";
    let handler = handler!("draws", |ctx| {
        let drawn = ctx.random.next_u64();
        DRAWN.lock().unwrap().push(drawn);
        Ok(reply(&[], drawn.to_string()))
    });
    let shop = Addresses { url, ..shop().await };
    let proxy = proxy(shop, routes.into(), forever(vec![handler])).await;
    for requests in 1..=2 {
        get(&proxy, "capture.draws").await;
        // It answered, and then it was asked once more, since the monolith says something else.
        assert_eq!(judged(&proxy, "capture.draws", requests).await.mismatched, requests);
    }
    let drawn = DRAWN.lock().unwrap().clone();
    assert_eq!(drawn.len(), 4);
    assert!(drawn[0] == drawn[1] && drawn[2] == drawn[3] && drawn[0] != drawn[2], "{drawn:?}");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_and_repeated_lines_are_compared() {
    let url = monolith(|_| {
        "HTTP/1.1 200 OK\r\nX-Part: 1\r\nX-Part: 2\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n5\r\nhello\r\n0\r\nServer-Timing: db\r\nServer-Timing: app\r\n\r\n"
            .into()
    })
    .await;
    let proxy = in_front_of(
        url,
        vec![handler!("plain", reply(&[("x-part", "1"), ("x-part", "3")], "hello"))],
    )
    .await;
    assert_eq!(get(&proxy, "capture.plain").await, "hello");
    judged(&proxy, "capture.plain", 1).await;
    let found = differences(&proxy, "capture.plain").await;
    let found: Vec<_> = found.iter().map(|it| (&*it.path, it.kind)).collect();
    let expected = [
        ("headers.x-part", DifferenceKind::Changed),
        ("trailers.server-timing", DifferenceKind::Missing),
    ];
    assert_eq!(found, expected);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_an_unknown_with_its_reason() {
    let url = monolith(|path| {
        let bomb = || response("Content-Encoding: zstd\r\n", &zeros());
        match path {
            "/capture/bomb" => bomb(),
            "/capture/breaks" => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into(),
            "/capture/garbles" => response("Content-Type: application/json\r\n", b"{"),
            _ => response("Content-Type: application/json\r\n", b"1"),
        }
    })
    .await;
    let declines = handler!("declines", |_ctx| Err(HandlerError::Declined("it was asked to")));
    let fails = handler!("fails", |ctx| {
        sqlx::query("SELECT no_such_column").execute(&mut *ctx.tx).await?;
        Ok(reply(&[], ""))
    });
    let cases = [
        (handler!("bomb", fine()), Unknown::TooLarge),
        (handler!("breaks", fine()), Unknown::ControlFailed),
        (declines, Unknown::Declined),
        (fails, Unknown::Failed),
        (handler!("garbles", fine()), Unknown::Unparsable),
        (handler!("hangs", |_ctx| std::future::pending().await), Unknown::TimedOut),
        (handler!("panics", |_ctx| panic!("a panic that the test asked for")), Unknown::Panicked),
    ];
    let proxy = in_front_of(url, cases.map(|it| it.0).into()).await;
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    for (handler, why) in cases {
        let url = format!("{}/{}", proxy.url(), handler.id.replace('.', "/"));
        let answer = client.get(url).send().await.unwrap();
        // What breaks off does so for the client, too.
        let _ = answer.bytes().await;
        let report = judged(&proxy, handler.id, 1).await;
        assert_eq!(report.unknowns, BTreeMap::from([(why, 1)]), "{}: {report:?}", handler.id);
        assert_eq!(report.compared(), 0, "{}", handler.id);
    }
    proxy.stop().await;
}

/// A few bytes of zstd (RFC 8878) that come to 16 MiB of zeros: blocks of one byte, repeated.
fn zeros() -> Vec<u8> {
    // Magic number; a single segment of 16 MiB; 128 blocks of 128 KiB, the last one marked.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 1];
    for block in 1..=128_u32 {
        let header = u32::from(block == 128) | 1 << 1 | (128 * 1024) << 3;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}
