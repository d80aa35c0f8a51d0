//! Copies for the judge: taken as a buyer's answer passes, handed over when it has passed, never
//! waited for.

mod questions;
mod tap;

use std::{sync::Arc, time::Duration};

use extracted::{Extraction, Reply};
use http::HeaderMap;
use shadow::{Experiment, Leg, Observation, Recheck, Shadow, Unknown};

pub use self::tap::Tap;
use crate::{
    extraction::{Extractions, Failure},
    match_route::Routed,
    metrics::Fallback,
    monolith::Monolith,
    route::{Candidate, Percent, Route},
    snapshot::Snapshot,
    visitor::Visitors,
};

/// How long a side may take when only the judge waits. A candidate's own limit, its route's
/// `timeout`, comes sooner.
const CONTROL_DEADLINE: Duration = Duration::from_secs(30);

/// The way to the judge. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The judge.
    pub judge: Shadow,
    /// The runtime that candidates run on; not the one that answers buyers.
    pub candidates: Extractions,
    /// The judge's own connections to the monolith.
    pub controls: Monolith,
    /// Who asks.
    pub visitors: Visitors,
}

impl Mirror {
    /// Stage `shadow`: decides whether this request is sampled, before it leaves.
    pub fn listen(
        &self,
        routed: &Routed,
        candidate: &Candidate,
        sample: Percent,
    ) -> Option<Box<Tap>> {
        if !sample.takes() {
            return None;
        }
        if is_busy(&routed.route) {
            self.judge.discard(&routed.route.subject, Unknown::Dropped);
            return None;
        }
        let Some(snapshot) = Snapshot::of(routed) else {
            self.judge.discard(&routed.route.subject, Unknown::Declined);
            return None;
        };
        Some(Tap::new(self.clone(), routed, snapshot, candidate.clone()))
    }

    /// Stage `extracted`: the buyer has the handler's reply; the monolith is asked the same, so that
    /// "go back" stays proven. A write is never asked twice.
    pub fn ask_back(
        &self,
        snapshot: &Arc<Snapshot>,
        routed: &Routed,
        extraction: Extraction,
        (reply, took): (&Reply, Duration),
        sample: Percent,
    ) {
        let upstream = routed.control.clone().filter(|_| snapshot.is_safe() && sample.takes());
        let Some(upstream) = upstream else { return };
        if is_busy(&routed.route) {
            self.judge.discard(&routed.route.subject, Unknown::Dropped);
            return;
        }
        let asked = || Leg::Ask(self.control(snapshot, &upstream, &routed.downstream));
        self.judge.offer(Experiment {
            subject: Arc::clone(&snapshot.route.subject),
            request: snapshot.summary(&self.visitors),
            control: asked(),
            candidate: Leg::Answered(observe(reply, took)),
            again: snapshot.route.noise.takes().then(asked),
            recheck: Some(Recheck::Candidate(self.handler(snapshot, extraction))),
            reading: snapshot.reading(&self.visitors),
            deadline: CONTROL_DEADLINE,
        });
    }

    /// Stage `extracted`: the handler failed in front of a buyer, so there is nothing to compare.
    pub fn failed(&self, route: &Route, failure: &Failure) {
        self.judge.discard(&route.subject, unknown(failure));
    }
}

/// Whether there is so much to do that comparing must wait: long before a buyer is turned away.
fn is_busy(route: &Route) -> bool {
    route.metrics.in_flight() > route.policy.limits.in_flight / 2
}

fn observe(reply: &Reply, took: Duration) -> Observation {
    Observation {
        status: reply.status,
        headers: reply.headers.clone(),
        body: reply.body.clone().into(),
        trailers: HeaderMap::new(),
        took,
    }
}

fn unknown(failure: &Failure) -> Unknown {
    match failure.reason() {
        Fallback::Error | Fallback::Breaker => Unknown::Failed,
        Fallback::Panic => Unknown::Panicked,
        Fallback::Deadline => Unknown::TimedOut,
        Fallback::Overload => Unknown::Dropped,
        Fallback::Declined => Unknown::Declined,
    }
}
