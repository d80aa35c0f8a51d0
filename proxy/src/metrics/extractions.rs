//! The series of handlers: their commits, their jobs and their breakers.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::registered;
use crate::extraction::guard::BreakerMetrics;

/// How a handler's commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// The database confirmed it.
    Ok,
    /// It was not confirmed, and found to have happened.
    Found,
    /// It was not confirmed, and found not to have happened: the monolith answers.
    Undone,
    /// It was not confirmed, and could not be found out.
    Unknown,
}

impl Commit {
    const ALL: [Self; 4] = [Self::Ok, Self::Found, Self::Undone, Self::Unknown];

    const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Found => "found",
            Self::Undone => "undone",
            Self::Unknown => "unknown",
        }
    }
}

/// How jobs went to the monolith's workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Right after their commit.
    AtOnce,
    /// By the sweeper.
    Later,
    /// Not yet.
    Failed,
}

impl Pushed {
    const ALL: [Self; 3] = [Self::AtOnce, Self::Later, Self::Failed];

    const fn label(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Later => "later",
            Self::Failed => "failed",
        }
    }
}

/// What became of a session that a handler left, where sessions are on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionSaved {
    /// It is kept.
    Kept,
    /// Another request had ended it.
    Ended,
    /// It was lost, as in Rails.
    Failed,
}

impl SessionSaved {
    const ALL: [Self; 3] = [Self::Kept, Self::Ended, Self::Failed];

    const fn label(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

/// The series of handlers. Cloning is cheap and shares them.
#[derive(Debug, Clone)]
pub struct ExtractionMetrics {
    commits: [IntCounter; 4],
    pushed: [IntCounter; 3],
    sessions: [IntCounter; 3],
    waiting: IntGauge,
    open: IntGaugeVec,
    opened: IntCounterVec,
}

impl ExtractionMetrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let commits = counter(
            "banyan_commits_total",
            "Commits of handlers that answer buyers, by what is known of them.",
            &["outcome"],
        )?;
        let pushed = counter(
            "banyan_jobs_total",
            "Jobs of handlers that were pushed to Redis, or could not be yet.",
            &["result"],
        )?;
        let sessions = counter(
            "banyan_sessions_total",
            "Sessions of handlers that were to be kept in Redis, by what became of them.",
            &["result"],
        )?;
        let waiting = "Commits whose jobs should have been pushed by now, at most 100 are counted.";
        let open = Opts::new(
            "banyan_breaker_open",
            "1 while the monolith answers a route's requests since its handler keeps failing.",
        );
        Ok(Self {
            commits: Commit::ALL.map(|it| commits.with_label_values(&[it.label()])),
            pushed: Pushed::ALL.map(|it| pushed.with_label_values(&[it.label()])),
            sessions: SessionSaved::ALL.map(|it| sessions.with_label_values(&[it.label()])),
            waiting: registered(registry, IntGauge::new("banyan_jobs_waiting", waiting)?)?,
            open: registered(registry, IntGaugeVec::new(open, &["route"])?)?,
            opened: counter(
                "banyan_breaker_opened_total",
                "How often a route's breaker opened.",
                &["route"],
            )?,
        })
    }

    /// A commit ended.
    pub fn committed(&self, outcome: Commit) {
        self.commits[outcome as usize].inc();
    }

    /// Jobs were pushed, or could not be.
    pub fn pushed(&self, how: Pushed, jobs: usize) {
        self.pushed[how as usize].inc_by(jobs as u64);
    }

    /// A session was to be kept.
    pub fn session(&self, became: SessionSaved) {
        self.sessions[became as usize].inc();
    }

    /// So many commits have jobs that should have been pushed by now.
    pub fn waiting(&self, commits: usize) {
        self.waiting.set(i64::try_from(commits).unwrap_or(i64::MAX));
    }

    /// The handles of one route's breaker.
    pub fn breaker(&self, route: &str) -> BreakerMetrics {
        BreakerMetrics {
            open: self.open.with_label_values(&[route]),
            opened: self.opened.with_label_values(&[route]),
        }
    }
}
