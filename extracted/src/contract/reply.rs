//! What the buyer gets.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

/// What the buyer gets. The framing, `X-Request-Id` and `X-Runtime` are the caller's to set: they
/// tell of the request's way through the proxy, which no handler knows. The session's cookie is added
/// by [`Extraction::answer`](super::Extraction::answer).
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status line's code.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body; empty for `HEAD`.
    pub body: Bytes,
}

impl From<Response<Bytes>> for Reply {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, headers: head.headers, body }
    }
}
