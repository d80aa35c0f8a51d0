//! Requests that two servers could read differently: each gets its answer, the connection is closed,
//! and not one byte of it or of what follows it reaches the origin.

use tests::banyan::Proxy;

use crate::{
    origin::Origin,
    support::{Verdict, Verdicts, banyan, buyer, get, holds, is, once},
    wire::show,
};

/// A request, and the part of it that is wrong.
pub(crate) struct Case {
    name: String,
    request: Vec<u8>,
}

impl Case {
    pub(crate) fn new(wrong: impl AsRef<[u8]>, request: impl Into<Vec<u8>>) -> Self {
        Self { name: show(wrong.as_ref()), request: request.into() }
    }
}

/// Requests that are wrong as a whole.
fn raw(requests: &[&str]) -> Vec<Case> {
    requests.iter().map(|it| Case::new(it, *it)).collect()
}

/// Requests with a wrong request line.
pub(crate) fn lines(lines: &[&str]) -> Vec<Case> {
    let request = |it: &str| format!("{it}\r\nHost: shop.test\r\n\r\n");
    lines.iter().map(|it| Case::new(it, request(it))).collect()
}

/// Requests with a wrong field line, or several.
pub(crate) fn fields(fields: &[&str]) -> Vec<Case> {
    let request = |it: &str| format!("GET /refused HTTP/1.1\r\nHost: shop.test\r\n{it}\r\n\r\n");
    fields.iter().map(|it| Case::new(it, request(it))).collect()
}

/// Requests with wrong `Host` lines.
fn hosts(hosts: &[&str]) -> Vec<Case> {
    let request = |it: &str| format!("GET /refused HTTP/1.1\r\nAccept: */*\r\n{it}\r\n");
    hosts.iter().map(|it| Case::new(it, request(it))).collect()
}

