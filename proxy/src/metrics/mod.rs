//! What the proxy counts: code says what happened, this file says which series moves.

mod events;
mod extractions;
mod labels;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::StatusCode;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, core::Collector,
};

pub use self::{
    events::{EventFailure, EventMetrics},
    extractions::{Commit, ExtractionMetrics, Pushed, SessionSaved},
    labels::{Fallback, Side},
};
use crate::{limits::Limit, tls::Expiry, upstream::UpstreamMetrics};

/// Buckets in seconds: from a cached read to the longest time-out, dense where shops live.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The proxy's series, registered once per process.
#[derive(Debug, Clone)]
pub struct ProxyMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    fallbacks: IntCounterVec,
    in_flight: IntGauge,
    limits: Arc<[IntCounter]>,
    events: EventMetrics,
    extractions: ExtractionMetrics,
    upstreams: UpstreamMetrics,
    log_lines_dropped: IntCounter,
    not_after: IntGaugeVec,
    reloads: IntCounterVec,
    last_reload_success: IntGauge,
    generation: IntGauge,
}

impl ProxyMetrics {
    /// Registers every series of the proxy in `registry`.
    ///
    /// # Errors
    /// When one of the names is registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let gauge = |name: &str, help: &str| registered(registry, IntGauge::new(name, help)?);
        register_process(registry)?;
        let limits = counter(
            "banyan_limits_total",
            "Limits and time-outs that fired, by their name in routes.toml and whose doing it was.",
            &["limit", "side"],
        )?;
        let metrics = Self {
            requests: counter(
                "banyan_requests_total",
                "Requests answered, by route, who answered and status class.",
                &["route", "side", "status"],
            )?,
            seconds: registered(registry, HistogramVec::new(durations(), &["route", "side"])?)?,
            fallbacks: counter(
                "banyan_fallbacks_total",
                "Requests of an extracted route that the monolith answered instead, by reason.",
                &["route", "reason"],
            )?,
            in_flight: gauge("banyan_requests_in_flight", "Requests being answered now.")?,
            limits: Limit::ALL.map(|it| limits.with_label_values(&[it.label(), it.side()])).into(),
            events: EventMetrics::register(registry)?,
            extractions: ExtractionMetrics::register(registry)?,
            upstreams: UpstreamMetrics::register(registry)?,
            log_lines_dropped: registered(
                registry,
                IntCounter::new(
                    "banyan_access_log_dropped_total",
                    "Lines of the access log that are lost because nobody reads it fast enough.",
                )?,
            )?,
            not_after: registered(registry, IntGaugeVec::new(not_after(), &["name"])?)?,
            reloads: counter(
                "banyan_route_table_reloads_total",
                "Changes of routes.toml that were seen, by result.",
                &["result"],
            )?,
            last_reload_success: gauge(
                "banyan_route_table_last_reload_success",
                "1 when the newest routes.toml is in force, 0 when it was rejected.",
            )?,
            generation: gauge(
                "banyan_route_table_generation",
                "How many route tables were in force since the start; 1 at first.",
            )?,
        };
        metrics.show_zeros();
        Ok(metrics)
    }

    /// A series that has not moved yet is scraped as 0, so that its first step is seen as one.
    fn show_zeros(&self) {
        for result in ["ok", "rejected"] {
            self.reloads.with_label_values(&[result]);
        }
    }

    /// The handles of one route, resolved once, when its table is compiled.
    pub fn route(&self, id: &str) -> RouteMetrics {
        self.handles(id, Side::Monolith)
    }

    /// The same where an upstream of its own stands in the monolith's place.
    pub fn route_with_upstream(&self, id: &str) -> RouteMetrics {
        self.handles(id, Side::Upstream)
    }

    fn handles(&self, id: &str, control: Side) -> RouteMetrics {
        let sides = [control, Side::Extraction, Side::Proxy];
        let requests = sides.map(|side| {
            CLASSES.map(|class| self.requests.with_label_values(&[id, side.label(), class]))
        });
        let seconds = sides.map(|side| self.seconds.with_label_values(&[id, side.label()]));
        let fallbacks =
            Fallback::ALL.map(|reason| self.fallbacks.with_label_values(&[id, reason.label()]));
        RouteMetrics(Arc::new(Handles {
            requests,
            seconds,
            fallbacks,
            in_flight: self.in_flight.clone(),
            limits: Arc::clone(&self.limits),
        }))
    }

    /// Where the series of events are.
    pub const fn events(&self) -> &EventMetrics {
        &self.events
    }

    /// Where the series of handlers are.
    pub const fn extractions(&self) -> &ExtractionMetrics {
        &self.extractions
    }

    /// Where the series of upstreams are.
    pub const fn upstreams(&self) -> &UpstreamMetrics {
        &self.upstreams
    }

    /// Counts lines of the access log that are lost.
    pub fn log_lines_dropped(&self) -> IntCounter {
        self.log_lines_dropped.clone()
    }

    /// A limit fired where no request is concerned.
    pub fn limited(&self, limit: Limit) {
        self.limits[limit as usize].inc();
    }

    /// These certificates are in force now, and no others. Of several with the same first name, such
    /// as one for RSA and one for ECDSA, the first to expire counts.
    pub fn certificates(&self, expiries: &[Expiry]) {
        self.not_after.reset();
        let mut latest_first: Vec<_> = expiries.iter().collect();
        latest_first.sort_by_key(|it| std::cmp::Reverse(it.not_after));
        for Expiry { names, not_after } in latest_first {
            let name = names.first().map_or("", String::as_str);
            self.not_after.with_label_values(&[name]).set(not_after.unix_timestamp());
        }
    }

    /// A route table came into force.
    pub fn reload_accepted(&self, generation: u64) {
        self.reloads.with_label_values(&["ok"]).inc();
        self.table_loaded(generation);
    }

    /// The first route table came into force; not a reload.
    pub fn table_loaded(&self, generation: u64) {
        self.last_reload_success.set(1);
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
    }

    /// A changed routes.toml was rejected; the last good table stays.
    pub fn reload_rejected(&self) {
        self.reloads.with_label_values(&["rejected"]).inc();
        self.last_reload_success.set(0);
    }
}

