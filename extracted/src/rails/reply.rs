//! Replies with the header fields that Rails and its middleware put on them.
//!
//! Sources: actionpack 6.1, `railtie.rb` (default headers) and `http/cache.rb`; rack 2.2,
//! `etag.rb`, `conditional_get.rb` and `head.rb`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::{Reply, Request};

/// `config.action_dispatch.default_headers` of a Rails 6.1 application.
const DEFAULT_HEADERS: [(HeaderName, &str); 6] = [
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (header::X_XSS_PROTECTION, "1; mode=block"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("x-download-options"), "noopen"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
];

/// `render json: …, status: …`, with everything that the middleware adds: an `ETag` of the body and
/// the 304 that follows from it, and the empty body of a HEAD.
pub fn json(request: &Request, status: StatusCode, body: String) -> Reply {
    let mut headers = HeaderMap::new();
    for (name, value) in DEFAULT_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, content_type);
    let caching = if status == StatusCode::OK { "max-age=0, private, must-revalidate" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    let mut reply = Reply { status, headers, body: Bytes::from(body) };
    if status == StatusCode::OK {
        conditional(request, &mut reply);
    }
    if request.method == Method::HEAD {
        reply.body = Bytes::new();
    }
    reply
}

/// `Rack::ETag`, and `Rack::ConditionalGet`, which compares the whole field as text.
fn conditional(request: &Request, reply: &mut Reply) {
    let Ok(etag) = HeaderValue::try_from(etag(&reply.body)) else { return };
    let fresh = request.headers.get(header::IF_NONE_MATCH) == Some(&etag);
    reply.headers.insert(header::ETAG, etag);
    if fresh {
        reply.status = StatusCode::NOT_MODIFIED;
        reply.headers.remove(header::CONTENT_TYPE);
        reply.body = Bytes::new();
    }
}

/// `W/"` and the first 32 hexadecimal digits of the body's SHA-256.
fn etag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{digits}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, if_none_match: Option<&str>) -> Request {
        let mut headers = HeaderMap::new();
        if let Some(etag) = if_none_match {
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(etag).unwrap());
        }
        let (path, params, query) = ("/".into(), Vec::new(), String::new());
        Request { method, path, params, query, headers }
    }

    #[test]
    fn the_etag_is_racks() {
        // printf '{}' | sha256sum
        assert_eq!(etag(b"{}"), "W/\"44136fa355b3678a1146ad16f7e8649e\"");
    }

    #[test]
    fn a_client_that_has_it_gets_a_304_without_content() {
        let fresh = request(Method::GET, Some("W/\"44136fa355b3678a1146ad16f7e8649e\""));
        let reply = json(&fresh, StatusCode::OK, "{}".into());
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
        assert!(reply.body.is_empty() && !reply.headers.contains_key(header::CONTENT_TYPE));
        let stale = json(&request(Method::GET, Some("W/\"other\"")), StatusCode::OK, "{}".into());
        assert_eq!((stale.status, stale.body), (StatusCode::OK, Bytes::from("{}")));
    }

    #[test]
    fn a_head_has_the_fields_of_the_get_and_no_body() {
        let reply = json(&request(Method::HEAD, None), StatusCode::OK, "{}".into());
        assert!(reply.body.is_empty() && reply.headers.contains_key(header::ETAG));
    }

    #[test]
    fn an_error_is_not_cached_and_has_no_etag() {
        let reply = json(&request(Method::GET, None), StatusCode::NOT_FOUND, "{}".into());
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-cache");
        assert!(!reply.headers.contains_key(header::ETAG));
    }
}
