//! What stands between "this route goes to upstream X" and "send on a connection to server Y":
//! which server, whether it has a free slot, who waits for one, and which servers to leave alone.
//!
//! Invariants: no server has more requests in flight than [`Settings::concurrency`]; nobody waits
//! while a server that it could use has a free slot; whoever waits longest goes first. Taking a
//! free slot neither locks nor allocates nor waits, but for the moment after a server's state
//! changed, when the list of candidates is made anew.

mod address;
mod budget;
mod candidates;
mod endpoint;
pub mod health;
mod metrics;
mod outlier;
mod permit;
mod queue;
mod server;
mod settings;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::{
    address::{ClearAddr, Protocol, ServerAddr, TlsAddr},
    endpoint::{Endpoint, Trust},
    metrics::UpstreamMetrics,
    permit::{Outcome, Permit},
    server::Server,
    settings::{Health, Outlier, RetryBudget, Settings},
};
use self::{budget::Budget, candidates::Candidates, queue::Queue};
use crate::tls::TlsError;

/// Servers that answer the same requests, as one route table names them.
#[derive(Debug)]
pub struct Upstream {
    name: String,
    settings: Settings,
    /// Slots of each server.
    limit: u32,
    servers: Box<[Arc<Server>]>,
    candidates: ArcSwap<Candidates>,
    budget: Budget,
    shared: Arc<Shared>,
    /// Cancelled when this version is dropped.
    dropped: CancellationToken,
}

/// What the versions of an upstream have in common.
#[derive(Debug, Default)]
struct Shared {
    queue: Queue,
    /// Grows whenever something is learnt of a server.
    version: AtomicU64,
    /// Held while the share of ejected servers is looked at and changed.
    ejecting: Mutex<()>,
    /// Stops the health checks that run now.
    checking: Mutex<CancellationToken>,
    counts: Counts,
}

/// Since the upstream was first named.
#[derive(Debug, Default)]
struct Counts {
    queue_full: AtomicU64,
    queue_timeouts: AtomicU64,
    retries_allowed: AtomicU64,
    retries_denied: AtomicU64,
    connected: AtomicU64,
    not_connected: AtomicU64,
    unreached: AtomicU64,
}

/// No server can take the request now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// As many requests wait already as may.
    #[error(
        "upstream `{upstream}`: all servers are busy and {queue} requests wait already; \
         add servers, or raise `concurrency` if they have threads to spare"
    )]
    QueueFull {
        /// The upstream's name.
        upstream: String,
        /// How many may wait.
        queue: usize,
    },
    /// It waited, and no slot became free in time.
    #[error(
        "upstream `{upstream}`: no server became free within {waited:?}; \
         look for slow requests, or add servers"
    )]
    QueueTimeout {
        /// The upstream's name.
        upstream: String,
        /// How long the request waited.
        waited: Duration,
    },
}

impl Upstream {
    /// An upstream; `previous` is the one of the same name in the table before.
    ///
    /// Servers whose address is unchanged keep their requests in flight, health and ejection, and
    /// the queue goes on. Nothing changes for `previous`, so a table may still be rejected; health
    /// checks go over with [`health::run`].
    pub fn new(
        name: &str,
        mut settings: Settings,
        previous: Option<&Self>,
        metrics: &UpstreamMetrics,
    ) -> Arc<Self> {
        let mut servers: Vec<Arc<Server>> = Vec::new();
        for address in std::mem::take(&mut settings.servers) {
            if servers.iter().any(|it| *it.address() == address) {
                continue;
            }
            let mut known = previous.iter().flat_map(|it| &it.servers);
            let known = known.find(|it| *it.address() == address).map(Arc::clone);
            servers.push(known.unwrap_or_else(|| Arc::new(Server::new(address))));
        }
        let shared = previous.map_or_else(Arc::default, |it| Arc::clone(&it.shared));
        let version = shared.version.load(SeqCst);
        let is_checked = settings.health.is_some();
        let candidates = Candidates::assess(&servers, is_checked, version, Instant::now());
        let upstream = Arc::new(Self {
            name: name.to_owned(),
            limit: slots(settings.concurrency),
            candidates: ArcSwap::from_pointee(candidates),
            budget: Budget::new(settings.retry_budget.clone(), taken(&servers)),
            servers: servers.into(),
            settings,
            shared,
            dropped: CancellationToken::new(),
        });
        metrics.watch(&upstream);
        upstream
    }

    /// That of `--monolith`: behind TLS it must have a certificate of the system's CAs.
    ///
    /// # Errors
    /// When those cannot be read.
    pub fn pinned(server: &ServerAddr, metrics: &UpstreamMetrics) -> Result<Arc<Self>, TlsError> {
        let server = match server {
            ServerAddr::Clear(address) => Endpoint::Clear(address.clone()),
            ServerAddr::Tls(address) => Endpoint::Tls(address.clone(), Trust::load(None, None)?),
        };
        Ok(Self::new("pinned", Settings::new(vec![server]), None, metrics))
    }

