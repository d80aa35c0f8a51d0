//! Uploads: what arrives is what was sent, framed anew; what cannot be read in one way never becomes
//! a whole request.

use std::time::Duration;

use tests::banyan::Proxy;

use crate::{
    message::Framing,
    origin::Origin,
    support::{Verdict, Verdicts, ask, banyan, buyer, get, holds, is, once, same},
    wire::show,
};

/// The head of an upload in chunks.
fn chunked(target: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n")
}

async fn never_becomes_whole(status: u16, routes: &str, cases: &[(&str, Vec<u8>)]) {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, routes).await;
    let mut verdicts = Verdicts::default();
    for (name, body) in cases {
        verdicts.add(name, is_cut_off(&proxy, status, body).await);
    }
    is(&once(&proxy, get("/probe")).await.unwrap(), 200).unwrap();
    let whole = origin.requests().into_iter().find(|it| it.request.target() != "/probe");
    verdicts.add("what arrived", whole.map_or(Ok(()), |it| Err(format!("{it:?}"))));
    proxy.stop().await;
    verdicts.conclude();
}

/// The origin may have seen the head of such a request by then, but neither its end nor what follows.
async fn is_cut_off(proxy: &Proxy, status: u16, body: &[u8]) -> Verdict {
    let mut wire = buyer(proxy).await;
    wire.send([chunked("/refused").as_bytes(), body, get("/smuggled").as_bytes()].concat()).await;
    is(&wire.answer("GET").await?, status)?;
    wire.ends().await
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_two_servers_could_read_differently_are_refused() {
    let end = "\r\nhello\r\n0\r\n\r\n";
    let mut cases = vec![
        ("an empty size", end.to_owned()),
        ("only an extension", format!(";a{end}")),
        ("a sign", format!("+5{end}")),
        ("a minus", format!("-5{end}")),
        ("a prefix", format!("0x5{end}")),
        ("an underscore", format!("0_5{end}")),
        ("no hexadecimal digit", format!("5g{end}")),
        ("17 digits", format!("10000000000000005{end}")),
        ("16 digits", format!("ffffffffffffffff{end}")),
        ("a space before", format!(" 5{end}")),
        ("a space after", format!("5 {end}")),
        ("a tab after", format!("5\t{end}")),
        ("a space before the extension", format!("5 ;a{end}")),
        ("a vertical tab", format!("5\u{b}{end}")),
        ("NUL after the size", format!("5\0{end}")),
        ("NUL in the extension", format!("5;a\0{end}")),
        ("a control character in the extension", format!("5;a\u{1}{end}")),
        ("a bare LF in the extension", format!("5;a\nb{end}")),
        ("a bare CR in the extension", format!("5;a\rb{end}")),
        ("a long extension", format!("5;{}{end}", "a".repeat(20_000))),
        ("a bare LF after the size", "5\nhello\r\n0\r\n\r\n".to_owned()),
        ("a bare CR after the size", "5\rhello\r\n0\r\n\r\n".to_owned()),
        ("a bare LF after the data", "5\r\nhello\n0\r\n\r\n".to_owned()),
        ("no CRLF after the data", "5\r\nhello0\r\n\r\n".to_owned()),
        ("more data than stated", "4\r\nhello\r\n0\r\n\r\n".to_owned()),
        ("two CRLF after the data", "5\r\nhello\r\n\r\n0\r\n\r\n".to_owned()),
        ("a bare LF after the last size", "5\r\nhello\r\n0\n\r\n".to_owned()),
        ("a bare LF at the end", "5\r\nhello\r\n0\r\n\n".to_owned()),
    ];
    let trailers = |lines: &str| format!("5\r\nhello\r\n0\r\n{lines}\r\n");
    cases.extend([
        ("a trailer without a colon", trailers("Sum\r\n")),
        ("a space before a trailer's colon", trailers("Sum : 1\r\n")),
        ("a trailer with a bad name", trailers("S um: 1\r\n")),
        ("a trailer without a name", trailers(": 1\r\n")),
        ("NUL in a trailer", trailers("Sum: \0\r\n")),
        ("a folded trailer", trailers("Sum: 1\r\n 2\r\n")),
        ("a bare LF in the trailers", trailers("Sum: 1\n")),
        ("many trailers", trailers(&"Sum: 1\r\n".repeat(1000))),
        ("a large trailer", trailers(&format!("Sum: {}\r\n", "1".repeat(100_000)))),
    ]);
    let cases: Vec<_> = cases.into_iter().map(|(name, it)| (name, it.into_bytes())).collect();
    never_becomes_whole(400, "", &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_may_not_pass_the_limit_either() {
    let one = format!("401\r\n{}\r\n0\r\n\r\n", "a".repeat(0x401));
    let many = format!("{}0\r\n\r\n", "1\r\na\r\n".repeat(0x401));
    let cases = [("one chunk", one.into_bytes()), ("many chunks", many.into_bytes())];
    never_becomes_whole(413, "limits = { body = \"1KiB\" }\n", &cases).await;
}

/// A request that was only half sent is not sent on as a whole one.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_breaks_off_leaves_no_whole_request_behind() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let length =
        "POST /half HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 10\r\n\r\nhello".to_owned();
    for (name, request) in [
        ("a length", length),
        ("chunks", format!("{}5\r\nhello\r\n", chunked("/half"))),
        ("a chunk", format!("{}a\r\nhello", chunked("/half"))),
        ("the last chunk", format!("{}5\r\nhello\r\n0\r\n", chunked("/half"))),
        ("a head", "GET /half HTTP/1.1\r\nHost: shop.test\r\n".to_owned()),
    ] {
        let mut wire = buyer(&proxy).await;
        wire.send(request).await;
        wire.half_close().await;
        let (bytes, _) = wire.rest().await;
        let ok = bytes.is_empty() || bytes.starts_with(b"HTTP/1.1 400 ");
        verdicts.add(name, holds(ok, || show(&bytes)));
    }
    is(&once(&proxy, get("/probe")).await.unwrap(), 200).unwrap();
    let arrived: Vec<_> =
        origin.requests().iter().map(|it| it.request.first_line.clone()).collect();
    verdicts.add("what arrived", same("it", &arrived, &vec!["GET /probe HTTP/1.1".to_owned()]));
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_arrive_whole_however_they_are_framed() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let large = "x".repeat(300_000);
    let with_length = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let in_chunks = |body: &str| format!("Transfer-Encoding: chunked\r\n\r\n{body}");
    for (number, (name, rest, body)) in (0..).zip([
        ("a length", with_length("hello"), "hello"),
        ("no byte", with_length(""), ""),
        ("a large length", with_length(&large), &large),
        ("leading zeros", "Content-Length: 005\r\n\r\nhello".to_owned(), "hello"),
        ("one chunk", in_chunks("5\r\nhello\r\n0\r\n\r\n"), "hello"),
        ("two chunks", in_chunks("2\r\nhe\r\n003\r\nllo\r\n000\r\n\r\n"), "hello"),
        ("no chunk", in_chunks("0\r\n\r\n"), ""),
        ("upper case", in_chunks("A\r\nhellohello\r\n0\r\n\r\n"), "hellohello"),
        ("a large chunk", in_chunks(&format!("493e0\r\n{large}\r\n0\r\n\r\n")), &large),
        ("extensions", in_chunks("5;evil=1;b=\"c\"\r\nhello\r\n0;evil\r\n\r\n"), "hello"),
        ("another case", "transfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n".to_owned(), "a"),
        ("what looks like framing", with_length("0\r\n\r\nGET /evil"), "0\r\n\r\nGET /evil"),
    ]) {
        let target = format!("/upload/{number}");
        let request = format!("POST {target} HTTP/1.1\r\nHost: shop.test\r\n{rest}");
        let verdict = arrives(&origin, &proxy, &target, &request, body).await;
        verdicts.add(name, verdict);
    }
    let seen = show(&origin.bytes());
    verdicts.add("extensions", holds(!seen.contains("evil="), || seen.clone()));
    proxy.stop().await;
    verdicts.conclude();
}

/// Sends the request twice over one connection: the second shows that the first has ended.
async fn arrives(
    origin: &Origin,
    proxy: &Proxy,
    target: &str,
    request: &str,
    body: &str,
) -> Verdict {
    let mut wire = buyer(proxy).await;
    is(&ask(&mut wire, request).await?, 200)?;
    same("the next answer", &ask(&mut wire, get("/next")).await?.text()[..], "/next")?;
    let arrived = origin.request(target)?;
    holds(arrived.body == body.as_bytes(), || show(&arrived.body))?;
    same("Expect", &arrived.get("expect"), &None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_may_have_a_body() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    let length = "GET /a HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello".to_owned();
    verdicts.add("a length", arrives(&origin, &proxy, "/a", &length, "hello").await);
    let chunks = format!("{}5\r\nhello\r\n0\r\n\r\n", chunked("/b").replace("POST", "GET"));
    verdicts.add("chunks", arrives(&origin, &proxy, "/b", &chunks, "hello").await);
    proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_arrive_but_for_those_that_mean_something_to_a_server() {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, "").await;
    let body = "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\nContent-Length: 3\r\nHost: evil.test\r\n\
                Transfer-Encoding: chunked\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n\
                Connection: close\r\nCookie: a=1\r\n\r\n";
    let request = chunked("/trailers").replace("\r\n\r\n", "\r\nTrailer: X-Sum\r\n\r\n") + body;
    let answer = once(&proxy, request).await.unwrap();
    // To refuse those that nobody may send as trailers is as good as to drop them.
    if answer.status() == 200 {
        let arrived = origin.request("/trailers").unwrap();
        assert_eq!(arrived.text(), "hello");
        let mut names: Vec<_> = arrived.trailers.iter().map(|it| it.0.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["x-more", "x-sum"]);
    } else {
        assert_eq!(answer.status(), 400);
        assert!(origin.request("/trailers").is_err());
    }
    let plain = chunked("/plain") + "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
    assert_eq!(once(&proxy, plain).await.unwrap().status(), 200);
    let arrived = origin.request("/plain").unwrap();
    assert_eq!(arrived.request_framing(), Ok(Framing::Chunked));
    assert_eq!(arrived.trailers, [("x-sum".to_owned(), "1".to_owned())]);
    proxy.stop().await;
}

/// What a client sends piece by piece does not wait for its last piece, nor for a full buffer.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_is_passed_on_while_it_comes() {
    let origin = Origin::start().await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    let half = vec![b'x'; 2 * 1024 * 1024];
    wire.send("PUT /large HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4194304\r\n\r\n").await;
    let sending = async {
        wire.send(&half).await;
        wire
    };
    let receiving = async {
        let mut server = origin.accept().await?;
        let head = server.head().await?;
        server.exactly(half.len() / 2).await?;
        Ok::<_, String>((server, head))
    };
    let (mut wire, received) = tokio::join!(sending, receiving);
    let (mut server, head) = received.unwrap();
    assert_eq!(head.get("content-length"), Some("4194304"));
    wire.send(&half).await;
    server.exactly(half.len() / 2 + half.len()).await.unwrap();
    server.silent_for(Duration::from_millis(50)).await.unwrap();
    server.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(wire.answer("PUT").await.unwrap().status(), 204);
    proxy.stop().await;
}
