//! The relay itself: waits for the lease, publishes while it holds it, and lets go of it.

use std::{sync::Arc, time::Duration};

use rdkafka::error::KafkaError;
use sqlx::MySqlPool;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Settings,
    database::{DatabaseError, Link},
    gauge::measure,
    health::Health,
    held_back::{self, Held, HeldBack},
    lease::{Lease, Leases},
    outbox::{self, BATCH, Event},
    producer::{MESSAGE_TIMEOUT, Outcome, Publisher, Refused},
};
use crate::{
    error::Chain,
    metrics::{EventFailure, EventMetrics},
};

/// How often a relay without the lease asks for it.
const STAND_BY: Duration = Duration::from_millis(500);

/// How often the relay with the lease looks for new events.
const POLL: Duration = Duration::from_millis(100);

/// After the first failure; twice as long after each further one, up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// How long what is on its way may take when the process ends.
const LAST_ACKNOWLEDGEMENTS: Duration = Duration::from_secs(5);

/// Why a relay let go of the lease before it was told to.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("the outbox cannot be read or written")]
    Database(#[from] DatabaseError),
    #[error("Kafka did not acknowledge an event")]
    Kafka(#[from] KafkaError),
    #[error("Kafka refuses events of {} aggregates, so the cause is not in them", held_back::LIMIT)]
    Refusals,
}

/// What publishes, and all it needs.
pub(super) struct Relay {
    settings: Settings,
    metrics: EventMetrics,
    health: Arc<Health>,
    outbox: Link,
    leases: Leases,
    publisher: Option<Publisher>,
    held: HeldBack,
    gauge: Link,
}

impl Relay {
    pub(super) fn new(settings: Settings, database: &MySqlPool, metrics: EventMetrics) -> Self {
        Self {
            settings,
            health: Arc::new(Health::new(metrics.clone())),
            metrics,
            outbox: Link::new(database),
            leases: Leases::new(database),
            publisher: None,
            held: HeldBack::default(),
            gauge: Link::new(database),
        }
    }

    /// Publishes whenever it holds the lease, until it is told to stop.
    pub(super) async fn run(self, stop: &CancellationToken) {
        let Self { settings, metrics, health, outbox, leases, publisher, held, gauge } = self;
        let gauge = measure(gauge, metrics.clone(), Arc::clone(&health));
        let publishing =
            Publishing { settings, metrics, health, outbox, publisher, held }.run(leases, stop);
        tokio::select! {
            () = publishing => {}
            never = gauge => match never {},
        }
    }
}

/// The part of a relay that publishes; the lease is renewed beside it.
struct Publishing {
    settings: Settings,
    metrics: EventMetrics,
    health: Arc<Health>,
    outbox: Link,
    publisher: Option<Publisher>,
    held: HeldBack,
}

impl Publishing {
    async fn run(mut self, mut leases: Leases, stop: &CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let wait = match self.term(&mut leases, stop).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    STAND_BY
                }
                Err(error) => {
                    self.tell(&error);
                    let wait = pause;
                    pause = (pause * 2).min(LAST_PAUSE);
                    wait
                }
            };
            stop.run_until_cancelled(sleep(wait)).await;
        }
    }

    /// From taking the lease, if it can be had, to letting go of it. Whoever fails lets go of it too:
    /// another may reach what this one cannot.
    async fn term(
        &mut self,
        leases: &mut Leases,
        stop: &CancellationToken,
    ) -> Result<(), RelayError> {
        let taken = leases.take().await?;
        self.health.database_works();
        let Some(lease) = taken else { return Ok(()) };
        tracing::info!("this proxy publishes the events now");
        self.metrics.leads(true);
        let ended = tokio::select! {
            ended = self.lead(&lease, stop) => Some(ended),
            () = leases.keep(&lease) => None,
        };
        self.metrics.leads(false);
        self.metrics.held_back(0);
        // Nothing of it may reach Kafka later than what the next holder of the lease sends.
        self.retire_publisher(ended.is_none());
        let Some(ended) = ended else {
            tracing::warn!("the lease of the events was lost; another proxy may publish them now");
            return Ok(());
        };
        leases.release(lease).await;
        ended
    }

    fn retire_publisher(&mut self, busy: bool) {
        if let Some(publisher) = &self.publisher
            && (busy || publisher.is_broken())
        {
            publisher.give_up();
            self.publisher = None;
        }
    }

    /// Publishes one batch after the other.
    async fn lead(&mut self, lease: &Lease, stop: &CancellationToken) -> Result<(), RelayError> {
        while !stop.is_cancelled() {
            self.metrics.held_back(self.held.len());
            if self.held.len() > held_back::LIMIT {
                return Err(RelayError::Refusals);
            }
            let began = std::time::Instant::now();
            let (outbox, held) = (&mut self.outbox, &self.held);
            let events = outbox
                .work(async |connection| outbox::pending(connection, held.left_out(began)).await)
                .await?;
            self.health.database_works();
            let full = events.len() == BATCH;
            let Outcome { acknowledged, refused, failure } =
                self.publish(events, lease, stop).await?;
            self.mark(&acknowledged, lease).await?;
            self.hold_back(refused);
            match failure {
                // What was given up at the end is left to the next holder of the lease.
                Some(_) if stop.is_cancelled() => {}
                Some(error) => return Err(error.into()),
                None => self.held.free(began),
            }
            if !full {
                stop.run_until_cancelled(sleep(POLL)).await;
            }
        }
        Ok(())
    }

    async fn publish(
        &mut self,
        events: Vec<Event>,
        lease: &Lease,
        stop: &CancellationToken,
    ) -> Result<Outcome, KafkaError> {
        if events.is_empty() {
            return Ok(Outcome::default());
        }
        let Settings { brokers, prefix } = &self.settings;
        let publisher = match &mut self.publisher {
            Some(publisher) => publisher,
            none => {
                let health = Arc::clone(&self.health);
                none.insert(Publisher::new(brokers, prefix.clone(), MESSAGE_TIMEOUT, health)?)
            }
        };
        let may = || lease.is_valid() && !stop.is_cancelled();
        let mut publishing = std::pin::pin!(publisher.publish(events, &may));
        let patience = async {
            stop.cancelled().await;
            sleep(LAST_ACKNOWLEDGEMENTS).await;
        };
        tokio::select! {
            outcome = &mut publishing => return Ok(outcome),
            () = patience => publisher.give_up(),
        }
        Ok(publishing.await)
    }

    /// Kafka has these events, so they are marked, however long that takes: the other end is the end
    /// of the lease. What is not marked is sent again.
    async fn mark(&mut self, events: &[i64], lease: &Lease) -> Result<(), RelayError> {
        if events.is_empty() {
            return Ok(());
        }
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            let marked = self
                .outbox
                .work(async |connection| outbox::mark(connection, lease, events).await)
                .await;
            match marked {
                Ok(true) => {
                    self.metrics.published(events.len());
                    self.health.database_works();
                    return Ok(());
                }
                // The renewal finds that out too, and ends this.
                Ok(false) => {}
                Err(error) if Instant::now() > until => return Err(error.into()),
                Err(error) => self.health.database_failed(&error),
            }
            sleep(FIRST_PAUSE).await;
        }
    }

    fn hold_back(&mut self, refused: Vec<Refused>) {
        for Refused { event, why } in refused {
            let of_class = why.is_of_class();
            self.metrics.failed(if of_class { EventFailure::Topic } else { EventFailure::Refused });
            let aggregate = event.aggregate.clone();
            let held =
                if of_class { Held::Class(aggregate.class) } else { Held::Aggregate(aggregate) };
            if self.held.hold(held, event.id, std::time::Instant::now()) {
                tracing::error!(
                    event = event.id,
                    name = event.name,
                    aggregate_type = event.aggregate.class,
                    aggregate_id = event.aggregate.id,
                    error = %Chain(&why),
                    "Kafka refuses an event; it is held back, with what comes after it"
                );
            }
        }
    }

    fn tell(&self, error: &RelayError) {
        match error {
            RelayError::Database(_) => self.health.database_failed(error),
            RelayError::Kafka(_) | RelayError::Refusals => self.health.kafka_failed(error),
        }
    }
}
