//! What was seen of one answer.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::Captured;

/// One side's answer to a request, whole, as the buyer would have received it.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The status line's code.
    pub status: StatusCode,
    /// Every header line, in order, repeated names as repeated entries.
    pub headers: HeaderMap,
    /// The body as it was on the wire, its content encoding still applied.
    pub body: Captured,
    /// The lines behind the body, as [`Observation::headers`].
    pub trailers: HeaderMap,
    /// From the request being handed over to the last byte of the body.
    pub took: Duration,
}
