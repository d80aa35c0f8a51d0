//! Spans as OTLP says them: `ExportTraceServiceRequest` in protobuf.
//!
//! Sources: opentelemetry-proto 1.x, and the semantic conventions for HTTP spans and resources.

use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, SpanFlags, Status, span::SpanKind as Kind,
        status::StatusCode as Outcome,
    },
};
use prost::Message as _;

use super::record::{SpanKind, SpanRecord};

/// The methods that the conventions know: RFC 9110's, and PATCH.
const METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// W3C Trace Context's `sampled`: only such spans get here.
const SAMPLED: u32 = 0x01;

/// Encodes batches, each with the same account of who sends it.
#[derive(Debug)]
pub(super) struct Encoder(Resource);

impl Encoder {
    /// `service_name` is what traces are found by; `instance` tells this process from the service's
    /// others.
    pub(super) fn new(service_name: &str, instance: &str) -> Self {
        Self(Resource {
            attributes: vec![
                text("service.name", service_name),
                text("service.instance.id", instance),
                text("service.version", env!("CARGO_PKG_VERSION")),
            ],
            ..Resource::default()
        })
    }

    /// The body of one request to the collector.
    pub(super) fn encode(&self, batch: &[SpanRecord]) -> Vec<u8> {
        let scope = InstrumentationScope {
            name: "banyan".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let spans = ScopeSpans {
            scope: Some(scope),
            spans: batch.iter().map(span).collect(),
            ..ScopeSpans::default()
        };
        let resource = ResourceSpans {
            resource: Some(self.0.clone()),
            scope_spans: vec![spans],
            ..ResourceSpans::default()
        };
        ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
    }
}

fn span(record: &SpanRecord) -> Span {
    let start = nanoseconds(record.start);
    Span {
        trace_id: record.trace_id.to_vec(),
        span_id: record.span_id.to_vec(),
        parent_span_id: record.parent_span_id.map(Vec::from).unwrap_or_default(),
        flags: flags(record),
        name: name(record),
        kind: match record.kind {
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
        }
        .into(),
        start_time_unix_nano: start,
        // A clock that was set back meanwhile must not make a span of negative length.
        end_time_unix_nano: nanoseconds(record.end).max(start),
        attributes: attributes(record),
        status: is_error(record)
            .then(|| Status { code: Outcome::Error.into(), ..Status::default() }),
        ..Span::default()
    }
}

/// A server span's parent is another process's, a client span's is ours.
fn flags(record: &SpanRecord) -> u32 {
    let known = SAMPLED | SpanFlags::ContextHasIsRemoteMask as u32;
    let remote = record.kind == SpanKind::Server && record.parent_span_id.is_some();
    if remote { known | SpanFlags::ContextIsRemoteMask as u32 } else { known }
}

/// `GET catalog.show`: as many names as there are routes, whatever clients send.
fn name(record: &SpanRecord) -> String {
    format!("{} {}", known_method(record).unwrap_or("HTTP"), record.route.as_str())
}

fn known_method(record: &SpanRecord) -> Option<&str> {
    Some(record.method.as_str()).filter(|it| METHODS.contains(it))
}

/// A client error is the buyer's fault, so it is no error of ours; towards an upstream it is.
fn is_error(record: &SpanRecord) -> bool {
    record.error.is_some() || record.status.is_some_and(|it| is_error_status(record.kind, it))
}

fn is_error_status(kind: SpanKind, status: StatusCode) -> bool {
    status.is_server_error() || (status.is_client_error() && kind == SpanKind::Client)
}

fn attributes(record: &SpanRecord) -> Vec<KeyValue> {
    let mut list = vec![
        text("http.request.method", known_method(record).unwrap_or("_OTHER")),
        text("url.scheme", record.scheme),
        text("url.path", record.path.as_str()),
        text("banyan.route", record.route.as_str()),
        text("banyan.stage", record.stage),
        text("banyan.side", record.side),
        number("banyan.retries", record.retries),
        text("banyan.termination", record.termination),
    ];
    if known_method(record).is_none() {
        list.push(text("http.request.method_original", record.method.as_str()));
    }
    let texts = [
        ("http.route", record.pattern.as_ref()),
        ("server.address", record.server_address.as_ref()),
        ("user_agent.original", record.user_agent.as_ref()),
    ];
    list.extend(texts.into_iter().filter_map(|(key, it)| Some(text(key, it?.as_str()))));
    list.extend(record.server_port.map(|it| number("server.port", it)));
    list.extend(record.client_address.map(|it| text("client.address", &it.to_string())));
    list.extend(record.status.map(|it| number("http.response.status_code", it.as_u16())));
    list.extend(url(record).map(|it| text("url.full", &it)));
    list.extend(error_type(record).map(|it| text("error.type", &it)));
    list
}

/// A client span needs the whole URL; the query stays out of it, as out of `url.path`.
fn url(record: &SpanRecord) -> Option<String> {
    let (host, port) = (record.server_address.as_ref()?.as_str(), record.server_port?);
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let url = format!("{}://{host}:{port}{}", record.scheme, record.path.as_str());
    (record.kind == SpanKind::Client).then_some(url)
}

/// Where we have no name for the error, the status is its name.
fn error_type(record: &SpanRecord) -> Option<String> {
    let status = record.status.filter(|it| is_error_status(record.kind, *it));
    record.error.map(str::to_owned).or_else(|| Some(status?.as_str().to_owned()))
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: impl Into<i64>) -> KeyValue {
    attribute(key, Value::IntValue(value.into()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Since 1970; the year 2554 is as far as it goes.
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::spans::Text;

    fn record(kind: SpanKind) -> SpanRecord {
        SpanRecord {
            trace_id: [1; 16],
            span_id: [2; 8],
            parent_span_id: None,
            kind,
            start: UNIX_EPOCH + Duration::from_secs(2),
            end: UNIX_EPOCH + Duration::from_secs(3),
            method: Text::new("POST"),
            scheme: "http",
            path: Text::new("/cart"),
            status: None,
            error: None,
            server_address: None,
            server_port: None,
            client_address: None,
            user_agent: None,
            pattern: None,
            route: Text::new("cart"),
            stage: "monolith",
            side: "proxy",
            retries: 0,
            termination: "--",
        }
    }

    fn attribute(span: &Span, key: &str) -> Option<Value> {
        span.attributes.iter().find(|it| it.key == key)?.value.clone()?.value
    }

    #[test]
    fn a_method_that_clients_invented_makes_no_new_name() {
        let invented = SpanRecord { method: Text::new("X-9817"), ..record(SpanKind::Server) };
        let span = span(&invented);
        assert_eq!(span.name, "HTTP cart");
        let string = |it: &str| Some(Value::StringValue(it.to_owned()));
        assert_eq!(attribute(&span, "http.request.method"), string("_OTHER"));
        assert_eq!(attribute(&span, "http.request.method_original"), string("X-9817"));
    }

    #[test]
    fn what_is_an_error_depends_on_whose_side_it_is() {
        let fails = |kind, status: Option<u16>, error| {
            let status = status.map(|it| StatusCode::from_u16(it).unwrap());
            let span = span(&SpanRecord { status, error, ..record(kind) });
            let name = attribute(&span, "error.type");
            assert_eq!(name.is_some(), span.status.is_some());
            name.map(|it| if let Value::StringValue(name) = it { name } else { String::new() })
        };
        assert_eq!(fails(SpanKind::Server, Some(302), None), None);
        assert_eq!(fails(SpanKind::Server, Some(422), None), None);
        assert_eq!(fails(SpanKind::Client, Some(422), None).unwrap(), "422");
        assert_eq!(fails(SpanKind::Server, Some(500), None).unwrap(), "500");
        assert_eq!(fails(SpanKind::Server, Some(504), Some("timeout")).unwrap(), "timeout");
        assert_eq!(fails(SpanKind::Client, None, Some("connect")).unwrap(), "connect");
        assert_eq!(fails(SpanKind::Client, None, None), None);
    }

    #[test]
    fn the_first_span_of_a_trace_has_no_parent_and_none_is_negative() {
        let back = SpanRecord { end: UNIX_EPOCH, ..record(SpanKind::Server) };
        let span = span(&back);
        assert_eq!((&span.parent_span_id[..], span.flags), (&[][..], 0x101));
        assert_eq!(span.start_time_unix_nano, 2_000_000_000);
        assert_eq!(span.end_time_unix_nano, span.start_time_unix_nano);
    }

    #[test]
    fn a_socket_file_has_no_url() {
        let path = Some(Text::new("/run/puma.sock"));
        let span = span(&SpanRecord { server_address: path, ..record(SpanKind::Client) });
        assert_eq!(attribute(&span, "url.full"), None);
        let string = Value::StringValue("/run/puma.sock".to_owned());
        assert_eq!(attribute(&span, "server.address"), Some(string));
    }
}
