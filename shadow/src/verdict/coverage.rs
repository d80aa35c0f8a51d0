//! How much of what was asked could be compared, and whether that is enough.

use std::collections::BTreeMap;

use super::sequential::ratio;
use crate::{Unknown, words};

/// The share of unknowns beyond which nothing can be said.
const UNKNOWNS: f64 = 0.01;

/// So few unknowns may be chance, whatever their share.
const FEW: u64 = 10;

/// Requests that could be compared, and those that could not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Requests that were compared, repeated ones too.
    pub compared: u64,
    /// Requests that could not be compared, by reason.
    pub unknowns: BTreeMap<Unknown, u64>,
}

impl Coverage {
    /// All of them.
    pub(super) fn requests(&self) -> u64 {
        self.compared + self.unknown()
    }

    fn unknown(&self) -> u64 {
        self.unknowns.values().sum()
    }

    /// Why it is too little, for a person, if it is.
    pub(super) fn speaks_against(&self) -> Option<String> {
        let share = ratio(self.unknown(), self.requests());
        (share > UNKNOWNS && self.unknown() >= FEW).then(|| {
            let reasons: Vec<_> =
                self.unknowns.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let share = words::share_above(self.unknown(), self.requests(), UNKNOWNS);
            let (limit, reasons) = (words::percent(UNKNOWNS), reasons.join(", "));
            format!("{share} could not be compared ({reasons}), at most {limit} may be")
        })
    }

    /// Further requests without an unknown that bring the share down: 100 for each unknown.
    pub(super) fn missing(&self) -> u64 {
        (self.unknown() * 100).saturating_sub(self.requests())
    }

    pub(super) fn why(more: u64) -> String {
        let more = words::counted(more, "more request");
        format!("{more} to bring the unknowns below {}", words::percent(UNKNOWNS))
    }
}
