//! Events: what is written to the monolith's `outbox_events` goes to Kafka, at least once, and in
//! order for each aggregate. One proxy at a time does it, on a thread of its own, so that nothing of
//! it is ever in a buyer's way.

mod database;
mod gauge;
mod health;
mod held_back;
mod lease;
mod outbox;
mod producer;
mod relay;
#[cfg(test)]
mod tests;
mod topic;

use std::{
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use sqlx::MySqlPool;
use tokio::{runtime, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::relay::Relay;
pub use self::topic::{Brokers, TopicPrefix};
use crate::metrics::EventMetrics;

/// Where events go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--kafka`.
    pub brokers: Brokers,
    /// `--kafka-topic-prefix`.
    pub prefix: TopicPrefix,
}

/// The relay's thread. [`Events::drain`] ends it properly; dropping it ends it where it is, as the
/// death of the process would.
#[derive(Debug)]
pub struct Events {
    stop: CancellationToken,
    _end: DropGuard,
    thread: JoinHandle<()>,
}

impl Events {
    /// Starts the relay. It needs neither Kafka nor the database to be there yet.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        settings: Settings,
        database: &MySqlPool,
        metrics: EventMetrics,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let relay = Relay::new(settings, database, metrics);
        let (stop, end) = (CancellationToken::new(), CancellationToken::new());
        let (stopped, ended) = (stop.clone(), end.clone());
        let thread = thread::Builder::new().name("events".to_owned()).spawn(move || {
            runtime.block_on(ended.run_until_cancelled(relay.run(&stopped)));
        })?;
        Ok(Self { stop, _end: end.drop_guard(), thread })
    }

    /// Sends no more, waits for what is on its way, and lets go of the lease.
    pub async fn drain(self, limit: Duration) {
        self.stop.cancel();
        let thread = self.thread;
        let ended = timeout(limit, tokio::task::spawn_blocking(move || thread.join())).await;
        match ended {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(_)) | Err(_)) => tracing::error!("the events' thread had panicked"),
            Err(_) => tracing::warn!("events on their way were given up; they are sent again"),
        }
    }
}
