//! Limits of size: each fires where `routes.toml` puts it, and each is counted under its name.

use crate::{
    origin::Origin,
    support::{Verdict, Verdicts, banyan, buyer, fired, get, holds, is, once},
    wire::show,
};

/// With `limits`, one byte more than allowed gets `status` and is counted; `fine` passes.
async fn fires(limits: &str, name: &str, status: u16, fine: &str, too_much: &str) -> Verdict {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, &format!("limits = {{ {limits} }}\n")).await;
    let verdict = async {
        is(&once(&proxy, fine).await?, 200)?;
        let arrived = origin.bytes().len();
        let mut wire = buyer(&proxy).await;
        wire.send(too_much).await;
        is(&wire.answer("GET").await?, status)?;
        wire.ends().await?;
        let after = origin.bytes().split_off(arrived);
        // A body in chunks is known to be too long only when its head is on its way.
        let whole = after.ends_with(b"0\r\n\r\n") || !too_much.contains("chunked");
        holds(after.is_empty() || !whole, || format!("the origin got {}", show(&after)))?;
        fired(&proxy, name).await
    };
    let verdict = verdict.await;
    proxy.stop().await;
    verdict
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_of_size_fires_and_is_counted() {
    let mut verdicts = Verdicts::default();
    let line = |length: usize| get(&format!("/{}", "a".repeat(length - "GET / HTTP/1.1".len())));
    verdicts.add(
        "request_line",
        fires("request_line = \"100B\"", "request_line", 414, &line(100), &line(101)).await,
    );
    let head = |length: usize| {
        let start = "GET / HTTP/1.1\r\nHost: shop.test\r\nX: ";
        format!("{start}{}\r\n\r\n", "a".repeat(length - start.len() - 4))
    };
    verdicts
        .add("head", fires("head = \"1KiB\"", "limits.head", 431, &head(1024), &head(1025)).await);
    let fields = |count: usize| {
        let lines = "X: y\r\n".repeat(count - 1);
        format!("GET / HTTP/1.1\r\nHost: shop.test\r\n{lines}\r\n")
    };
    verdicts.add("fields", fires("fields = 5", "fields", 431, &fields(5), &fields(6)).await);
    let length = |length: usize| {
        let body = "a".repeat(length);
        format!("PUT / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    verdicts.add(
        "body by its length",
        fires("body = \"1KiB\"", "body", 413, &length(1024), &length(1025)).await,
    );
    let chunks = |length: usize| {
        let head = "PUT / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        format!("{head}{}0\r\n\r\n", "1;x\r\na\r\n".repeat(length))
    };
    verdicts.add(
        "body in chunks",
        fires("body = \"1KiB\"", "body", 413, &chunks(1024), &chunks(1025)).await,
    );
    verdicts.conclude();
}
