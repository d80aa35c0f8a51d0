//! Copies for the judge: taken as a buyer's answer passes, handed over when it has passed, never
//! waited for.

mod complaints;
mod miss;
mod questions;
mod sampler;
mod tap;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use extracted::{Extraction, Reply};
use futures_util::FutureExt as _;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use shadow::{
    Experiment, Leg, Observation, OnMismatch, Prepared, Recheck, RequestSummary, Shadow, Stratum,
    Unknown,
};

pub(crate) use self::questions::Asker;
pub use self::{
    complaints::Complaints,
    miss::Miss,
    sampler::{Enough, Sample, Sampler},
    tap::Tap,
};
use crate::{
    extraction::{Extractions, Failure},
    match_route::Routed,
    metrics::Fallback,
    monolith::Monolith,
    recording::Recorder,
    route::{Candidate, Route},
    snapshot::Snapshot,
    visitor::Visitors,
};

/// How long a side may take when only the judge waits. A candidate's own limit, its route's
/// `timeout`, comes sooner.
pub(crate) const CONTROL_DEADLINE: Duration = Duration::from_secs(30);

/// The way to the judge.
#[derive(Debug)]
pub struct Mirror {
    /// The judge.
    pub judge: Shadow,
    /// The runtime that candidates run on; not the one that answers buyers.
    pub candidates: Extractions,
    /// The judge's own connections to the monolith.
    pub controls: Monolith,
    /// Who asks.
    pub visitors: Visitors,
    /// Where the raw requests of differences go, of routes that allow it.
    pub recorder: Option<Recorder>,
    /// What was said of sides that gave no answer.
    pub complaints: Complaints,
}

impl Mirror {
    /// Stage `shadow`: decides whether this request is sampled, before it leaves.
    pub fn listen(
        self: &Arc<Self>,
        routed: &Routed,
        candidate: &Candidate,
        sampler: &Arc<Sampler>,
    ) -> Option<Box<Tap>> {
        if !sampler.may_take() {
            return None;
        }
        let why = if is_busy(&routed.route) || !self.judge.has_room() {
            Unknown::Dropped
        } else if let Some(snapshot) = Snapshot::of(routed) {
            return Some(Tap::new(self, routed, snapshot, candidate, sampler));
        } else {
            // In front of buyers its body would be waited for, and the handler be asked.
            Unknown::TooLarge
        };
        if sampler.takes(|| None) {
            self.judge.discard(&routed.route.subject, why);
        }
        None
    }

    /// Stage `extracted`: the buyer has the handler's reply; the monolith is asked the same, so that
    /// "go back" stays proven. A write is never asked twice.
    pub fn ask_back(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        routed: &Routed,
        extraction: Extraction,
        (reply, took): (&Reply, Duration),
    ) {
        let upstream = routed.control.clone().filter(|_| snapshot.is_safe());
        let sampler = snapshot.route.plan.sampler().filter(|it| it.may_take());
        let (Some(upstream), Some(sampler)) = (upstream, sampler) else { return };
        let summary = || snapshot.glance(&self.visitors);
        if !sampler.takes(|| Some(kind(&summary(), reply.status, &reply.headers))) {
            return;
        }
        if is_busy(&routed.route) || !self.judge.has_room() {
            self.judge.discard(&routed.route.subject, Unknown::Dropped);
            return;
        }
        let (mirror, snapshot) = (Arc::clone(self), Arc::clone(snapshot));
        let (answer, is_recorded) = (observe(reply, took), routed.is_recorded);
        let prepare = async move {
            let asked = || Leg::Ask(mirror.control(&snapshot, &upstream));
            let on_mismatch = mirror.keep(&snapshot, is_recorded, &answer);
            let experiment = Experiment {
                subject: Arc::clone(&snapshot.route.subject),
                request: snapshot.summary(&mirror.visitors).await,
                control: asked(),
                candidate: Leg::Answered(answer),
                again: snapshot.route.noise.takes().then(asked),
                recheck: Some(Recheck::Candidate(mirror.handler(&snapshot, extraction))),
                reading: snapshot.reading(&mirror.visitors),
                deadline: CONTROL_DEADLINE,
            };
            Prepared { experiment, on_mismatch }
        };
        self.judge.offer_later(
            &routed.route.subject,
            reply.body.len(),
            Box::new(|| prepare.boxed()),
        );
    }

    /// Keeps the raw request if its answers differ, so that whoever looks at the sample can ask it
    /// again; unless it is being recorded anyway, or its answer was too long to be kept.
    fn keep(
        &self,
        snapshot: &Snapshot,
        is_recorded: bool,
        answer: &Observation,
    ) -> Option<OnMismatch> {
        let permission = snapshot.route.record.filter(|_| !is_recorded)?;
        answer.body.whole()?;
        let recorder = self.recorder.clone()?;
        let exchange = snapshot.exchange(answer.clone());
        Some(Box::new(move || recorder.offer(exchange, permission.keep)))
    }
}

/// Whether there is so much to do that comparing must wait: long before a buyer is turned away.
fn is_busy(route: &Route) -> bool {
    route.metrics.in_flight() > route.policy.limits.in_flight / 2
}

/// Of which kind a request is that was answered so, and a hash that tells it from others.
fn kind(request: &RequestSummary, status: StatusCode, headers: &HeaderMap) -> (Stratum, u64) {
    let (content_type, operation) = (headers.get(CONTENT_TYPE), request.operation.as_deref());
    let stratum = Stratum::of(status, request.signed_in, content_type, operation);
    let mut hasher = DefaultHasher::new();
    (&request.method, &request.target, request.variant).hash(&mut hasher);
    (stratum, hasher.finish())
}

pub(crate) fn observe(reply: &Reply, took: Duration) -> Observation {
    Observation {
        status: reply.status,
        headers: reply.headers.clone(),
        body: reply.body.clone().into(),
        trailers: HeaderMap::new(),
        took,
    }
}

pub(crate) fn unknown(failure: &Failure) -> Unknown {
    match failure.reason() {
        Fallback::Error | Fallback::Breaker => Unknown::Failed,
        Fallback::Panic => Unknown::Panicked,
        Fallback::Deadline => Unknown::TimedOut,
        Fallback::Overload => Unknown::Dropped,
        Fallback::Declined => Unknown::Declined,
    }
}
