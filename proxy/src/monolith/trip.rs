//! What is known of a request's way to a server, for the log and the trace.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::upstream::{Permit, Server};

/// The way of one request. A request that was sent again tells of its last attempt, and of all the
/// waiting before it.
#[derive(Debug, Default)]
pub struct Trip {
    /// Who was asked.
    pub server: Option<Arc<Server>>,
    /// When a slot of that server was there.
    pub asked: Option<Instant>,
    /// When the head of its answer was there.
    pub answered: Option<Instant>,
    /// How long the request waited for a slot.
    pub queued: Duration,
    /// How long it took to open a connection; `None` where an idle one was used.
    pub connect: Option<Duration>,
    /// How often it was sent again.
    pub retries: u32,
}

impl Trip {
    /// The next attempt goes where the permit says.
    pub(super) fn to(&mut self, permit: &Permit) {
        self.server = Some(Arc::clone(permit.server()));
        self.asked = Some(Instant::now());
        self.queued += permit.waited();
    }

    /// From the slot to the head of the answer, if there was one.
    pub fn took(&self) -> Option<Duration> {
        Some(self.answered? - self.asked?)
    }
}
