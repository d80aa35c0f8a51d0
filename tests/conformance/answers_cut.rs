//! Bodies of answers: what ends too early never looks whole, and what goes on too long ends where it
//! was said to end.

use crate::{
    answers::saying,
    origin::{Origin, Step},
    support::{Verdict, Verdicts, ask, banyan, buyer, get, holds, same},
    wire::{End, Wire, show},
};

/// Fails unless what comes is visibly not a whole answer, or a 502.
async fn is_cut(wire: &mut Wire) -> Verdict {
    match wire.answer("GET").await {
        Ok(answer) if answer.status() == 502 => Ok(()),
        Ok(answer) => Err(format!("it looks whole: {answer:?}")),
        Err(fault) if fault.starts_with("closed") || fault.starts_with("reset") => Ok(()),
        // Until the close, which is a reset: a body that is visibly not whole.
        Err(fault) if fault.ends_with("the end is Reset") => Ok(()),
        Err(fault) => Err(fault),
    }
}

async fn all_are_cut(answers: &[String], after: Step) {
    let origin = saying(answers.iter().map(|it| it.clone().into_bytes()).collect(), after).await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    for (number, answer) in answers.iter().enumerate() {
        for version in ["1.1", "1.0"] {
            let verdict = async {
                let mut wire = buyer(&proxy).await;
                wire.send(
                    get(&format!("/{number}")).replace("HTTP/1.1", &format!("HTTP/{version}")),
                )
                .await;
                is_cut(&mut wire).await?;
                let next = ask(&mut buyer(&proxy).await, get("/next")).await?;
                same("the next answer", &next.text()[..], "/next")
            };
            verdicts.add(&format!("{version}: {}", show(answer.as_bytes())), verdict.await);
        }
    }
    proxy.stop().await;
    verdicts.conclude();
}

fn chunked(bodies: &[&str]) -> Vec<String> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    bodies.iter().map(|it| format!("{head}{it}")).collect()
}

