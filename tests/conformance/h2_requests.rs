//! Requests over HTTP/2: what must not become a request over HTTP/1.1, and what it becomes where it
//! may (RFC 9113 §8).

use tests::banyan::{Proxy, Setup};

use crate::{
    h2_wire::{
        CONTINUATION, Client, END_HEADERS, END_STREAM, HEADERS, Outcome, PROTOCOL_ERROR, block,
        data, frame, get, headers, post,
    },
    origin::Origin,
    support::{Verdict, Verdicts, holds, same},
};

/// Banyan in front of `origin`, with one worker, where HTTP/2 is spoken without TLS.
pub(crate) async fn h2c(origin: &Origin, routes: &str) -> Proxy {
    let setup = Setup {
        monolith: format!("http://{}", origin.address),
        routes: (!routes.is_empty()).then(|| routes.to_owned()),
        listen: Some("h2c://127.0.0.1:0".to_owned()),
        flags: vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()],
        ..Setup::default()
    };
    Proxy::start(setup, &[]).await.unwrap()
}

pub(crate) fn answer(status: u16, body: &str) -> Outcome {
    Outcome::Answer { status, body: body.as_bytes().to_vec() }
}

/// Sends what must be refused with one of `due`; nothing of it may arrive, and the next request on
/// the connection must.
async fn is_refused(origin: &Origin, proxy: &Proxy, bytes: Vec<u8>, due: &[Due]) -> Verdict {
    let before = origin.bytes().len();
    let mut client = Client::connect(proxy.address()).await;
    client.send(bytes).await;
    let seen = client.outcome(1).await;
    let ended = matches!(seen, Outcome::GoAway(_));
    let as_due = due.iter().any(|due| match (due, &seen) {
        (Due::Status(due), Outcome::Answer { status, .. }) => status == due,
        (Due::Reset, Outcome::Reset(code)) | (Due::Connection, Outcome::GoAway(code)) => {
            *code == PROTOCOL_ERROR
        }
        _ => false,
    });
    holds(as_due, || format!("{seen:?}, not {due:?}"))?;
    let arrived = origin.bytes().split_off(before);
    holds(arrived.is_empty(), || format!("{} arrived", arrived.escape_ascii()))?;
    if ended {
        return client.ends().await.map(drop);
    }
    same("the next one", &client.ask(3, &get("/next")).await, &answer(200, "/next"))
}

/// How a request is refused.
#[derive(Debug, Clone, Copy)]
enum Due {
    Status(u16),
    /// Of the stream, since it is malformed.
    Reset,
    /// With the connection, as RFC 9113 §5.4.1 allows: h2 does so where a field's bytes are none.
    Connection,
}

/// A name, the fields, and how they are refused.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [Due]);

const RESET: &[Due] = &[Due::Reset];
const BAD: &[Due] = &[Due::Status(400)];
const END: &[Due] = &[Due::Connection];
const ANY: &[Due] = &[Due::Reset, Due::Connection, Due::Status(400)];

#[tokio::test(flavor = "multi_thread")]
async fn pseudo_fields_have_one_order_one_number_and_one_alphabet() {
    let (method, scheme) = ((":method", "GET"), (":scheme", "http"));
    let (path, authority) = ((":path", "/bad"), (":authority", "shop.test"));
    let cases: &[Case<'_>] = &[
        ("no :method", &[scheme, path, authority], RESET),
        ("no :scheme", &[method, path, authority], RESET),
        ("no :path", &[method, scheme, authority], RESET),
        ("no :path, but a Host", &[method, scheme, ("host", "shop.test")], BAD),
        ("neither :authority nor Host", &[method, scheme, path], BAD),
        ("two :method", &[method, method, scheme, path, authority], RESET),
        ("two :scheme", &[method, scheme, scheme, path, authority], RESET),
        ("two :path", &[method, scheme, path, (":path", "/other"), authority], RESET),
        ("two :authority", &[method, scheme, path, authority, authority], RESET),
        ("a late :path", &[method, scheme, authority, ("a", "b"), path], RESET),
        ("a late :authority", &[method, scheme, path, ("a", "b"), authority], RESET),
        (":status", &[method, scheme, path, authority, (":status", "200")], RESET),
        ("an unknown one", &[method, scheme, path, authority, (":other", "x")], END),
        ("one in capitals", &[(":Method", "GET"), scheme, path, authority], END),
        (
            ":protocol without CONNECT",
            &[method, scheme, path, authority, (":protocol", "websocket")],
            RESET,
        ),
        ("an empty :path", &[method, scheme, (":path", ""), authority], RESET),
        ("a :path without a slash", &[method, scheme, (":path", "bad"), authority], RESET),
        (
            "an absolute :path",
            &[method, scheme, (":path", "http://evil.test/bad"), authority],
            RESET,
        ),
        ("an asterisk for a GET", &[method, scheme, (":path", "*"), authority], BAD),
        ("an empty :method", &[(":method", ""), scheme, path, authority], END),
        ("an empty :authority", &[method, scheme, path, (":authority", "")], RESET),
        ("CONNECT", &[(":method", "CONNECT"), authority], &[Due::Status(405)]),
        ("CONNECT with a path", &[(":method", "CONNECT"), scheme, path, authority], RESET),
        ("TRACE", &[(":method", "TRACE"), scheme, path, authority], &[Due::Status(405)]),
    ];
    refused(cases).await;
}

