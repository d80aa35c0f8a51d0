//! The way to a server that speaks HTTP/2: many requests share a connection.

use std::{io, time::Instant};

use http::{Request, Response};

use super::{Hop, Monolith, Trip, Unanswered, error, is_repeatable};
use crate::{
    body::Body,
    error::ProxyError,
    h2::{
        client::{Failed, exchange},
        connection::{Connection, Lease},
    },
    upstream::Endpoint,
};

impl Monolith {
    /// Asks one server, twice where a connection that was there turns out to be of no use.
    ///
    /// HTTP/2 says which requests were not begun with, so that any request can be sent again that was
    /// not, and a client's first request needs no connection of its own.
    pub(super) async fn ask_multiplexed(
        &self,
        hop: Hop<'_>,
        address: &Endpoint,
        mut request: Request<Body>,
        trip: &mut Trip,
    ) -> Result<Response<Body>, Unanswered> {
        let scheme = address.scheme();
        let idle = hop.timeouts.pool_idle;
        if let Some(lease) = self.pool.http2().lease(address, idle) {
            match exchange(lease, request, scheme.clone(), hop.allowance).await {
                Ok(response) => return Ok(response),
                Err(failed) => {
                    request = again(failed)?.1;
                    trip.retries += 1;
                }
            }
        }
        let began = Instant::now();
        let leased = self.lease(hop, address).await;
        trip.connect = Some(began.elapsed());
        let lease = match leased {
            Ok(lease) => lease,
            Err(error) => return Err(Unanswered { error, elsewhere: Some(Box::new(request)) }),
        };
        let answer = exchange(lease, request, scheme, hop.allowance).await;
        answer.map_err(|failed| match again(failed) {
            Ok((error, request)) => Unanswered { error, elsewhere: Some(Box::new(request)) },
            Err(error) => error.into(),
        })
    }

    /// A stream over a connection that is there by now, or that is opened.
    async fn lease(&self, hop: Hop<'_>, address: &Endpoint) -> Result<Lease, ProxyError> {
        let limit = hop.timeouts.connect;
        let connect = async {
            let opened = async { Connection::open(address.connect().await?).await };
            let opened = tokio::time::timeout(limit, opened).await;
            let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            hop.connected(opened.is_ok());
            opened
        };
        let leased = self.pool.http2().open(address, hop.timeouts.pool_idle, limit, connect).await;
        leased.map_err(|source| ProxyError::Connect { address: address.to_string(), source })
    }
}

/// The request with the reason, if a failed exchange may be tried again: the server has not begun
/// with it, or it can be repeated and the connection was lost before a word of an answer.
fn again(failed: Box<Failed>) -> Result<(ProxyError, Request<Body>), ProxyError> {
    let Failed { error: cause, request, unprocessed, silent } = *failed;
    match request {
        Some(request) if unprocessed || (silent && is_repeatable(&request)) => {
            Ok((error(cause), request))
        }
        _ => Err(error(cause)),
    }
}
