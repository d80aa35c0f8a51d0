//! Copies for the judge: taken as a buyer's answer passes, handed over when it has passed, never
//! waited for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use extracted::{Extraction, Reply};
use futures_util::FutureExt as _;
use http::{HeaderMap, Response, StatusCode};
use shadow::{Experiment, Leg, Observation, Question, Shadow, Unknown};

use crate::{
    body::{Body, End, ReadError, read_up_to},
    downstream::Downstream,
    error::ProxyError,
    extraction::{Ending, Extractions, Failure, NoReply},
    h1::client::Allowance,
    match_route::Routed,
    metrics::Fallback,
    monolith::{Hop, Monolith, Trip},
    route::{Percent, Route},
    snapshot::Snapshot,
    upstream::Upstream,
    visitor::Visitors,
};

/// Answers with a longer body are not compared, and are counted as too large.
const BODY_LIMIT: usize = 1024 * 1024;

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
        candidate: Extraction,
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
        let ask = routed.control.clone().filter(|_| snapshot.is_safe());
        Some(Box::new(Tap {
            mirror: self.clone(),
            ask: ask.map(|it| (it, Arc::clone(&routed.downstream))),
            twice: routed.route.noise.takes(),
            snapshot: Arc::new(snapshot),
            candidate,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            chunks: Vec::new(),
            size: 0,
            unknown: Some(Unknown::ClientGone),
        }))
    }

    /// Stage `extracted`: the buyer has the handler's reply; the monolith is asked the same, so that
    /// "go back" stays proven. A write is never asked twice.
    pub fn ask_back(
        &self,
        snapshot: &Arc<Snapshot>,
        routed: &Routed,
        reply: &Reply,
        took: Duration,
        sample: Percent,
    ) {
        let upstream = routed.control.clone().filter(|_| snapshot.is_safe() && sample.takes());
        let Some(upstream) = upstream else { return };
        if is_busy(&routed.route) {
            self.judge.discard(&routed.route.subject, Unknown::Dropped);
            return;
        }
        let asked = || Leg::Ask(self.question(snapshot, Arc::clone(&upstream), &routed.downstream));
        self.judge.offer(Experiment {
            subject: Arc::clone(&snapshot.route.subject),
            request: snapshot.summary(&self.visitors),
            control: asked(),
            candidate: Leg::Answered(observe(reply, took)),
            again: snapshot.route.noise.takes().then(asked),
            recheck: None,
            reading: snapshot.reading(&self.visitors),
            deadline: CONTROL_DEADLINE,
        });
    }

    /// The judge's own question to the monolith.
    fn question(
        &self,
        snapshot: &Arc<Snapshot>,
        upstream: Arc<Upstream>,
        downstream: &Arc<Downstream>,
    ) -> Question {
        let (controls, snapshot) = (self.controls.clone(), Arc::clone(snapshot));
        let downstream = Arc::clone(downstream);
        let answer = async move {
            let began = Instant::now();
            let request = snapshot.to_monolith(&downstream);
            let timeouts = snapshot.route.policy.timeouts;
            let allowance = Allowance::of(&timeouts, began);
            let hop = Hop { upstream: &upstream, timeouts: &timeouts, first: false, allowance };
            let response = controls.send(hop, request, &mut Trip::default()).await;
            let (head, body) = response.map_err(|_| Unknown::ControlFailed)?.into_parts();
            let body = read_up_to(body, BODY_LIMIT).await.map_err(|error| match error {
                ReadError::TooLarge(_) => Unknown::TooLarge,
                ReadError::Broken(_) => Unknown::ControlFailed,
            })?;
            let took = began.elapsed();
            Ok(Observation { status: head.status, headers: head.headers, body, took })
        };
        answer.boxed()
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

/// Copies one answer as it passes, and makes an experiment of it when it has passed.
#[derive(Debug)]
pub struct Tap {
    mirror: Mirror,
    snapshot: Arc<Snapshot>,
    candidate: Extraction,
    /// Who can be asked once more, and for whom; nobody, where that would do something.
    ask: Option<(Arc<Upstream>, Arc<Downstream>)>,
    /// Whether the monolith is asked once more in any case, to see what it does to itself.
    twice: bool,
    status: StatusCode,
    headers: HeaderMap,
    chunks: Vec<Bytes>,
    size: usize,
    /// What the request counts as if there is no experiment in the end.
    unknown: Option<Unknown>,
}

impl Tap {
    /// Rides along with the answer's body from now on; without an answer there is no control.
    pub fn attach(
        mut self: Box<Self>,
        answer: Result<Response<Body>, ProxyError>,
    ) -> Result<Response<Body>, ProxyError> {
        let Ok(response) = answer else {
            self.unknown = Some(Unknown::ControlFailed);
            return answer;
        };
        self.status = response.status();
        self.headers = response.headers().clone();
        Ok(response.map(|body| body.tapped(self)))
    }

    /// Keeps what passes, without copying it; beyond the limit nothing is kept any more.
    pub(crate) fn push(&mut self, data: &Bytes) {
        self.size = self.size.saturating_add(data.len());
        if self.size > BODY_LIMIT {
            self.chunks.clear();
            self.unknown = Some(Unknown::TooLarge);
        } else {
            self.chunks.push(data.clone());
        }
    }

    /// The answer's body has ended.
    pub(crate) fn finish(mut self: Box<Self>, end: End) {
        match end {
            End::Complete if self.size <= BODY_LIMIT => self.offer(),
            End::Complete | End::Abandoned(_) => {}
            End::BrokenOff(_) => self.unknown = Some(Unknown::ControlFailed),
        }
    }

    fn offer(&mut self) {
        self.unknown = None;
        let control = Observation {
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body: joined(std::mem::take(&mut self.chunks)),
            took: self.snapshot.age(),
        };
        let question = |(upstream, downstream): &(Arc<Upstream>, Arc<Downstream>)| {
            self.mirror.question(&self.snapshot, Arc::clone(upstream), downstream)
        };
        let again = self.ask.as_ref().filter(|_| self.twice).map(question).map(Leg::Ask);
        let recheck = self.ask.as_ref().map(question);
        let call = self.snapshot.to_handler(self.candidate, Ending::Rollback);
        let candidates = self.mirror.candidates.clone();
        let candidate = async move {
            let began = Instant::now();
            match candidates.run(call).await {
                Ok(reply) => Ok(observe(&reply, began.elapsed())),
                Err(NoReply::Failed(failure)) => Err(unknown(&failure)),
                // A candidate is rolled back, never committed.
                Err(NoReply::CommitUnknown(_)) => Err(Unknown::Failed),
            }
        };
        self.mirror.judge.offer(Experiment {
            subject: Arc::clone(&self.snapshot.route.subject),
            request: self.snapshot.summary(&self.mirror.visitors),
            control: Leg::Answered(control),
            candidate: Leg::Ask(candidate.boxed()),
            again,
            recheck,
            reading: self.snapshot.reading(&self.mirror.visitors),
            deadline: CONTROL_DEADLINE,
        });
    }
}

impl Drop for Tap {
    /// A sampled request of which nothing came is an unknown, whatever happened to it.
    fn drop(&mut self) {
        if let Some(why) = self.unknown {
            self.mirror.judge.discard(&self.snapshot.route.subject, why);
        }
    }
}

fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    match chunks.len() {
        0 => Bytes::new(),
        1 => chunks.remove(0),
        _ => chunks.concat().into(),
    }
}

fn observe(reply: &Reply, took: Duration) -> Observation {
    Observation {
        status: reply.status,
        headers: reply.headers.clone(),
        body: reply.body.clone(),
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
