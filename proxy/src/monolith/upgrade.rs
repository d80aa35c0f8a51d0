//! The wish to switch protocols, and whether the server agreed to one of those that were offered.

use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};

use super::headers::connection_says;

/// The protocols that a request offers to switch to, taken before the hop-by-hop fields are
/// stripped.
///
/// Only a GET without a body may ask: a body before the switch could be read as the tunnel's first
/// bytes by one side and as a request by the other.
pub(super) fn requested<B: http_body::Body>(request: &Request<B>) -> Option<HeaderValue> {
    let asks = request.method() == Method::GET
        && request.version() >= Version::HTTP_11
        && request.body().is_end_stream();
    if !asks || !connection_says(request.headers(), "upgrade") {
        return None;
    }
    let offered = request.headers().get(header::UPGRADE)?.to_str().ok()?;
    let offered: Vec<_> = offered.split(',').map(str::trim).filter(|it| may_switch(it)).collect();
    HeaderValue::try_from(offered.join(", ")).ok().filter(|it| !it.is_empty())
}

/// Not to another version of HTTP, nor to TLS: requests that we do not see would follow.
fn may_switch(protocol: &str) -> bool {
    let name = protocol.split('/').next().unwrap_or_default().to_ascii_lowercase();
    !matches!(name.as_str(), "" | "h2" | "h2c" | "http" | "tls")
}

/// Puts the wish to switch back, for the hop to the server.
pub(super) fn ask(headers: &mut HeaderMap, protocols: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocols);
}

/// The protocol that the server switched to, if it is one of those that were `asked` for.
pub(super) fn accepted<B>(response: &Response<B>, asked: &HeaderValue) -> Option<HeaderValue> {
    let chosen = response.headers().get(header::UPGRADE)?;
    let mut offered = asked.to_str().ok()?.split(',').map(str::trim);
    offered
        .any(|it| !it.is_empty() && it.as_bytes().eq_ignore_ascii_case(chosen.as_bytes()))
        .then(|| chosen.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;

    fn request(method: Method, connection: &str, body: Body) -> Request<Body> {
        let builder = Request::builder().method(method).header("upgrade", "websocket");
        builder.header("connection", connection).body(body).unwrap()
    }

    #[test]
    fn only_a_get_without_a_body_that_names_upgrade_may_switch() {
        assert!(requested(&request(Method::GET, "keep-alive, Upgrade", Body::empty())).is_some());
        assert!(requested(&request(Method::GET, "keep-alive", Body::empty())).is_none());
        assert!(requested(&request(Method::POST, "upgrade", Body::empty())).is_none());
        assert!(requested(&request(Method::GET, "upgrade", Body::full("x"))).is_none());
    }

    #[test]
    fn a_switch_to_something_else_is_not_accepted() {
        let accepts = |asked: &'static str, protocol: &str| {
            let answer = Response::builder().header("upgrade", protocol).body(()).unwrap();
            accepted(&answer, &HeaderValue::from_static(asked)).is_some()
        };
        assert!(accepts("websocket", "WebSocket"));
        assert!(accepts("foo, websocket", "websocket"));
        assert!(!accepts("websocket", "h2c"));
        assert!(!accepts("foo, websocket", "foo, websocket"));
        assert!(!accepts("", ""));
    }
}
