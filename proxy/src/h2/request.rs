//! A request as HTTP/2 says it: refused where it must not be said so, and said as in HTTP/1.1.
//!
//! Sources: RFC 9113 §8.2 and §8.3 (fields and pseudo-fields), RFC 8441 (extended CONNECT).

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use hyper::ext::Protocol;

use crate::{
    body::Body,
    error::ProxyError,
    h1::{
        head::is_token,
        scan::{HeadFault, HeadLimits},
    },
};

/// What a line of HTTP/1.1 has beside name and value: a colon, a blank, CR and LF.
const LINE_OVERHEAD: usize = 4;

/// Looks for what h2 itself does not refuse.
///
/// # Errors
/// As for a request over HTTP/1.1 that is as large, or as ambiguous.
pub(super) fn check<B>(request: &Request<B>, limits: HeadLimits) -> Result<(), ProxyError> {
    check_size(request, limits)?;
    check_fields(request.headers()).map_err(ProxyError::Refused)?;
    let target = request.uri().path_and_query().map_or("", |it| it.as_str());
    if target.is_empty() && request.method() != Method::CONNECT {
        return Err(ProxyError::Refused("no :path"));
    }
    if !target.bytes().all(|it| matches!(it, b'!'..=b'~') && it != b'#') {
        return Err(ProxyError::Refused("a target with characters that must be escaped"));
    }
    Ok(())
}

/// The head is as large as it would be in HTTP/1.1.
fn check_size<B>(request: &Request<B>, limits: HeadLimits) -> Result<(), HeadFault> {
    let (method, uri) = (request.method().as_str(), request.uri());
    let target = uri.path_and_query().map_or(0, |it| it.as_str().len());
    let line = method.len() + " ".len() + target + " HTTP/1.1".len();
    if line > limits.first_line {
        return Err(HeadFault::FirstLineTooLong);
    }
    let authority = uri.authority().map_or(0, |it| "host".len() + it.as_str().len());
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + LINE_OVERHEAD
    };
    let fields = request.headers().iter().map(field).sum::<usize>();
    if line + authority + fields > limits.head {
        return Err(HeadFault::TooLarge);
    }
    if request.headers().len() > limits.fields {
        return Err(HeadFault::TooManyFields);
    }
    Ok(())
}

fn check_fields(headers: &HeaderMap) -> Result<(), &'static str> {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        if headers.contains_key(name) {
            return Err("a field that concerns one HTTP/1.1 connection");
        }
    }
    for name in ["keep-alive", "proxy-connection"] {
        if headers.contains_key(name) {
            return Err("a field that concerns one HTTP/1.1 connection");
        }
    }
    if headers.get_all(header::TE).iter().any(|it| it != "trailers") {
        return Err("a TE other than `trailers`");
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    if lengths.next().is_some_and(|it| !is_number(it)) || lengths.next().is_some() {
        return Err("a Content-Length that is not one number");
    }
    if headers.keys().any(|it| !it.as_str().bytes().all(is_token)) {
        return Err("a field name with a character that no name has");
    }
    Ok(())
}

fn is_number(value: &HeaderValue) -> bool {
    !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit)
}

/// HTTP/2 may send a cookie in several fields; HTTP/1.1 has one (RFC 9113 §8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if let (Some(first), Some(second)) = (cookies.next(), cookies.next()) {
        let mut joined = [first.as_bytes(), second.as_bytes()].join(&b"; "[..]);
        for cookie in cookies {
            joined.extend_from_slice(b"; ");
            joined.extend_from_slice(cookie.as_bytes());
        }
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            headers.insert(header::COOKIE, joined);
        }
    }
}

/// An extended CONNECT as the HTTP/1.1 request for the same (RFC 8441 §5).
pub(super) fn as_upgrade(request: &mut Request<Body>, protocol: &Protocol) {
    *request.method_mut() = Method::GET;
    let Ok(protocol) = HeaderValue::from_str(protocol.as_str()) else { return };
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
    // The client's side has none; a server that speaks HTTP/1.1 expects one.
    let key = HeaderValue::from_static("YmFueWFuIGV4dGVuZGVkIQ==");
    headers.insert(header::SEC_WEBSOCKET_KEY, key);
}
