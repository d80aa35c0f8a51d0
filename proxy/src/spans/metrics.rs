//! What became of the spans, counted.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// The series `banyan_spans_total`, by result.
#[derive(Debug, Clone)]
pub(super) struct SpanMetrics {
    /// The collector has them.
    pub(super) exported: IntCounter,
    /// They found no room in the queue.
    pub(super) dropped: IntCounter,
    /// The collector refused them, or was not there in time.
    pub(super) failed: IntCounter,
}

impl SpanMetrics {
    /// Registers the series; each result is scraped as 0 from the start.
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "Spans of sampled requests, by what became of them.";
        let spans = IntCounterVec::new(Opts::new("banyan_spans_total", help), &["result"])?;
        registry.register(Box::new(spans.clone()))?;
        let [exported, dropped, failed] =
            ["exported", "dropped", "failed"].map(|result| spans.with_label_values(&[result]));
        Ok(Self { exported, dropped, failed })
    }
}
