//! Routed → Answer: the only place that knows both backends.

use std::{sync::Arc, time::Instant};

use extracted::{Extraction, Reply};
use http::{HeaderValue, Response};

use crate::{
    body::{Body, BodyError, Held, Whole},
    downstream::Downstream,
    error::{Chain, ProxyError},
    extraction::{
        Call, Ending, Extractions, Failure, NoReply,
        guard::{Guard, Pass},
    },
    h1::client::Allowance,
    match_route::{Answer, Routed},
    metrics::{Fallback, Side},
    mirror::{Mirror, Tap},
    monolith::{Forward, Hop, Trip},
    recording::{Recorder, Take},
    route::{Plan, Route},
    snapshot::Snapshot,
    upstream::Upstream,
};

/// Everybody who can answer, and the judge's ear.
#[derive(Debug)]
pub struct Backends {
    /// The worker's way to the monolith.
    pub monolith: Forward,
    /// `--monolith`: wins over the route table's.
    pub pinned: Option<Arc<Upstream>>,
    /// The runtime whose handlers answer buyers.
    pub extractions: Extractions,
    /// Where copies go to be compared.
    pub mirror: Arc<Mirror>,
    /// Where raw requests go to be kept, if anywhere.
    pub recorder: Option<Recorder>,
}

/// Answers one request as its route's plan says, and records it where the route says so.
pub async fn dispatch(mut routed: Box<Routed>) -> Answer {
    if routed.route.record.is_none() {
        return answer(routed).await;
    }
    let backends = Arc::clone(&routed.context);
    let (recorder, room) = (&backends.backends.recorder, backends.backends.extractions.room());
    match Take::begin(recorder.as_ref(), &mut routed, room).await {
        Err(error) => Answer::failed(ProxyError::Downstream(error)),
        Ok(None) => answer(routed).await,
        Ok(Some(take)) => {
            let answer = answer(routed).await;
            Answer { response: take.attach(answer.response), ..answer }
        }
    }
}

async fn answer(mut routed: Box<Routed>) -> Answer {
    let (context, downstream) = (Arc::clone(&routed.context), Arc::clone(&routed.downstream));
    let backends = &context.backends;
    let own = routed.route.upstream.is_some();
    if let Some(pinned) = backends.pinned.as_ref().filter(|_| !own) {
        routed.control = Some(pinned.clone());
    }
    let side = if own { Side::Upstream } else { Side::Monolith };
    let caller = Caller { backends, downstream, side };
    match &routed.route.plan {
        Plan::Monolith | Plan::Upstream => caller.control(routed, None).await,
        Plan::Shadow { candidate, sample } => {
            let tap = backends.mirror.listen(&routed, candidate, sample);
            caller.control(routed, tap).await
        }
        // In a box, so that the future of a request that passes through is not as large as this.
        Plan::Extracted { extraction, .. } => {
            let extraction = *extraction;
            Box::pin(caller.extracted(routed, extraction)).await
        }
    }
}

/// One client's request, on its way to one side or the other.
struct Caller<'a> {
    backends: &'a Backends,
    downstream: Arc<Downstream>,
    /// Whose answers the control's are.
    side: Side,
}

