//! What a client does to an HTTP/2 connection itself, held to limits: frames that ask for nothing,
//! requests that are taken back, and connections on which nothing happens.
//!
//! HTTP/2 lets a client cause work at next to no cost: CVE-2023-44487 (rapid reset), CVE-2019-9512
//! (pings), -9513 (priorities), -9515 (settings). h2 itself ends a connection for CVE-2024-27316
//! (CONTINUATION), CVE-2019-9518 (empty DATA) and CVE-2025-8671 (resets that a client provokes).

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::wire::{Frame, Kind};
use crate::limits::Limit;

/// How often something may happen.
#[derive(Debug, Clone, Copy)]
struct Rate {
    /// So often at once.
    burst: f64,
    /// So often in each second after that.
    each_second: f64,
}

/// Frames that carry neither a head nor a body.
const CONTROL: Rate = Rate { burst: 1_000.0, each_second: 100.0 };
/// Requests taken back, beyond one for each that was answered. A browser takes all of a page's back
/// when its user goes on to the next one.
const RESETS: Rate = Rate { burst: 200.0, each_second: 20.0 };

/// A request is worth so many control frames: an eager client opens two windows for each answer.
const FOR_A_REQUEST: f64 = 4.0;
/// Who moves a body sends windows and measures round trips: a frame for so many bytes.
const BYTES_FOR_A_FRAME: u64 = 1024;

/// One client's connection, as its frames and its streams see it.
#[derive(Debug)]
pub(super) struct Conduct {
    allowances: Mutex<Allowances>,
    /// Answers that were delivered, not credited yet.
    answered: AtomicU64,
    /// Bytes of bodies, in both directions, not credited yet.
    bytes: AtomicU64,
    /// Streams on which something is going on.
    open: AtomicUsize,
    /// When a stream was begun or ended last.
    moved: Mutex<Instant>,
    ended: OnceLock<Limit>,
}

#[derive(Debug)]
struct Allowances {
    control: Allowance,
    resets: Allowance,
}

impl Conduct {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let allowances = Allowances {
            control: Allowance::new(CONTROL, now),
            resets: Allowance::new(RESETS, now),
        };
        Self {
            allowances: Mutex::new(allowances),
            answered: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            moved: Mutex::new(now),
            ended: OnceLock::new(),
        }
    }

    /// Judges a frame of the client's by its head.
    ///
    /// # Errors
    /// [`Limit::Abuse`]: one too many.
    pub(super) fn received(&self, frame: Frame, now: Instant) -> Result<(), Limit> {
        let mut allowances = lock(&self.allowances);
        let bearable = match frame.kind {
            Kind::Data => {
                self.passed(frame.length);
                true
            }
            Kind::Headers => {
                allowances.control.grant(FOR_A_REQUEST);
                true
            }
            Kind::Reset => {
                let answered = self.answered.swap(0, Ordering::Relaxed);
                allowances.resets.grant(count(answered));
                allowances.resets.take(now)
            }
            // Bounded by h2, which sees how large the block is.
            Kind::Continuation => true,
            Kind::Other => {
                let bytes = self.bytes.load(Ordering::Relaxed);
                let worth = bytes / BYTES_FOR_A_FRAME;
                self.bytes.fetch_sub(worth * BYTES_FOR_A_FRAME, Ordering::Relaxed);
                allowances.control.grant(count(worth));
                allowances.control.take(now)
            }
        };
        if bearable { Ok(()) } else { Err(Limit::Abuse) }
    }

    /// Part of a body has passed.
    pub(super) fn passed(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// An answer was delivered.
    pub(super) fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a stream as open until the guard is dropped.
    pub(super) fn opened(&self) -> Open<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        *lock(&self.moved) = Instant::now();
        Open(self)
    }

    /// Returns when for `limit` no stream was open.
    pub(super) async fn idle(&self, limit: Duration) {
        loop {
            let now = Instant::now();
            let quiet = match self.open.load(Ordering::Relaxed) {
                0 => now.saturating_duration_since(*lock(&self.moved)),
                _ => Duration::ZERO,
            };
            let Some(left) = limit.checked_sub(quiet).filter(|it| !it.is_zero()) else { return };
            tokio::time::sleep(left).await;
        }
    }

    /// Remembers why we end the connection; the first reason counts.
    pub(super) fn end(&self, limit: Limit) {
        let _ = self.ended.set(limit);
    }

    /// Why we ended the connection.
    pub(super) fn ended(&self) -> Option<Limit> {
        self.ended.get().copied()
    }
}

