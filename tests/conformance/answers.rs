//! Heads of answers: those that can be read in one way reach the buyer, the others become a 502.

use crate::{
    message::Message,
    origin::{Origin, Step, ok},
    support::{Verdict, Verdicts, ask, banyan, buyer, get, holds, is, once, same},
    wire::show,
};

/// An origin that answers `/0`, `/1`, … with these bytes and then does `after`, and everything else
/// as [`Origin::plain`].
pub(crate) async fn saying(answers: Vec<Vec<u8>>, after: Step) -> Origin {
    Origin::scripted(move |request| {
        let number = request.target()[1..].parse::<usize>().ok();
        match number.and_then(|it| answers.get(it)) {
            Some(answer) => vec![Step::Send(answer.clone()), after.clone()],
            None => vec![Step::Send(ok(request.target()))],
        }
    })
    .await
}

/// Each answer must become a 502, and the answer after it must be its own.
async fn all_become_502(answers: &[impl AsRef<str>], after: Step) {
    let bytes = answers.iter().map(|it| it.as_ref().as_bytes().to_vec()).collect();
    let origin = saying(bytes, after).await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    for (number, answer) in answers.iter().enumerate() {
        let verdict = async {
            let mut wire = buyer(&proxy).await;
            let answer = ask(&mut wire, get(&format!("/{number}"))).await?;
            is(&answer, 502)?;
            holds(!format!("{answer:?}").contains("EVIL"), || format!("{answer:?}"))?;
            if answer.lists("connection", "close") {
                wire.ends().await?;
                wire = buyer(&proxy).await;
            }
            same("the next answer", &ask(&mut wire, get("/next")).await?.text()[..], "/next")
        };
        verdicts.add(&show(answer.as_ref().as_bytes()), verdict.await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

fn with_fields(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|it| format!("HTTP/1.1 200 OK\r\n{it}\r\n\r\nEVIL!")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_framed_in_two_ways_is_none() {
    let mut answers = with_fields(&[
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: identity",
        "Content-Length: 5\r\nContent-Length: 4",
        "Content-Length: 5\r\ncontent-length: 0",
        "Content-Length: 5, 4",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: 5.0",
        "Content-Length: five",
        "Content-Length:",
        "Content-Length: 18446744073709551616",
        "Content-Length: 18446744073709551621",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding:",
    ]);
    answers.push("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned());
    all_become_502(&answers, Step::Silence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answers_lines_are_as_strict_as_a_requests() {
    let mut answers = with_fields(&[
        "Content-Length : 5",
        "Content-Length: 5\r\nX : y",
        "Content-Length: 5\r\nX: a\r\n b",
        "Content-Length: 5\r\nX: a\r\n\tb",
        "Content-Length: 5\r\nX: a\rb",
        "Content-Length: 5\r\nX: a\0b",
        "Content-Length: 5\r\nX: a\u{b}b",
        "Content-Length: 5\r\nX Y: a",
        "Content-Length: 5\r\nX\"Y: a",
        "Content-Length: 5\r\n: a",
        "Content-Length: 5\r\nX",
        "Content-Length: 5\nX: a",
        "X: a\nContent-Length: 5",
        "Content-Length: 5\r\n\n",
    ]);
    let lines = [
        "HTTP/1.1 200 OK\nContent-Length: 5\n\nEVIL!",
        "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1 +20 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1 abc OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1\t200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1 200\0OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.1 200 O\rK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "HTTP/1.10 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "http/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "ICY 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        " HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!",
        "200 OK\r\n\r\nEVIL!",
        "EVIL!\r\n\r\n",
        "<html>EVIL!</html>\n",
    ];
    answers.extend(lines.map(str::to_owned));
    all_become_502(&answers, Step::Silence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answers_head_has_an_end() {
    let early = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let large = [
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(64 * 1024)),
        format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(200 * 1024)),
        "a".repeat(200 * 1024),
        format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X: y\r\n".repeat(256)),
        format!("{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", early.repeat(1000)),
    ];
    all_become_502(&large, Step::Silence).await;
    let cut = [
        "",
        "H",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r",
        early,
    ];
    all_become_502(&cut, Step::Close).await;
    all_become_502(&cut, Step::Reset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_nobody_asked_for_is_no_answer() {
    let answers = [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nEVIL",
        "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
    ];
    all_become_502(&answers, Step::Silence).await;
}

/// Looks at the answer to `method` and at the one after it, on the same connection.
async fn passes(
    number: usize,
    method: &str,
    answer: &str,
    good: fn(&Message) -> Verdict,
) -> Verdict {
    let origin = saying(vec![answer.as_bytes().to_vec()], Step::Send(Vec::new())).await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    let verdict = async {
        let seen = ask(&mut wire, get("/0").replacen("GET", method, 1)).await?;
        good(&seen).map_err(|it| format!("{it} in {seen:?}"))?;
        same("a 1.1 answer", &seen.first_line.starts_with("HTTP/1.1 "), &true)?;
        same("the Dates' number", &seen.all("date").count(), &1)?;
        same("the next answer", &ask(&mut wire, get("/next")).await?.text()[..], "/next")
    };
    let verdict = verdict.await.map_err(|it| format!("{number}: {it}"));
    proxy.stop().await;
    verdict
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_can_be_read_in_one_way_pass() {
    let body = |it: &Message| is(it, 200).and_then(|()| same("the body", &it.text()[..], "hello"));
    let mut verdicts = Verdicts::default();
    let chunks = "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n03\r\nllo\r\n0;c\r\n\r\n";
    for (number, (answer, good)) in (0..).zip([
        (format!("HTTP/1.1 200 OK\r\n{chunks}"), body as fn(&Message) -> Verdict),
        ("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello".to_owned(), body),
        ("HTTP/1.1 200 \r\nContent-Length:5\r\n\r\nhello".to_owned(), body),
        ("HTTP/1.1 200 Tr\u{e8}s bien\r\nContent-Length: \t5 \r\n\r\nhello".to_owned(), body),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_owned(), body),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_owned(), body),
        ("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_owned(), body),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.js>\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
                .to_owned(),
            |it| same("Link", &it.get("link"), &None).and_then(|()| same("it", &it.text()[..], "hello")),
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), |it| {
            is(it, 204).and_then(|()| same("a coding", &it.get("transfer-encoding"), &None))
        }),
        ("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".to_owned(), |it| {
            is(it, 304).and_then(|()| same("ETag", &it.get("etag"), &Some("\"a\"")))
        }),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n".to_owned(), |it| is(it, 304)),
        ("HTTP/1.1 599 Whatever\r\nContent-Length: 0\r\n\r\n".to_owned(), |it| is(it, 599)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
                .to_owned(),
            |it| same("trailers", &it.trailers, &vec![("x-sum".to_owned(), "1".to_owned())]),
        ),
        (
            format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 5\r\n\r\nhello", "a".repeat(60 * 1024)),
            body,
        ),
    ]) {
        verdicts.add(&show(answer.as_bytes()), passes(number, "GET", &answer, good).await);
    }
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let kept = |it: &Message| same("Content-Length", &it.get("content-length"), &Some("5"));
    verdicts.add("HEAD", passes(0, "HEAD", length, kept).await);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    verdicts.add("HEAD in chunks", passes(0, "HEAD", chunked, |it| is(it, 200)).await);
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_an_answer_pass_but_for_those_of_the_connection() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=1\r\nX-A: b\r\n\
                  set-cookie: b=2\r\nSet-Cookie: a=1\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n\
                  Server: Puma\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\
                  Proxy-Authenticate: Basic\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n\
                  ETag: W/\"x\"\r\nX-Under_Score: 1\r\n\r\nhello";
    let origin = saying(vec![answer.as_bytes().to_vec()], Step::Silence).await;
    let proxy = banyan(&origin, "").await;
    let seen = once(&proxy, get("/0")).await.unwrap();
    let mut verdicts = Verdicts::default();
    for (name, values) in [
        ("set-cookie", &["a=1", "b=2", "a=1"][..]),
        ("date", &["Tue, 15 Nov 1994 08:12:31 GMT"]),
        ("server", &["Puma"]),
        ("etag", &["W/\"x\""]),
        ("x-a", &["b"]),
        ("keep-alive", &[]),
        ("x-hop", &[]),
        ("proxy-connection", &[]),
        ("upgrade", &[]),
        ("content-length", &["5"]),
    ] {
        let found: Vec<_> = seen.all(name).collect();
        verdicts.add(name, same("it", &found[..], values));
    }
    proxy.stop().await;
    verdicts.conclude();
}
