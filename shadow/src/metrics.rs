//! What the judge counts: code says what happened, this file says which series moves.

use std::time::Duration;

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, core::Collector,
};

use crate::{
    Subject, Unknown,
    report::{Lost, Marks, Superseded},
};

/// Buckets in seconds.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The judge's series, registered once per process.
#[derive(Debug, Clone)]
pub(crate) struct ShadowMetrics {
    comparisons: IntCounterVec,
    differing: IntCounterVec,
    budgets: GaugeVec,
    unknowns: IntCounterVec,
    seconds: HistogramVec,
    pub(crate) queued: IntGauge,
    pub(crate) running: IntGauge,
    pub(crate) store: StoreMetrics,
}

/// Those of the report store.
#[derive(Debug, Clone)]
pub(crate) struct StoreMetrics {
    flushes: IntCounterVec,
    lost: IntCounterVec,
    superseded: IntCounterVec,
    pub(crate) pending: IntGauge,
}

impl ShadowMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name, help, labels: &[&str]| counter(registry, name, help, labels);
        let gauge = |name, help| gauge(registry, name, help);
        let budget = Opts::new(
            "banyan_shadow_budget_ratio",
            "The share of requests that may differ, by route and class of difference.",
        );
        let seconds = HistogramOpts::new(
            "banyan_shadow_leg_duration_seconds",
            "How long a side took to answer, by route and side.",
        );
        Ok(Self {
            comparisons: counter(
                "banyan_shadow_comparisons_total",
                "Requests judged, by route and outcome.",
                &["route", "outcome"],
            )?,
            differing: counter(
                "banyan_shadow_differing_total",
                "Requests with a difference that counts, by route and class of difference.",
                &["route", "class"],
            )?,
            budgets: registered(registry, GaugeVec::new(budget, &["route", "class"])?)?,
            unknowns: counter(
                "banyan_shadow_unknowns_total",
                "Requests that could not be compared, by route and reason.",
                &["route", "reason"],
            )?,
            seconds: registered(
                registry,
                HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["route", "leg"])?,
            )?,
            queued: gauge("banyan_shadow_queue_depth", "Experiments that wait for the judge.")?,
            running: gauge("banyan_shadow_running", "Experiments that are being judged now.")?,
            store: StoreMetrics::register(registry)?,
        })
    }

    pub(crate) fn compared(&self, subject: &Subject, outcome: &str, counted: Marks) {
        let Subject { route, budget, .. } = subject;
        self.comparisons.with_label_values(&[route, outcome]).inc();
        for (class, budget, counts) in [
            ("critical", budget.critical, counted.critical),
            ("cosmetic", budget.cosmetic, counted.cosmetic),
        ] {
            self.differing.with_label_values(&[route, class]).inc_by(counts.into());
            self.budgets.with_label_values(&[route, class]).set(budget.get());
        }
    }

    pub(crate) fn unknown(&self, route: &str, why: Unknown) {
        self.comparisons.with_label_values(&[route, "unknown"]).inc();
        self.unknowns.with_label_values(&[route, why.label()]).inc();
    }

    pub(crate) fn took(&self, route: &str, control: Duration, candidate: Duration) {
        for (leg, took) in [("control", control), ("candidate", candidate)] {
            self.seconds.with_label_values(&[route, leg]).observe(took.as_secs_f64());
        }
    }
}

impl StoreMetrics {
    fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name, help, labels: &[&str]| counter(registry, name, help, labels);
        let metrics = Self {
            flushes: counter(
                "banyan_store_flushes_total",
                "Attempts to write counts to the report store, by result.",
                &["result"],
            )?,
            lost: counter(
                "banyan_store_lost_total",
                "What found no room while it waited for the report store: it is counted in its \
                 route, and not known in detail.",
                &["what"],
            )?,
            superseded: counter(
                "banyan_store_superseded_total",
                "Requests that count for no verdict, since a younger process has bound the route's \
                 to something else: kept in the history, or nowhere.",
                &["kept"],
            )?,
            pending: gauge(
                registry,
                "banyan_store_pending_rows",
                "Rows that wait to be written to the report store.",
            )?,
        };
        metrics.lost(Lost::default());
        metrics.superseded(&Superseded::default());
        for result in ["ok", "failed"] {
            metrics.flushes.with_label_values(&[result]);
        }
        Ok(metrics)
    }

    pub(crate) fn lost(&self, lost: Lost) {
        let Lost { differences, samples } = lost;
        for (what, count) in [("differences", differences), ("samples", samples)] {
            self.lost.with_label_values(&[what]).inc_by(count);
        }
    }

    pub(crate) fn superseded(&self, superseded: &Superseded) {
        for (kept, count) in [("history", superseded.history), ("nowhere", superseded.nowhere)] {
            self.superseded.with_label_values(&[kept]).inc_by(count);
        }
    }

    pub(crate) fn flushed(&self, ok: bool) {
        self.flushes.with_label_values(&[if ok { "ok" } else { "failed" }]).inc();
    }
}

fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    registered(registry, IntGauge::new(name, help)?)
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone())).map(|()| collector)
}