/// Fails unless each is refused as it says.
async fn refused(cases: &[Case<'_>]) {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    let mut verdicts = Verdicts::default();
    for (name, fields, due) in cases {
        let request = headers(1, END_STREAM, fields);
        verdicts.add(name, is_refused(&origin, &proxy, request, due).await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

/// What would be another line, another field or another request in HTTP/1.1.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_in_pseudo_fields() {
    let smuggled = "/ HTTP/1.1\r\nHost: evil.test\r\n\r\nGET /bad";
    let mut verdicts = Verdicts::default();
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    for (at, name) in [(0, ":method"), (1, ":scheme"), (2, ":path"), (3, ":authority")] {
        let plain = get("/bad")[at].1;
        for value in [
            format!("{plain}{smuggled}"),
            format!("{plain}\r\nx: y"),
            format!("{plain}\n"),
            format!("{plain}\r"),
            format!("{plain}\0"),
            format!("{plain} "),
            format!(" {plain}"),
            format!("{plain} HTTP/1.1"),
            format!("{plain}\t"),
            format!("{plain}\u{7f}"),
            format!("{plain}\u{e9}"),
        ] {
            let mut fields = get("/bad");
            fields[at].1 = &value;
            let verdict = is_refused(&origin, &proxy, headers(1, END_STREAM, &fields), ANY).await;
            verdicts.add(&format!("{name} {value:?}"), verdict);
        }
    }
    for value in ["GET:", "GE(T", "G/ET", "GET\"", "\u{e9}"] {
        let mut fields = get("/bad");
        fields[0].1 = value;
        let verdict = is_refused(&origin, &proxy, headers(1, END_STREAM, &fields), END).await;
        verdicts.add(&format!(":method {value:?}"), verdict);
    }
    for value in [
        "u@shop.test",
        "shop.test:port",
        "shop.test:99999",
        "shop.test/bad",
        "a b",
        "[::1",
        "shop.test:80:80",
    ] {
        let mut fields = get("/bad");
        fields[3].1 = value;
        let verdict = is_refused(&origin, &proxy, headers(1, END_STREAM, &fields), ANY).await;
        verdicts.add(&format!(":authority {value:?}"), verdict);
    }
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_in_fields() {
    let mut verdicts = Verdicts::default();
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    for (name, value) in [
        ("X-Upper", "v"),
        ("x y", "v"),
        ("x:", "v"),
        ("x\r\ny", "v"),
        ("x\ny", "v"),
        ("x\0", "v"),
        ("x\t", "v"),
        ("", "v"),
        ("x\u{e9}", "v"),
        ("x\"y", "v"),
        ("x(y", "v"),
        ("transfer-encoding: chunked\r\nx", "v"),
        ("x", "v\r\ny: z"),
        ("x", "v\n"),
        ("x", "v\r"),
        ("x", "v\0"),
        ("x", "v\u{7f}"),
        ("connection", "close"),
        ("connection", "keep-alive, x"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("te", "trailers, gzip"),
        ("host", "evil.test"),
        ("host", "shop.test, evil.test"),
        ("content-length", "-1"),
        ("content-length", "+0"),
        ("content-length", "0x0"),
        ("content-length", "0, 0"),
        ("content-length", ""),
        ("content-length", "5"),
        ("content-length", "99999999999999999999"),
    ] {
        let fields = [&get("/bad")[..], &[(name, value)]].concat();
        let verdict = is_refused(&origin, &proxy, headers(1, END_STREAM, &fields), ANY).await;
        verdicts.add(&format!("{name:?}: {value:?}"), verdict);
    }
    for twice in [
        [("host", "shop.test"), ("host", "shop.test")],
        [("host", "shop.test"), ("host", "evil.test")],
        [("content-length", "0"), ("content-length", "0")],
        [("te", "trailers"), ("te", "gzip")],
    ] {
        let fields = [&get("/bad")[..], &twice].concat();
        let verdict = is_refused(&origin, &proxy, headers(1, END_STREAM, &fields), ANY).await;
        verdicts.add(&format!("{twice:?}"), verdict);
    }
    proxy.stop().await;
    verdicts.conclude();
}

/// Bodies that are not as long as they say, and trailers that are none: the origin must never take
/// the request for whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_be_as_long_as_it_says_and_end_with_fields_only() {
    let mut verdicts = Verdicts::default();
    let long = "x".repeat(16 * 1024);
    let with =
        |length: &str| headers(1, 0, &[&post("/bad")[..], &[("content-length", length)]].concat());
    let open = || headers(1, 0, &post("/bad"));
    let trailers = |fields: &[(&str, &str)]| headers(1, END_STREAM, fields);
    for (name, bytes) in [
        ("shorter", [with("5"), data(1, END_STREAM, "abc")].concat()),
        ("longer", [with("5"), data(1, END_STREAM, "abcdefgh")].concat()),
        ("longer by a frame", [with("5"), data(1, 0, "abcde"), data(1, END_STREAM, "f")].concat()),
        (
            "shorter, with trailers",
            [with("5"), data(1, 0, "abc"), trailers(&[("x", "y")])].concat(),
        ),
        ("none at all", with("5").into_iter().chain(data(1, END_STREAM, "")).collect()),
        (
            "shorter, and long",
            [with("100000"), data(1, 0, &long), data(1, END_STREAM, &long)].concat(),
        ),
        (
            "a connection's field behind it",
            [open(), data(1, 0, "abc"), trailers(&[("connection", "close")])].concat(),
        ),
        (
            "fields that are not the end",
            [open(), data(1, 0, "abc"), headers(1, 0, &[("x", "y")])].concat(),
        ),
    ] {
        let origin = Origin::plain().await;
        let proxy = h2c(&origin, "").await;
        let mut client = Client::connect(proxy.address()).await;
        let verdict = async {
            client.send(bytes).await;
            let seen = client.outcome(1).await;
            same("the outcome", &seen, &Outcome::Reset(PROTOCOL_ERROR))?;
            let next = client.ask(3, &get("/next")).await;
            same("the next one", &next, &answer(200, "/next"))?;
            let arrived = origin.requests();
            let whole = arrived.iter().find(|it| it.request.target() != "/next");
            holds(whole.is_none(), || format!("{whole:?} arrived whole"))
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}

/// Frames that break the connection itself (RFC 9113 §5.4.1): it ends, and nothing arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_frame_ends_the_connection() {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let bad = block(&get("/bad"));
    let half = |flags| frame(HEADERS, flags, 1, &bad[..bad.len() / 2]);
    for (name, bytes) in [
        ("a head on stream 0", frame(HEADERS, END_HEADERS | END_STREAM, 0, &bad)),
        ("an even stream", frame(HEADERS, END_HEADERS | END_STREAM, 2, &bad)),
        ("half a block of fields", half(END_HEADERS | END_STREAM)),
        ("an index out of the table", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff, 0x7f])),
        ("a field that ends nowhere", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0, 10, b'a'])),
        ("CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, &bad)),
        ("CONTINUATION of another", [half(0), frame(CONTINUATION, END_HEADERS, 3, &bad)].concat()),
        ("data between", [half(0), data(1, 0, "x")].concat()),
        ("data on an idle stream", data(1, END_STREAM, "x")),
        (
            "too much padding",
            frame(HEADERS, END_HEADERS | END_STREAM | 0x8, 1, &[&[255][..], &bad].concat()),
        ),
        ("a frame that is too long", frame(0, 0, 1, &vec![0; 16 * 1024 + 1])),
        ("a reset of an idle stream", frame(3, 0, 1, &[0; 4])),
        ("a window of nothing", frame(8, 0, 0, &[0; 4])),
        ("settings of seven bytes", frame(4, 0, 0, &[0; 7])),
        ("a ping of seven bytes", frame(6, 0, 0, &[0; 7])),
        ("a promise", frame(5, END_HEADERS, 1, &[&[0, 0, 0, 2][..], &bad].concat())),
    ] {
        let mut client = Client::connect(proxy.address()).await;
        client.send(bytes).await;
        let verdict = async {
            let frames = client.ends().await?;
            holds(frames.iter().any(|it| it.ending().is_some()), || format!("{frames:?}"))?;
            same("what arrived", &origin.bytes()[..], &[])
        };
        verdicts.add(name, verdict.await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_http_1_1_says_otherwise_is_said_so() {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    let mut client = Client::connect(proxy.address()).await;
    let fields = [
        &get("/a?b=c")[..],
        &[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3"), ("te", "trailers"), ("x", "y")],
    ];
    assert_eq!(client.ask(1, &fields.concat()).await, answer(200, "/a?b=c"));
    let seen = origin.request("/a?b=c").unwrap();
    assert_eq!(seen.first_line, "GET /a?b=c HTTP/1.1");
    assert_eq!(seen.get("cookie"), Some("a=1; b=2; c=3"));
    assert_eq!((seen.get("host"), seen.get("x")), (Some("shop.test"), Some("y")));
    assert_eq!((seen.get("te"), seen.get("transfer-encoding")), (None, None));

    let both = [&get("/both")[..], &[("host", "SHOP.test:80")]].concat();
    assert_eq!(client.ask(3, &both).await, answer(200, "/both"));
    assert_eq!(origin.request("/both").unwrap().get("host"), Some("shop.test"));
    let host = [(":method", "GET"), (":scheme", "http"), (":path", "/host"), ("host", "shop.test")];
    assert_eq!(client.ask(5, &host).await, answer(200, "/host"));
    // The `http` crate drops a fragment before anybody sees it: what is left has one reading.
    assert_eq!(client.ask(7, &get("/part#of")).await, answer(200, "/part"));
    let mut all = get("*");
    all[0].1 = "OPTIONS";
    assert_eq!(client.ask(9, &all).await, answer(200, "*"));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_arrive_with_their_length_or_in_chunks_and_with_their_trailers() {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    let mut client = Client::connect(proxy.address()).await;
    let known = [&post("/known")[..], &[("content-length", "5")]].concat();
    client
        .send([headers(1, 0, &known), data(1, 0, "he"), data(1, END_STREAM, "llo")].concat())
        .await;
    assert_eq!(client.outcome(1).await, answer(200, "/known"));
    let seen = origin.request("/known").unwrap();
    assert_eq!((seen.get("content-length"), &seen.text()[..]), (Some("5"), "hello"));

    // A block of fields in two frames, padded data, and trailers.
    let fields = block(&post("/open"));
    let (first, second) = fields.split_at(10);
    let padded = frame(0, 0x8, 3, &[&[3][..], b"hello\0\0\0"].concat());
    let request = [
        frame(HEADERS, 0, 3, first),
        frame(CONTINUATION, END_HEADERS, 3, second),
        padded,
        headers(3, END_STREAM, &[("x-sum", "5")]),
    ];
    client.send(request.concat()).await;
    assert_eq!(client.outcome(3).await, answer(200, "/open"));
    let seen = origin.request("/open").unwrap();
    assert_eq!((seen.get("transfer-encoding"), &seen.text()[..]), (Some("chunked"), "hello"));

    // A known length and trailers: the body arrives, over a protocol where they cannot both.
    let sent = [headers(5, 0, &known), data(5, 0, "hello"), headers(5, END_STREAM, &[("x", "y")])];
    let before = origin.requests().len();
    client.send(sent.concat()).await;
    assert_eq!(client.outcome(5).await, answer(200, "/known"));
    let arrived = origin.requests().split_off(before);
    let seen = &arrived[0].request;
    assert_eq!((seen.get("content-length"), &seen.text()[..]), (Some("5"), "hello"));

    // h2 drops pseudo-fields in trailers without a word, where RFC 9113 §8.1 wants a stream error.
    let trailers = headers(7, END_STREAM, &[(":path", "/other")]);
    client.send([headers(7, 0, &post("/pseudo")), data(7, 0, "hello"), trailers].concat()).await;
    assert_eq!(client.outcome(7).await, answer(200, "/pseudo"));
    assert!(!origin.bytes().windows(6).any(|it| it == b"/other"));
    proxy.stop().await;
}
