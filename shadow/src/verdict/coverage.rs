//! How much of what was asked could be compared, and whether that is enough.

use std::collections::BTreeMap;

use super::sequential::ratio;
use crate::{Unknown, words};

/// The share of unknowns beyond which nothing can be said.
const UNKNOWNS: f64 = 0.01;

/// So few unknowns may be chance, whatever their share.
const FEW: u64 = 10;

/// Requests that could be compared, and those that could not, repeated ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Requests that were compared.
    pub compared: u64,
    /// Requests that could not be compared, by reason.
    pub unknowns: BTreeMap<Unknown, u64>,
}

impl Coverage {
    /// All of them but those that the extraction declined.
    fn requests(&self) -> u64 {
        self.compared + self.unknown()
    }

    /// Those that could not be compared, and should have been.
    fn unknown(&self) -> u64 {
        unknown(&self.unknowns)
    }

    /// The share of what was asked that the extraction declined.
    pub(crate) fn declined_share(&self) -> f64 {
        let declined = self.unknowns.get(&Unknown::Declined).copied().unwrap_or_default();
        ratio(declined, self.requests() + declined)
    }

    /// Of distinct requests: a repetition proves no more here than where answers differ. This many of
    /// them were compared at some time, and this many never.
    pub(super) fn of_distinct(&self, compared: u64, never: u64) -> Gap<'_> {
        let unknowns = self.unknowns.iter().filter(|it| it.0.counts());
        let gap = Gap { what: "of the distinct requests could not be compared", ..Gap::default() };
        Gap { unknown: never, of: compared + never, times: self.unknown(), ..gap }.because(unknowns)
    }

    /// Of all that was taken to be compared: these were lost before anybody knew which request it was.
    pub(super) fn of_lost<'a>(&self, lost: &'a BTreeMap<Unknown, u64>) -> Gap<'a> {
        let gap = Gap { what: "were lost before they could be compared", ..Gap::default() };
        let unknown = unknown(lost);
        let unknowns = lost.iter().filter(|it| it.0.counts());
        Gap { unknown, of: self.requests(), times: unknown, ..gap }.because(unknowns)
    }
}

fn unknown(unknowns: &BTreeMap<Unknown, u64>) -> u64 {
    unknowns.iter().filter(|it| it.0.counts()).map(|it| it.1).sum()
}

/// What is missing of a comparison.
#[derive(Debug, Default)]
pub(super) struct Gap<'a> {
    unknown: u64,
    of: u64,
    /// How often it happened: what fails whenever it is asked is no chance, though it is one request.
    times: u64,
    what: &'static str,
    reasons: Vec<(&'a Unknown, &'a u64)>,
}

impl<'a> Gap<'a> {
    fn because(self, reasons: impl Iterator<Item = (&'a Unknown, &'a u64)>) -> Self {
        Self { reasons: reasons.collect(), ..self }
    }

    /// Why it is too much, for a person, if it is.
    pub(super) fn speaks_against(&self) -> Option<String> {
        let share = ratio(self.unknown, self.of);
        (share > UNKNOWNS && self.times >= FEW).then(|| {
            let reasons: Vec<_> =
                self.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let share = words::share_above(self.unknown, self.of, UNKNOWNS);
            let (what, limit, reasons) = (self.what, words::percent(UNKNOWNS), reasons.join(", "));
            format!("{share} {what} ({reasons}), at most {limit} may be")
        })
    }

    /// Further requests without an unknown that bring the share down: 100 for each unknown.
    pub(super) fn missing(&self) -> u64 {
        self.unknown.saturating_mul(100).saturating_sub(self.of)
    }

    pub(super) fn why(more: u64) -> String {
        let more = words::counted(more, "more request");
        format!("{more} to bring the unknowns below {}", words::percent(UNKNOWNS))
    }
}