fn not_after() -> Opts {
    let help = "The last moment of each certificate in force, by its first name, Unix time.";
    Opts::new("banyan_tls_certificate_not_after_timestamp_seconds", help)
}

fn durations() -> HistogramOpts {
    let help = "From a request's head to its answer's last byte.";
    HistogramOpts::new("banyan_request_duration_seconds", help).buckets(SECONDS.to_vec())
}

/// What is known of the process from its start on: the build, and `process_start_time_seconds`, the
/// conventional gauge that tells a restart from a reset.
fn register_process(registry: &Registry) -> Result<(), prometheus::Error> {
    let build = Opts::new("banyan_build_info", "Always 1; the label says which build runs.");
    let build = registered(registry, IntGaugeVec::new(build, &["version"])?)?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    let help = "Start of the process, Unix time.";
    let start = registered(registry, Gauge::new("process_start_time_seconds", help)?)?;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    start.set(since_epoch.as_secs_f64());
    Ok(())
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone())).map(|()| collector)
}

/// One route's handles. Cloning is cheap and shares the series.
#[derive(Debug, Clone)]
pub struct RouteMetrics(Arc<Handles>);

#[derive(Debug)]
struct Handles {
    requests: [[IntCounter; 5]; 3],
    seconds: [Histogram; 3],
    fallbacks: [IntCounter; 6],
    in_flight: IntGauge,
    limits: Arc<[IntCounter]>,
}

impl RouteMetrics {
    /// An answer was delivered to its last byte, or given up by the client.
    pub fn answered(&self, side: Side, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.0.requests[side.place()][class].inc();
        self.0.seconds[side.place()].observe(took.as_secs_f64());
    }

    /// The monolith answers in the extraction's place.
    pub fn fell_back(&self, reason: Fallback) {
        self.0.fallbacks[reason as usize].inc();
    }

    /// A limit fired.
    pub fn limited(&self, limit: Limit) {
        self.0.limits[limit as usize].inc();
    }

    /// Counts a request as in flight until the guard is dropped, however the request ends.
    pub fn request_started(&self) -> InFlight {
        self.0.in_flight.inc();
        InFlight(self.0.in_flight.clone())
    }

    /// Requests in flight in the whole process.
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.0.in_flight.get()).unwrap_or(0)
    }

    /// Requests answered by `side` since the start; an upstream's count as the monolith's.
    pub fn answered_by(&self, side: Side) -> u64 {
        self.0.requests[side.place()].iter().map(IntCounter::get).sum()
    }

    /// Server errors (5xx) that buyers got, whoever answered.
    pub fn failed(&self) -> u64 {
        self.0.requests.iter().map(|classes| classes[4].get()).sum()
    }

    /// Requests that the monolith answered in the extraction's place.
    pub fn fallbacks(&self) -> u64 {
        self.0.fallbacks.iter().map(IntCounter::get).sum()
    }
}

/// A request in flight; see [`RouteMetrics::request_started`].
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_moves_the_series_of_its_route_side_and_class() {
        let registry = Registry::new();
        let metrics = ProxyMetrics::register(&registry).unwrap();
        let route = metrics.route("catalog.show");

        route.answered(Side::Extraction, StatusCode::NOT_FOUND, Duration::from_millis(3));

        assert_eq!(route.answered_by(Side::Extraction), 1);
        assert_eq!(route.answered_by(Side::Monolith), 0);
        let value = metrics.requests.with_label_values(&["catalog.show", "extraction", "4xx"]);
        assert_eq!(value.get(), 1);
    }

    #[test]
    fn each_certificate_in_force_is_shown_with_its_end_and_no_other() {
        let metrics = ProxyMetrics::register(&Registry::new()).unwrap();
        let expiry = |name: &str, end: i64| Expiry {
            names: vec![name.to_owned(), "also.example".to_owned()],
            not_after: time::OffsetDateTime::from_unix_timestamp(end).unwrap(),
        };
        let shown = || {
            let families = metrics.not_after.collect();
            let series = families[0].get_metric().iter();
            let mut all: Vec<_> = series
                .map(|it| {
                    (it.get_label()[0].value().to_owned(), it.get_gauge().get_value().to_string())
                })
                .collect();
            all.sort();
            all
        };
        metrics.certificates(&[expiry("a", 300), expiry("b", 100), expiry("b", 200)]);
        assert_eq!(
            shown(),
            [("a".to_owned(), "300".to_owned()), ("b".to_owned(), "100".to_owned())]
        );
        metrics.certificates(&[expiry("c", 400)]);
        assert_eq!(shown(), [("c".to_owned(), "400".to_owned())]);
    }

    #[test]
    fn a_request_is_in_flight_until_its_guard_is_dropped() {
        let metrics = ProxyMetrics::register(&Registry::new()).unwrap();
        let guard = metrics.route("cart").request_started();
        assert_eq!(metrics.in_flight.get(), 1);
        drop(guard);
        assert_eq!(metrics.in_flight.get(), 0);
    }
}