/// An open stream; see [`Conduct::opened`].
pub(super) struct Open<'a>(&'a Conduct);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        *lock(&self.0.moved) = Instant::now();
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A bucket that is filled again as time passes.
#[derive(Debug)]
struct Allowance {
    rate: Rate,
    left: f64,
    at: Instant,
}

impl Allowance {
    const fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, left: rate.burst, at: now }
    }

    fn grant(&mut self, more: f64) {
        self.left = (self.left + more).min(self.rate.burst);
    }

    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at);
        self.at = now;
        self.grant(since.as_secs_f64() * self.rate.each_second);
        self.left -= 1.0;
        self.left >= 0.0
    }
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many frames of that kind, a millisecond apart, are borne out of `sent`.
    fn borne(conduct: &Conduct, kind: Kind, sent: u32, apart: Duration) -> usize {
        let begin = Instant::now();
        let frame = Frame { kind, length: 8, ends_head: false };
        let at = |number: u32| begin + apart * number;
        (0..sent).take_while(|it| conduct.received(frame, at(*it)).is_ok()).count()
    }

    #[test]
    fn a_burst_is_borne_and_more_is_not() {
        assert_eq!(borne(&Conduct::new(), Kind::Reset, 10_000, Duration::ZERO), 200);
        assert_eq!(borne(&Conduct::new(), Kind::Other, 10_000, Duration::ZERO), 1_000);
    }

    #[test]
    fn what_is_slow_enough_is_borne_for_ever() {
        let (a_reset, a_ping) = (Duration::from_millis(50), Duration::from_millis(10));
        assert_eq!(borne(&Conduct::new(), Kind::Reset, 5_000, a_reset), 5_000);
        assert_eq!(borne(&Conduct::new(), Kind::Other, 5_000, a_ping), 5_000);
    }

    #[test]
    fn answers_pay_for_resets_but_requests_do_not() {
        let conduct = Conduct::new();
        let head = Frame { kind: Kind::Headers, length: 100, ends_head: true };
        for _ in 0..1_000 {
            conduct.received(head, Instant::now()).unwrap();
        }
        assert_eq!(borne(&conduct, Kind::Reset, 10_000, Duration::ZERO), 200);
        for _ in 0..50 {
            conduct.answered();
        }
        let more = borne(&conduct, Kind::Reset, 10_000, Duration::ZERO);
        assert!((48..=50).contains(&more), "{more}");
    }

    #[test]
    fn who_moves_a_body_may_open_windows() {
        let conduct = Conduct::new();
        let (data, window) = (
            Frame { kind: Kind::Data, length: 16 * 1024, ends_head: false },
            Frame { kind: Kind::Other, length: 4, ends_head: false },
        );
        let now = Instant::now();
        for _ in 0..5_000 {
            conduct.received(data, now).unwrap();
            conduct.passed(16 * 1024);
            for _ in 0..4 {
                conduct.received(window, now).unwrap();
            }
        }
    }

    #[tokio::test(start_paused = false)]
    async fn a_connection_is_idle_when_its_last_stream_has_been_closed_for_long_enough() {
        let conduct = Conduct::new();
        let limit = Duration::from_millis(30);
        let open = conduct.opened();
        assert!(tokio::time::timeout(limit * 4, conduct.idle(limit)).await.is_err());
        let closed = Instant::now();
        drop(open);
        conduct.idle(limit).await;
        assert!(closed.elapsed() >= limit);
    }
}
