//! What keeps one route's handler from costing anybody time: a bound on how many of it run at once,
//! and a breaker that gives its requests to the monolith while it fails.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use extracted::Reply;
use prometheus::{IntCounter, IntGauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure::{Failure, NoReply};
use crate::metrics::Fallback;

/// What a route says of its handler: `concurrency` and `breaker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Of it run at once.
    pub concurrency: usize,
    /// The breaker opens after so many failures in `window`; 0 for never,
    pub failures: u32,
    /// if they are so many per cent of the calls.
    pub percent: u8,
    /// How long failures are counted together.
    pub window: Duration,
    /// How long the breaker stays open before the handler is tried again.
    pub pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: super::LIVE_CONCURRENCY,
            failures: 10,
            percent: 50,
            window: Duration::from_secs(10),
            pause: Duration::from_secs(5),
        }
    }
}

/// What the breaker does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// The handler gets them.
    Closed,
    /// The monolith gets them.
    Open,
    /// The monolith gets them, while the handler is tried with one.
    HalfOpen,
}

impl Breaker {
    /// Its name on pages and in JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// One route's guard. It survives a reload that does not change its settings.
#[derive(Debug)]
pub struct Guard {
    settings: Settings,
    route: Arc<str>,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    metrics: BreakerMetrics,
}

/// A breaker's series.
#[derive(Debug, Clone)]
pub struct BreakerMetrics {
    /// 1 while it is not closed.
    pub open: IntGauge,
    /// How often it opened.
    pub opened: IntCounter,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { since: Instant, calls: u32, failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

impl State {
    const fn closed(since: Instant) -> Self {
        Self::Closed { since, calls: 0, failures: 0 }
    }
}

impl Guard {
    /// A guard that has seen nothing yet.
    pub fn new(route: Arc<str>, settings: Settings, metrics: BreakerMetrics) -> Self {
        metrics.open.set(0);
        Self {
            permits: Arc::new(Semaphore::new(settings.concurrency)),
            state: Mutex::new(State::closed(Instant::now())),
            settings,
            route,
            metrics,
        }
    }

    /// What it was made with.
    pub const fn settings(&self) -> Settings {
        self.settings
    }

    /// Lets one request through to the handler.
    ///
    /// # Errors
    /// [`Failure::BreakerOpen`] and [`Failure::Busy`]: the monolith answers at once.
    pub fn enter(self: &Arc<Self>) -> Result<Pass, Failure> {
        self.enter_at(Instant::now())
    }

    fn enter_at(self: &Arc<Self>, now: Instant) -> Result<Pass, Failure> {
        let mut state = self.state();
        let open = match *state {
            State::Closed { .. } => false,
            State::Open { until } => now < until,
            State::HalfOpen => true,
        };
        if open {
            return Err(Failure::BreakerOpen);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| Failure::Busy(self.settings.concurrency))?;
        let probe = matches!(*state, State::Open { .. });
        if probe {
            *state = State::HalfOpen;
        }
        Ok(Pass { guard: Arc::clone(self), probe, ended: false, _permit: permit })
    }

    /// What the breaker does now.
    pub fn breaker(&self) -> Breaker {
        match *self.state() {
            State::Closed { .. } => Breaker::Closed,
            State::Open { .. } => Breaker::Open,
            State::HalfOpen => Breaker::HalfOpen,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a call ended. Calls that began before the breaker opened change nothing any more.
    fn note(&self, probe: bool, failed: bool, now: Instant) {
        let mut state = self.state();
        match (&mut *state, probe) {
            (State::HalfOpen, true) if failed => *state = self.open(now),
            (State::HalfOpen, true) => {
                *state = State::closed(now);
                self.metrics.open.set(0);
                tracing::info!(route = %self.route, "the handler works again: breaker closed");
            }
            (State::Closed { since, calls, failures }, _) => {
                if now.saturating_duration_since(*since) > self.settings.window {
                    (*since, *calls, *failures) = (now, 0, 0);
                }
                *calls = calls.saturating_add(1);
                *failures = failures.saturating_add(u32::from(failed));
                let share = u64::from(*failures) * 100
                    >= u64::from(self.settings.percent) * u64::from(*calls);
                let enough = self.settings.failures > 0 && *failures >= self.settings.failures;
                if failed && enough && share {
                    *state = self.open(now);
                    self.metrics.open.set(1);
                    self.metrics.opened.inc();
                    let failures = self.settings.failures;
                    tracing::warn!(route = %self.route, failures, "the handler keeps failing: breaker opened");
                }
            }
            (State::Open { .. } | State::HalfOpen, _) => {}
        }
    }

    fn open(&self, now: Instant) -> State {
        State::Open { until: now + self.settings.pause }
    }

    /// A trial that came to no end is made again with the next request.
    fn abandon(&self) {
        let mut state = self.state();
        if matches!(*state, State::HalfOpen) {
            *state = State::Open { until: Instant::now() };
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.metrics.open.set(0);
    }
}

/// One request at the handler.
#[derive(Debug)]
pub struct Pass {
    guard: Arc<Guard>,
    probe: bool,
    ended: bool,
    _permit: OwnedSemaphorePermit,
}

impl Pass {
    /// The handler's call is over. One that was given back tells nothing of the handler.
    pub fn ended(self, outcome: &Result<Reply, NoReply>) {
        match outcome {
            Ok(_) => self.end(false),
            Err(NoReply::CommitUnknown(_)) => self.end(true),
            Err(NoReply::Failed(failure)) => match failure.reason() {
                Fallback::Declined | Fallback::Overload | Fallback::Breaker => {}
                Fallback::Error | Fallback::Panic | Fallback::Deadline => self.end(true),
            },
        }
    }

    fn end(mut self, failed: bool) {
        self.ended = true;
        self.guard.note(self.probe, failed, Instant::now());
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.probe && !self.ended {
            self.guard.abandon();
        }
    }
}

#[cfg(test)]
mod tests;
