//! A WebSocket to a server over HTTP/2: an extended CONNECT (RFC 8441 §5) for what is an upgrade in
//! HTTP/1.1 (RFC 6455 §4).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use h2::{RecvStream, ext::Protocol};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use sha1::{Digest as _, Sha1};

use super::{connection::Slot, duplex::Duplex, outgoing::Outgoing};
use crate::{body::Body, h1::connection::Connection, io::Socket};

/// What a server puts behind a client's key to show that it means `WebSocket` (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A client's wish to switch to a WebSocket.
#[derive(Debug)]
pub(super) struct Wish {
    /// By which the client knows that the answer is one to its own request.
    key: Option<HeaderValue>,
}

impl Wish {
    /// Whether the request asks for a WebSocket; `Err` if it asks for something else, which has no
    /// name in HTTP/2.
    pub(super) fn of(parts: &Parts) -> Result<Option<Self>, &'static str> {
        let Some(offered) = parts.headers.get(header::UPGRADE) else { return Ok(None) };
        let offered = offered.to_str().unwrap_or_default();
        if !offered.split(',').any(|it| it.trim().eq_ignore_ascii_case("websocket")) {
            return Err("any protocol but WebSockets");
        }
        Ok(Some(Self { key: parts.headers.get(header::SEC_WEBSOCKET_KEY).cloned() }))
    }

    /// Makes an extended CONNECT of the request.
    pub(super) fn ask(request: &mut Request<()>) {
        *request.method_mut() = Method::CONNECT;
        request.extensions_mut().insert(Protocol::from_static("websocket"));
        request.headers_mut().remove(header::SEC_WEBSOCKET_KEY);
    }

    /// Makes a 101 of a server's consent, with the tunnel behind it.
    pub(super) fn granted(
        self,
        response: Response<RecvStream>,
        upload: Outgoing,
        slot: Slot,
    ) -> Response<Body> {
        let (mut parts, incoming) = response.into_parts();
        parts.status = StatusCode::SWITCHING_PROTOCOLS;
        parts.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Some(accept) = self.key.as_ref().and_then(accept) {
            parts.headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        let duplex = Duplex::new(upload.into_stream(), incoming, slot);
        let server = Connection::new(Socket::Wrapped(Box::new(duplex)));
        Response::from_parts(parts, Body::tunnel(Box::new(server)))
    }
}

/// RFC 6455 §4.2.2.
fn accept(key: &HeaderValue) -> Option<HeaderValue> {
    let digest = Sha1::new().chain_update(key.as_bytes()).chain_update(GUID).finalize();
    HeaderValue::try_from(BASE64_STANDARD.encode(digest)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_rfc() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
