//! The exporter against a collector in the test's own process, whose every answer the test decides.

mod collector;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use http::StatusCode;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse},
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use tokio::net::TcpListener;

use self::collector::{Collector, spans_of};
use super::*;

/// Longer than anything here takes: a test fails then instead of hanging.
const LIMIT: Duration = Duration::from_secs(20);

/// Batches go when they are full, or when the queue is closed; pauses are short.
const EAGER: Pace = Pace {
    fill: Duration::from_hours(1),
    first_pause: Duration::from_millis(1),
    last_pause: Duration::from_millis(5),
};

struct Exporting {
    spans: Spans,
    registry: Registry,
}

impl Exporting {
    fn to(address: SocketAddr, pace: Pace) -> Self {
        let registry = Registry::new();
        let settings = Settings {
            collector: format!("http://{address}").parse().unwrap(),
            service_name: "shop-front".to_owned(),
        };
        Self { spans: Spans::start_at(pace, &settings, &registry).unwrap(), registry }
    }

    fn record(&self, numbers: impl Iterator<Item = u64>) {
        numbers.for_each(|it| self.spans.record(numbered(it)));
    }

    fn counts(&self) -> [u64; 3] {
        counts(&self.registry)
    }
}

/// Exported, dropped and failed.
fn counts(registry: &Registry) -> [u64; 3] {
    let shown = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    ["exported", "dropped", "failed"].map(|result| {
        let series = format!("banyan_spans_total{{result=\"{result}\"}} ");
        shown.lines().find_map(|it| it.strip_prefix(&series)).unwrap().parse().unwrap()
    })
}

/// The numbers that [`numbered`] gave them.
fn numbers(spans: &[Span]) -> Vec<u64> {
    spans.iter().map(|it| u64::from_be_bytes(it.span_id.clone().try_into().unwrap())).collect()
}

async fn pair(pace: Pace) -> (Exporting, Collector) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (Exporting::to(listener.local_addr().unwrap(), pace), Collector::serve(listener))
}

/// A server span; see also [`asked`].
fn numbered(number: u64) -> SpanRecord {
    SpanRecord {
        trace_id: [7; 16],
        span_id: number.to_be_bytes(),
        parent_span_id: Some([9; 8]),
        kind: SpanKind::Server,
        start: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        end: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
        method: Text::new("GET"),
        scheme: "https",
        path: Text::new("/products/17"),
        status: Some(StatusCode::NOT_FOUND),
        error: None,
        server_address: Some(Text::new("shop.example")),
        server_port: Some(443),
        client_address: Some("203.0.113.9".parse().unwrap()),
        user_agent: Some(Text::new("curl/8")),
        pattern: Some(Text::new("/products/{id}")),
        route: Text::new("catalog.show"),
        stage: "shadow",
        side: "monolith",
        retries: 1,
        termination: "--",
    }
}

/// What the monolith was asked for [`numbered`]'s buyer.
fn asked(number: u64) -> SpanRecord {
    SpanRecord {
        parent_span_id: Some([7; 8]),
        kind: SpanKind::Client,
        scheme: "http",
        server_address: Some(Text::new("::1")),
        server_port: Some(3000),
        client_address: None,
        user_agent: None,
        pattern: None,
        ..numbered(number)
    }
}

fn shown(attributes: &[KeyValue]) -> BTreeMap<&str, String> {
    let value = |it: &KeyValue| match it.value.as_ref().unwrap().value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => format!("number {number}"),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|it| (it.key.as_str(), value(it))).collect()
}

fn expected<const N: usize>(
    pairs: [(&'static str, &'static str); N],
) -> BTreeMap<&'static str, String> {
    pairs.map(|(key, value)| (key, value.to_owned())).into()
}

