//! One span as the request's thread hands it over: plain values, nothing encoded yet.

use std::{fmt, net::IpAddr, time::SystemTime};

use http::StatusCode;

/// The longest text that a span keeps, in bytes: a queue of spans must not grow with what clients
/// send.
const TEXT_LIMIT: usize = 1024;

/// Which side of Banyan a span tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A buyer's request, from its head to its answer's last byte.
    Server,
    /// What an upstream was asked for it. Its parent is the server span.
    Client,
}

/// A span that has ended. Its fields are the attributes of OpenTelemetry's [conventions for HTTP
/// spans](https://opentelemetry.io/docs/specs/semconv/http/http-spans/), and `banyan.…`.
#[derive(Debug, Clone)]
pub struct SpanRecord {
    /// The trace; as in `traceparent`, not all zeros.
    pub trace_id: [u8; 16],
    /// This span; not all zeros.
    pub span_id: [u8; 8],
    /// The span that caused it; `None` for the first of a trace.
    pub parent_span_id: Option<[u8; 8]>,
    /// Ours, or the upstream's.
    pub kind: SpanKind,
    /// When the request's head had arrived, or was sent.
    pub start: SystemTime,
    /// When the answer's last byte had left, or had arrived.
    pub end: SystemTime,
    /// `http.request.method`, and the first half of the span's name.
    pub method: Text,
    /// `url.scheme`: `http` or `https`.
    pub scheme: &'static str,
    /// `url.path`, without the query; the route's pattern unless `--log-unredacted` is given.
    pub path: Text,
    /// `http.response.status_code`; `None` where no answer began.
    pub status: Option<StatusCode>,
    /// `error.type`: a name from a short list of ours. A status that is an error needs none.
    pub error: Option<&'static str>,
    /// `server.address`: the host that the buyer named, or the upstream's; a socket file's path.
    pub server_address: Option<Text>,
    /// `server.port`.
    pub server_port: Option<u16>,
    /// `client.address`: the buyer. Of server spans only.
    pub client_address: Option<IpAddr>,
    /// `user_agent.original`. Of server spans only.
    pub user_agent: Option<Text>,
    /// `http.route`: the route's pattern. Of server spans only, and `None` where no route matched.
    pub pattern: Option<Text>,
    /// `banyan.route`: the route's id, and the second half of the span's name.
    pub route: Text,
    /// `banyan.stage`.
    pub stage: &'static str,
    /// `banyan.side`: who answered.
    pub side: &'static str,
    /// `banyan.retries`: how often the upstream was asked again.
    pub retries: u32,
    /// `banyan.termination`: who ended it, in which phase.
    pub termination: &'static str,
}

/// A text of at most 1,024 bytes; what is longer is cut.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Box<str>);

impl Text {
    /// Keeps the beginning of `text`.
    pub fn new(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(TEXT_LIMIT)].into())
    }

    /// Keeps the beginning of what came over the wire; what is no UTF-8 becomes U+FFFD.
    pub fn lossy(bytes: &[u8]) -> Self {
        Self::new(&String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_LIMIT)]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = Text::new(&"ä".repeat(1000));
        assert_eq!(text.as_str(), "ä".repeat(512));
        assert_eq!(Text::new(&format!("a{text:?}")).as_str().len(), 1024);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_many(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            prop_assert!(Text::lossy(&bytes).as_str().len() <= TEXT_LIMIT);
        }
    }
}
