//! What the proxy has of the judge: it starts it, hands experiments over, and drains it.

use std::{fmt, io, sync::Arc, time::Duration};

use prometheus::Registry;
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Experiment, MonolithVersion, Retention, Store, Subject, Unknown,
    book::Book,
    metrics::ShadowMetrics,
    runner::{Queued, Runner},
    ticket::Ticket,
};

/// How much the judge may hold and do at once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Experiments that may wait; further ones are dropped and counted.
    pub queue: usize,
    /// KiB of answers that waiting experiments may hold.
    pub queue_kib: u32,
    /// Experiments that are judged at the same time.
    pub concurrency: usize,
    /// What tells this build of the candidates from others.
    pub build: String,
    /// How the monolith's version is known.
    pub monolith: MonolithVersion,
    /// What the store remembers.
    pub retention: Retention,
}

impl Default for Settings {
    /// 1,000 waiting experiments of 64 MiB in all, eight at a time; of builds that nobody tells apart.
    fn default() -> Self {
        let (queue, queue_kib, concurrency) = (1_000, 64 * 1024, 8);
        let (build, monolith) = (String::new(), MonolithVersion::default());
        let retention = Retention::default();
        Self { queue, queue_kib, concurrency, build, monolith, retention }
    }
}

/// What is done when two answers differ, on the judge's own threads.
pub type OnMismatch = Box<dyn FnOnce() + Send>;

/// Makes an experiment of what was copied, on the judge's own threads.
pub type Prepare = Box<dyn FnOnce() -> Prepared + Send>;

/// An experiment that can begin.
pub struct Prepared {
    /// What is compared.
    pub experiment: Experiment,
    /// What is done if the answers differ somewhere that no rule excuses.
    pub on_mismatch: Option<OnMismatch>,
}

/// Why the judge could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gave no thread.
    #[error("the system gives no more threads")]
    Threads(#[source] io::Error),
    /// A series was registered twice: a fault of the program.
    #[error("the metrics could not be registered")]
    Metrics(#[source] prometheus::Error),
}

/// The judge. Cloning is cheap; the last one to go stops it without waiting.
#[derive(Debug, Clone)]
pub struct Shadow(Arc<Handle>);

struct Handle {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    book: Arc<Book>,
    /// Set once, to the time that a drain may take.
    closing: watch::Sender<Option<Duration>>,
    closed: CancellationToken,
    runtime: Option<Runtime>,
}

impl Shadow {
    /// Starts the judge on a thread of its own, which yields to those that serve buyers.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        settings: Settings,
        store: Store,
        registry: &Registry,
    ) -> Result<Self, StartError> {
        let metrics = ShadowMetrics::register(registry).map_err(StartError::Metrics)?;
        let book = Arc::new(Book::new(
            store,
            metrics,
            &settings.build,
            settings.monolith,
            settings.retention,
        ));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("shadow")
            .on_thread_start(yield_to_buyers)
            .enable_all()
            .build()
            .map_err(StartError::Threads)?;
        let (queue, queued) = mpsc::channel(settings.queue.max(1));
        let (closing, close) = watch::channel(None);
        let closed = CancellationToken::new();
        let runner = Runner::new(Arc::clone(&book), queued, close);
        runtime.spawn(runner.run(settings.concurrency.max(1), closed.clone()));
        let room = Arc::new(Semaphore::new(settings.queue_kib as usize));
        Ok(Self(Arc::new(Handle { queue, room, book, closing, closed, runtime: Some(runtime) })))
    }

    /// Hands an experiment over, or drops and counts it when there is no room. Never waits.
    pub fn offer(&self, experiment: Experiment) {
        let (subject, bytes) = (Arc::clone(&experiment.subject), experiment.size());
        let prepared = Prepared { experiment, on_mismatch: None };
        self.offer_later(&subject, bytes, Box::new(|| prepared));
    }

    /// The same, of an experiment that is only made when its turn comes: whoever serves a buyer has
    /// no time for that. `bytes` are those of the answers that wait with it.
    pub fn offer_later(&self, subject: &Arc<Subject>, bytes: usize, prepare: Prepare) {
        let Handle { queue, room, book, .. } = &*self.0;
        let ticket = Ticket::new(book, subject);
        if !book.is_open() {
            return;
        }
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(room).try_acquire_many_owned(kib) else { return };
        // What cannot be sent comes back in the error, and its ticket says that it was dropped.
        if queue.try_send(Queued { prepare, ticket, room }).is_ok() {
            book.metrics.queued.inc();
        }
    }

    /// Whether there is room for one more, as far as can be known before there is one: what would
    /// only be dropped need not be copied. There is none before the store was opened.
    pub fn has_room(&self) -> bool {
        let Handle { queue, room, book, .. } = &*self.0;
        book.is_open() && queue.capacity() > 0 && room.available_permits() > 0
    }

    /// Counts a request of which not even an experiment could be made, so that nobody knows its kind.
    /// Never waits.
    pub fn discard(&self, subject: &Arc<Subject>, why: Unknown) {
        self.0.book.lost(subject, why);
    }

    /// Judges what is queued, for at most `limit`, counts the rest as dropped, and writes everything
    /// to the store. What is offered from now on is dropped.
    pub async fn drain(&self, limit: Duration) {
        self.0.closing.send_replace(Some(limit));
        self.0.closed.cancelled().await;
    }
}

/// Buyers first: from now on the kernel gives this thread what the others leave.
pub fn yield_to_buyers() {
    // On Linux the niceness is the thread's own. Where it cannot be changed nothing is lost but that.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.experiment).finish()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
