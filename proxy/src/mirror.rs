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
use shadow::{Experiment, Leg, Observation, Shadow, Unknown};

use crate::{
    body::{Body, ReadError, read_up_to},
    downstream::Downstream,
    extraction::{Ending, Extractions, Failure},
    match_route::Routed,
    metrics::Fallback,
    monolith::Monolith,
    route::{Percent, Route},
    snapshot::Snapshot,
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
        let Some(snapshot) = Snapshot::of(routed) else {
            self.judge.discard(&routed.route.subject, Unknown::Declined);
            return None;
        };
        Some(Box::new(Tap {
            mirror: self.clone(),
            snapshot,
            candidate,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            chunks: Vec::new(),
            size: 0,
        }))
    }

    /// Stage `extracted`: the buyer has the handler's reply; the monolith is asked the same, so that
    /// "go back" stays proven.
    pub fn ask_back(
        &self,
        snapshot: &Snapshot,
        routed: &Routed,
        downstream: &Downstream,
        reply: &Reply,
        took: Duration,
        sample: Percent,
    ) {
        let Some(address) = routed.monolith.clone().filter(|_| sample.takes()) else { return };
        let candidate = Leg::Answered(observe(reply, took));
        let controls = self.controls.clone();
        let request = snapshot.to_monolith(downstream);
        let control = async move {
            let began = Instant::now();
            let response = controls.send(&address, request).await;
            let (head, body) = response.map_err(|_| Unknown::ControlFailed)?.into_parts();
            let body = read_up_to(body, BODY_LIMIT).await.map_err(|error| match error {
                ReadError::TooLarge(_) => Unknown::TooLarge,
                ReadError::Broken(_) => Unknown::ControlFailed,
            })?;
            let took = began.elapsed();
            Ok(Observation { status: head.status, headers: head.headers, body, took })
        };
        self.judge.offer(Experiment {
            subject: Arc::clone(&snapshot.route.subject),
            request: snapshot.summary(),
            control: Leg::Ask(control.boxed()),
            candidate,
            deadline: CONTROL_DEADLINE,
        });
    }

    /// Stage `extracted`: the handler failed in front of a buyer, so there is nothing to compare.
    pub fn failed(&self, route: &Route, failure: &Failure) {
        self.judge.discard(&route.subject, unknown(failure));
    }
}

/// Copies one answer as it passes, and makes an experiment of it when it has passed.
#[derive(Debug)]
pub struct Tap {
    mirror: Mirror,
    snapshot: Snapshot,
    candidate: Extraction,
    status: StatusCode,
    headers: HeaderMap,
    chunks: Vec<Bytes>,
    size: usize,
}

impl Tap {
    /// Rides along with the answer's body from now on.
    pub fn attach(mut self: Box<Self>, response: Response<Body>) -> Response<Body> {
        self.status = response.status();
        self.headers = response.headers().clone();
        response.map(|body| body.tapped(self))
    }

    /// Keeps what passes, without copying it; beyond the limit nothing is kept any more.
    pub(crate) fn push(&mut self, data: &Bytes) {
        self.size = self.size.saturating_add(data.len());
        if self.size > BODY_LIMIT {
            self.chunks.clear();
        } else {
            self.chunks.push(data.clone());
        }
    }

    /// The answer has passed whole, or broke off.
    pub(crate) fn finish(self: Box<Self>, complete: bool) {
        let subject = &self.snapshot.route.subject;
        if self.size > BODY_LIMIT {
            return self.mirror.judge.discard(subject, Unknown::TooLarge);
        }
        if !complete {
            return self.mirror.judge.discard(subject, Unknown::ClientGone);
        }
        let control = Observation {
            status: self.status,
            headers: self.headers,
            body: joined(self.chunks),
            took: self.snapshot.age(),
        };
        let call = self.snapshot.to_handler(self.candidate, Ending::Rollback);
        let candidates = self.mirror.candidates.clone();
        let candidate = async move {
            let began = Instant::now();
            match candidates.run(call).await {
                Ok(reply) => Ok(observe(&reply, began.elapsed())),
                Err(failure) => Err(unknown(&failure)),
            }
        };
        self.mirror.judge.offer(Experiment {
            subject: Arc::clone(subject),
            request: self.snapshot.summary(),
            control: Leg::Answered(control),
            candidate: Leg::Ask(candidate.boxed()),
            deadline: CONTROL_DEADLINE,
        });
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

const fn unknown(failure: &Failure) -> Unknown {
    match failure.reason() {
        Fallback::Error => Unknown::Failed,
        Fallback::Panic => Unknown::Panicked,
        Fallback::Deadline => Unknown::TimedOut,
        Fallback::Overload => Unknown::Dropped,
        Fallback::Declined => Unknown::Declined,
    }
}
