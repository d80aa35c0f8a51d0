//! The exporter: takes batches from the queue, and sees each through until the collector has it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Uri;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
use prometheus::IntCounter;
use tokio::time::{Instant, sleep, timeout};

use super::{
    client::{CollectorClient, ExportError},
    encode::Encoder,
    metrics::SpanMetrics,
    queue::Queue,
    record::SpanRecord,
};
use crate::error::Chain;

/// How seldom the log hears of a collector in trouble.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// As much of a collector's remark as the log gets, in characters.
const REMARK_LIMIT: usize = 200;

/// How long the exporter waits, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// For a batch to become full.
    pub(super) fill: Duration,
    /// Before a batch is sent again for the first time; each further pause is twice as long.
    pub(super) first_pause: Duration,
    /// The longest of these pauses.
    pub(super) last_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            fill: Duration::from_secs(1),
            first_pause: Duration::from_millis(500),
            last_pause: Duration::from_secs(30),
        }
    }
}

/// Sends one batch after the other: a collector that is slow, or was down, gets no storm.
#[derive(Debug)]
pub(super) struct Exporter {
    queue: Arc<Queue>,
    encoder: Encoder,
    client: CollectorClient,
    metrics: SpanMetrics,
    pace: Pace,
    warnings: Warnings,
}

impl Exporter {
    pub(super) fn new(
        queue: Arc<Queue>,
        encoder: Encoder,
        collector: Uri,
        metrics: SpanMetrics,
        pace: Pace,
    ) -> Self {
        let warnings = Warnings::default();
        Self { queue, encoder, client: CollectorClient::new(collector), metrics, pace, warnings }
    }

    /// Runs until the queue is closed and everything in it is settled.
    pub(super) async fn run(mut self) {
        while let Some(batch) = self.queue.next_batch(self.pace.fill).await {
            self.deliver(&batch).await;
        }
    }

    async fn deliver(&mut self, batch: &[SpanRecord]) {
        let unsettled = Unsettled { spans: batch.len(), failed: self.metrics.failed.clone() };
        let body = Bytes::from(self.encoder.encode(batch));
        for attempt in 0.. {
            match self.client.post(body.clone()).await {
                Ok(remark) => return self.delivered(unsettled, remark),
                Err(error) => {
                    self.warn(&error, batch.len());
                    if error.is_final() {
                        return;
                    }
                    self.pause(error.pause().unwrap_or_else(|| self.pace.before(attempt))).await;
                }
            }
        }
    }

    fn delivered(&mut self, unsettled: Unsettled, remark: Option<ExportTracePartialSuccess>) {
        let remark = remark.unwrap_or_default();
        let rejected = usize::try_from(remark.rejected_spans).unwrap_or(0);
        self.metrics.exported.inc_by(unsettled.settle(rejected));
        if (rejected > 0 || !remark.error_message.is_empty())
            && let Some(unsaid) = self.warnings.next(Instant::now())
        {
            let remark: String = remark.error_message.chars().take(REMARK_LIMIT).collect();
            tracing::warn!(rejected, remark, unsaid, "the collector did not like all spans");
        }
    }

    fn warn(&mut self, error: &ExportError, spans: usize) {
        if let Some(unsaid) = self.warnings.next(Instant::now()) {
            let tried_again = !error.is_final();
            let error = Chain(error);
            tracing::warn!(%error, spans, tried_again, unsaid, "spans were not delivered");
        }
    }

    /// The end, when it comes, cuts the pause short: there may be time for one more try.
    async fn pause(&self, pause: Duration) {
        if self.queue.is_closed() {
            sleep(pause.min(self.pace.first_pause)).await;
        } else {
            // An elapsed time is what a pause is.
            let _ = timeout(pause, self.queue.closed()).await;
        }
    }
}

impl Pace {
    /// The pause after `attempt` failed, from 0 on; of random length, so that a fleet of proxies
    /// does not come back to its collector in step.
    fn before(self, attempt: u32) -> Duration {
        let doubled =
            self.first_pause.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        doubled.min(self.last_pause).mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// A batch on its way. However that ends, each of its spans is counted once.
struct Unsettled {
    spans: usize,
    failed: IntCounter,
}

impl Unsettled {
    /// The collector took all but `rejected`: how many that is.
    fn settle(mut self, rejected: usize) -> u64 {
        let rejected = rejected.min(self.spans);
        let taken = self.spans - rejected;
        self.spans = rejected;
        taken as u64
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        self.failed.inc_by(self.spans as u64);
    }
}

/// Lets one warning a minute pass, and counts the others.
#[derive(Debug, Default)]
struct Warnings {
    last: Option<Instant>,
    unsaid: u64,
}

impl Warnings {
    /// Whether to warn now, and of how many warnings nobody heard since the last.
    fn next(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now < last + WARN_EVERY) {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_vary() {
        let pace = Pace::default();
        for (attempt, longest) in [(0, 500), (1, 1000), (3, 4000), (6, 30_000), (u32::MAX, 30_000)]
        {
            let longest = Duration::from_millis(longest);
            let pauses: Vec<_> = (0..50).map(|_| pace.before(attempt)).collect();
            assert!(pauses.iter().all(|it| (longest / 2..=longest).contains(it)), "{pauses:?}");
            assert!(pauses.iter().any(|it| *it != pauses[0]));
        }
    }

    #[test]
    fn one_warning_a_minute_tells_of_the_others() {
        let mut warnings = Warnings::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let heard = [0, 1, 59, 60, 119, 121, 500].map(|it| warnings.next(after(it)));
        assert_eq!(heard, [Some(0), None, None, Some(2), None, Some(1), Some(0)]);
    }
}