#[tokio::test]
async fn the_collector_learns_what_was_recorded_and_who_sent_it() {
    let (exporting, mut collector) = pair(EAGER).await;
    exporting.spans.record(numbered(1));
    exporting.spans.record(asked(2));
    let answered = async {
        let exchange = collector.next().await;
        (exchange.headers.clone(), exchange.answer(StatusCode::OK))
    };
    let ((), (headers, request)) = tokio::join!(exporting.spans.drain(LIMIT), answered);
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let resource = request.resource_spans[0].resource.clone().unwrap();
    let resource = shown(&resource.attributes);
    assert_eq!(resource["service.name"], "shop-front");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(resource["service.instance.id"].len(), 36);

    let [ours, upstream] = &spans_of(request)[..] else { panic!("not two spans") };
    assert_eq!((&ours.trace_id[..], &ours.parent_span_id[..]), (&[7; 16][..], &[9; 8][..]));
    assert_eq!(numbers(&[ours.clone(), upstream.clone()]), [1, 2]);
    assert_eq!((&*ours.name, &*upstream.name), ("GET catalog.show", "GET catalog.show"));
    assert_eq!((ours.kind, upstream.kind), (2, 3), "SPAN_KIND_SERVER and _CLIENT");
    assert_eq!((ours.flags, upstream.flags), (0x301, 0x101), "sampled; a remote or a local parent");
    assert_eq!(ours.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(ours.end_time_unix_nano, 1_700_000_000_250_000_000);
    assert_eq!(ours.status, None, "a client error is no error of ours");
    assert_eq!(upstream.status.clone().unwrap().code, 2, "STATUS_CODE_ERROR");
    let both = expected([
        ("banyan.retries", "number 1"),
        ("banyan.route", "catalog.show"),
        ("banyan.side", "monolith"),
        ("banyan.stage", "shadow"),
        ("banyan.termination", "--"),
        ("http.request.method", "GET"),
        ("http.response.status_code", "number 404"),
        ("url.path", "/products/17"),
    ]);
    let mut server = expected([
        ("client.address", "203.0.113.9"),
        ("http.route", "/products/{id}"),
        ("server.address", "shop.example"),
        ("server.port", "number 443"),
        ("url.scheme", "https"),
        ("user_agent.original", "curl/8"),
    ]);
    let mut client = expected([
        ("error.type", "404"),
        ("server.address", "::1"),
        ("server.port", "number 3000"),
        ("url.full", "http://[::1]:3000/products/17"),
        ("url.scheme", "http"),
    ]);
    server.extend(both.clone());
    client.extend(both);
    assert_eq!(shown(&ours.attributes), server);
    assert_eq!(shown(&upstream.attributes), client);
    assert_eq!(exporting.counts(), [2, 0, 0]);
}

#[tokio::test]
async fn a_batch_goes_when_it_is_full() {
    let (exporting, mut collector) = pair(EAGER).await;
    exporting.record(0..600);
    assert!(numbers(&collector.take().await).into_iter().eq(0..512));
    let ((), rest) = tokio::join!(exporting.spans.drain(LIMIT), collector.take());
    assert!(numbers(&rest).into_iter().eq(512..600), "a drain flushes");
    assert_eq!(exporting.counts(), [600, 0, 0]);

    exporting.record(600..603);
    assert_eq!(exporting.counts(), [600, 3, 0], "after a drain nothing is taken in");
}

#[tokio::test]
async fn a_batch_goes_when_its_time_has_come() {
    let pace = Pace { fill: Duration::from_millis(1), ..EAGER };
    let (exporting, mut collector) = pair(pace).await;
    exporting.record(0..1);
    assert_eq!(numbers(&collector.take().await), [0]);
}

/// Down: the collector breaks off before it answers. What is on its way and what the queue can hold
/// is delivered when it is up again; only the rest is lost, and counted.
#[tokio::test]
async fn an_outage_costs_what_the_queue_cannot_hold() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let exporting = Exporting::to(listener.local_addr().unwrap(), EAGER);
    exporting.record(0..512);
    for _ in 0..3 {
        drop(timeout(LIMIT, listener.accept()).await.expect("the exporter gave up").unwrap());
    }
    exporting.record(512..512 + 4096 + 7);
    assert_eq!(exporting.counts(), [0, 7, 0]);

    let mut collector = Collector::serve(listener);
    let mut delivered = Vec::new();
    let all = async {
        while delivered.len() < 512 + 4096 {
            let batch = collector.take().await;
            assert!(batch.len() <= 512);
            delivered.extend(numbers(&batch));
        }
    };
    tokio::join!(exporting.spans.drain(LIMIT), all);
    assert!(delivered.into_iter().eq(0..512 + 4096));
    assert_eq!(exporting.counts(), [512 + 4096, 7, 0]);
}

#[tokio::test]
async fn a_busy_collector_is_asked_again_and_a_refusal_is_final() {
    let (exporting, mut collector) = pair(EAGER).await;
    exporting.record(0..1024);
    for status in [429, 502, 503, 504, 400] {
        let answer = (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")]);
        let batch = spans_of(collector.next().await.answer(answer));
        assert_eq!(numbers(&batch)[0], 0, "before {status}");
    }
    assert_eq!(numbers(&collector.take().await)[0], 512);
    exporting.spans.drain(LIMIT).await;
    assert_eq!(exporting.counts(), [512, 0, 512]);
}

#[tokio::test]
async fn spans_that_the_collector_did_not_like_count_as_failed() {
    let (exporting, mut collector) = pair(EAGER).await;
    exporting.record(0..5);
    let partly = async {
        let partial_success = Some(ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "too old".to_owned(),
        });
        let body = ExportTraceServiceResponse { partial_success }.encode_to_vec();
        collector.next().await.answer(body);
    };
    tokio::join!(exporting.spans.drain(LIMIT), partly);
    assert_eq!(exporting.counts(), [3, 0, 2]);
}

#[tokio::test]
async fn a_drain_ends_in_time_and_counts_what_it_leaves() {
    // Bound and not listening: whoever connects is refused, and nobody else gets the port.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let refused = Exporting::to(address, EAGER);
    refused.record(0..600);
    refused.spans.drain(Duration::from_millis(20)).await;
    assert_eq!(refused.counts(), [0, 0, 600]);

    let (ignored, mut collector) = pair(EAGER).await;
    ignored.record(0..600);
    let unanswered = collector.next().await;
    ignored.spans.drain(Duration::from_millis(20)).await;
    assert_eq!(ignored.counts(), [0, 0, 600]);
    drop(unanswered);
}

#[tokio::test]
async fn the_exporter_ends_with_the_last_clone() {
    let (exporting, _collector) = pair(EAGER).await;
    exporting.record(0..3);
    let ended = exporting.spans.0.ended.clone();
    let other = exporting.spans.clone();
    let Exporting { spans, registry } = exporting;
    drop(spans);
    assert!(!ended.is_cancelled());
    drop(other);
    timeout(LIMIT, ended.cancelled()).await.expect("the exporter runs on");
    assert_eq!(counts(&registry), [0, 0, 3]);
}

#[tokio::test]
async fn a_registry_is_good_for_one_exporter() {
    let registry = Registry::new();
    let settings = Settings {
        collector: "http://127.0.0.1:1".parse().unwrap(),
        service_name: "banyan".to_owned(),
    };
    let _spans = Spans::start(&settings, &registry).unwrap();
    assert!(matches!(Spans::start(&settings, &registry), Err(StartError::Metrics(_))));
}
