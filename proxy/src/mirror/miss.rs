//! Stage `extracted`: a request that the handler could not answer, so that there is nothing to compare.

use std::{future::ready, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, Response};
use shadow::{Experiment, Leg, Observation, Prepared, Reading, Unknown};

use super::{CONTROL_DEADLINE, Mirror, Sampler, kind, unknown};
use crate::{body::Body, extraction::Failure, match_route::Routed, snapshot::Snapshot};

/// A request that falls back to the monolith, whose answer tells of which kind it is.
#[derive(Debug)]
pub struct Miss {
    mirror: Arc<Mirror>,
    sampler: Arc<Sampler>,
    snapshot: Arc<Snapshot>,
    /// What it counts as; `None` when it is counted, or is none of the sample.
    why: Option<Unknown>,
}

impl Mirror {
    /// The handler failed in front of a buyer. It counts as its reply would have: if the route's sampler
    /// takes it, and never for a write, which is not compared either.
    pub fn miss(self: &Arc<Self>, routed: &Routed, failure: &Failure) -> Option<Miss> {
        let sampler = routed.route.plan.sampler().filter(|_| routed.request.method().is_safe())?;
        if !sampler.may_take() {
            return None;
        }
        let why = unknown(failure);
        let Some(snapshot) = Snapshot::of(routed) else {
            if sampler.takes(|| None) {
                self.judge.discard(&routed.route.subject, why);
            }
            return None;
        };
        let (mirror, sampler) = (Arc::clone(self), Arc::clone(sampler));
        Some(Miss { mirror, sampler, snapshot: Arc::new(snapshot), why: Some(why) })
    }
}

impl Miss {
    /// The monolith has answered in the handler's place.
    pub fn answered(mut self, answer: &Response<Body>) {
        let Some(why) = self.why.take() else { return };
        let (mirror, snapshot) = (Arc::clone(&self.mirror), Arc::clone(&self.snapshot));
        let (status, headers) = (answer.status(), answer.headers());
        let glance = || snapshot.glance(&mirror.visitors);
        if !self.sampler.takes(|| Some(kind(&glance(), status, headers))) {
            return;
        }
        let subject = Arc::clone(&snapshot.route.subject);
        if !mirror.judge.has_room() {
            mirror.judge.discard(&subject, why);
            return;
        }
        // The answer's head alone: its body has nothing to be compared with.
        let control = Observation {
            status,
            headers: headers.clone(),
            body: Bytes::new().into(),
            trailers: HeaderMap::new(),
            took: Duration::ZERO,
        };
        let judge = mirror.judge.clone();
        let prepare = async move {
            let experiment = Experiment {
                subject: Arc::clone(&snapshot.route.subject),
                request: snapshot.summary(&mirror.visitors).await,
                control: Leg::Answered(control),
                candidate: Leg::Ask(ready(Err(why)).boxed()),
                again: None,
                recheck: None,
                reading: Reading::default(),
                deadline: CONTROL_DEADLINE,
            };
            Prepared { experiment, on_mismatch: None }
        };
        judge.offer_later(&subject, 0, Box::new(|| prepare.boxed()));
    }
}

/// The monolith gave no answer either, or the buyer left before it: nobody knows of which kind it was.
impl Drop for Miss {
    fn drop(&mut self) {
        if let Some(why) = self.why.filter(|_| self.sampler.takes(|| None)) {
            self.mirror.judge.discard(&self.snapshot.route.subject, why);
        }
    }
}
