//! What the judge asks each side itself.

use std::{sync::Arc, time::Instant};

use extracted::Extraction;
use futures_util::FutureExt as _;
use http::{HeaderMap, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use shadow::{Capture, Observation, Question, Unknown};

use super::{Mirror, observe, unknown};
use crate::{
    body::{Body, BodyError},
    downstream::Downstream,
    extraction::{Ending, NoReply},
    h1::client::Allowance,
    monolith::{Hop, Trip},
    snapshot::Snapshot,
    upstream::Upstream,
};

impl Mirror {
    /// The monolith, or the upstream in its place.
    pub(super) fn control(
        &self,
        snapshot: &Arc<Snapshot>,
        upstream: &Arc<Upstream>,
        downstream: &Arc<Downstream>,
    ) -> Question {
        let (controls, snapshot) = (self.controls.clone(), Arc::clone(snapshot));
        let (upstream, downstream) = (Arc::clone(upstream), Arc::clone(downstream));
        let answer = async move {
            let began = Instant::now();
            let request = snapshot.to_monolith(&downstream);
            let timeouts = snapshot.route.policy.timeouts;
            let allowance = Allowance::of(&timeouts, began);
            let hop = Hop { upstream: &upstream, timeouts: &timeouts, first: false, allowance };
            let response = controls.send(hop, request, &mut Trip::default()).await;
            let response = response.map_err(|_| Unknown::ControlFailed)?;
            read(response, began).await.map_err(|_| Unknown::ControlFailed)
        };
        answer.boxed()
    }

    /// The handler, whatever it would write rolled back.
    pub(super) fn candidate(&self, snapshot: &Arc<Snapshot>, extraction: Extraction) -> Question {
        let (candidates, snapshot) = (self.candidates.clone(), Arc::clone(snapshot));
        let answer = async move {
            let began = Instant::now();
            match candidates.run(snapshot.to_handler(extraction, Ending::Rollback)).await {
                Ok(reply) => Ok(observe(&reply, began.elapsed())),
                Err(NoReply::Failed(failure)) => Err(unknown(&failure)),
                // A candidate is rolled back, never committed.
                Err(NoReply::CommitUnknown(_)) => Err(Unknown::Failed),
            }
        };
        answer.boxed()
    }
}

/// The whole of an answer, in bounded memory.
async fn read(response: Response<Body>, began: Instant) -> Result<Observation, BodyError> {
    let (head, mut body) = response.into_parts();
    let mut capture = Capture::expecting(body.size_hint().exact());
    let mut trailers = HeaderMap::new();
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => capture.push(&data),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    let (status, headers, body) = (head.status, head.headers, capture.finish());
    Ok(Observation { status, headers, body, trailers, took: began.elapsed() })
}
