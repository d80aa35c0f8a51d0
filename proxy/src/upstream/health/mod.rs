//! Active health checks: each server is asked in the same way over and over.
//!
//! Rails answers a check as it answers a buyer: `force_ssl` redirects what seems to have come over
//! HTTP, so the check says that it came over HTTPS, and host authorization refuses unknown names,
//! so the check's `Host` can be set.

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{PoisonError, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::{Either, join_all, select};
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

use super::{Endpoint, Health, Protocol, Server, Upstream};
use crate::{
    body::Body,
    error::Chain,
    h1::client::{Allowance, ExchangeError},
    h2::{client::exchange, connection::Connection},
    io::Socket,
    limits::Timeouts,
};

/// Checks the servers of `upstream` until it is dropped, or until this is called with the upstream
/// that replaces it. To be called for each upstream of a table that came into force, with and
/// without health checks.
pub async fn run(upstream: Weak<Upstream>) {
    let Some(checked) = upstream.upgrade() else { return };
    let ended = checked.take_over_checks();
    let servers = checked.servers.to_vec();
    let settings = checked.settings.health.clone();
    // From here on nothing keeps the upstream from being dropped.
    drop(checked);
    if let Some(health) = settings {
        let checks = servers.iter().map(|server| check_on(&upstream, server, &health));
        ended.run_until_cancelled(join_all(checks)).await;
    }
}

/// One check after another, so that those of one server never overlap.
async fn check_on(upstream: &Weak<Upstream>, server: &Server, health: &Health) {
    loop {
        let checked = check(server.address(), health).await;
        let Some(upstream) = upstream.upgrade() else { return };
        upstream.checked(server, health, checked);
        drop(upstream);
        tokio::time::sleep(about(health.interval)).await;
    }
}

/// Give or take a tenth: several proxies that started together do not ask together for ever.
fn about(interval: Duration) -> Duration {
    let tenth = interval / 10;
    interval.saturating_sub(tenth).saturating_add(tenth.mul_f64(rand::random_range(0.0..2.0)))
}

impl Upstream {
    /// Ends the checks that run now; the token ends those that are to come.
    fn take_over_checks(&self) -> CancellationToken {
        let ended = self.dropped.child_token();
        let mut checking = self.shared.checking.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *checking, ended.clone()).cancel();
        ended
    }

    fn checked(&self, server: &Server, health: &Health, checked: Result<(), CheckError>) {
        if server.checked(checked.is_ok(), health).is_none() {
            return;
        }
        let (upstream, server) = (&self.name, server.label());
        match checked {
            Ok(()) => tracing::info!(upstream, server, "health check passed, server is back"),
            Err(error) => {
                let error = Chain(&error);
                tracing::warn!(upstream, server, %error, "health check failed, server taken out");
            }
        }
        self.servers_changed();
    }
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("no connection: see that the server runs and listens there")]
    Connect(#[source] io::Error),
    #[error("the exchange broke off: see the server's log")]
    Exchange(#[source] hyper::Error),
    #[error("the exchange broke off: see the server's log")]
    Stream(#[source] ExchangeError),
    #[error("answered {0}, must be 2xx: see that path and host of the check are right")]
    Status(StatusCode),
    #[error("no answer within {0:?}: see whether all threads of the server are busy")]
    TimedOut(Duration),
}

async fn check(address: &Endpoint, health: &Health) -> Result<(), CheckError> {
    let asked = tokio::time::timeout(health.timeout, ask(address, health)).await;
    let status = asked.unwrap_or(Err(CheckError::TimedOut(health.timeout)))?;
    if status.is_success() { Ok(()) } else { Err(CheckError::Status(status)) }
}

/// One request on a connection of its own: a server that accepts no more is not healthy.
async fn ask(address: &Endpoint, health: &Health) -> Result<StatusCode, CheckError> {
    let socket = address.connect().await.map_err(CheckError::Connect)?;
    if address.protocol() == Protocol::Http2 {
        return ask_http2(socket, address, health).await;
    }
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(socket.joined())).await.map_err(CheckError::Exchange)?;
    let answer = std::pin::pin!(sender.send_request(request(address, health)));
    let answer = match select(answer, connection).await {
        Either::Left((answer, _)) => answer,
        // The server closed the connection after its answer, or without one.
        Either::Right((_, answer)) => answer.await,
    };
    answer.map(|it| it.status()).map_err(CheckError::Exchange)
}

async fn ask_http2(
    socket: Socket,
    address: &Endpoint,
    health: &Health,
) -> Result<StatusCode, CheckError> {
    let lease = Connection::open(socket).await.and_then(|it| it.first_lease());
    let lease = lease.map_err(CheckError::Connect)?;
    let request = request(address, health).map(|_| Body::empty());
    let allowance = Allowance::of(&Timeouts::default(), Instant::now());
    let answer = exchange(lease, request, address.scheme(), allowance).await;
    answer.map(|it| it.status()).map_err(|failed| CheckError::Stream(failed.error))
}

fn request(address: &Endpoint, health: &Health) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = health.path.clone().into();
    let headers = request.headers_mut();
    headers.insert(header::HOST, health.host.clone().unwrap_or_else(|| address.host()));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("banyan-health"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
    request
}
