//! What is counted of upstreams. Requests only touch the counts that choosing a server needs; the
//! series are made of them when somebody scrapes.

use std::sync::{Arc, Mutex, PoisonError, Weak, atomic::Ordering::Relaxed};

use prometheus::{
    IntCounterVec, IntGaugeVec, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::Upstream;

/// The series of all upstreams. A series ends with the server or the upstream that it is of.
/// Cloning is cheap and shares them.
#[derive(Debug, Clone)]
pub struct UpstreamMetrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    families: Families,
    /// In the order of their making: the last of a name is in force.
    upstreams: Mutex<Vec<Weak<Upstream>>>,
}

#[derive(Debug)]
struct Families {
    server_up: IntGaugeVec,
    in_flight: IntGaugeVec,
    ejections: IntCounterVec,
    queue_depth: IntGaugeVec,
    queue_timeouts: IntCounterVec,
    queue_full: IntCounterVec,
    retries: IntCounterVec,
    connects: IntCounterVec,
    unreached: IntCounterVec,
    panic_mode: IntGaugeVec,
}

impl UpstreamMetrics {
    /// Registers the series of upstreams in `registry`.
    ///
    /// # Errors
    /// When one of the names is registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let inner = Inner { families: Families::new()?, upstreams: Mutex::default() };
        let metrics = Self(Arc::new(inner));
        registry.register(Box::new(metrics.clone()))?;
        Ok(metrics)
    }

    /// Shows `upstream` as long as it lives, in the place of an older one of its name.
    pub(super) fn watch(&self, upstream: &Arc<Upstream>) {
        let mut upstreams = self.0.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        upstreams.retain(|it| it.strong_count() > 0);
        upstreams.push(Arc::downgrade(upstream));
    }
}

impl Collector for UpstreamMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.0.families.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let upstreams = self.0.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        let families = &self.0.families;
        families.reset();
        let alive: Vec<_> = upstreams.iter().filter_map(Weak::upgrade).collect();
        for (index, upstream) in alive.iter().enumerate() {
            if alive[index + 1..].iter().all(|younger| younger.name != upstream.name) {
                families.show(upstream);
            }
        }
        families.all().into_iter().flat_map(Collector::collect).collect()
    }
}

impl Families {
    fn new() -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            IntGaugeVec::new(Opts::new(name, help), labels)
        };
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels)
        };
        let (of_upstream, of_server) = (&["upstream"][..], &["upstream", "server"][..]);
        Ok(Self {
            server_up: gauge(
                "banyan_upstream_server_up",
                "1 while health checks and outlier detection let a server be used, 0 otherwise.",
                of_server,
            )?,
            in_flight: gauge(
                "banyan_upstream_in_flight",
                "Requests that a server is answering now.",
                of_server,
            )?,
            ejections: counter(
                "banyan_upstream_ejections_total",
                "How often outlier detection ejected a server.",
                of_server,
            )?,
            queue_depth: gauge(
                "banyan_upstream_queue_depth",
                "Requests that wait for a free slot now.",
                of_upstream,
            )?,
            queue_timeouts: counter(
                "banyan_upstream_queue_timeouts_total",
                "Requests that waited for a free slot in vain.",
                of_upstream,
            )?,
            queue_full: counter(
                "banyan_upstream_queue_full_total",
                "Requests refused because too many waited for a free slot already.",
                of_upstream,
            )?,
            retries: counter(
                "banyan_upstream_retries_total",
                "Retries, by what the retry budget said.",
                &["upstream", "result"],
            )?,
            connects: counter(
                "banyan_upstream_connects_total",
                "Connections opened for buyers' requests, by result.",
                &["upstream", "result"],
            )?,
            unreached: counter(
                "banyan_upstream_unreached_total",
                "Requests that failed because no connection could be opened to send them over.",
                of_upstream,
            )?,
            panic_mode: gauge(
                "banyan_upstream_panic_mode",
                "1 while so few servers are usable that all are used, 0 otherwise.",
                of_upstream,
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 10] {
        [
            &self.server_up,
            &self.in_flight,
            &self.ejections,
            &self.queue_depth,
            &self.queue_timeouts,
            &self.queue_full,
            &self.retries,
            &self.connects,
            &self.unreached,
            &self.panic_mode,
        ]
    }

    fn reset(&self) {
        for gauges in [&self.server_up, &self.in_flight, &self.queue_depth, &self.panic_mode] {
            gauges.reset();
        }
        for counters in [
            &self.ejections,
            &self.queue_timeouts,
            &self.queue_full,
            &self.retries,
            &self.connects,
            &self.unreached,
        ] {
            counters.reset();
        }
    }

    fn show(&self, upstream: &Upstream) {
        let name = upstream.name();
        for server in upstream.servers() {
            let labels = [name, server.label()];
            let up = upstream.is_usable(server).into();
            self.server_up.with_label_values(&labels).set(up);
            self.in_flight.with_label_values(&labels).set(server.in_flight().into());
            self.ejections.with_label_values(&labels).inc_by(server.ejections());
        }
        let depth = upstream.shared.queue.length().try_into().unwrap_or(i64::MAX);
        self.queue_depth.with_label_values(&[name]).set(depth);
        self.panic_mode.with_label_values(&[name]).set(upstream.is_panicking().into());
        let counts = &upstream.shared.counts;
        for (counter, labels, count) in [
            (&self.queue_timeouts, &[name][..], &counts.queue_timeouts),
            (&self.queue_full, &[name], &counts.queue_full),
            (&self.retries, &[name, "allowed"], &counts.retries_allowed),
            (&self.retries, &[name, "denied"], &counts.retries_denied),
            (&self.connects, &[name, "ok"], &counts.connected),
            (&self.connects, &[name, "failed"], &counts.not_connected),
            (&self.unreached, &[name], &counts.unreached),
        ] {
            counter.with_label_values(labels).inc_by(count.load(Relaxed));
        }
    }
}
