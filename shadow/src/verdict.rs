//! Whether a route is ready, by a sequential test that stays honest while people watch it.
//!
//! Wald's sequential probability ratio test (A. Wald, "Sequential Tests of Statistical Hypotheses",
//! 1945) of "the share of mismatched requests is the budget" against "it is a tenth of the budget".
//! While the first is true, the likelihood ratio ever reaches 20 with a probability of at most 1/20
//! (Ville's inequality), however often somebody looks: so a route at its budget is called ready in
//! at most 5 % of the cases.
//!
//! Repeated requests are not told from different ones yet: each counts.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Budget, Share, Unknown};

/// How many times as likely one claim must be as the other: 1/0.05.
const DECISIVE: f64 = 20.0;

/// The claim that speaks for a route, as a share of its budget.
const GOOD: f64 = 0.1;

/// The share of unknowns beyond which nothing can be said.
const UNKNOWNS: f64 = 0.01;

/// So few unknowns may be chance, whatever their share.
const FEW_UNKNOWNS: u64 = 10;

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
    pub fn of(counts: &Counts, budget: Budget) -> Self {
        let unknown: u64 = counts.unknowns.values().sum();
        let share = ratio(unknown, unknown + counts.compared);
        if share > UNKNOWNS && unknown >= FEW_UNKNOWNS {
            return Self::NotReady { why: too_many_unknowns(counts, share) };
        }
        let tests = [
            Test::new("critical", budget.critical, counts.critical, counts.compared),
            Test::new("cosmetic", budget.cosmetic, counts.cosmetic, counts.compared),
        ];
        if let Some(failed) = tests.iter().find(|it| it.speaks_against()) {
            return Self::NotReady { why: failed.why() };
        }
        let missing = tests.iter().map(Test::missing).max().unwrap_or(0);
        // Further requests without an unknown bring the share down: 100 for each unknown.
        let diluting = (unknown * 100).saturating_sub(unknown + counts.compared);
        match missing.max(diluting) {
            0 => Self::Ready,
            more_requests => {
                Self::Undecided { more_requests, why: undecided(more_requests, counts) }
            }
        }
    }
}

fn undecided(more_requests: u64, counts: &Counts) -> String {
    let after = match counts.compared {
        0 => "nothing was compared yet".to_owned(),
        compared => format!("{} of {compared} differ so far", counts.critical.max(counts.cosmetic)),
    };
    format!("{more_requests} more requests without a difference; {after}")
}

fn too_many_unknowns(counts: &Counts, share: f64) -> String {
    let reasons: Vec<_> =
        counts.unknowns.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let (share, limit) = (share * 100.0, UNKNOWNS * 100.0);
    format!("{share:.1} % could not be compared ({}), at most {limit} % may be", reasons.join(", "))
}

/// One sequential test.
struct Test {
    class: &'static str,
    budget: Share,
    mismatched: u64,
    compared: u64,
}

impl Test {
    const fn new(class: &'static str, budget: Share, mismatched: u64, compared: u64) -> Self {
        Self { class, budget, mismatched, compared }
    }

    /// What one request that matches adds to the logarithm of the likelihood ratio.
    fn match_adds(&self) -> f64 {
        let bad = self.budget.get();
        ((1.0 - bad * GOOD) / (1.0 - bad)).ln()
    }

    fn evidence(&self) -> f64 {
        let matched = self.compared.saturating_sub(self.mismatched);
        float(matched) * self.match_adds() + float(self.mismatched) * GOOD.ln()
    }

    fn speaks_against(&self) -> bool {
        self.evidence() <= -DECISIVE.ln()
    }

