//! Trace context, and the spans that a collector gets.

use std::time::Instant;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message as _;
use tests::banyan::{Proxy, Setup};

use crate::{
    origin::Origin,
    support::{get, is, once},
    wire::PATIENCE,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

async fn banyan(origin: &Origin, flags: &[&str]) -> Proxy {
    let mut all = vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()];
    all.extend(flags.iter().map(|it| (*it).to_owned()));
    let monolith = format!("http://{}", origin.address);
    Proxy::start(Setup { monolith, flags: all, ..Setup::default() }, &[]).await.unwrap()
}

/// Asks with a `traceparent`, and returns the one that arrives, with the `tracestate`.
async fn passed(flags: &[&str], flag: &str) -> (String, Option<String>) {
    let origin = Origin::plain().await;
    let proxy = banyan(&origin, flags).await;
    let request = format!(
        "GET /a HTTP/1.1\r\nHost: shop.test\r\ntraceparent: 00-{TRACE}-{PARENT}-{flag}\r\n\
         tracestate: vendor=1\r\n\r\n"
    );
    is(&once(&proxy, request).await.unwrap(), 200).unwrap();
    proxy.stop().await;
    let arrived = origin.request("/a").unwrap();
    let parent = arrived.get("traceparent").unwrap_or_default().to_owned();
    (parent, arrived.get("tracestate").map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_hops_trace_is_kept_and_anybody_elses_is_replaced() {
    let trusted = passed(&["--trusted-proxy=127.0.0.1/32"], "00").await;
    assert_eq!(trusted, (format!("00-{TRACE}-{PARENT}-00"), Some("vendor=1".to_owned())));
    let (parent, state) = passed(&[], "01").await;
    assert!(parent.starts_with("00-") && parent.len() == 55, "{parent}");
    assert!(!parent.contains(TRACE), "{parent}");
    assert_eq!(state, None, "it belongs to the other trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_trace_is_recorded_as_the_share_says() {
    for (share, recorded) in [("100%", true), ("0%", false)] {
        let (parent, _) = passed(&[&format!("--trace-sample={share}")], "01").await;
        let flags = u8::from_str_radix(&parent[53..], 16).unwrap();
        assert_eq!(flags & 1 == 1, recorded, "{share}: {parent}");
    }
}

/// The spans of all batches that the collector has.
fn collected(collector: &Origin) -> Vec<Span> {
    let requests =
        collector.requests().into_iter().filter(|it| it.request.target() == "/v1/traces");
    let batches =
        requests.map(|it| ExportTraceServiceRequest::decode(&it.request.body[..]).unwrap());
    let resources = batches.flat_map(|it| it.resource_spans);
    resources.flat_map(|it| it.scope_spans).flat_map(|it| it.spans).collect()
}

/// The spans, when as many as `count` are there.
async fn spans(collector: &Origin, count: usize) -> Vec<Span> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let spans = collected(collector);
        if spans.len() >= count {
            return spans;
        }
        assert!(Instant::now() < patience, "only {} of {count} spans came", spans.len());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_buyers_span_and_the_monoliths_which_continue_the_trace() {
    let (origin, collector) = (Origin::plain().await, Origin::plain().await);
    let otlp = format!("--otlp=http://{}", collector.address);
    let proxy = banyan(&origin, &[&otlp, "--trusted-proxy=127.0.0.1/32"]).await;
    let request = format!(
        "GET /a?token=1 HTTP/1.1\r\nHost: shop.test\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n\r\n"
    );
    is(&once(&proxy, request).await.unwrap(), 200).unwrap();
    let spans = spans(&collector, 2).await;
    proxy.stop().await;
    let (server, client) = match &spans[..] {
        [client, server] => (server, client),
        other => panic!("{} spans: {other:?}", other.len()),
    };
    assert_eq!(hex::encode(&server.trace_id), TRACE);
    assert_eq!(hex::encode(&server.parent_span_id), PARENT);
    assert_eq!(client.parent_span_id, server.span_id);
    let sent = format!("00-{TRACE}-{}-01", hex::encode(&client.span_id));
    let arrived = origin.request("/a?token=1").unwrap();
    assert_eq!(arrived.get("traceparent"), Some(&sent[..]), "the monolith's parent is our client");
    assert!(!format!("{spans:?}").contains("token"), "no query leaves the house");
    assert!(server.start_time_unix_nano <= client.start_time_unix_nano);
    assert!(client.start_time_unix_nano < client.end_time_unix_nano);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_sampled_leaves_no_span() {
    let (origin, collector) = (Origin::plain().await, Origin::plain().await);
    let otlp = format!("--otlp=http://{}", collector.address);
    let proxy = banyan(&origin, &[&otlp, "--trusted-proxy=127.0.0.1/32"]).await;
    let silent = format!(
        "GET /silent HTTP/1.1\r\nHost: shop.test\r\ntraceparent: 00-{TRACE}-{PARENT}-00\r\n\r\n"
    );
    is(&once(&proxy, silent).await.unwrap(), 200).unwrap();
    // Spans go out in the order in which they were recorded: those of the second request are last.
    is(&once(&proxy, get("/loud")).await.unwrap(), 200).unwrap();
    let spans = spans(&collector, 2).await;
    proxy.stop().await;
    assert!(spans.iter().all(|it| hex::encode(&it.trace_id) != TRACE), "{spans:?}");
    assert_eq!(collected(&collector).len(), 2);
}
