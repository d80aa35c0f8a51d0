//! One client's HTTP/2 connection, from its first byte to its last; hyper speaks it.

use std::{convert::Infallible, error::Error, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, header};
use http_body::Body as _;
use hyper::{body::Incoming, ext::Protocol, server::conn::http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tower::Service;

use super::{
    conduct::Conduct,
    delivery::{Delivery, Streams},
    request,
    wire::Wire,
};
use crate::{
    arrival::Arrival,
    body::{Body, Intake, IntakeSource},
    error::Chain,
    h1::server::Serving,
    io::{Reader, WriteHalf, joined},
    limits::{Limit, Policy},
    tunnel,
};

/// A client that answers no ping for so long is gone; and so is one that does not close an idle
/// connection so long after it was told to.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Streams that a client may have reset before we have even looked at them (CVE-2023-44487), and
/// that it may make us reset (CVE-2025-8671); more of either end the connection.
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 100;

/// How much of an upload is on its way to us at most, on one stream and on one connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Serves one connection until it is closed, idle for too long, or drained.
pub async fn serve<S, P>(reader: Reader, write: WriteHalf, serving: Serving<S, P>)
where
    S: Service<Arrival, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    P: Fn() -> Policy + Clone + Send + 'static,
{
    let Serving { service, policy, metrics, drain } = serving;
    let Policy { timeouts, limits } = policy();
    let (read, already) = reader.into_parts();
    let conduct = Arc::new(Conduct::new());
    let wire = Wire::new(joined(already, read, write), Arc::clone(&conduct), timeouts.head);
    let watched = Arc::clone(&conduct);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        answer(request, service.clone(), policy(), Arc::clone(&watched))
    });
    let connection = http2::Builder::new(Streams(Arc::clone(&conduct)))
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head * LIST_OVERHEAD).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(OWN_RESETS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(timeouts.keep_alive)
        .keep_alive_timeout(PING_TIMEOUT)
        .enable_connect_protocol()
        .serve_connection(TokioIo::new(wire), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = drain.cancelled() => {
            // GOAWAY: what is open is finished, nothing new is begun.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = conduct.idle(timeouts.keep_alive) => {
            conduct.end(Limit::KeepAlive);
            connection.as_mut().graceful_shutdown();
            let ended = tokio::time::timeout(PING_TIMEOUT, connection.as_mut()).await;
            ended.unwrap_or(Ok(()))
        }
    };
    let abuse = || ended.as_ref().is_err_and(is_abuse).then_some(Limit::Abuse);
    let limit = conduct.ended().or_else(abuse);
    if let Some(limit) = limit {
        metrics.limited(limit);
    }
    if let Err(error) = ended {
        let limit = limit.map(Limit::label);
        tracing::debug!(limit, error = %Chain(&error), "connection ended");
    }
}

/// h2 counts 32 bytes for each field, and whatever is above its limit it answers itself, without a
/// line in the log; ours is found out first.
const LIST_OVERHEAD: usize = 2;

/// h2 has ended the connection because of one of its own limits.
fn is_abuse(error: &hyper::Error) -> bool {
    let error = error.source().and_then(|it| it.downcast_ref::<h2::Error>());
    error.is_some_and(|it| it.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM))
}

async fn answer<S>(
    mut request: Request<Incoming>,
    mut service: S,
    policy: Policy,
    conduct: Arc<Conduct>,
) -> Result<Response<Delivery>, Infallible>
where
    S: Service<Arrival, Response = Response<Body>, Error = Infallible>,
{
    let refused = request::check(&request, policy.limits.request_head()).err();
    let protocol = request.extensions_mut().remove::<Protocol>();
    let client = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    let empty = request.body().is_end_stream() || client.is_some();
    let mut request = request.map(|incoming| {
        if empty {
            return Body::empty();
        }
        Body::intake(Box::new(Intake::new(IntakeSource::H2(incoming))))
    });
    request::join_cookies(request.headers_mut());
    if let Some(protocol) = &protocol {
        request::as_upgrade(&mut request, protocol);
    }
    let response = service.call(Arrival { refused, ..Arrival::new(request) }).await;
    let Ok(response) = response;
    let response = match client {
        Some(client) => as_connect(response, client, policy.timeouts.tunnel_idle),
        None => response,
    };
    let response = without_connection_fields(response);
    Ok(response.map(|body| Delivery::new(body, &policy, &conduct)))
}

/// A 101 as the 200 of an extended CONNECT, with the tunnel behind it; any other answer as it is,
/// unless it would be taken for a tunnel.
fn as_connect(
    mut response: Response<Body>,
    client: hyper::upgrade::OnUpgrade,
    idle: Duration,
) -> Response<Body> {
    let Some(server) = response.body_mut().take_tunnel() else {
        if response.status().is_success() {
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
        }
        return response;
    };
    let entry = response.body_mut().take_entry();
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
    response.map(|_| Body::empty())
}

fn without_connection_fields(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().remove(header::CONNECTION);
    response.headers_mut().remove(header::UPGRADE);
    response
}
