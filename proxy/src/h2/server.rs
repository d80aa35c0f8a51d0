//! One client's HTTP/2 connection: hyper speaks it; what a request must not say there is refused,
//! and what it says otherwise than in HTTP/1.1 is said as there.
//!
//! Sources: RFC 9113 §8.2 and §8.3 (fields and pseudo-fields), RFC 8441 (extended CONNECT).

use std::{convert::Infallible, pin::pin, time::Duration};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use hyper::{body::Incoming, ext::Protocol, server::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{
    arrival::Arrival,
    body::{Body, Intake, IntakeSource},
    error::{Chain, ProxyError},
    io::{Reader, WriteHalf, joined},
    limits::Policy,
    tunnel,
};

/// A client that answers no ping for so long is gone.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Streams that a client may have reset before we have even looked at them (CVE-2023-44487), and
/// that it may make us reset (CVE-2025-8671); more of either end the connection.
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 100;

/// How much of an upload is on its way to us at most, on one stream and on one connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Serves one connection until it is closed, or drained.
pub async fn serve<S>(
    reader: Reader,
    write: WriteHalf,
    service: S,
    policy: Policy,
    drain: CancellationToken,
) where
    S: Service<Arrival, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let limits = policy.limits;
    let (read, already) = reader.into_parts();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        answer(request, service.clone(), policy)
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(OWN_RESETS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(policy.timeouts.keep_alive)
        .keep_alive_timeout(PING_TIMEOUT)
        .enable_connect_protocol()
        .serve_connection(TokioIo::new(joined(already, read, write)), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = drain.cancelled() => {
            // GOAWAY: what is open is finished, nothing new is begun.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %Chain(&error), "connection ended");
    }
}

async fn answer<S>(
    mut request: Request<Incoming>,
    mut service: S,
    policy: Policy,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Arrival, Response = Response<Body>, Error = Infallible>,
{
    let refused = checked(&request).err();
    let protocol = request.extensions_mut().remove::<Protocol>();
    let client = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    let empty = request.body().is_end_stream() || client.is_some();
    let mut request = request.map(|incoming| {
        if empty {
            return Body::empty();
        }
        Body::intake(Box::new(Intake::new(IntakeSource::H2(incoming))))
    });
    join_cookies(&mut request);
    if let Some(protocol) = &protocol {
        as_upgrade(&mut request, protocol);
    }
    let refused = refused.map(ProxyError::Refused);
    let response = service.call(Arrival { refused, ..Arrival::new(request) }).await;
    let Ok(response) = response;
    Ok(match client {
        Some(client) => as_connect(response, client, policy.timeouts.tunnel_idle),
        None => without_connection_fields(response),
    })
}

/// What h2 itself does not refuse.
fn checked<B>(request: &Request<B>) -> Result<(), &'static str> {
    let headers = request.headers();
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
    if headers.get(header::TE).is_some_and(|it| it != "trailers") {
        return Err("a TE other than `trailers`");
    }
    if headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err("a Content-Length that is not one number");
    }
    let odd_name = |it: &http::HeaderName| !it.as_str().bytes().all(crate::h1::head::is_token);
    if headers.keys().any(odd_name) {
        return Err("a field name with a character that no name has");
    }
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
    if !target.bytes().all(|it| matches!(it, b'!'..=b'~') && it != b'#') {
        return Err("a target with characters that must be escaped");
    }
    Ok(())
}

/// HTTP/2 may send a cookie in several fields; HTTP/1.1 has one (RFC 9113 §8.2.3).
fn join_cookies(request: &mut Request<Body>) {
    let mut cookies = request.headers().get_all(header::COOKIE).iter();
    if let (Some(first), Some(second)) = (cookies.next(), cookies.next()) {
        let mut joined = [first.as_bytes(), second.as_bytes()].join(&b"; "[..]);
        for cookie in cookies {
            joined.extend_from_slice(b"; ");
            joined.extend_from_slice(cookie.as_bytes());
        }
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            request.headers_mut().insert(header::COOKIE, joined);
        }
    }
}

/// An extended CONNECT as the HTTP/1.1 request for the same (RFC 8441 §5).
fn as_upgrade(request: &mut Request<Body>, protocol: &Protocol) {
    *request.method_mut() = Method::GET;
    let Ok(protocol) = HeaderValue::from_str(protocol.as_str()) else { return };
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
    // The client's side has none; a server that speaks HTTP/1.1 expects one.
    let key = HeaderValue::from_static("YmFueWFuIGV4dGVuZGVkIQ==");
    headers.insert(header::SEC_WEBSOCKET_KEY, key);
}

/// A 101 as the 200 of an extended CONNECT, with the tunnel behind it; any other answer as it is.
fn as_connect(
    mut response: Response<Body>,
    client: hyper::upgrade::OnUpgrade,
    idle: Duration,
) -> Response<Body> {
    let entry = response.body_mut().take_entry();
    let Some(server) = response.body_mut().take_tunnel() else {
        let response = match entry {
            Some(entry) => response.map(|body| body.logged(entry)),
            None => response,
        };
        return without_connection_fields(response);
    };
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().remove(header::SEC_WEBSOCKET_ACCEPT);
    tokio::spawn(async move {
        match client.await {
            Ok(client) => {
                tunnel::join(TokioIo::new(client), *server, entry, idle).await;
            }
            Err(error) => tracing::debug!(error = %Chain(&error), "tunnel was not opened"),
        }
    });
    without_connection_fields(response.map(|_| Body::empty()))
}

fn without_connection_fields(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().remove(header::CONNECTION);
    response.headers_mut().remove(header::UPGRADE);
    response
}
