//! A test that may be watched after every request: Wald's sequential probability ratio test.
//!
//! It weighs "the share of mismatched requests is the budget" against "it is a tenth of the budget"
//! (A. Wald, "Sequential Tests of Statistical Hypotheses", 1945). While the first is true, the
//! likelihood ratio ever reaches 1/α with a probability of at most α (Ville's inequality), however
//! often somebody looks.

use serde::Serialize;

use crate::{Share, words};

/// The claim that speaks for a route, as a share of its budget.
const GOOD: f64 = 0.1;

/// The part of the permitted error that the test uses. A match moves the evidence so little that a
/// test which used all of it would err in just α of the cases: every other count of its errors would
/// be above α by chance.
const USED: f64 = 0.75;

/// Distinct requests, and those of them that ever differed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Requests whose two answers were compared.
    pub compared: u64,
    /// Those of them with an unexcused critical difference.
    pub critical: u64,
    /// Those of them with an unexcused cosmetic difference.
    pub cosmetic: u64,
}

/// What evidence of one claim against another must reach, as a logarithm of a likelihood ratio.
pub(super) fn decisive(confidence: Share) -> f64 {
    -(USED * (1.0 - confidence.get())).ln()
}

/// One sequential test.
#[derive(Debug, Clone, Copy)]
pub(super) struct Test {
    class: &'static str,
    budget: Share,
    pub(super) mismatched: u64,
    pub(super) compared: u64,
    decisive: f64,
    /// The same for what speaks against the route.
    decisive_against: f64,
    /// What one request that matches adds to the logarithm of the likelihood ratio.
    match_adds: f64,
}

impl Test {
    /// One of so many tests, each of which may speak against a route. These share the permitted error: a
    /// good route must pass them all. To be ready it needs them all anyway, so there each has the whole.
    pub(super) fn new(
        class: &'static str,
        budget: Share,
        confidence: Share,
        (mismatched, compared): (u64, u64),
        tests: u64,
    ) -> Self {
        let bad = budget.get();
        let match_adds = ((1.0 - bad * GOOD) / (1.0 - bad)).ln();
        let decisive = decisive(confidence);
        let decisive_against = decisive + float(tests).ln();
        Self { class, budget, mismatched, compared, decisive, decisive_against, match_adds }
    }

    fn evidence(&self) -> f64 {
        let matched = self.compared.saturating_sub(self.mismatched);
        float(matched) * self.match_adds + float(self.mismatched) * GOOD.ln()
    }

    pub(super) fn speaks_against(&self) -> bool {
        self.evidence() <= -self.decisive_against
    }

    /// Further requests without a mismatch until the evidence is in.
    pub(super) fn missing(&self) -> u64 {
        ceiling((self.decisive - self.evidence()) / self.match_adds)
    }

    pub(super) fn why(&self) -> String {
        let Self { class, budget, mismatched, compared, .. } = self;
        let share = words::share(*mismatched, *compared);
        let budget = words::percent(budget.get());
        format!(
            "{class} differences in {mismatched} of {compared} requests ({share}), the budget is {budget}"
        )
    }
}

pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 requests")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

/// The count that is not below this number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative; the cast saturates, and takes what is no number for 0"
)]
pub(super) const fn ceiling(number: f64) -> u64 {
    number.ceil().max(0.0) as u64
}
