//! What the judge asks each side itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use extracted::Extraction;
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use shadow::{Around, Capture, Observation, Question, Recheck, Unknown};
use tokio::time::timeout;

use super::{Mirror, observe, unknown};
use crate::{
    body::{Body, BodyError},
    error::ProxyError,
    extraction::{Ending, NoReply},
    h1::client::{Allowance, ExchangeError},
    limits::Timeouts,
    monolith::{Hop, Monolith, Trip},
    route::Candidate,
    snapshot::Snapshot,
    upstream::Upstream,
};

impl Mirror {
    /// The monolith, or the upstream in its place.
    pub(super) fn control(&self, snapshot: &Arc<Snapshot>, upstream: &Arc<Upstream>) -> Question {
        let (asker, snapshot) = (self.asker(snapshot, upstream), Arc::clone(snapshot));
        let complaints = self.complaints.clone();
        let answer = async move {
            let answer = asker.ask(snapshot.to_monolith()).await;
            let why = Unknown::ControlFailed;
            answer.inspect_err(|error| complaints.say(&snapshot, why, error)).map_err(|_| why)
        };
        answer.boxed()
    }

    /// A service that is compared with the monolith, within the route's `timeout`.
    fn service(&self, snapshot: &Arc<Snapshot>, service: &Arc<Upstream>) -> Question {
        let (asker, snapshot) = (self.asker(snapshot, service), Arc::clone(snapshot));
        let complaints = self.complaints.clone();
        let answer = async move {
            let limit = snapshot.route.timeout;
            let answer = timeout(limit, asker.ask(snapshot.to_candidate())).await;
            answer.unwrap_or(Err(Unanswered::Late(limit))).map_err(|error| {
                let why = error.of_candidate();
                complaints.say(&snapshot, why, &error);
                why
            })
        };
        answer.boxed()
    }

    /// The candidate, whatever it would write rolled back.
    pub(super) fn candidate(&self, snapshot: &Arc<Snapshot>, candidate: &Candidate) -> Question {
        match candidate {
            Candidate::Extraction(extraction) => self.handler(snapshot, *extraction),
            Candidate::Upstream(service) => self.service(snapshot, service),
        }
    }

    /// The monolith once more about a difference, and then both sides.
    pub(super) fn recheck(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        upstream: &Arc<Upstream>,
        candidate: &Candidate,
    ) -> Recheck {
        let control = self.control(snapshot, upstream);
        let (mirror, snapshot, upstream) =
            (Arc::clone(self), Arc::clone(snapshot), Arc::clone(upstream));
        let candidate = candidate.clone();
        let around = move || Around {
            before: mirror.control(&snapshot, &upstream),
            candidate: mirror.candidate(&snapshot, &candidate),
            after: mirror.control(&snapshot, &upstream),
        };
        Recheck::Control(control, Box::new(around))
    }

    fn asker(&self, snapshot: &Snapshot, upstream: &Arc<Upstream>) -> Asker {
        let (connections, timeouts) = (self.controls.clone(), snapshot.route.policy.timeouts);
        Asker { connections, upstream: Arc::clone(upstream), timeouts, first: false }
    }

    /// The handler, whatever it would write rolled back.
    pub(super) fn handler(&self, snapshot: &Arc<Snapshot>, extraction: Extraction) -> Question {
        let (candidates, snapshot) = (self.candidates.clone(), Arc::clone(snapshot));
        let complaints = self.complaints.clone();
        let answer = async move {
            let began = Instant::now();
            let call = snapshot.to_handler(extraction, Ending::Rollback);
            match candidates.run(call.ok_or(Unknown::Declined)?).await {
                Ok(reply) => Ok(observe(&reply, began.elapsed())),
                Err(NoReply::Failed(failure)) => {
                    let why = unknown(&failure);
                    complaints.say(&snapshot, why, &failure);
                    Err(why)
                }
                // A candidate is rolled back, never committed.
                Err(NoReply::CommitUnknown(_)) => Err(Unknown::Failed),
            }
        };
        answer.boxed()
    }
}

/// Asks an upstream over connections that are not the buyers'.
pub(crate) struct Asker {
    pub(crate) connections: Monolith,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) timeouts: Timeouts,
    /// What cannot be asked twice goes over a new connection.
    pub(crate) first: bool,
}

impl Asker {
    pub(crate) async fn ask(self, request: Request<Body>) -> Result<Observation, Unanswered> {
        let Self { connections, upstream, timeouts, first } = self;
        let began = Instant::now();
        let allowance = Allowance::of(&timeouts, began);
        let (upstream, timeouts) = (&upstream, &timeouts);
        let hop = Hop { upstream, timeouts, first, shadow: true, allowance };
        let response = connections.send(hop, request, &mut Trip::default()).await?;
        Ok(read(response, began).await?)
    }
}

/// Why an upstream has not answered the judge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("no answer came")]
    Refused(#[from] ProxyError),
    #[error("the answer broke off")]
    BrokeOff(#[from] BodyError),
    #[error("no answer came within the route's `timeout` of {0:?}")]
    Late(Duration),
}

impl Unanswered {
    /// What it comes to where it is the candidate's.
    const fn of_candidate(&self) -> Unknown {
        match self {
            Self::Refused(ProxyError::Busy(_)) => Unknown::Dropped,
            Self::Late(_)
            | Self::Refused(ProxyError::Upstream(ExchangeError::Limit(_)))
            | Self::BrokeOff(BodyError::Limit(_)) => Unknown::TimedOut,
            _ => Unknown::Failed,
        }
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
