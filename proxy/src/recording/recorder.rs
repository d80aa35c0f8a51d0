//! Writes what is recorded: on a thread of its own, which no buyer waits for.

use std::{
    collections::HashMap,
    fmt, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::Bytes;
use prometheus::Registry;
use shadow::yield_to_buyers;
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Key,
    exchange::Exchange,
    folder,
    metrics::{Fate, Metrics},
    segment::{WriteError, Writer},
};
use crate::error::Chain;

/// Exchanges that may wait for the disk; further ones are dropped and counted.
const QUEUE: usize = 1_000;

/// KiB of bodies that they may hold.
const QUEUE_KIB: usize = 32 * 1024;

/// How long the thread looks away from an empty queue, and how often before it lets itself be woken.
const PAUSE: Duration = Duration::from_millis(1);
const LOOKS: u32 = 50;

/// How often the folder is looked through for what has expired.
const TIDY: Duration = Duration::from_mins(1);

/// How long a disk that did not take a record is left alone: one that is full would otherwise be asked
/// for a new file for each request.
const REST: Duration = Duration::from_secs(1);

/// A segment is no longer than this, but for its last record.
const SEGMENT_LIMIT: u64 = 8 * 1024 * 1024;

/// Of the time that a route's requests are kept, the part that one segment spans: a segment is
/// deleted whole, when its oldest record must be.
const SPAN: u32 = 24;

