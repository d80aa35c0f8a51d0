//! The conversation with the collector: one POST, and what its answer means.
//!
//! Source: the OTLP specification, section OTLP/HTTP.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::time::timeout;

/// OpenTelemetry's default for one export.
const EXPORT_LIMIT: Duration = Duration::from_secs(10);

const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Below the minute after which the OpenTelemetry Collector closes an idle connection.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// An answer is empty, or a number and a sentence.
const ANSWER_LIMIT: usize = 64 * 1024;

/// The longest pause that a collector can ask for.
const PAUSE_LIMIT: Duration = Duration::from_mins(5);

/// Why a batch is not with the collector.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error("the collector cannot be reached or broke off; check --otlp, and that it runs")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the collector did not answer within {0:?}; see what keeps it busy")]
    Timeout(Duration),
    #[error("the collector answered {status}: it wants us to come again later")]
    Busy { status: StatusCode, pause: Option<Duration> },
    #[error("the collector answered {0}: check that --otlp is an OTLP/HTTP endpoint for traces")]
    Refused(StatusCode),
}

impl ExportError {
    /// Whether sending the same spans again could help.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// How long the collector asked us to wait.
    pub(super) const fn pause(&self) -> Option<Duration> {
        match self {
            Self::Busy { pause, .. } => *pause,
            _ => None,
        }
    }
}

/// The way to one collector, over a connection that is kept.
#[derive(Debug)]
pub(super) struct CollectorClient {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
}

impl CollectorClient {
    pub(super) fn new(uri: Uri) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(1)
            .build(connector);
        Self { client, uri }
    }

    /// Sends a batch; what the collector had to say of it, if it did not simply take it.
    pub(super) async fn post(
        &self,
        batch: Bytes,
    ) -> Result<Option<ExportTracePartialSuccess>, ExportError> {
        let exchange = timeout(EXPORT_LIMIT, self.exchange(batch)).await;
        exchange.unwrap_or(Err(ExportError::Timeout(EXPORT_LIMIT)))
    }

    async fn exchange(
        &self,
        batch: Bytes,
    ) -> Result<Option<ExportTracePartialSuccess>, ExportError> {
        let answer = self.client.request(self.request(batch)).await;
        let (head, body) = answer.map_err(ExportError::Unreachable)?.into_parts();
        // Also where it does not matter the answer is read: its connection can be used again then.
        let body = read(body).await;
        match head.status {
            status if status.is_success() => {
                Ok(body.and_then(|it| ExportTraceServiceResponse::decode(it).ok()?.partial_success))
            }
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                Err(ExportError::Busy { status: head.status, pause: pause(&head.headers) })
            }
            status => Err(ExportError::Refused(status)),
        }
    }

    fn request(&self, batch: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(batch));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let ours = concat!("banyan/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(ours));
        request
    }
}

/// The answer's body; `None` when it is longer than any that makes sense, or breaks off. The status
/// has said by then what became of the spans.
async fn read(mut body: Incoming) -> Option<Bytes> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            if read.len() + data.len() > ANSWER_LIMIT {
                return None;
            }
            read.extend_from_slice(&data);
        }
    }
    Some(read.freeze())
}

/// `Retry-After`, which OTLP has in seconds only.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_in_seconds_and_bounded() {
        let asked = |value: &str| {
            pause(&HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]))
        };
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("0"), Some(Duration::ZERO));
        assert_eq!(asked("86400"), Some(PAUSE_LIMIT));
        for text in ["", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999"] {
            assert_eq!(asked(text), None, "{text}");
        }
        assert_eq!(pause(&HeaderMap::new()), None);
    }
}
