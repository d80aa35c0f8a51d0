//! OpenTelemetry spans by OTLP/HTTP: handed over in the request's thread, sent from another.
//!
//! Invariant: a collector that is slow, wrong or gone costs spans, which are counted, and nothing
//! else.

mod client;
mod encode;
mod exporter;
mod metrics;
mod queue;
mod record;
mod settings;

#[cfg(test)]
mod tests;

use std::{fmt, io, sync::Arc, time::Duration};

use prometheus::{IntCounter, Registry};
use shadow::yield_to_buyers;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{
    encode::Encoder,
    exporter::{Exporter, Pace},
    metrics::SpanMetrics,
    queue::Queue,
};
pub use self::{
    record::{SpanKind, SpanRecord, Text},
    settings::{Collector, Settings},
};

/// Why no spans can be exported.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gave no thread.
    #[error("the system gives no more threads")]
    Threads(#[source] io::Error),
    /// The series was registered twice: a fault of this program.
    #[error("the metrics of the spans could not be registered")]
    Metrics(#[source] prometheus::Error),
}

/// The way to the collector. Cloning is cheap; dropping the last clone ends the exporter, and what
/// waits then is lost and counted.
#[derive(Clone)]
pub struct Spans(Arc<Handle>);

struct Handle {
    queue: Arc<Queue>,
    dropped: IntCounter,
    /// Tells the exporter to give up.
    abandon: CancellationToken,
    /// Says that the exporter has ended, and counted.
    ended: CancellationToken,
}

impl Spans {
    /// Starts the exporter on a thread of its own, which yields to those that serve buyers. Whether
    /// the collector is there shows only when there are spans; it may come later.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(settings: &Settings, registry: &Registry) -> Result<Self, StartError> {
        Self::start_at(Pace::default(), settings, registry)
    }

    fn start_at(pace: Pace, settings: &Settings, registry: &Registry) -> Result<Self, StartError> {
        let metrics = SpanMetrics::register(registry).map_err(StartError::Metrics)?;
        let queue = Arc::new(Queue::new());
        let instance = Uuid::new_v4().to_string();
        let encoder = Encoder::new(&settings.service_name, &instance);
        let uri = settings.collector.uri().clone();
        let exporter = Exporter::new(Arc::clone(&queue), encoder, uri, metrics.clone(), pace);
        let handle = Handle {
            queue: Arc::clone(&queue),
            dropped: metrics.dropped,
            abandon: CancellationToken::new(),
            ended: CancellationToken::new(),
        };
        let work = Work { exporter, queue, failed: metrics.failed };
        work.spawn(handle.abandon.clone(), handle.ended.clone()).map_err(StartError::Threads)?;
        Ok(Self(Arc::new(handle)))
    }

    /// Hands a span over, or drops and counts it when there is no room. Never waits.
    pub fn record(&self, span: SpanRecord) {
        if !self.0.queue.push(span) {
            self.0.dropped.inc();
        }
    }

    /// Sends what waits, for at most `limit`, and counts the rest as failed. What is recorded from
    /// now on is dropped.
    pub async fn drain(&self, limit: Duration) {
        self.0.queue.close();
        if timeout(limit, self.0.ended.cancelled()).await.is_err() {
            self.0.abandon.cancel();
            self.0.ended.cancelled().await;
        }
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.abandon.cancel();
    }
}

/// What the exporter's thread does.
struct Work {
    exporter: Exporter,
    queue: Arc<Queue>,
    failed: IntCounter,
}

impl Work {
    fn spawn(self, abandon: CancellationToken, ended: CancellationToken) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Cancelled when the thread ends, also by a panic: a drain must not wait for ever.
        let ended = ended.drop_guard();
        let work = move || {
            yield_to_buyers();
            let finished = runtime.block_on(abandon.run_until_cancelled(self.exporter.run()));
            let waiting = self.queue.discard();
            self.failed.inc_by(waiting as u64);
            if finished.is_none() && waiting > 0 {
                tracing::warn!(
                    waiting,
                    "spans were left behind: the collector was too slow, or gone"
                );
            }
            drop(ended);
            // A look-up of the collector's name may still be under way, for as long as it likes.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("spans".to_owned()).spawn(work).map(drop)
    }
}
