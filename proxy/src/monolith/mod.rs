//! The monolith, as the proxy reaches it: a request goes out, its answer's head comes back.

mod address;
mod forward;
pub mod headers;
mod upgrade;

use std::io;

use http::{Method, Request, Response};
use http_body::Body as _;

pub use self::{address::ServerAddr, forward::Forward};
use crate::{
    body::Body,
    error::ProxyError,
    h1::{
        client::{Allowance, ExchangeError, Failed, exchange},
        connection::Connection,
    },
    limits::Timeouts,
    metrics::ProxyMetrics,
    pool::Pool,
};

/// A client of the monolith with its own keep-alive connections. Cloning shares them; use one per
/// runtime, since a connection lives on the runtime that opened it.
#[derive(Debug, Clone)]
pub struct Monolith {
    pool: Pool,
    metrics: ProxyMetrics,
}

/// The way of one request to a server.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    /// Where the server is.
    pub address: &'a ServerAddr,
    /// What its route allows.
    pub timeouts: &'a Timeouts,
    /// The request is the first on its client's connection.
    pub first: bool,
    /// The same, counted from the request's arrival.
    pub allowance: Allowance,
}

impl Monolith {
    /// A client without connections yet.
    pub fn new(metrics: ProxyMetrics) -> Self {
        Self { pool: Pool::default(), metrics }
    }

    /// The connections that wait for their next request.
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Sends `request` and returns when the answer's head is there; the body streams.
    ///
    /// The request is sent again, once and on a new connection, only where that cannot do anything
    /// twice: its method is safe, it has no body, and the reused connection died before a byte of
    /// an answer was there.
    ///
    /// One that cannot be sent again goes over a new connection if it is the first of its client:
    /// after HAProxy's `http-reuse safe`, since no browser would try that one again by itself.
    ///
    /// # Errors
    /// [`ProxyError::Connect`], [`ProxyError::Downstream`] or [`ProxyError::Upstream`].
    pub async fn send(
        &self,
        hop: Hop<'_>,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, ProxyError> {
        let repeatable = is_repeatable(&request);
        let may_reuse = !hop.first || repeatable;
        let idle = || self.pool.reuse(hop.address, hop.timeouts.pool_idle, !repeatable);
        if let Some(connection) = may_reuse.then(idle).flatten() {
            let home = self.pool.home(hop.address.clone());
            match exchange(connection, request, hop.allowance, home).await {
                Ok(response) => return Ok(response),
                Err(failed) => request = again(failed)?,
            }
        }
        // Seldom, and large: in a box it does not make the future of every request larger.
        let connection = Box::pin(self.connect(hop)).await?;
        let home = self.pool.home(hop.address.clone());
        let answer = exchange(connection, request, hop.allowance, home).await;
        answer.map_err(|failed| error(failed.error))
    }

    async fn connect(&self, hop: Hop<'_>) -> Result<Connection, ProxyError> {
        let opened = tokio::time::timeout(hop.timeouts.connect, hop.address.connect()).await;
        let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        self.metrics.connected(opened.is_ok());
        let failed = |source| ProxyError::Connect { address: hop.address.to_string(), source };
        opened.map(Connection::new).map_err(failed)
    }
}

/// Whether sending it twice does no more than sending it once.
fn is_repeatable(request: &Request<Body>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && request.body().is_end_stream()
}

/// The request, if a failed exchange may be tried again.
fn again(failed: Box<Failed>) -> Result<Request<Body>, ProxyError> {
    let Failed { error: cause, request, silent } = *failed;
    match (cause, request) {
        (ExchangeError::Broken(_), Some(request)) if silent && is_repeatable(&request) => {
            Ok(request)
        }
        (cause, _) => Err(error(cause)),
    }
}

fn error(error: ExchangeError) -> ProxyError {
    match error {
        ExchangeError::Client(error) => ProxyError::Downstream(error),
        other => ProxyError::Upstream(other),
    }
}
