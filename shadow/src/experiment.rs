//! What the judge is handed: one request, and the two answers to it.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::HeaderMap;

use crate::{Observation, Subject, Unknown};

/// One request whose two answers are to be compared.
pub struct Experiment {
    /// The route that the request belongs to, and how it is judged.
    pub subject: Arc<Subject>,
    /// The request, as far as a report names it.
    pub request: RequestSummary,
    /// The monolith's side.
    pub control: Leg,
    /// The extraction's side.
    pub candidate: Leg,
    /// The monolith, asked the same once more, to see what it does to itself. Asked before or after
    /// the candidate, at random.
    pub again: Option<Leg>,
    /// The side that answered first once more, asked only when a difference is found: if it says then
    /// what the other one said, the world has changed between the two answers. `None` for what must
    /// not be asked again.
    pub recheck: Option<Recheck>,
    /// What is done to the fields of each answer before they are compared.
    pub reading: Reading,
    /// How long a side that is still to be asked may take, from when it is asked.
    pub deadline: Duration,
}

/// Takes out of an answer's fields what says nothing, as only the caller knows: a session's cookie
/// that is sent again though nothing in it has changed. It is called on the judge's own threads.
#[derive(Clone, Default)]
pub struct Reading(Option<Arc<Read>>);

type Read = dyn Fn(&mut HeaderMap) + Send + Sync;

/// One side of an experiment.
#[expect(clippy::large_enum_variant, reason = "an experiment has three, and most are answers")]
pub enum Leg {
    /// The answer was seen: a buyer received it.
    Answered(Observation),
    /// Only the judge wants to know.
    Ask(Question),
}

/// A question to a side. Nobody is asked before it is polled; that happens at most once, on the
/// judge's own runtime, and it is dropped at the deadline.
pub type Question = BoxFuture<'static, Result<Observation, Unknown>>;

/// What a report says of a request. It is redacted before it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSummary {
    /// The request id, the same in every log.
    pub id: String,
    /// The method.
    pub method: http::Method,
    /// Path and query, as received.
    pub target: String,
    /// The route's path template, such as `/products/{id}`: what of the path is literal.
    pub template: String,
    /// Whether somebody who is signed in asks.
    pub signed_in: bool,
    /// The GraphQL operation that it names.
    pub operation: Option<String>,
    /// A hash of what else tells it from others: who asks, in which form, with which body.
    pub variant: u64,
}

/// Who is asked once more about a difference.
pub enum Recheck {
    /// The monolith, in the stage `shadow`; and both sides, where it has changed twice.
    Control(Question, Box<dyn FnOnce() -> Around + Send>),
    /// The extraction, when it has answered the buyer.
    Candidate(Question),
}

/// Both sides once more, one after the other: the monolith around the extraction.
pub struct Around {
    /// The monolith.
    pub before: Question,
    /// The extraction.
    pub candidate: Question,
    /// The monolith again.
    pub after: Question,
}

impl Experiment {
    /// The bytes of answers that it holds while it waits.
    pub(crate) fn size(&self) -> usize {
        let legs = [&self.control, &self.candidate].into_iter();
        legs.chain(&self.again)
            .map(|leg| match leg {
                Leg::Answered(observation) => observation.body.size(),
                Leg::Ask(_) => 0,
            })
            .sum()
    }
}

impl Reading {
    /// Reads each answer's fields so.
    pub fn by(read: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    /// Takes out of an answer's fields what says nothing.
    pub fn read(&self, headers: &mut HeaderMap) {
        if let Some(read) = &self.0 {
            read(headers);
        }
    }
}

impl fmt::Debug for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment")
            .field("request", &self.request)
            .field("control", &self.control)
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reading").field(&self.0.is_some()).finish()
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Around(..)")
    }
}

impl fmt::Debug for Recheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control(..) => "Control(..)",
            Self::Candidate(_) => "Candidate(..)",
        })
    }
}

impl fmt::Debug for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(observation) => f.debug_tuple("Answered").field(observation).finish(),
            Self::Ask(_) => f.write_str("Ask(..)"),
        }
    }
}