    /// Its name in the route table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its servers, each once, in the order of the route table.
    pub fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }

    /// Finds a server with a free slot, or waits for one in line.
    ///
    /// `avoid` is the server that just failed, for a retry: it is not used as long as another one
    /// is usable.
    ///
    /// # Errors
    /// When too many wait already, or the wait was too long.
    pub async fn acquire(self: &Arc<Self>, avoid: Option<&Server>) -> Result<Permit, Unavailable> {
        let avoid = avoid.and_then(|server| {
            self.servers.iter().position(|it| std::ptr::eq(Arc::as_ptr(it), server))
        });
        // Those who wait go first.
        if self.shared.queue.length() == 0
            && let Some(server) = self.take(avoid)
        {
            return Ok(Permit::new(Arc::clone(self), server));
        }
        // In a box it does not make the future of every request larger.
        Box::pin(self.wait(avoid)).await
    }

    /// Asks the retry budget whether a request may be sent a second time, and takes it as sent.
    pub fn may_retry(&self) -> bool {
        let allowed = self.budget.withdraw(Instant::now(), || taken(&self.servers));
        let Counts { retries_allowed, retries_denied, .. } = &self.shared.counts;
        if allowed { retries_allowed } else { retries_denied }.fetch_add(1, Relaxed);
        allowed
    }

    /// Counts a connection that was opened to one of the servers for a buyer, or could not be.
    pub fn connected(&self, ok: bool) {
        let Counts { connected, not_connected, .. } = &self.shared.counts;
        if ok { connected } else { not_connected }.fetch_add(1, Relaxed);
    }

    /// Counts a buyer's request that failed since there was no connection to send it over.
    pub fn unreached(&self) {
        self.shared.counts.unreached.fetch_add(1, Relaxed);
    }

    /// Whether so few servers are usable that all are used.
    pub fn is_panicking(&self) -> bool {
        self.candidates().panic
    }

    /// Whether `server` is neither taken out by health checks nor ejected.
    pub fn is_usable(&self, server: &Server) -> bool {
        candidates::is_usable(server, self.settings.health.is_some(), Instant::now())
    }

    async fn wait(self: &Arc<Self>, avoid: Option<usize>) -> Result<Permit, Unavailable> {
        let began = Instant::now();
        let Some(mut place) = Queue::join(self, avoid) else {
            self.shared.counts.queue_full.fetch_add(1, Relaxed);
            let (upstream, queue) = (self.name.clone(), self.settings.queue);
            return Err(Unavailable::QueueFull { upstream, queue });
        };
        let mut limit = std::pin::pin!(tokio::time::sleep(self.settings.queue_timeout));
        let permit = loop {
            let readmission = self.candidates().readmission();
            tokio::select! {
                biased;
                permit = place.granted() => break permit,
                () = &mut limit => break place.give_up(),
                // Nobody frees a slot at that moment, and yet there may be one.
                () = until(readmission) => self.shared.queue.serve(),
            }
        };
        let waited = began.elapsed();
        if let Some(permit) = permit {
            return Ok(permit.after(waited));
        }
        self.shared.counts.queue_timeouts.fetch_add(1, Relaxed);
        Err(Unavailable::QueueTimeout { upstream: self.name.clone(), waited })
    }

    /// Takes a free slot; the server's position.
    fn take(&self, avoid: Option<usize>) -> Option<usize> {
        self.candidates().take(&self.servers, self.limit, avoid)
    }

    /// The candidates as of now.
    fn candidates(&self) -> Guard<Arc<Candidates>> {
        let candidates = self.candidates.load();
        let version = self.shared.version.load(SeqCst);
        if candidates.is_current(version) {
            return candidates;
        }
        let is_checked = self.settings.health.is_some();
        let anew = Candidates::assess(&self.servers, is_checked, version, Instant::now());
        // Of two threads that are here the slower may store the older list: it is found stale.
        self.candidates.store(Arc::new(anew));
        self.candidates.load()
    }

    /// Something was learnt of a server: those who wait may find a slot now.
    fn servers_changed(&self) {
        self.shared.version.fetch_add(1, SeqCst);
        self.shared.queue.serve();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.dropped.cancel();
    }
}

/// Ends at `moment`, or never.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn slots(concurrency: Option<NonZeroUsize>) -> u32 {
    concurrency.map_or(u32::MAX, |it| u32::try_from(it.get()).unwrap_or(u32::MAX))
}

/// Requests that these servers ever took; wraps around.
fn taken(servers: &[Arc<Server>]) -> u32 {
    servers.iter().fold(0, |sum, it| sum.wrapping_add(it.slots().taken()))
}