/// Requests with a wrong target, and the `Host` that stands beside it.
fn targets(targets: &[(&str, &str)]) -> Vec<Case> {
    let request = |it: &str, host: &str| format!("GET {it} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    targets.iter().map(|(it, host)| Case::new(it, request(it, host))).collect()
}

/// Each case must be refused with one of these statuses.
pub(crate) async fn all_are_refused(allowed: &[u16], routes: &str, cases: Vec<Case>) {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, routes).await;
    let mut verdicts = Verdicts::default();
    for case in cases {
        verdicts.add(&case.name, is_refused(&origin, &proxy, allowed, &case.request).await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

async fn is_refused(origin: &Origin, proxy: &Proxy, allowed: &[u16], request: &[u8]) -> Verdict {
    let before = origin.bytes().len();
    let mut wire = buyer(proxy).await;
    wire.send([request, get("/smuggled").as_bytes()].concat()).await;
    let answer = wire.answer("GET").await?;
    holds(allowed.contains(&answer.status()), || {
        format!("{:?}, not one of {allowed:?}", answer.first_line)
    })?;
    wire.ends().await?;
    // What the proxy had passed on would stand before this one, or with it.
    is(&once(proxy, get("/probe")).await?, 200)?;
    let after = origin.bytes().split_off(before);
    let heads = after.windows(4).filter(|it| it == b"\r\n\r\n").count();
    let only = after.starts_with(b"GET /probe HTTP/1.1\r\n") && heads == 1;
    holds(only, || format!("the origin got {}", show(&after)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_line_has_three_words() {
    let cases = lines(&[
        "GET /refused",
        "GET  /refused HTTP/1.1",
        "GET /refused  HTTP/1.1",
        "GET /refused HTTP/1.1 ",
        " GET /refused HTTP/1.1",
        "GET\t/refused HTTP/1.1",
        "GET /refused\tHTTP/1.1",
        "GET /refused HTTP/1.1 x",
        "G(T /refused HTTP/1.1",
        "G\u{e9}T /refused HTTP/1.1",
        "GET /refused http/1.1",
        "GET /refused HTTP/1.10",
        "GET /refused HTTP/1",
        "GET /refused HTTP/01.1",
        "GET /refused HTTP/a.b",
        "GET /refused HTTPS/1.1",
        "GET /refused ICE/1.0",
        "GET HTTP/1.1",
        "/refused",
        "GET",
    ]);
    all_are_refused(&[400], "", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_end_with_crlf_and_are_never_folded() {
    let cases = raw(&[
        "GET /refused HTTP/1.1\nHost: shop.test\n\n",
        "GET /refused HTTP/1.1\nHost: shop.test\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\nX: y\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\r\n\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\r\nX: a\nb\r\n\r\n",
        "\nGET /refused HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        "\r\n\r\nGET /refused HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        "\rGET /refused HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        "GET /refused HTTP/1.1\rHost: shop.test\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\rX: y\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\r\nX: a\rb\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\r\r\n\r\n",
        "GET /refused HTTP/1.1\r\r\nHost: shop.test\r\n\r\n",
        "GET /ref\rused HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\r\nX: a\r\n b\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\r\nX: a\r\n\tb\r\n\r\n",
        "GET /refused HTTP/1.1\r\n X: a\r\nHost: shop.test\r\n\r\n",
        "GET /refused HTTP/1.1\r\nHost: shop.test\r\n \r\n\r\n",
    ]);
    all_are_refused(&[400], "", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn field_names_are_tokens_and_values_are_text() {
    let mut cases = fields(&[
        "X : a",
        "X\t: a",
        ": a",
        " : a",
        "X",
        "X Y: a",
        "X\"Y: a",
        "X(Y): a",
        "X[1]: a",
        "X@Y: a",
        "X/Y: a",
        "\u{e9}: a",
        "X\0: a",
        "X: a\0b",
        "X: \0",
        "X: a\u{1}b",
        "X: a\u{8}",
        "X: a\u{b}b",
        "X: \u{c}a",
        "X: a\u{1b}[0m",
        "X: a\u{7f}",
        "Content-Length : 5",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\0: chunked",
    ]);
    let head = b"GET /refused HTTP/1.1\r\nHost: shop.test\r\nX\xff: a\r\n\r\n";
    cases.push(Case::new(b"X\xff: a", *head));
    all_are_refused(&[400], "", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_well_formed_host() {
    let mut cases = hosts(&[
        "",
        "Host: shop.test\r\nHost: evil.test\r\n",
        "Host: shop.test\r\nHost: shop.test\r\n",
        "Host: shop.test\r\nhOST: shop.test\r\n",
        "Host: shop.test, evil.test\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: u@a\r\n",
        "Host: u:p@a\r\n",
        "Host:\r\n",
        "Host: \t \r\n",
        "Host: :80\r\n",
        "Host: a:\r\n",
        "Host: a:port\r\n",
        "Host: a:+80\r\n",
        "Host: a:65536\r\n",
        "Host: a:80:80\r\n",
        "Host: [::1\r\n",
        "Host: ::1\r\n",
        "Host: [::1]x\r\n",
        "Host: a\\b\r\n",
        "Host: a?b\r\n",
        "Host: a#b\r\n",
        "Host: a\"b\r\n",
        "Host: http://shop.test\r\n",
        "Host: sh\u{f6}p.test\r\n",
    ]);
    let old = "GET /refused HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n";
    cases.push(Case::new("two of them in HTTP/1.0", old));
    all_are_refused(&[400], "", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_has_one_reading_that_agrees_with_host() {
    let mut cases = targets(&[
        ("http://evil.test/refused", "shop.test"),
        ("http://shop.test:8080/refused", "shop.test"),
        ("http://shop.test/refused", "shop.test:8080"),
        ("http://shop.test:81/refused", "shop.test:80"),
        ("http://shop.test.evil.test/refused", "shop.test"),
        ("http://shop.test@evil.test/refused", "shop.test"),
        ("http://evil.test@shop.test/refused", "shop.test"),
        ("http:///refused", "shop.test"),
        ("http:/refused", "shop.test"),
        ("http://", "shop.test"),
        ("shop.test/refused", "shop.test"),
        ("shop.test:80", "shop.test"),
        ("refused", "shop.test"),
        ("?refused", "shop.test"),
        ("*", "shop.test"),
        ("/refused#top", "shop.test"),
        ("/refused?a#b", "shop.test"),
        ("#", "shop.test"),
        ("http://shop.test/refused#top", "shop.test"),
        ("/ref\u{e9}used", "shop.test"),
        ("/refused?\u{e9}", "shop.test"),
        ("/ref\0used", "shop.test"),
        ("/ref\u{1}used", "shop.test"),
        ("/ref\u{b}used", "shop.test"),
        ("/ref\u{7f}used", "shop.test"),
        ("/ref used", "shop.test"),
        ("//shop.test/refused /x", "shop.test"),
    ]);
    let head = b"GET /ref\xe9used HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    cases.push(Case::new(b"/ref\xe9used", *head));
    all_are_refused(&[400], "", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_are_not_for_a_shop_and_other_versions_are_refused() {
    let methods = [
        "CONNECT shop.test:443 HTTP/1.1",
        "CONNECT /refused HTTP/1.1",
        "CONNECT http://shop.test/ HTTP/1.1",
        "TRACE /refused HTTP/1.1",
    ];
    all_are_refused(&[405], "", lines(&methods)).await;
    let versions = ["GET /refused HTTP/2.0", "GET /refused HTTP/3.0", "GET /refused HTTP/0.9"];
    all_are_refused(&[505], "", lines(&versions)).await;
    all_are_refused(&[400], "", raw(&["GET /refused\r\n\r\n", "GET /refused\r\n"])).await;
}
