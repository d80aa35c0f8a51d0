//! Whether the relay's two neighbours are well: the log hears of each change once, the metrics of
//! each failure.

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    error::Chain,
    metrics::{EventFailure, EventMetrics},
};

/// What is known of the database and of Kafka.
#[derive(Debug)]
pub(super) struct Health {
    metrics: EventMetrics,
    database: AtomicBool,
    kafka: AtomicBool,
}

impl Health {
    /// Both are well until something is heard of them.
    pub(super) fn new(metrics: EventMetrics) -> Self {
        Self { metrics, database: AtomicBool::new(true), kafka: AtomicBool::new(true) }
    }

    /// The database does not do what it is asked.
    pub(super) fn database_failed(&self, error: &(dyn Error + 'static)) {
        self.metrics.failed(EventFailure::Database);
        if self.database.swap(false, Ordering::Relaxed) {
            let error = Chain(error);
            tracing::warn!(%error, "events wait: the monolith's database fails");
        }
    }

    /// Kafka does not take events.
    pub(super) fn kafka_failed(&self, error: &(dyn Error + 'static)) {
        self.metrics.failed(EventFailure::Kafka);
        if self.kafka.swap(false, Ordering::Relaxed) {
            let error = Chain(error);
            tracing::warn!(%error, "events wait: Kafka does not take them; they are not lost");
        }
    }

    /// The database has done something.
    pub(super) fn database_works(&self) {
        if !self.database.swap(true, Ordering::Relaxed) {
            tracing::info!("the monolith's database can be asked for events again");
        }
    }

    /// Kafka has acknowledged something.
    pub(super) fn kafka_works(&self) {
        if !self.kafka.swap(true, Ordering::Relaxed) {
            tracing::info!("Kafka takes events again");
        }
    }
}
