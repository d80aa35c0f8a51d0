//! Whether a route is ready, by a sequential test that stays honest while people watch it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Budget, Unknown};

/// Whether an extraction may answer buyers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Verdict {
    /// It may: the evidence is in.
    Ready,
    /// It may not.
    NotReady {
        /// What stands against it, for a person.
        why: String,
    },
    /// Too little is known.
    Undecided {
        /// How many more requests decide it, if none of them differs.
        more_requests: u64,
        /// What is missing, for a person.
        why: String,
    },
}

/// Everything that a verdict is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests whose two answers were compared.
    pub compared: u64,
    /// Those of them with an unexcused critical difference.
    pub critical: u64,
    /// Those of them with an unexcused cosmetic difference.
    pub cosmetic: u64,
    /// Requests that could not be compared, by reason.
    pub unknowns: BTreeMap<Unknown, u64>,
}

impl Verdict {
    /// Judges a route by its counts.
    pub fn of(_counts: &Counts, _budget: Budget) -> Self {
        Self::Undecided { more_requests: 0, why: String::new() }
    }
}
