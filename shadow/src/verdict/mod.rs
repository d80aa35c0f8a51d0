//! Whether a route is ready, by tests that stay honest while people watch them.
//!
//! A route is ready when *all* of these hold: the test of the whole route, that of each kind of
//! request ([`Stratum`]) that is not rare, the bound on the unknowns of all and of each kind, that on
//! what noise hides, the minimum of time, and the bound on latency. So no error adds up: a route with
//! one of them at its limit is called ready no more often than the test of that one errs (an
//! intersection-union test; R. L. Berger, 1982).

mod coverage;
mod hidden;
mod missing;
mod pace;
mod sequential;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

pub(crate) use self::pace::Buckets;
pub use self::{coverage::Coverage, hidden::NoiseTally, sequential::Tally};
use self::{
    coverage::Gap,
    missing::{Missing, missing, missing_of},
    pace::Pace,
    sequential::Test,
};
use crate::{Budget, Class, Proof, Stratum, Unknown, sampling::Sampling};

/// Whether an extraction may answer buyers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What can be said.
    pub state: State,
    /// How many more distinct requests make it ready, if none of them differs; a thousand million where
    /// it could never be shown.
    pub more_requests: u64,
    /// How many more seconds that takes at the rate so far, or until the minimum of time is over;
    /// `None` when there is no rate to go by.
    pub more_seconds: Option<u64>,
    /// What stands against the route or is missing, for a person; empty when it is ready.
    pub why: String,
}

/// What can be said of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It may answer buyers: the evidence is in.
    Ready,
    /// It may not.
    NotReady,
    /// Too little is known.
    Undecided,
}

/// Everything that a verdict is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What is known of each kind of requests.
    pub strata: BTreeMap<Stratum, KindEvidence>,
    /// Kinds of requests that came before the last change and have not come since.
    pub unseen: Vec<Stratum>,
    /// All requests, also those of which nobody knows the kind.
    pub coverage: Coverage,
    /// What noise excused; nothing of a class that it never did.
    pub noise: BTreeMap<Class, NoiseTally>,
    /// Which of the distinct requests are counted.
    pub sampling: Sampling,
    /// For how long they were compared, and how fast; `None` for a question without a clock.
    pub watched: Option<Watched>,
}

/// What is known of one kind of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindEvidence {
    /// Those that are no repetitions.
    pub distinct: Tally,
    /// Distinct requests beside them, which came and were never compared.
    pub never: u64,
    /// All of them.
    pub coverage: Coverage,
}

/// What the clock says of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// For how long, without the times in which none was compared.
    pub span: Duration,
    /// How long the monolith took.
    pub(crate) control: Buckets,
    /// How long the extraction took.
    pub(crate) candidate: Buckets,
}

impl Verdict {
    /// Judges a route by its evidence.
    pub fn of(evidence: &Evidence, budget: Budget, proof: Proof) -> Self {
        let against = against(evidence, budget, proof);
        let missing = missing(evidence, budget, proof);
        let more_seconds = missing.seconds(evidence);
        Self::from(against, missing, more_seconds)
    }

    /// Judges one kind of the route's requests by what its own tests say.
    pub(crate) fn of_kind(
        evidence: &Evidence,
        kind: &KindEvidence,
        budget: Budget,
        proof: Proof,
    ) -> Self {
        let against = kind_against(kind, evidence.tested(), budget, proof).collect();
        Self::from(against, missing_of(kind, evidence.sampling, budget, proof), None)
    }

    fn from(against: Vec<String>, missing: Missing, more_seconds: Option<u64>) -> Self {
        let (state, whys) = match (against.is_empty(), missing.whys.is_empty()) {
            (false, _) => (State::NotReady, against),
            (true, false) => (State::Undecided, missing.whys),
            (true, true) => (State::Ready, Vec::new()),
        };
        Self { state, more_requests: missing.requests, more_seconds, why: whys.join("; ") }
    }
}

impl Evidence {
    /// The route's distinct requests.
    fn whole(&self) -> KindEvidence {
        let mut whole = KindEvidence::default();
        for KindEvidence { distinct, never, coverage } in self.strata.values() {
            whole.distinct.compared += distinct.compared;
            whole.distinct.critical += distinct.critical;
            whole.distinct.cosmetic += distinct.cosmetic;
            whole.never += never;
            whole.coverage.compared += coverage.compared;
            for (why, count) in &coverage.unknowns {
                *whole.coverage.unknowns.entry(*why).or_default() += count;
            }
        }
        whole
    }

    /// Whether there are kinds of requests to tell apart.
    fn is_divided(&self) -> bool {
        self.strata.len() > 1
    }

    /// How many are tested: the whole, and each kind if there are several.
    fn tested(&self) -> u64 {
        if self.is_divided() { self.strata.len() as u64 + 1 } else { 1 }
    }

    /// The unknowns that are in no kind of requests.
    pub(crate) fn lost(&self) -> BTreeMap<Unknown, u64> {
        let placed = self.whole().coverage.unknowns;
        let rest = |(why, count): (&Unknown, &u64)| {
            (*why, count.saturating_sub(placed.get(why).copied().unwrap_or_default()))
        };
        self.coverage.unknowns.iter().map(rest).filter(|it| it.1 > 0).collect()
    }
}

impl KindEvidence {
    /// All distinct requests.
    const fn seen(&self) -> u64 {
        self.distinct.compared + self.never
    }

    fn gap(&self) -> Gap<'_> {
        self.coverage.of_distinct(self.distinct.compared, self.never)
    }
}

/// Those of one tally, where so many tallies are tested.
fn tests(tally: Tally, tested: u64, budget: Budget, proof: Proof) -> [Test; 2] {
    [("critical", budget.critical, tally.critical), ("cosmetic", budget.cosmetic, tally.cosmetic)]
        .map(|(class, budget, differ)| {
            Test::new(class, budget, proof.confidence, (differ, tally.compared), tested)
        })
}

/// What speaks against the route.
fn against(evidence: &Evidence, budget: Budget, proof: Proof) -> Vec<String> {
    let lost = evidence.lost();
    let mut whys = Vec::from_iter(evidence.coverage.of_lost(&lost).speaks_against());
    whys.extend(kind_against(&evidence.whole(), evidence.tested(), budget, proof));
    if evidence.is_divided() {
        for (stratum, kind) in &evidence.strata {
            let speak = kind_against(kind, evidence.tested(), budget, proof);
            whys.extend(speak.map(|it| format!("in {stratum}: {it}")));
        }
    }
    if let Some(watched) = &evidence.watched
        && let Pace::Slower(why) = Pace::of(&watched.control, &watched.candidate, proof.confidence)
    {
        whys.push(why);
    }
    whys
}

/// What a kind's own requests say against it.
fn kind_against(
    kind: &KindEvidence,
    tested: u64,
    budget: Budget,
    proof: Proof,
) -> impl Iterator<Item = String> {
    let tests = tests(kind.distinct, tested, budget, proof).into_iter();
    let differ = tests.filter(Test::speaks_against).map(|it| it.why());
    kind.gap().speaks_against().into_iter().chain(differ)
}

#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;