    /// Further requests without a mismatch until the evidence is in.
    fn missing(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive count; the cast saturates"
        )]
        let missing =
            ((DECISIVE.ln() - self.evidence()) / self.match_adds()).ceil().max(0.0) as u64;
        missing
    }

    fn why(&self) -> String {
        let Self { class, budget, mismatched, compared } = self;
        let (share, budget) = (ratio(*mismatched, *compared) * 100.0, budget.get() * 100.0);
        format!(
            "{class} differences in {mismatched} of {compared} requests ({share:.2} %), the budget is {budget} %"
        )
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 requests")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(critical: f64) -> Budget {
        Budget { critical: Share::new(critical).unwrap(), cosmetic: Share::new(0.5).unwrap() }
    }

    fn counts(compared: u64, critical: u64) -> Counts {
        Counts { compared, critical, ..Counts::default() }
    }

    fn missing(counts: &Counts, critical: f64) -> u64 {
        match Verdict::of(counts, budget(critical)) {
            Verdict::Undecided { more_requests, .. } => more_requests,
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn a_budget_of_one_percent_takes_332_clean_requests_and_254_more_for_each_mismatch() {
        assert_eq!(missing(&counts(0, 0), 0.01), 332);
        assert_eq!(missing(&counts(331, 0), 0.01), 1);
        assert_eq!(Verdict::of(&counts(332, 0), budget(0.01)), Verdict::Ready);
        assert_eq!(missing(&counts(332, 1), 0.01), 255, "254 and the mismatch's own request");
    }

    #[test]
    fn a_budget_of_a_thousandth_takes_3327_and_2557_more() {
        assert_eq!(missing(&counts(0, 0), 0.001), 3_327);
        assert_eq!(Verdict::of(&counts(3_327, 0), budget(0.001)), Verdict::Ready);
        assert_eq!(missing(&counts(3_327, 1), 0.001), 2_558);
    }

    #[test]
    fn every_request_wrong_is_soon_not_ready() {
        let verdict = Verdict::of(&counts(2, 2), budget(0.01));
        assert!(
            matches!(&verdict, Verdict::NotReady { why } if why.contains("2 of 2")),
            "{verdict:?}"
        );
    }

    #[test]
    fn too_many_unknowns_are_not_ready_and_few_of_them_are_undecided() {
        let unknowns = |count| BTreeMap::from([(Unknown::TimedOut, count)]);
        let many = Counts { unknowns: unknowns(500), ..counts(10_000, 0) };
        let verdict = Verdict::of(&many, budget(0.01));
        assert!(
            matches!(&verdict, Verdict::NotReady { why } if why.contains("timed_out 500")),
            "{verdict:?}"
        );
        let few = Counts { unknowns: unknowns(5), ..counts(400, 0) };
        assert_eq!(missing(&few, 0.01), 95);
        let rare = Counts { unknowns: unknowns(5), ..counts(1_000, 0) };
        assert_eq!(Verdict::of(&rare, budget(0.01)), Verdict::Ready);
    }

    #[test]
    fn cosmetic_differences_have_a_budget_of_their_own() {
        let counts = Counts { cosmetic: 400, ..counts(4_000, 0) };
        let verdict = Verdict::of(&counts, Budget::default());
        assert!(
            matches!(&verdict, Verdict::NotReady { why } if why.contains("cosmetic")),
            "{verdict:?}"
        );
    }

    /// 2,000 routes exactly at the budget, each looked at after every request.
    #[test]
    fn a_route_at_its_budget_is_seldom_ever_called_ready_however_often_somebody_looks() {
        let mut random = Lcg(20_261_124);
        let ready = (0..2_000)
            .filter(|_| {
                let mut seen = counts(0, 0);
                (0..2_000).any(|_| {
                    seen.compared += 1;
                    seen.critical += u64::from(random.below(1_000) < 10);
                    Verdict::of(&seen, budget(0.01)) == Verdict::Ready
                })
            })
            .count();
        // At most 5 %, and three standard deviations of 2,000 draws.
        assert!(ready <= 130, "{ready} of 2,000");
        assert!(ready > 20, "{ready} of 2,000: the test would never call anything ready");
    }

    /// Knuth's MMIX generator: a test's randomness must be the same everywhere and for ever.
    struct Lcg(u64);

    impl Lcg {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }
}
