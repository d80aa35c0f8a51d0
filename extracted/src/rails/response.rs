//! A response as it leaves the Rails stack: default headers, caching headers, conditional GET, HEAD.
//!
//! Sources: actionpack 6.1 (`railtie.rb`, default headers), rack 2.2 (`etag.rb`,
//! `conditional_get.rb`, `head.rb`), in the order of Rails' default middleware.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
    },
};
use sha2::{Digest as _, Sha256};

const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// `config.action_dispatch.default_headers` of `load_defaults 6.1`.
const DEFAULT_HEADERS: [(HeaderName, &str); 6] = [
    (X_FRAME_OPTIONS, "SAMEORIGIN"),
    (X_XSS_PROTECTION, "1; mode=block"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("x-download-options"), "noopen"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (REFERRER_POLICY, "strict-origin-when-cross-origin"),
];

/// What `render json:` sends for a body that is JSON already, in answer to a `method` request with
/// the header fields `asked`: the whole of it, without the body for `HEAD`, or a 304 when the client
/// has it. Framing, `X-Request-Id` and `X-Runtime` are left to whoever sends it.
pub fn json(
    method: &Method,
    asked: &HeaderMap,
    status: StatusCode,
    body: Bytes,
) -> Response<Bytes> {
    rendered(
        method,
        asked,
        status,
        HeaderValue::from_static("application/json; charset=utf-8"),
        body,
    )
}

/// As [`json()`], of a page: `render` of a template in HTML.
pub fn html(
    method: &Method,
    asked: &HeaderMap,
    status: StatusCode,
    body: Bytes,
) -> Response<Bytes> {
    rendered(method, asked, status, HeaderValue::from_static("text/html; charset=utf-8"), body)
}

/// `redirect_to location`, which must be a whole URL, in the form that a field may hold.
///
/// Source: actionpack 6.1, `action_controller/metal/redirecting.rb`.
pub fn redirect(method: &Method, asked: &HeaderMap, location: HeaderValue) -> Response<Bytes> {
    let url = String::from_utf8_lossy(location.as_bytes());
    let url = super::html::escape(&url);
    let body = format!("<html><body>You are being <a href=\"{url}\">redirected</a>.</body></html>");
    let mut response = html(method, asked, StatusCode::FOUND, body.into());
    response.headers_mut().insert(LOCATION, location);
    response
}

/// `Vary`, on what is rendered for a route that names no format: the request's own fields say which.
///
/// Source: actionpack 6.1, `action_dispatch/http/mime_negotiation.rb` (`vary_headers`).
pub fn vary(asked: &HeaderMap) -> HeaderValue {
    let is_there = |name| asked.get(name).is_some_and(|it| !it.as_bytes().trim_ascii().is_empty());
    let script = asked.get(X_REQUESTED_WITH);
    let script = script.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"XMLHttpRequest"));
    HeaderValue::from_static(if script && !is_there(ACCEPT) {
        "Accept, Content-Type, X-Requested-With"
    } else {
        "Accept, X-Requested-With"
    })
}

/// `head status`, of one that has no body: 204.
pub fn head(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    default_headers(response.headers_mut());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn rendered(
    method: &Method,
    asked: &HeaderMap,
    status: StatusCode,
    content_type: HeaderValue,
    body: Bytes,
) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    default_headers(headers);
    headers.insert(CONTENT_TYPE, content_type);
    tag(&mut response);
    if matches!(*method, Method::GET | Method::HEAD) {
        not_modified(asked, &mut response);
    }
    if method == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    response
}

fn default_headers(headers: &mut HeaderMap) {
    for (name, value) in DEFAULT_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// `Rack::ETag` as Rails configures it: only a success may be kept, and only to be revalidated.
fn tag(response: &mut Response<Bytes>) {
    let taggable = matches!(response.status(), StatusCode::OK | StatusCode::CREATED);
    let etag = taggable.then(|| etag(response.body())).flatten();
    let headers = response.headers_mut();
    let Some(etag) = etag else {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return;
    };
    headers.insert(ETAG, etag);
    let kept = HeaderValue::from_static("max-age=0, private, must-revalidate");
    headers.insert(CACHE_CONTROL, kept);
}

/// Half of the body's SHA-256, in hexadecimal, as a weak validator.
fn etag(body: &[u8]) -> Option<HeaderValue> {
    let mut etag = String::with_capacity(36);
    etag.push_str("W/\"");
    for byte in Sha256::digest(body).iter().take(16) {
        write!(etag, "{byte:02x}").ok()?;
    }
    etag.push('"');
    HeaderValue::try_from(etag).ok()
}

/// `Rack::ConditionalGet`: the client's one `If-None-Match` must be the tag to the letter.
fn not_modified(asked: &HeaderMap, response: &mut Response<Bytes>) {
    let known = asked.get_all(IF_NONE_MATCH).iter().eq(response.headers().get(ETAG));
    if known && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(CONTENT_TYPE);
        *response.body_mut() = Bytes::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '{"a":1}' | sha256sum | cut -c1-32`
    const TAG: &str = "W/\"015abd7f5cc57a2dd94b7590f04ad808\"";
    const BODY: &str = "{\"a\":1}";

    fn answer(method: &Method, known: &[&'static str], status: StatusCode) -> Response<Bytes> {
        let mut asked = HeaderMap::new();
        for tag in known {
            asked.append(IF_NONE_MATCH, HeaderValue::from_static(tag));
        }
        json(method, &asked, status, Bytes::from_static(BODY.as_bytes()))
    }

    #[test]
    fn a_success_is_tagged_and_revalidated() {
        let response = answer(&Method::GET, &[], StatusCode::OK);
        assert_eq!(response.headers()[ETAG], TAG);
        assert_eq!(response.headers()[CACHE_CONTROL], "max-age=0, private, must-revalidate");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
        assert_eq!(response.headers()[X_FRAME_OPTIONS], "SAMEORIGIN");
        assert_eq!(response.body(), BODY);
    }

    #[test]
    fn a_failure_is_not_kept() {
        let response = answer(&Method::GET, &[TAG], StatusCode::NOT_FOUND);
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(!response.headers().contains_key(ETAG));
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(response.body(), BODY);
    }

    #[test]
    fn who_knows_the_tag_gets_no_body() {
        let response = answer(&Method::GET, &[TAG], StatusCode::OK);
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[ETAG], TAG);
        assert!(!response.headers().contains_key(CONTENT_TYPE));
        assert!(response.body().is_empty());
    }

    #[test]
    fn a_tag_is_known_to_the_letter_or_not_at_all() {
        for known in
            [&["*"][..], &["\"015abd7f5cc57a2dd94b7590f04ad808\""], &[TAG, TAG], &["W/\"0\""]]
        {
            assert_eq!(answer(&Method::GET, known, StatusCode::OK).status(), StatusCode::OK);
        }
    }

    #[test]
    fn head_is_get_without_the_body() {
        let (get, head) =
            (answer(&Method::GET, &[], StatusCode::OK), answer(&Method::HEAD, &[], StatusCode::OK));
        assert_eq!(head.headers(), get.headers());
        assert!(head.body().is_empty());
    }
}
