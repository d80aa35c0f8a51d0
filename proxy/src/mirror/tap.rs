//! Copies one answer as it passes, and makes an experiment of it when it has passed.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body as _, Frame};
use shadow::{Capture, Experiment, Leg, Observation, RequestSummary, Unknown};

use super::{CONTROL_DEADLINE, Mirror, Sampler, kind};
use crate::{
    body::{Body, End},
    downstream::Downstream,
    error::ProxyError,
    match_route::Routed,
    route::Candidate,
    snapshot::Snapshot,
    upstream::Upstream,
};

/// Copies one answer as it passes, and makes an experiment of it when it has passed.
#[derive(Debug)]
pub struct Tap {
    mirror: Mirror,
    snapshot: Arc<Snapshot>,
    candidate: Candidate,
    downstream: Arc<Downstream>,
    /// The request is being recorded whatever the judge says.
    is_recorded: bool,
    /// Who can be asked once more; nobody, where that would do something.
    ask: Option<Arc<Upstream>>,
    /// Whether the monolith is asked once more in any case, to see what it does to itself.
    twice: bool,
    sampler: Arc<Sampler>,
    /// Whether the sampler has taken the request: what it is shows with the answer's head.
    taken: bool,
    summary: Option<RequestSummary>,
    status: StatusCode,
    headers: HeaderMap,
    capture: Capture,
    trailers: HeaderMap,
    /// What the request counts as if there is no experiment in the end.
    unknown: Option<Unknown>,
}

impl Tap {
    pub(super) fn new(
        mirror: Mirror,
        routed: &Routed,
        snapshot: Snapshot,
        candidate: Candidate,
        sampler: Arc<Sampler>,
    ) -> Box<Self> {
        let ask = routed.control.clone().filter(|_| snapshot.is_safe());
        Box::new(Self {
            mirror,
            ask,
            downstream: Arc::clone(&routed.downstream),
            is_recorded: routed.is_recorded,
            twice: routed.route.noise.takes(),
            snapshot: Arc::new(snapshot),
            candidate,
            sampler,
            taken: false,
            summary: None,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            capture: Capture::expecting(None),
            trailers: HeaderMap::new(),
            unknown: Some(Unknown::ClientGone),
        })
    }

    /// Rides along with the answer's body from now on; without an answer there is no control.
    pub fn attach(
        mut self: Box<Self>,
        answer: Result<Response<Body>, ProxyError>,
    ) -> Result<Response<Body>, ProxyError> {
        let Ok(response) = answer else {
            self.unknown = Some(Unknown::ControlFailed);
            return answer;
        };
        let (mut summary, snapshot, visitors) = (None, &self.snapshot, &self.mirror.visitors);
        self.taken = self.sampler.takes(|| {
            let request = summary.insert(snapshot.summary(visitors));
            Some(kind(request, response.status(), response.headers()))
        });
        if !self.taken {
            self.unknown = None;
            return Ok(response);
        }
        self.summary = summary;
        self.status = response.status();
        self.headers = response.headers().clone();
        self.capture = Capture::expecting(response.body().size_hint().exact());
        Ok(response.map(|body| body.tapped(self)))
    }

    /// Keeps what passes, without copying it; of a long body its digest.
    pub(crate) fn passed(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.capture.push(data);
        } else if let Some(trailers) = frame.trailers_ref() {
            self.trailers.extend(trailers.clone());
        }
    }

    /// The answer's body has ended.
    pub(crate) fn finish(self: Box<Self>, end: End) {
        let mut tap = *self;
        match end {
            End::Complete => tap.offer(),
            End::Abandoned(_) => {}
            End::BrokenOff(_) => tap.unknown = Some(Unknown::ControlFailed),
        }
    }

    fn offer(&mut self) {
        self.unknown = None;
        let control = Observation {
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body: std::mem::replace(&mut self.capture, Capture::expecting(None)).finish(),
            trailers: std::mem::take(&mut self.trailers),
            took: self.snapshot.age(),
        };
        let summary = self.summary.take();
        let Self { mirror, snapshot, .. } = self;
        let question = |upstream| mirror.control(snapshot, upstream, &self.downstream);
        let again = self.ask.as_ref().filter(|_| self.twice).map(question);
        let recheck =
            |upstream| mirror.recheck(snapshot, upstream, &self.candidate, &self.downstream);
        let recheck = self.ask.as_ref().map(recheck);
        let candidate = mirror.candidate(snapshot, &self.candidate, &self.downstream);
        let keep = mirror.keep(snapshot, &self.downstream, self.is_recorded, &control);
        let experiment = Experiment {
            subject: Arc::clone(&snapshot.route.subject),
            request: summary.unwrap_or_else(|| snapshot.summary(&mirror.visitors)),
            control: Leg::Answered(control),
            candidate: Leg::Ask(candidate),
            again: again.map(Leg::Ask),
            recheck,
            reading: snapshot.reading(&mirror.visitors),
            deadline: CONTROL_DEADLINE,
        };
        mirror.offer(experiment, keep);
    }
}

impl Drop for Tap {
    /// A sampled request of which nothing came is an unknown, whatever happened to it.
    fn drop(&mut self) {
        if let Some(why) = self.unknown.filter(|_| self.taken || self.sampler.takes(|| None)) {
            self.mirror.judge.discard(&self.snapshot.route.subject, why);
        }
    }
}