impl Caller<'_> {
    /// The monolith answers, or the upstream in its place; a tap listens to the answer as it passes.
    async fn control(&self, routed: Box<Routed>, tap: Option<Box<Tap>>) -> Answer {
        let Some(upstream) = routed.control else { return Answer::failed(ProxyError::NoMonolith) };
        let forward = &self.backends.monolith;
        let policy = &routed.route.policy;
        let allowance = Allowance::of(&policy.timeouts, routed.arrived);
        let first = routed.first;
        let timeouts = &policy.timeouts;
        let hop = Hop { upstream: &upstream, timeouts, first, shadow: false, allowance };
        let mut trip = Trip::default();
        let answer = forward.forward(hop, routed.request, &self.downstream, &mut trip).await;
        let answer = match tap {
            Some(tap) => tap.attach(answer),
            None => answer,
        };
        Answer { trip, ..self.answer(answer) }
    }

    /// The handler answers, and the monolith where it cannot.
    async fn extracted(&self, mut routed: Box<Routed>, extraction: Extraction) -> Answer {
        let Admitted { snapshot, call, pass, _held } =
            match self.admit(&mut routed, extraction).await {
                Ok(admitted) => admitted,
                Err(Turned::Away(failure)) => {
                    return self.fall_back(routed, extraction, &failure).await;
                }
                Err(Turned::Broken(error)) => return Answer::failed(ProxyError::Downstream(error)),
            };
        let began = Instant::now();
        let outcome = self.backends.extractions.run(call).await;
        if let Some(pass) = pass {
            pass.ended(&outcome);
        }
        match outcome {
            Ok(reply) => {
                let took = began.elapsed();
                let mirror = &self.backends.mirror;
                mirror.ask_back(&snapshot, &routed, extraction, (&reply, took));
                Answer::of(Side::Extraction, respond(reply, began))
            }
            Err(source @ NoReply::CommitUnknown(_)) => {
                let json = snapshot.asks_for_json();
                Answer::failed(ProxyError::CommitUnknown { source, json })
            }
            Err(NoReply::Failed(failure)) => self.fall_back(routed, extraction, &failure).await,
        }
    }

    /// Makes the request one that a handler can be asked, and that the monolith can still be asked
    /// after it, and asks the route's guard. The guard last: who sends slowly holds no permit.
    async fn admit(&self, routed: &mut Routed, extraction: Extraction) -> Result<Admitted, Turned> {
        let limit = routed.route.policy.limits.buffer;
        let room = self.backends.extractions.room();
        let body = routed.request.body_mut();
        let held = match body.keep(limit, room).await.map_err(Turned::Broken)? {
            Whole::Kept(held) => held,
            Whole::TooLong => {
                return Err(Turned::Away(Failure::NotAsked("its body exceeds `limits.buffer`")));
            }
            Whole::NoRoom => return Err(Turned::Away(Failure::NoRoom)),
        };
        let not_asked = |why| Turned::Away(Failure::NotAsked(why));
        let snapshot = Snapshot::of(routed).ok_or_else(|| not_asked("its body is not at hand"))?;
        let call = snapshot.to_handler(extraction, Ending::Commit);
        let call = call.ok_or_else(|| not_asked("a path parameter is not text"))?;
        let pass = routed.route.guard.as_ref().map(Guard::enter).transpose();
        let pass = pass.map_err(Turned::Away)?;
        Ok(Admitted { snapshot: Arc::new(snapshot), call, pass, _held: held })
    }

    /// The monolith answers in the handler's place.
    async fn fall_back(
        &self,
        routed: Box<Routed>,
        extraction: Extraction,
        failure: &Failure,
    ) -> Answer {
        let fallback = Some(failure.reason());
        note(&routed.route, extraction, failure);
        let miss = self.backends.mirror.miss(&routed, failure);
        let answer = self.control(routed, None).await;
        // An answer of ours is none of the monolith's.
        if let Some(miss) = miss.filter(|_| answer.failure.is_none()) {
            miss.answered(&answer.response);
        }
        Answer { fallback, ..answer }
    }

    fn answer(&self, result: Result<Response<Body>, ProxyError>) -> Answer {
        match result {
            Ok(response) => Answer::of(self.side, response),
            Err(error) => Answer::failed(error),
        }
    }
}

/// A request that a handler may be asked.
struct Admitted {
    snapshot: Arc<Snapshot>,
    call: Call,
    pass: Option<Pass>,
    /// The room that its body takes, until it is answered.
    _held: Held,
}

/// Why a handler is not asked.
enum Turned {
    /// The monolith answers.
    Away(Failure),
    /// The client sends no more of its request.
    Broken(BodyError),
}

/// A fallback, in the log and in the route's counts.
fn note(route: &Route, extraction: Extraction, failure: &Failure) {
    let (reason, id, error) = (failure.reason(), extraction.id, Chain(failure));
    if reason == Fallback::Breaker {
        // The log said so when it opened.
        tracing::debug!(route = %route.id, extraction = id, %error, "fell back to the monolith");
    } else {
        tracing::warn!(route = %route.id, extraction = id, %error, "fell back to the monolith");
    }
    route.metrics.fell_back(reason);
}

/// A reply as the buyer gets it. Rails says in `X-Runtime` how many seconds it took.
fn respond(reply: Reply, began: Instant) -> Response<Body> {
    let mut response = Response::new(Body::full(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    if let Ok(runtime) = HeaderValue::try_from(format!("{:.6}", began.elapsed().as_secs_f64())) {
        response.headers_mut().insert("x-runtime", runtime);
    }
    response
}