fn too_short() -> Vec<String> {
    let large = format!("186a0\r\n{}\r\n", "x".repeat(100_000));
    let mut answers = chunked(&[
        "",
        "5",
        "5\r\n",
        "5\r\nhel",
        "5\r\nhello",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0",
        "5\r\nhello\r\n0\r\n",
        "5\r\nhello\r\n0\r\nSum: 1\r\n",
        &large,
    ]);
    for (length, body) in [(10, "hello"), (1, ""), (4_000_000, "hello")] {
        answers.push(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_too_early_is_cut_off_for_the_buyer_too() {
    all_are_cut(&too_short(), Step::Close).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_a_reset_ends_is_cut_off_for_the_buyer_too() {
    let mut answers = too_short();
    // Until the close: a proper close would end it, a reset does not.
    answers.push("HTTP/1.1 200 OK\r\n\r\nhello".to_owned());
    answers.push("HTTP/1.0 200 OK\r\n\r\nhello".to_owned());
    all_are_cut(&answers, Step::Reset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_an_answer_are_as_strict_as_a_requests() {
    let answers = chunked(&[
        "\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5g\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloo\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5;\0\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\r\nS um: 1\r\n\r\n",
        "5\r\nhello\r\n0\r\nSum : 1\r\n\r\n",
        "5\r\nhello\r\n0\r\nSum: \0\r\n\r\n",
    ]);
    all_are_cut(&answers, Step::Silence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_until_the_close_is_whole_at_the_close() {
    let large = "x".repeat(300_000);
    let answers = [
        "HTTP/1.1 200 OK\r\n\r\nhello".to_owned(),
        "HTTP/1.0 200 OK\r\n\r\nhello".to_owned(),
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello".to_owned(),
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n\r\n{large}"),
    ];
    let bytes = answers.iter().map(|it| it.clone().into_bytes()).collect();
    let origin = saying(bytes, Step::Close).await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    for (number, answer) in answers.iter().enumerate() {
        for version in ["1.1", "1.0"] {
            let request =
                get(&format!("/{number}")).replace("HTTP/1.1", &format!("HTTP/{version}"));
            let body = answer.split_once("\r\n\r\n").unwrap().1;
            let seen = ask(&mut buyer(&proxy).await, request).await;
            let verdict = seen.and_then(|it| holds(it.text() == body, || show(&it.body)));
            verdicts.add(&format!("{version}: {}", show(answer.as_bytes())), verdict);
        }
    }
    proxy.stop().await;
    verdicts.conclude();
}

/// Whatever follows an answer is never part of an answer, and its connection is not used again.
#[tokio::test(flavor = "multi_thread")]
async fn what_follows_an_answer_is_never_seen() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    let cases = [
        ("GET", "200 OK\r\nContent-Length: 5", "helloEVIL".to_owned()),
        ("GET", "200 OK\r\nContent-Length: 5", format!("hello{evil}")),
        ("GET", "200 OK\r\nContent-Length: 0", evil.to_owned()),
        ("GET", "200 OK\r\nContent-Length: 5", "hello\r\n".to_owned()),
        ("GET", "200 OK\r\nTransfer-Encoding: chunked", format!("5\r\nhello\r\n0\r\n\r\n{evil}")),
        ("GET", "200 OK\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n\r\n".to_owned()),
        ("GET", "204 No Content", "EVIL".to_owned()),
        ("GET", "204 No Content\r\nContent-Length: 4", "EVIL".to_owned()),
        (
            "GET",
            "204 No Content\r\nTransfer-Encoding: chunked",
            "4\r\nEVIL\r\n0\r\n\r\n".to_owned(),
        ),
        ("GET", "204 No Content", evil.to_owned()),
        ("GET", "304 Not Modified", "EVIL".to_owned()),
        ("GET", "304 Not Modified\r\nContent-Length: 4", "EVIL".to_owned()),
        ("GET", "304 Not Modified", evil.to_owned()),
        ("HEAD", "200 OK\r\nContent-Length: 4", "EVIL".to_owned()),
        ("HEAD", "200 OK\r\nTransfer-Encoding: chunked", "4\r\nEVIL\r\n0\r\n\r\n".to_owned()),
        ("HEAD", "200 OK", evil.to_owned()),
    ];
    let answers = cases.iter().map(|it| format!("HTTP/1.1 {}\r\n\r\n{}", it.1, it.2).into_bytes());
    let origin = saying(answers.collect(), Step::Send(Vec::new())).await;
    let proxy = banyan(&origin, "").await;
    let mut verdicts = Verdicts::default();
    for (number, (method, head, body)) in cases.iter().enumerate() {
        let (target, next) = (format!("/{number}"), format!("/next/{number}"));
        let verdict = async {
            let mut wire = buyer(&proxy).await;
            let seen = ask(&mut wire, get(&target).replacen("GET", method, 1)).await?;
            let due = if seen.status() == 200 && *method == "GET" && body.contains("hello") {
                "hello"
            } else {
                ""
            };
            same("the body", &seen.text()[..], due)?;
            same("the next answer", &ask(&mut wire, get(&next)).await?.text()[..], &next)?;
            is_on_another_connection(&origin, &target, &next)
        };
        verdicts.add(&format!("{method} {head:?} {}", show(body.as_bytes())), verdict.await);
    }
    proxy.stop().await;
    verdicts.conclude();
}

fn is_on_another_connection(origin: &Origin, a: &str, b: &str) -> Verdict {
    let arrived = origin.requests();
    let on = |target: &str| {
        let found = arrived.iter().find(|it| it.request.target() == target);
        found.map(|it| it.connection)
    };
    holds(on(a) != on(b), || format!("both on connection {:?}", on(a)))
}

/// What no framing shows a client of HTTP/1.0, the kind of the close shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_body_without_a_length_ends_with_a_reset() {
    let answer = &chunked(&["5\r\nhello\r\n"])[0];
    let origin = saying(vec![answer.clone().into_bytes()], Step::Close).await;
    let proxy = banyan(&origin, "").await;
    let mut wire = buyer(&proxy).await;
    wire.send("GET /0 HTTP/1.0\r\n\r\n").await;
    let (_, end) = wire.rest().await;
    assert_eq!(end, End::Reset);
    proxy.stop().await;
}