/// Where recordings go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of the segments; made if it is not there.
    pub folder: PathBuf,
    /// What they are encrypted with.
    pub key: Key,
    /// Bytes that all segments may have together, but for those that are being written.
    pub limit: u64,
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder cannot be used.
    #[error("the folder of recordings {0} cannot be used; check --recordings")]
    Folder(String, #[source] io::Error),
    /// The system gave no thread.
    #[error("the system gives no more threads")]
    Threads(#[source] io::Error),
    /// A series was registered twice: a fault of the program.
    #[error("the metrics could not be registered")]
    Metrics(#[source] prometheus::Error),
}

/// The way to the thread that writes. Cloning is cheap.
#[derive(Clone)]
pub struct Recorder(Arc<Handle>);

struct Handle {
    queue: SyncSender<Message>,
    room: Arc<Semaphore>,
    metrics: Metrics,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Exchange { exchange: Box<Exchange>, keep: Duration, _room: OwnedSemaphorePermit },
    End,
}

impl Recorder {
    /// Makes the folder, deletes what has expired in it, and starts the thread.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(settings: Settings, registry: &Registry) -> Result<Self, StartError> {
        let metrics = Metrics::register(registry).map_err(StartError::Metrics)?;
        let shown = settings.folder.display().to_string();
        let (queue, queued) = mpsc::sync_channel(QUEUE);
        let mut desk = Desk::new(settings, metrics.clone());
        let ready = folder::create(&desk.settings.folder).and_then(|()| desk.tidy());
        ready.map_err(|it| StartError::Folder(shown, it))?;
        let thread = thread::Builder::new().name("recorder".into());
        let work = move || {
            yield_to_buyers();
            desk.work(&queued);
        };
        let thread = thread.spawn(work).map_err(StartError::Threads)?;
        let room = Arc::new(Semaphore::new(QUEUE_KIB));
        let thread = Mutex::new(Some(thread));
        Ok(Self(Arc::new(Handle { queue, room, metrics, thread })))
    }

    /// Hands an exchange over, or drops and counts it where the disk is too slow. Never waits.
    pub fn offer(&self, exchange: Exchange, keep: Duration) {
        let bodies = exchange.body.len()
            + exchange.answer.as_ref().and_then(|it| it.body.whole()).map_or(0, Bytes::len);
        let kib = u32::try_from(bodies / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.0.room).try_acquire_many_owned(kib).ok();
        let taken = room.is_some_and(|room| {
            let exchange = Box::new(exchange);
            self.0.queue.try_send(Message::Exchange { exchange, keep, _room: room }).is_ok()
        });
        if !taken {
            self.count(Fate::Dropped);
        }
    }

    pub(super) fn count(&self, fate: Fate) {
        self.0.metrics.count(fate);
    }

    /// Waits until all that was offered is written, for so long at most. What is offered from now on
    /// is dropped.
    pub async fn drain(&self, limit: Duration) {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(thread), queue) = (thread, self.0.queue.clone()) else { return };
        let ended = tokio::task::spawn_blocking(move || {
            // A thread that is gone takes no message, and is not waited for.
            let _ = queue.send(Message::End);
            thread.join()
        });
        if tokio::time::timeout(limit, ended).await.is_err() {
            tracing::warn!(?limit, "drain: recorded requests were dropped");
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// What the thread works with.
struct Desk {
    settings: Settings,
    metrics: Metrics,
    /// The segments that are being written, by how long they are kept.
    writers: HashMap<Duration, Writer>,
    tidied: Instant,
    /// When the disk last did not take a record, if it has taken none since.
    failed: Option<Instant>,
}

impl Desk {
    fn new(settings: Settings, metrics: Metrics) -> Self {
        Self { settings, metrics, writers: HashMap::new(), tidied: Instant::now(), failed: None }
    }

    fn work(mut self, queued: &Receiver<Message>) {
        loop {
            match next(queued) {
                Ok(Message::Exchange { exchange, keep, _room }) => self.take(&exchange, keep),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.tidied.elapsed() >= TIDY {
                self.tidy_or_say();
            }
        }
    }

    fn take(&mut self, exchange: &Exchange, keep: Duration) {
        if self.failed.is_some_and(|it| it.elapsed() < REST) {
            return self.metrics.count(Fate::Failed);
        }
        match self.write(exchange, keep) {
            Ok(()) => {
                self.metrics.count(Fate::Written);
                self.failed = None;
            }
            Err(error) => {
                // What stands in the file behind the last whole record is a torn one: the next
                // record needs another file.
                if let Some(writer) = self.writers.remove(&keep) {
                    writer.give_up();
                }
                self.metrics.count(Fate::Failed);
                // The log is told once.
                if self.failed.replace(Instant::now()).is_none() {
                    tracing::error!(error = %Chain(&error), "requests cannot be recorded");
                }
            }
        }
    }

    fn write(&mut self, exchange: &Exchange, keep: Duration) -> Result<(), WriteError> {
        let now = OffsetDateTime::now_utc();
        let Ok(record) = exchange.encode() else { return Err(WriteError::TooLong) };
        let full = SEGMENT_LIMIT.min(self.settings.limit / 8);
        // The clock may have been set back.
        let span = |it: &Writer| it.header.begun..it.header.begun + keep / SPAN;
        let is_current = |it: &Writer| it.size < full && span(it).contains(&now);
        if !self.writers.get(&keep).is_some_and(is_current) {
            self.writers.remove(&keep);
            self.tidy_or_say();
            let Settings { folder, key, .. } = &self.settings;
            self.writers.insert(keep, Writer::begin(folder, key, now, keep)?);
        }
        match self.writers.get_mut(&keep) {
            Some(writer) => writer.append(record),
            None => Ok(()),
        }
    }

    fn tidy_or_say(&mut self) {
        if let Err(error) = self.tidy() {
            tracing::error!(%error, "the folder of recordings cannot be tidied");
        }
    }

    fn tidy(&mut self) -> io::Result<()> {
        self.tidied = Instant::now();
        let Settings { folder, limit, .. } = &self.settings;
        let left = folder::tidy(folder, *limit, OffsetDateTime::now_utc())?;
        self.metrics.bytes.set(i64::try_from(left).unwrap_or(i64::MAX));
        // What was deleted is written to no longer: nobody would find it.
        self.writers.retain(|_, it| it.path.exists());
        Ok(())
    }
}

/// What comes next, if it comes within [`TIDY`]. While exchanges keep coming the queue is looked into
/// now and then, since to wake this thread would cost those that serve buyers.
fn next(queued: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
    for _ in 0..LOOKS {
        match queued.try_recv() {
            Ok(message) => return Ok(message),
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => thread::sleep(PAUSE),
        }
    }
    queued.recv_timeout(TIDY)
}

#[cfg(test)]
mod tests {
    use prometheus::IntCounter;
    use tempfile::{TempDir, tempdir};

    use super::*;
    use crate::recording::{Archive, exchange::tests::exchange};

    const KEEP: Duration = Duration::from_hours(1);

    fn key() -> Key {
        Key::parse(&"1".repeat(64)).unwrap()
    }

    fn recorder(folder: &TempDir, limit: u64) -> Recorder {
        let folder = folder.path().join("recordings");
        let settings = Settings { folder, key: key(), limit };
        Recorder::start(settings, &Registry::new()).unwrap()
    }

    fn ids(folder: &TempDir) -> Vec<String> {
        let now = OffsetDateTime::now_utc();
        let archive = Archive::open(&folder.path().join("recordings"), Some(&key()), now).unwrap();
        archive.entries.into_iter().map(|it| it.id).collect()
    }

    #[tokio::test]
    async fn what_was_offered_before_the_drain_is_there_after_it_and_nothing_else() {
        let folder = tempdir().unwrap();
        let recorder = recorder(&folder, 1 << 30);
        recorder.offer(exchange("a", "/"), KEEP);
        recorder.offer(exchange("b", "/"), KEEP * 2);
        recorder.drain(Duration::from_secs(10)).await;
        recorder.offer(exchange("c", "/"), KEEP);
        let mut ids = ids(&folder);
        ids.sort();
        assert_eq!(ids, ["a", "b"]);
        let counts: Vec<_> = recorder.0.metrics.fates().iter().map(IntCounter::get).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0]);
    }

    #[tokio::test]
    async fn all_together_are_bounded_and_the_newest_stay() {
        let folder = tempdir().unwrap();
        let recorder = recorder(&folder, 8_000);
        for number in 0..100 {
            recorder.offer(exchange(&number.to_string(), "/"), KEEP);
        }
        recorder.drain(Duration::from_secs(10)).await;
        let size: u64 = std::fs::read_dir(folder.path().join("recordings"))
            .unwrap()
            .map(|it| it.unwrap().metadata().unwrap().len())
            .sum();
        assert!(size < 8_000 + 2_000, "{size}");
        let ids = ids(&folder);
        assert!(ids.contains(&"99".to_owned()) && !ids.contains(&"0".to_owned()), "{ids:?}");
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_costs_the_record_and_is_tried_again() {
        let folder = tempdir().unwrap();
        let recorder = recorder(&folder, 1 << 30);
        let path = folder.path().join("recordings");
        std::fs::remove_dir(&path).unwrap();
        recorder.offer(exchange("lost", "/"), KEEP);
        while recorder.0.metrics.fates()[Fate::Failed as usize].get() == 0 {
            thread::yield_now();
        }
        std::fs::create_dir(&path).unwrap();
        while recorder.0.metrics.fates()[Fate::Written as usize].get() == 0 {
            recorder.offer(exchange("kept", "/"), KEEP);
            tokio::time::sleep(PAUSE).await;
        }
        recorder.drain(Duration::from_secs(10)).await;
        let ids = ids(&folder);
        assert!(!ids.is_empty() && ids.iter().all(|it| it == "kept"), "{ids:?}");
    }

    /// A desk on a folder that is there.
    fn desk(folder: &TempDir) -> Desk {
        let folder = folder.path().join("recordings");
        folder::create(&folder).unwrap();
        let metrics = Metrics::register(&Registry::new()).unwrap();
        Desk::new(Settings { folder, key: key(), limit: 1 << 30 }, metrics)
    }

    #[test]
    fn a_disk_that_took_nothing_is_left_alone_for_a_while() {
        let folder = tempdir().unwrap();
        let mut desk = desk(&folder);
        desk.failed = Some(Instant::now() + Duration::from_hours(1));
        for _ in 0..3 {
            desk.take(&exchange("a", "/"), KEEP);
        }
        assert_eq!(folder::segments(&desk.settings.folder).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(desk.metrics.fates()[Fate::Failed as usize].get(), 3);
        desk.failed = Instant::now().checked_sub(REST);
        desk.take(&exchange("b", "/"), KEEP);
        assert_eq!((ids(&folder), desk.failed), (vec!["b".to_owned()], None));
    }

    #[test]
    fn a_clock_that_is_set_back_ends_the_segment_and_keeps_nothing_for_longer() {
        let folder = tempdir().unwrap();
        let mut desk = desk(&folder);
        let path = desk.settings.folder.clone();
        let before = OffsetDateTime::now_utc() + Duration::from_hours(5);
        let writer = Writer::begin(&path, &key(), before, KEEP).unwrap();
        desk.writers.insert(KEEP, writer);
        desk.take(&exchange("a", "/"), KEEP);
        let now = OffsetDateTime::now_utc();
        assert_eq!(folder::segments(&path).unwrap().len(), 2);
        let archive = Archive::open(&path, Some(&key()), now).unwrap();
        assert!(archive.entries.iter().all(|it| it.until <= now + KEEP), "{archive:?}");
        assert_eq!(folder::tidy(&path, u64::MAX, now + KEEP).unwrap(), 0);
    }
}
