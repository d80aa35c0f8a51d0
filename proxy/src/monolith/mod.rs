//! The monolith, as the proxy reaches it: a request goes out, its answer's head comes back.

mod forward;
pub mod headers;
mod multiplexed;
mod trip;
mod upgrade;

use std::{io, sync::Arc, time::Instant};

use http::{Method, Request, Response};
use http_body::Body as _;

pub use self::{forward::Forward, trip::Trip};
use crate::{
    body::Body,
    error::ProxyError,
    h1::{
        client::{Allowance, ExchangeError, Failed, exchange},
        connection::Connection,
    },
    limits::Timeouts,
    pool::Pool,
    upstream::{Endpoint, Outcome, Protocol, Server, Upstream},
};

/// A client of the monolith with its own keep-alive connections. Cloning shares them; use one per
/// runtime, since a connection lives on the runtime that opened it.
#[derive(Debug, Clone, Default)]
pub struct Monolith {
    pool: Pool,
}

/// The way of one request to a server.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    /// Who may answer.
    pub upstream: &'a Arc<Upstream>,
    /// What its route allows.
    pub timeouts: &'a Timeouts,
    /// The request is the first on its client's connection.
    pub first: bool,
    /// Only the judge waits for the answer: its failure is no reason to leave a server alone that
    /// answers buyers, nor to spend what they have for retries, and is not counted with theirs.
    pub shadow: bool,
    /// The same, counted from the request's arrival.
    pub allowance: Allowance,
}

impl Hop<'_> {
    /// A connection was opened for it, or could not be.
    fn connected(&self, ok: bool) {
        if !self.shadow {
            self.upstream.connected(ok);
        }
    }
}

impl Monolith {
    /// The connections that wait for their next request.
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Sends `request` to one of the upstream's servers, and returns when the answer's head is there;
    /// the body streams, and holds the server's slot until it has ended. `trip` tells of its way, also
    /// where there is no answer.
    ///
    /// The request is sent again only where that cannot do anything twice: nothing of it was sent, or
    /// it can be repeated and the connection died before a byte of an answer was there. To the same
    /// server only if the connection was a reused one; to another one, if there is another, once;
    /// under the upstream's retry budget, unless there was no connection to send it over.
    ///
    /// One that cannot be repeated goes over a new connection if it is the first of its client:
    /// after HAProxy's `http-reuse safe`, since no browser would try that one again by itself.
    ///
    /// # Errors
    /// [`ProxyError::Busy`], [`ProxyError::Connect`], [`ProxyError::Downstream`] or
    /// [`ProxyError::Upstream`].
    pub async fn send(
        &self,
        hop: Hop<'_>,
        mut request: Request<Body>,
        trip: &mut Trip,
    ) -> Result<Response<Body>, ProxyError> {
        let mut avoid: Option<Arc<Server>> = None;
        loop {
            let permit = hop.upstream.acquire(avoid.as_deref()).await.map_err(ProxyError::Busy)?;
            trip.to(&permit);
            let server = permit.server();
            match self.ask(hop, server.address(), request, trip).await {
                Ok(response) => {
                    trip.answered = Some(Instant::now());
                    if !hop.shadow {
                        permit.report(Outcome::Answered(response.status()));
                    }
                    if avoid.is_some() {
                        hop.upstream.readmit(server);
                    }
                    return Ok(response.map(|body| body.holding(permit)));
                }
                Err(Unanswered { error, elsewhere }) => {
                    if let Some(outcome) = outcome(&error).filter(|_| !hop.shadow) {
                        permit.report(outcome);
                    }
                    // A server that was not reached has done no work: asking another one instead
                    // multiplies nothing, so it costs nothing of the budget.
                    let unsent = matches!(error, ProxyError::Connect { .. });
                    let again = elsewhere
                        .filter(|_| {
                            !hop.shadow && avoid.is_none() && hop.upstream.servers().len() > 1
                        })
                        .filter(|_| unsent || hop.upstream.may_retry());
                    let Some(again) = again else {
                        if unsent && !hop.shadow {
                            hop.upstream.unreached();
                        }
                        return Err(error);
                    };
                    trip.retries += 1;
                    (request, avoid) = (*again, Some(Arc::clone(server)));
                }
            }
        }
    }

    /// Asks one server, twice where a reused connection turns out to be dead.
    async fn ask(
        &self,
        hop: Hop<'_>,
        address: &Endpoint,
        mut request: Request<Body>,
        trip: &mut Trip,
    ) -> Result<Response<Body>, Unanswered> {
        if address.protocol() == Protocol::Http2 {
            return Box::pin(self.ask_multiplexed(hop, address, request, trip)).await;
        }
        let repeatable = is_repeatable(&request);
        let may_reuse = !hop.first || repeatable;
        let idle = || self.pool.reuse(address, hop.timeouts.pool_idle, !repeatable);
        if let Some(connection) = may_reuse.then(idle).flatten() {
            let home = self.pool.home(address.clone());
            match exchange(connection, request, hop.allowance, home).await {
                Ok(response) => return Ok(response),
                Err(failed) => {
                    request = again(failed)?.1;
                    trip.retries += 1;
                }
            }
        }
        // Seldom, and large: in a box it does not make the future of every request larger.
        let began = Instant::now();
        let connected = Box::pin(self.connect(hop, address)).await;
        trip.connect = Some(began.elapsed());
        let connection = match connected {
            Ok(connection) => connection,
            Err(error) => return Err(Unanswered { error, elsewhere: Some(Box::new(request)) }),
        };
        let home = self.pool.home(address.clone());
        let answer = exchange(connection, request, hop.allowance, home).await;
        answer.map_err(|failed| match again(failed) {
            // A server that is being restarted resets what waits in its socket: another one may do.
            Ok((error, request)) => Unanswered { error, elsewhere: Some(Box::new(request)) },
            Err(error) => error.into(),
        })
    }

    async fn connect(&self, hop: Hop<'_>, address: &Endpoint) -> Result<Connection, ProxyError> {
        let opened = tokio::time::timeout(hop.timeouts.connect, address.connect()).await;
        let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        hop.connected(opened.is_ok());
        let failed = |source| ProxyError::Connect { address: address.to_string(), source };
        opened.map(Connection::new).map_err(failed)
    }
}

/// Why there is no answer, and the request if another server may be asked: nothing of it was sent,
/// or it can be repeated.
struct Unanswered {
    error: ProxyError,
    elsewhere: Option<Box<Request<Body>>>,
}

impl From<ProxyError> for Unanswered {
    fn from(error: ProxyError) -> Self {
        Self { error, elsewhere: None }
    }
}

/// What an error says of the server; `None` where it was the client's.
fn outcome(error: &ProxyError) -> Option<Outcome> {
    match error {
        ProxyError::Connect { .. } => Some(Outcome::ConnectFailed),
        ProxyError::Upstream(ExchangeError::Limit(_)) => Some(Outcome::TimedOut),
        ProxyError::Upstream(ExchangeError::Target | ExchangeError::NoUpgrade(_)) => None,
        ProxyError::Upstream(_) => Some(Outcome::BrokeOff),
        _ => None,
    }
}

/// Whether sending it twice does no more than sending it once.
fn is_repeatable(request: &Request<Body>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && request.body().is_end_stream()
}

/// The request with the reason, if a failed exchange may be tried again.
fn again(failed: Box<Failed>) -> Result<(ProxyError, Request<Body>), ProxyError> {
    let Failed { error: cause, request, silent } = *failed;
    match (cause, request) {
        (cause @ ExchangeError::Broken(_), Some(request)) if silent && is_repeatable(&request) => {
            Ok((error(cause), request))
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
