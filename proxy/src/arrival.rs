//! A request as it arrives, over whichever protocol.

use std::time::Instant;

use http::{HeaderMap, Method, Request, Uri, Version};

use crate::{body::Body, error::ProxyError, monolith::headers::connection_says};

/// A request whose head is there, or what stands in place of one that could not be read.
#[derive(Debug)]
pub struct Arrival {
    /// The request.
    pub request: Request<Body>,
    /// When its head was complete.
    pub at: Instant,
    /// It is the first on its connection: a client does not try it again by itself when it fails.
    pub first: bool,
    /// Why it goes no further; its connection is closed then.
    pub refused: Option<ProxyError>,
}

impl Arrival {
    /// A request that was read.
    pub fn new(request: Request<Body>) -> Self {
        Self { request, at: Instant::now(), first: false, refused: None }
    }

    /// In place of a request whose head could not be read: `-` for a method, `*` for a target.
    pub fn unreadable(why: ProxyError) -> Self {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::from_bytes(b"-").unwrap_or_default();
        *request.uri_mut() = Uri::from_static("*");
        Self { refused: Some(why), ..Self::new(request) }
    }
}

/// What a request says of the connection that it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persistence {
    /// The client speaks no more than HTTP/1.0.
    pub old: bool,
    /// The client expects the connection to stay open.
    pub keep: bool,
}

impl Persistence {
    /// RFC 9112 §9.3.
    pub fn of(version: Version, headers: &HeaderMap) -> Self {
        let old = version < Version::HTTP_11;
        let word = if old { "keep-alive" } else { "close" };
        Self { old, keep: connection_says(headers, word) == old }
    }
}
