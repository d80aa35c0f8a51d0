//! Copies one answer as it passes. What is made of it is made by the judge, when it has passed: here
//! a buyer waits.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body as _, Frame};
use shadow::{Capture, Experiment, Leg, Observation, Prepared, Shadow, Subject, Unknown};

use super::{CONTROL_DEADLINE, Mirror, Sampler, kind};
use crate::{
    body::{Body, End},
    error::ProxyError,
    match_route::Routed,
    route::Candidate,
    snapshot::Snapshot,
    upstream::Upstream,
};

/// Copies one answer as it passes, and hands it to the judge when it has passed.
#[derive(Debug)]
pub struct Tap {
    copied: Copied,
    loss: Loss,
}

/// What an experiment is made of.
#[derive(Debug)]
struct Copied {
    mirror: Arc<Mirror>,
    snapshot: Snapshot,
    candidate: Candidate,
    /// The request is being recorded whatever the judge says.
    is_recorded: bool,
    /// Who can be asked once more; nobody, where that would do something.
    ask: Option<Arc<Upstream>>,
    status: StatusCode,
    headers: HeaderMap,
    body: Capture,
    trailers: HeaderMap,
    took: Duration,
}

/// Sees to it that a sampled request of which nothing comes is an unknown, whatever happens to it.
#[derive(Debug)]
struct Loss {
    judge: Shadow,
    subject: Arc<Subject>,
    sampler: Arc<Sampler>,
    /// Whether the sampler has taken the request: what it is shows with the answer's head.
    taken: bool,
    /// What it counts as; `None` if it does not, or is in the judge's hands.
    why: Option<Unknown>,
}

impl Tap {
    pub(super) fn new(
        mirror: &Arc<Mirror>,
        routed: &Routed,
        snapshot: Snapshot,
        candidate: &Candidate,
        sampler: &Arc<Sampler>,
    ) -> Box<Self> {
        let ask = routed.control.clone().filter(|_| snapshot.is_safe());
        let loss = Loss {
            judge: mirror.judge.clone(),
            subject: Arc::clone(&routed.route.subject),
            sampler: Arc::clone(sampler),
            taken: false,
            why: Some(Unknown::ClientGone),
        };
        let copied = Copied {
            mirror: Arc::clone(mirror),
            snapshot,
            candidate: candidate.clone(),
            is_recorded: routed.is_recorded,
            ask,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Capture::expecting(None),
            trailers: HeaderMap::new(),
            took: Duration::ZERO,
        };
        Box::new(Self { copied, loss })
    }

    /// Rides along with the answer's body from now on; without an answer there is no control.
    pub fn attach(
        mut self: Box<Self>,
        answer: Result<Response<Body>, ProxyError>,
    ) -> Result<Response<Body>, ProxyError> {
        let Ok(response) = answer else {
            self.loss.why = Some(Unknown::ControlFailed);
            return answer;
        };
        let Self { copied, loss } = &mut *self;
        loss.taken = loss.sampler.takes(|| {
            let request = copied.snapshot.glance(&copied.mirror.visitors);
            Some(kind(&request, response.status(), response.headers()))
        });
        if !loss.taken {
            loss.why = None;
            return Ok(response);
        }
        copied.status = response.status();
        copied.headers = response.headers().clone();
        copied.body = Capture::expecting(response.body().size_hint().exact());
        Ok(response.map(|body| body.tapped(self)))
    }

    /// Keeps what passes, large pieces without copying them; of a long body its digest.
    pub(crate) fn passed(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.copied.body.push(data);
        } else if let Some(trailers) = frame.trailers_ref() {
            self.copied.trailers.extend(trailers.clone());
        }
    }

    /// The answer's body has ended.
    pub(crate) fn finish(mut self: Box<Self>, end: End) {
        match end {
            End::Complete => self.offer(),
            End::Abandoned(_) => {}
            End::BrokenOff(_) => self.loss.why = Some(Unknown::ControlFailed),
        }
    }

    /// The judge gets the box as it is: nothing is moved, and nothing of it is freed here.
    fn offer(mut self: Box<Self>) {
        self.loss.why = None;
        self.copied.took = self.copied.snapshot.age();
        let Loss { judge, subject, .. } = &self.loss;
        let (judge, subject) = (judge.clone(), Arc::clone(subject));
        let bytes = self.copied.body.size();
        judge.offer_later(&subject, bytes, Box::new(move || self.copied.prepare().boxed()));
    }
}

impl Copied {
    async fn prepare(self) -> Prepared {
        let Self { mirror, snapshot, candidate, ask, .. } = self;
        let control = Observation {
            status: self.status,
            headers: self.headers,
            body: self.body.finish(),
            trailers: self.trailers,
            took: self.took,
        };
        let snapshot = Arc::new(snapshot);
        let question = |upstream| mirror.control(&snapshot, upstream);
        // Whether the monolith is asked once more in any case, to see what it does to itself.
        let twice = snapshot.route.noise.takes();
        let again = ask.as_ref().filter(|_| twice).map(question);
        let recheck = ask.as_ref().map(|it| mirror.recheck(&snapshot, it, &candidate));
        let candidate = mirror.candidate(&snapshot, &candidate);
        let on_mismatch = mirror.keep(&snapshot, self.is_recorded, &control);
        let experiment = Experiment {
            subject: Arc::clone(&snapshot.route.subject),
            request: snapshot.summary(&mirror.visitors).await,
            control: Leg::Answered(control),
            candidate: Leg::Ask(candidate),
            again: again.map(Leg::Ask),
            recheck,
            reading: snapshot.reading(&mirror.visitors),
            deadline: CONTROL_DEADLINE,
        };
        Prepared { experiment, on_mismatch }
    }
}

impl Drop for Loss {
    fn drop(&mut self) {
        if let Some(why) = self.why.filter(|_| self.taken || self.sampler.takes(|| None)) {
            self.judge.discard(&self.subject, why);
        }
    }
}
