//! A slot of a server, held while a request is in flight.

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::{Server, Upstream};

/// The right to have one request in flight at a server; dropping it frees the slot.
#[derive(Debug)]
pub struct Permit {
    upstream: Arc<Upstream>,
    /// The server's position.
    server: usize,
    waited: Duration,
}

/// How an exchange with a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The head of an answer came.
    Answered(StatusCode),
    /// No connection could be opened.
    ConnectFailed,
    /// The connection ended, or carried garbage, before the answer was whole.
    BrokeOff,
    /// The server took too long.
    TimedOut,
}

impl Permit {
    pub(super) const fn new(upstream: Arc<Upstream>, server: usize) -> Self {
        Self { upstream, server, waited: Duration::ZERO }
    }

    /// The same, after a wait in line.
    pub(super) const fn after(mut self, waited: Duration) -> Self {
        self.waited = waited;
        self
    }

    /// Where the request may be sent.
    pub fn server(&self) -> &Arc<Server> {
        &self.upstream.servers[self.server]
    }

    /// How long the request waited in line; zero where a slot was free.
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// Tells outlier detection how an exchange ended. A request that its own client gave up says
    /// nothing of the server, and is not reported.
    pub fn report(&self, outcome: Outcome) {
        self.upstream.learn(self.server(), outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.server().slots().release();
        self.upstream.shared.queue.serve();
    }
}
