//! Keep-alive connections to the monolith, one pool per worker thread.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::ServerAddr;
use crate::{
    body::Body,
    error::{Chain, ProxyError},
    metrics::ProxyMetrics,
};

/// Puma closes an idle connection after 20 s (5.x, 6.x) or 65 s (7.x). A request that is written
/// while the server closes is lost, so ours must always be the side that closes first.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Idle connections by server, the freshest last. Used by one thread, so the lock is never waited
/// for. Cloning shares the pool.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    idle: Arc<Mutex<HashMap<ServerAddr, Vec<Idle>>>>,
    metrics: ProxyMetrics,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    since: Instant,
}

/// A connection that is ours until the answer has been read.
#[derive(Debug)]
pub struct Lease {
    pub(super) sender: SendRequest<Body>,
    address: ServerAddr,
    pool: Pool,
}

impl Pool {
    pub(super) fn new(metrics: ProxyMetrics) -> Self {
        Self { idle: Arc::default(), metrics }
    }

    /// The idle connection that was used last, if one is open still.
    pub(super) fn reuse(&self, address: &ServerAddr) -> Option<Lease> {
        let mut idle = self.lock();
        let connections = idle.get_mut(address)?;
        while let Some(Idle { sender, since }) = connections.pop() {
            if since.elapsed() < IDLE_LIMIT && sender.is_ready() {
                let (address, pool) = (address.clone(), self.clone());
                return Some(Lease { sender, address, pool });
            }
        }
        None
    }

    /// A new connection.
    pub(super) async fn connect(&self, address: &ServerAddr) -> Result<Lease, ProxyError> {
        let opened = tokio::time::timeout(CONNECT_TIMEOUT, address.connect()).await;
        let opened = opened.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        self.metrics.connected(opened.is_ok());
        let io = opened
            .map_err(|source| ProxyError::Connect { address: address.to_string(), source })?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(io)).await.map_err(ProxyError::Upstream)?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(error = %Chain(&error), "connection to the monolith ended");
            }
        });
        Ok(Lease { sender, address: address.clone(), pool: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ServerAddr, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The answer has been read whole: the connection may carry the next request.
    pub(crate) fn give_back(self) {
        let Self { sender, address, pool } = self;
        if sender.is_closed() {
            return;
        }
        let mut idle = pool.lock();
        let connections = idle.entry(address).or_default();
        // Used last, reused first: the oldest are at the front, and leave when they are too old.
        let expired = connections.partition_point(|it| it.since.elapsed() >= IDLE_LIMIT);
        connections.drain(..expired);
        connections.push(Idle { sender, since: Instant::now() });
    }
}
