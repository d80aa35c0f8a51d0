//! One server of an upstream: its slots, and what is known of it. Shared by all worker threads, and
//! by the upstreams before and after a reload that name the same address.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Endpoint,
    settings::{Health, Outlier},
};

/// A server, and everything about it that outlives a reload.
#[derive(Debug)]
pub struct Server {
    address: Endpoint,
    label: String,
    slots: Slots,
    /// Failures since the last good answer.
    failures: AtomicU32,
    /// Ejections since the server was first named.
    ejections: AtomicU64,
    standing: Mutex<Standing>,
}

impl Server {
    pub(super) fn new(address: Endpoint) -> Self {
        Self {
            label: address.to_string(),
            address,
            slots: Slots::default(),
            failures: AtomicU32::new(0),
            ejections: AtomicU64::new(0),
            standing: Mutex::default(),
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> &Endpoint {
        &self.address
    }

    /// The address as text, as logs and metrics show it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Requests that are being answered now.
    pub fn in_flight(&self) -> u32 {
        self.slots.in_flight()
    }

    /// Ejections since the server was first named.
    pub(super) fn ejections(&self) -> u64 {
        self.ejections.load(Relaxed)
    }

    pub(super) const fn slots(&self) -> &Slots {
        &self.slots
    }

    /// A request ended well.
    pub(super) fn succeeded(&self) {
        // Read first: a store on every answer would move the cache line between the cores.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
    }

    /// A request failed; true when these are `limit` in a row, after which counting starts anew.
    pub(super) fn failed(&self, limit: u32) -> bool {
        let reached = self.failures.fetch_add(1, Relaxed) + 1 >= limit;
        if reached {
            self.failures.store(0, Relaxed);
        }
        reached
    }

    /// Leaves the server alone for a while; none when it is already.
    pub(super) fn eject(&self, now: Instant, outlier: &Outlier) -> Option<Duration> {
        let ejected_for = self.standing().eject(now, outlier)?;
        self.ejections.fetch_add(1, Relaxed);
        Some(ejected_for)
    }

    /// Ends an ejection; whether there was one.
    pub(super) fn readmit(&self, now: Instant) -> bool {
        let mut standing = self.standing();
        let ejected = standing.ejected_until.is_some_and(|until| now < until);
        if ejected {
            standing.ejected_until = Some(now);
        }
        ejected
    }

    /// A health check ended; the new state when that changes it.
    pub(super) fn checked(&self, passed: bool, health: &Health) -> Option<bool> {
        let changed = self.standing().checked(passed, health);
        if changed == Some(true) {
            self.failures.store(0, Relaxed);
        }
        changed
    }

    /// What the last health checks said.
    pub(super) fn is_healthy(&self) -> bool {
        self.standing().healthy
    }

    /// The end of the ejection that is in force at `now`.
    pub(super) fn ejected_until(&self, now: Instant) -> Option<Instant> {
        self.standing().ejected_until.filter(|until| now < *until)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The requests in flight in the lower half, those ever taken in the upper: one atomic operation
/// counts both.
///
/// Sequentially consistent, because a releaser that sees nobody waiting and a waiter that sees no
/// free slot must not both be right.
#[derive(Debug, Default)]
pub(super) struct Slots(AtomicU64);

/// One request ever taken.
const TAKEN: u64 = 1 << 32;

impl Slots {
    /// Takes a slot unless `limit` are taken.
    pub(super) fn take(&self, limit: u32) -> bool {
        let next = |slots| (lower(slots) < limit).then(|| u64::wrapping_add(slots, TAKEN + 1));
        self.0.fetch_update(SeqCst, SeqCst, next).is_ok()
    }

    /// Frees a slot that was taken.
    pub(super) fn release(&self) {
        self.0.fetch_sub(1, SeqCst);
    }

    pub(super) fn in_flight(&self) -> u32 {
        lower(self.0.load(SeqCst))
    }

    /// Slots ever taken; wraps around.
    pub(super) fn taken(&self) -> u32 {
        lower(self.0.load(Relaxed) >> 32)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn lower(slots: u64) -> u32 {
    slots as u32
}

/// What is known of a server; changes seldom.
#[derive(Debug)]
struct Standing {
    /// A server starts as healthy, so that a start of ours is no outage.
    healthy: bool,
    /// At least one health check has ended.
    checked: bool,
    /// Checks in a row that say the opposite of `healthy`.
    contrary: u32,
    /// The end of the last ejection, if there was one.
    ejected_until: Option<Instant>,
    /// Ejections that are not forgotten yet.
    ejected_times: u32,
}

impl Default for Standing {
    fn default() -> Self {
        Self { healthy: true, checked: false, contrary: 0, ejected_until: None, ejected_times: 0 }
    }
}

impl Standing {
    fn eject(&mut self, now: Instant, outlier: &Outlier) -> Option<Duration> {
        if self.ejected_until.is_some_and(|until| now < until) {
            return None;
        }
        let base = outlier.base_ejection.max(Duration::from_millis(1));
        let in_service = self.ejected_until.map_or(Duration::ZERO, |until| now - until);
        let forgotten = whole(in_service.as_millis() / base.as_millis());
        let most = whole(outlier.max_ejection.as_millis().div_ceil(base.as_millis()));
        // Not counted past the cap, or a server that was ill for long would be suspect for long.
        let times = self.ejected_times.saturating_sub(forgotten).saturating_add(1).min(most);
        let ejected_for = base.saturating_mul(times).min(outlier.max_ejection);
        self.ejected_times = times;
        self.ejected_until = now.checked_add(ejected_for);
        Some(ejected_for)
    }

    fn checked(&mut self, passed: bool, health: &Health) -> Option<bool> {
        let first = !self.checked;
        self.checked = true;
        if passed == self.healthy {
            self.contrary = 0;
            return None;
        }
        self.contrary += 1;
        let needed = if passed { health.healthy } else { health.unhealthy };
        if self.contrary < needed && (passed || !first) {
            return None;
        }
        self.contrary = 0;
        self.healthy = passed;
        if passed {
            // It was away and is back: what made it fail then says nothing of it now.
            self.ejected_until = self.ejected_until.map(|until| until.min(Instant::now()));
        }
        Some(passed)
    }
}

fn whole(count: u128) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}
