//! Lines on their way from the requests' threads to the log.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, Thread},
    time::Duration,
};

use prometheus::IntCounter;

use super::Clock;

/// How long a line waits to be written, at most, while the log keeps up.
const INTERVAL: Duration = Duration::from_millis(20);

/// After this many intervals without a line, the writer sleeps until there is one.
const IDLE_AFTER: u32 = 50;

/// What a lane holds at most, in bytes: at 40,000 lines of 500 bytes a second, what comes in 200
/// milliseconds. So long the writer may wait for a processor when all are busy.
const LANE_LIMIT: usize = 4 << 20;

/// How long the process waits for its last lines to be written when nobody reads the log.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The log. Clones are the same log.
#[derive(Debug, Clone)]
pub struct AccessLog {
    shared: Arc<Shared>,
    writer: Thread,
}

/// Where one thread writes its lines: each worker has its own, so that none waits for another.
/// Clones are the same lane.
#[derive(Debug, Clone)]
pub struct Lane {
    lines: Arc<Mutex<Lines>>,
    log: AccessLog,
}

/// Keep it until the last line: dropping it writes what is waiting, and ends the log.
#[derive(Debug)]
pub struct FlushGuard {
    log: AccessLog,
    done: mpsc::Receiver<()>,
}

#[derive(Debug)]
struct Shared {
    lanes: Mutex<Vec<Arc<Mutex<Lines>>>>,
    dropped: IntCounter,
    /// The writer sleeps, and whoever finds this set wakes it.
    idle: AtomicBool,
    ended: AtomicBool,
}

/// Lines that wait, each with its newline.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    clock: Clock,
}

impl AccessLog {
    /// Starts the thread that writes to `writer`, always whole lines and many at once. Where others
    /// write there too, one call of `write_all` must hold their lock, as [`io::Stderr`]'s does.
    ///
    /// `dropped` counts the lines that are lost: their lane was full, or writing failed.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(
        writer: impl Write + Send + 'static,
        dropped: IntCounter,
    ) -> io::Result<(Self, FlushGuard)> {
        let shared = Arc::new(Shared {
            lanes: Mutex::default(),
            dropped,
            idle: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let (ended, done) = mpsc::channel();
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("access-log".into()).spawn(move || {
            theirs.write_until_the_end(writer);
            drop(ended);
        })?;
        let log = Self { shared, writer: thread.thread().clone() };
        Ok((log.clone(), FlushGuard { log, done }))
    }

    /// A new lane. It is never taken away again: make one per thread, not one per request.
    pub fn lane(&self) -> Lane {
        let lines = Arc::default();
        lock(&self.shared.lanes).push(Arc::clone(&lines));
        Lane { lines, log: self.clone() }
    }
}

impl Lane {
    /// Adds a line, to be written within 20 ms. `line` appends it to what is there, without its
    /// newline, and must neither look at nor change what stands before it, nor write to this lane.
    ///
    /// The line is dropped and counted when the lane holds 4 MiB.
    pub fn write(&self, line: impl FnOnce(&mut Vec<u8>, &mut Clock)) {
        let mut lines = lock_lines(&self.lines);
        let Lines { bytes, clock } = &mut *lines;
        let before = bytes.len();
        line(bytes, clock);
        bytes.push(b'\n');
        if bytes.len() > LANE_LIMIT {
            bytes.truncate(before);
            self.log.shared.dropped.inc();
        }
        drop(lines);
        let idle = &self.log.shared.idle;
        if idle.load(Ordering::Relaxed) && idle.swap(false, Ordering::Relaxed) {
            self.log.writer.unpark();
        }
    }
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        self.log.shared.ended.store(true, Ordering::Release);
        self.log.writer.unpark();
        // Either way nothing is left to be done: it has ended, or it is stuck in a write.
        let _ = self.done.recv_timeout(FLUSH_TIMEOUT);
    }
}

impl Shared {
    fn write_until_the_end(&self, mut writer: impl Write) {
        let mut spare = Vec::new();
        let mut quiet = 0;
        while !self.ended.load(Ordering::Acquire) {
            let wrote = self.write_waiting(&mut spare, &mut writer);
            quiet = if wrote { 0 } else { u32::saturating_add(quiet, 1) };
            if quiet <= IDLE_AFTER {
                thread::park_timeout(INTERVAL);
            } else if self.idle.swap(true, Ordering::Relaxed) {
                // Looked again since `idle` was set and saw nothing. Whoever adds a line takes its
                // lane's lock after that look did, and so sees `idle`.
                thread::park();
            }
        }
        self.write_waiting(&mut spare, &mut writer);
    }

    /// Whether there was anything to write. `spare` is empty before and after.
    fn write_waiting(&self, spare: &mut Vec<u8>, writer: &mut impl Write) -> bool {
        let lanes = lock(&self.lanes).clone();
        let mut wrote = false;
        for lane in lanes {
            std::mem::swap(&mut lock_lines(&lane).bytes, spare);
            if spare.is_empty() {
                continue;
            }
            wrote = true;
            if writer.write_all(spare).and_then(|()| writer.flush()).is_err() {
                let lost = spare.split_inclusive(|it| *it == b'\n').count();
                self.dropped.inc_by(lost as u64);
            }
            spare.clear();
        }
        wrote
    }
}

