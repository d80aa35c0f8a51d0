//! Requests whose bodies have two lengths, or that are larger than anybody needs: refused like all
//! that is ambiguous.

use crate::requests_refused::{Case, all_are_refused, fields, lines};

/// Uploads with wrong framing fields, in this version.
fn uploads(version: &str, framings: &[&str]) -> Vec<Case> {
    let request = |it: &str| {
        format!("POST /refused {version}\r\nHost: shop.test\r\n{it}\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    };
    framings.iter().map(|it| Case::new(it, request(it))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_one_length() {
    let mut cases = uploads(
        "HTTP/1.1",
        &[
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Transfer-Encoding: chunked\r\nContent-Length: 0",
            "Content-Length: 5\r\nTransfer-Encoding: identity",
            "Content-Length: 5\r\nX: y\r\nTransfer-Encoding:chunked",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 0\r\ncontent-length: 15",
            "Content-Length: 5, 5",
            "Content-Length: 5,5",
            "Content-Length: +5",
            "Content-Length: -1",
            "Content-Length: 0x5",
            "Content-Length: 5.0",
            "Content-Length: 5e0",
            "Content-Length: 5 5",
            "Content-Length: \"5\"",
            "Content-Length: five",
            "Content-Length: 5;",
            "Content-Length:",
            "Content-Length: \t ",
            "Content-Length: 18446744073709551616",
            "Content-Length: 18446744073709551621",
            "Content-Length: 99999999999999999999999999999999999999999",
        ],
    );
    let old = ["Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked"];
    cases.extend(uploads("HTTP/1.0", &old));
    all_are_refused(&[400], "", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_coding_is_chunked_and_nothing_else() {
    let odd = uploads(
        "HTTP/1.1",
        &[
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunkedx",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: chunked;",
            "Transfer-Encoding: chunked,",
            "Transfer-Encoding: ,chunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: 'chunked'",
            "Transfer-Encoding: \u{b}chunked",
            "Transfer-Encoding: chunked\u{b}",
            "Transfer-Encoding: \0chunked",
            "Transfer-Encoding: chun\u{212a}ed",
            "Transfer-Encoding: cow",
            "Transfer-Encoding:",
        ],
    );
    all_are_refused(&[400, 501], "", odd).await;
    let other =
        ["Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: br"];
    all_are_refused(&[501], "", uploads("HTTP/1.1", &other)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_anybody_needs_is_refused() {
    let long = |length: usize| "a".repeat(length);
    let line = format!("GET /{} HTTP/1.1", long(12 * 1024));
    all_are_refused(&[414], "", lines(&[&line])).await;
    let query = format!("GET /?{} HTTP/1.1", long(200 * 1024));
    all_are_refused(&[414], "", lines(&[&query])).await;
    let one = format!("X: {}", long(64 * 1024));
    let name = format!("{}: x", long(64 * 1024));
    let several = vec![format!("X: {}", long(8 * 1024)); 9].join("\r\n");
    let many = vec!["X: y"; 128].join("\r\n");
    all_are_refused(&[431], "", fields(&[&one, &name, &several, &many])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_announced_too_large_is_refused_before_anything_is_sent_on() {
    let length = ["Content-Length: 1025", "Content-Length: 9223372036854775807"];
    let cases = uploads("HTTP/1.1", &length);
    all_are_refused(&[413], "limits = { body = \"1KiB\" }\n", cases).await;
}
