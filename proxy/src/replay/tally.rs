//! What came of each request, counted by route.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shadow::Unknown;

use crate::recording::Entry;

/// Failing requests of a route that are listed; more are counted.
const LISTED: usize = 100;

/// What came of one request, and of what it was recorded for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) outcome: Outcome,
    /// The monolith answered with another status than then.
    pub(super) strayed: bool,
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answers are the same, but for what the route's rules excuse.
    Same,
    /// They differ only where the monolith differs from itself.
    Noise,
    /// They differ here.
    Different(Differences),
    /// They could not be compared.
    Unknown(Miss),
    /// It was deleted while the replay ran.
    Gone,
    /// Nobody was asked.
    Skipped(Skip),
}

/// Where two answers differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// The first of them.
    pub(super) listed: Vec<Found>,
    /// How many more there are.
    pub(super) omitted: usize,
}

/// Why a request could not be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Miss {
    pub(super) kind: Unknown,
    /// What failed, where that is known: nothing of a buyer's.
    pub(super) why: Option<String>,
}

/// Why nobody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Skip {
    /// The handler does not do such requests: the monolith answers them.
    Declined,
    /// This build has no handler for its route.
    NoHandler,
    /// Its route's `candidate` is a service, and handlers alone are replayed.
    Service,
    /// It is a write, and `--writes` was not said.
    Write,
}

/// A place at which two answers differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) class: String,
    /// The values, in JSON; only with `--values`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) candidate: Option<String>,
}

/// What came of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) routes: BTreeMap<String, RouteTally>,
}

/// What came of a route's requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RouteTally {
    pub(super) same: u64,
    /// Of a route with `noise`: they differ only where the monolith differs from itself.
    pub(super) noise: u64,
    pub(super) different: u64,
    pub(super) unknown: u64,
    /// Of all these, those that the monolith answered with another status than when they were
    /// recorded: this run has not the state or the sessions that they were made in.
    pub(super) strayed: u64,
    /// By reason.
    pub(super) skipped: BTreeMap<Skip, u64>,
    /// Those that differed or could not be compared; the first of them.
    pub(super) failing: Vec<Failing>,
}

/// A request that differed, or could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failing {
    /// The request's id.
    pub(super) id: String,
    /// Method and target; only with `--values`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) request: Option<String>,
    /// Why it could not be compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) unknown: Option<String>,
    /// And what failed then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) why: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) differences: Vec<Found>,
    /// Differences that are not listed.
    pub(super) omitted: usize,
}

impl From<Outcome> for Compared {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, strayed: false }
    }
}

impl From<Unknown> for Miss {
    fn from(kind: Unknown) -> Self {
        Self { kind, why: None }
    }
}

impl Failing {
    /// Why it could not be compared, for a person; `None` where it differed.
    pub(super) fn missed(&self) -> Option<String> {
        let unknown = self.unknown.as_deref()?;
        Some(self.why.as_ref().map_or_else(|| unknown.to_owned(), |it| format!("{unknown}: {it}")))
    }
}

impl Skip {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Declined => "declined by the handler",
            Self::NoHandler => "without a handler",
            Self::Service => "compared with a service, which is not replayed",
            Self::Write => "writes, without --writes",
        }
    }
}

impl Tally {
    pub(super) fn count(&mut self, entry: &Entry, request: Option<String>, compared: Compared) {
        let route = self.routes.entry(entry.route.clone()).or_default();
        route.strayed += u64::from(compared.strayed);
        let (unknown, why, differences) = match compared.outcome {
            Outcome::Same => {
                route.same += 1;
                return;
            }
            Outcome::Noise => {
                route.noise += 1;
                return;
            }
            Outcome::Skipped(skip) => {
                *route.skipped.entry(skip).or_default() += 1;
                return;
            }
            Outcome::Unknown(Miss { kind, why }) => {
                route.unknown += 1;
                (Some(kind.label().to_owned()), why, Differences::default())
            }
            Outcome::Gone => {
                route.unknown += 1;
                let why = "the recording has it no longer".to_owned();
                (Some("gone".to_owned()), Some(why), Differences::default())
            }
            Outcome::Different(differences) => {
                route.different += 1;
                (None, None, differences)
            }
        };
        if route.failing.len() < LISTED {
            let id = entry.id.clone();
            let Differences { listed: differences, omitted } = differences;
            route.failing.push(Failing { id, request, unknown, why, differences, omitted });
        }
    }

    /// Requests that were the same but for noise, different, and unknown.
    pub(super) fn totals(&self) -> (u64, u64, u64) {
        self.routes.values().fold((0, 0, 0), |(same, different, unknown), it| {
            (same + it.same + it.noise, different + it.different, unknown + it.unknown)
        })
    }
}

impl RouteTally {
    /// Requests of which nobody was asked.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Failing requests that are not listed.
    pub(super) fn omitted(&self) -> u64 {
        (self.different + self.unknown).saturating_sub(self.failing.len() as u64)
    }
}
