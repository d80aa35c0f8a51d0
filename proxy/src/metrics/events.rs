//! The series of the events' relay.

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::registered;

/// What kept events from being published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFailure {
    /// The monolith's database.
    Database,
    /// Kafka as a whole: it cannot be reached, or did not acknowledge.
    Kafka,
    /// Kafka refuses one event, which holds its aggregate back.
    Refused,
    /// Kafka refuses a topic, which holds its kind of aggregate back.
    Topic,
}

impl EventFailure {
    const ALL: [Self; 4] = [Self::Database, Self::Kafka, Self::Refused, Self::Topic];

    const fn label(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Kafka => "kafka",
            Self::Refused => "refused",
            Self::Topic => "topic",
        }
    }
}

/// The series of events; all 0 where nothing is relayed. Cloning is cheap and shares them.
#[derive(Debug, Clone)]
pub struct EventMetrics {
    published: IntCounter,
    failures: [IntCounter; 4],
    lag: Gauge,
    pending: IntGauge,
    leader: IntGauge,
    held_back: IntGauge,
}

impl EventMetrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| registered(registry, IntGauge::new(name, help)?);
        let published = "Events that Kafka has acknowledged, and that are marked as published.";
        let failures = Opts::new(
            "banyan_events_failures_total",
            "What kept events from being published; they are tried again.",
        );
        let failures = registered(registry, IntCounterVec::new(failures, &["reason"])?)?;
        let lag = "Age of the oldest event that is not published; 0 when all are.";
        Ok(Self {
            published: registered(
                registry,
                IntCounter::new("banyan_events_published_total", published)?,
            )?,
            failures: EventFailure::ALL.map(|it| failures.with_label_values(&[it.label()])),
            lag: registered(registry, Gauge::new("banyan_events_lag_seconds", lag)?)?,
            pending: gauge(
                "banyan_events_pending",
                "Events that are not published, at most 10000 are counted.",
            )?,
            leader: gauge(
                "banyan_events_leader",
                "1 on the one proxy that publishes the events at present.",
            )?,
            held_back: gauge(
                "banyan_events_held_back",
                "Aggregates, and kinds of them, whose events wait since Kafka refuses one.",
            )?,
        })
    }

    /// Events were acknowledged and marked.
    pub fn published(&self, events: usize) {
        self.published.inc_by(events as u64);
    }

    /// Something kept events from being published.
    pub fn failed(&self, why: EventFailure) {
        self.failures[why as usize].inc();
    }

    /// So many events wait, the oldest of them for so many seconds.
    pub fn waiting(&self, events: i64, lag: f64) {
        self.pending.set(events);
        self.lag.set(lag);
    }

    /// Whether this proxy publishes now.
    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// So many aggregates, and kinds of them, are held back.
    pub fn held_back(&self, count: usize) {
        self.held_back.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