/// A panic cannot have left the list of lanes half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lane, without the half line of a request that panicked while it wrote.
fn lock_lines(lane: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lane.lock().unwrap_or_else(|poisoned| {
        lane.clear_poison();
        let mut lines = poisoned.into_inner();
        let whole = lines.bytes.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
        lines.bytes.truncate(whole);
        lines
    })
}

#[cfg(test)]
mod tests {
    use std::{panic, time::Instant};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn dropped() -> IntCounter {
        IntCounter::new("dropped", "Lines that are lost.").unwrap()
    }

    /// Hands on each write, and answers it as it is told.
    struct Seen {
        writes: mpsc::Sender<String>,
        answers: Option<mpsc::Receiver<io::Result<()>>>,
    }

    impl Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            if let Some(answers) = &self.answers {
                answers.recv().unwrap()?;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start() -> (AccessLog, FlushGuard, mpsc::Receiver<String>) {
        let (writes, seen) = mpsc::channel();
        let (log, guard) = AccessLog::start(Seen { writes, answers: None }, dropped()).unwrap();
        (log, guard, seen)
    }

    /// With a writer that stops in each write until it is told how that went.
    fn start_slow() -> (AccessLog, FlushGuard, mpsc::Receiver<String>, mpsc::Sender<io::Result<()>>)
    {
        let (writes, seen) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let (log, guard) =
            AccessLog::start(Seen { writes, answers: Some(answers) }, dropped()).unwrap();
        (log, guard, seen, answer)
    }

    fn write(lane: &Lane, text: &str) {
        lane.write(|buffer, _| buffer.extend_from_slice(text.as_bytes()));
    }

    #[test]
    fn a_line_is_written_without_being_asked_for() {
        let (log, _guard, seen) = start();
        write(&log.lane(), "a");
        assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), "a\n");
    }

    #[test]
    fn a_line_wakes_a_log_that_sleeps() {
        let (log, _guard, seen) = start();
        let lane = log.lane();
        let deadline = Instant::now() + PATIENCE;
        while !log.shared.idle.load(Ordering::Relaxed) {
            assert!(Instant::now() < deadline, "the writer never sleeps");
            thread::yield_now();
        }
        write(&lane, "a");
        assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), "a\n");
    }

    #[test]
    fn the_end_of_the_guard_writes_every_line_of_every_thread() {
        let (log, guard, seen) = start();
        let threads = [0, 1, 2].map(|thread| {
            let lane = log.lane();
            thread::spawn(move || (0..5_000).for_each(|it| write(&lane, &format!("{thread} {it}"))))
        });
        for it in threads {
            it.join().unwrap();
        }
        drop(guard);
        let writes: Vec<_> = seen.try_iter().collect();
        assert!(writes.iter().all(|it| it.ends_with('\n')), "a write without a whole line");
        let text = writes.concat();
        for thread in ["0 ", "1 ", "2 "] {
            let lines = text.lines().filter_map(|it| it.strip_prefix(thread));
            assert!(lines.eq((0..5_000).map(|it| it.to_string())), "thread {thread}");
        }
        assert_eq!(log.shared.dropped.get(), 0);
    }

    #[test]
    fn a_full_lane_drops_whole_lines_and_counts_them() {
        let (log, guard, seen, answer) = start_slow();
        let lane = log.lane();
        write(&lane, "first");
        assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), "first\n");
        let quarter = "x".repeat(LANE_LIMIT / 4 - 1);
        for _ in 0..5 {
            write(&lane, &quarter);
        }
        write(&lane, "");
        assert_eq!(log.shared.dropped.get(), 2);
        write(&log.lane(), "another lane has room");
        answer.send(Ok(())).unwrap();
        answer.send(Ok(())).unwrap();
        answer.send(Ok(())).unwrap();
        drop(guard);
        let rest: Vec<_> = seen.try_iter().collect();
        assert_eq!(rest, [format!("{quarter}\n").repeat(4), "another lane has room\n".to_owned()]);
        assert_eq!(log.shared.dropped.get(), 2);
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        let (log, guard, seen, answer) = start_slow();
        let lane = log.lane();
        write(&lane, "first");
        seen.recv_timeout(PATIENCE).unwrap();
        write(&lane, "second");
        write(&lane, "third");
        answer.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        answer.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        drop(guard);
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["second\nthird\n"]);
        assert_eq!(log.shared.dropped.get(), 3);
    }

    #[test]
    fn half_a_line_is_never_written() {
        let (log, guard, seen) = start();
        let lane = log.lane();
        write(&lane, "whole");
        let half = panic::AssertUnwindSafe(|| {
            lane.write(|buffer, _| {
                buffer.extend_from_slice(b"half");
                panic::resume_unwind(Box::new(()));
            });
        });
        assert!(panic::catch_unwind(half).is_err());
        write(&lane, "next");
        drop(guard);
        assert_eq!(seen.try_iter().collect::<String>(), "whole\nnext\n");
    }
}
