//! Whether a route is ready, by tests that stay honest while people watch them.
//!
//! A route is ready when *all* of these hold: the test of the whole route, that of each kind of
//! request ([`Stratum`]) that is not rare, the bound on the unknowns of all and of each kind, the
//! minimum of time, and the bound on latency. So no error adds up: a route with one of them at its limit is called ready no
//! more often than the test of that one errs (an intersection-union test; R. L. Berger, 1982).

mod coverage;
mod pace;
mod sequential;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

pub(crate) use self::pace::Buckets;
pub use self::{coverage::Coverage, sequential::Tally};
use self::{
    pace::Pace,
    sequential::{Test, ceiling, float, ratio},
};
use crate::{Budget, Proof, Stratum, words};

/// A kind of request with a smaller share is judged with the whole only, unless it speaks against
/// the route: it would hold up the verdict for twenty times as long.
const RARE: f64 = 0.05;

/// What was seen before a change and is not seen again is waited for, for so many minimum times.
const RETURNS: u32 = 7;

/// Whether an extraction may answer buyers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What can be said.
    pub state: State,
    /// How many more distinct requests make it ready, if none of them differs.
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
    /// Since when they were compared, and how fast; `None` for a question without a clock.
    pub watched: Option<Watched>,
}

/// What is known of one kind of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindEvidence {
    /// Those that are no repetitions.
    pub distinct: Tally,
    /// All of them.
    pub coverage: Coverage,
}

/// What the clock says of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// From the first to the last.
    pub span: Duration,
    /// How long the monolith took.
    pub(crate) control: Buckets,
    /// How long the extraction took.
    pub(crate) candidate: Buckets,
}

/// What keeps a route from being ready.
#[derive(Debug, Default)]
struct Missing {
    requests: u64,
    seconds: u64,
    whys: Vec<String>,
}

impl Verdict {
    /// Judges a route by its evidence.
    pub fn of(evidence: &Evidence, budget: Budget, proof: Proof) -> Self {
        let against = against(evidence, budget, proof);
        let missing = missing(evidence, budget, proof);
        let more_seconds = missing.at(evidence);
        let (state, whys) = match (against.is_empty(), missing.whys.is_empty()) {
            (false, _) => (State::NotReady, against),
            (true, false) => (State::Undecided, missing.whys),
            (true, true) => (State::Ready, Vec::new()),
        };
        Self { state, more_requests: missing.requests, more_seconds, why: whys.join("; ") }
    }
}

/// The route's distinct requests.
fn whole(evidence: &Evidence) -> Tally {
    evidence.strata.values().map(|it| it.distinct).fold(Tally::default(), |sum, it| Tally {
        compared: sum.compared + it.compared,
        critical: sum.critical + it.critical,
        cosmetic: sum.cosmetic + it.cosmetic,
    })
}

fn tests(tally: Tally, budget: Budget, proof: Proof) -> [Test; 2] {
    [("critical", budget.critical, tally.critical), ("cosmetic", budget.cosmetic, tally.cosmetic)]
        .map(|(class, budget, it)| Test::new(class, budget, proof.confidence, it, tally.compared))
}

/// Whether there are kinds of requests to tell apart.
fn is_divided(evidence: &Evidence) -> bool {
    evidence.strata.len() > 1
}

/// What speaks against the route.
fn against(evidence: &Evidence, budget: Budget, proof: Proof) -> Vec<String> {
    let mut whys = Vec::from_iter(evidence.coverage.speaks_against());
    let whole = tests(whole(evidence), budget, proof).into_iter();
    whys.extend(whole.filter(Test::speaks_against).map(|it| it.why()));
    if is_divided(evidence) {
        for (stratum, kind) in &evidence.strata {
            let tests = tests(kind.distinct, budget, proof).into_iter();
            let differ = tests.filter(Test::speaks_against).map(|it| it.why());
            let speak = kind.coverage.speaks_against().into_iter().chain(differ);
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

/// What is missing until the route is ready.
fn missing(evidence: &Evidence, budget: Budget, proof: Proof) -> Missing {
    let mut missing = Missing::default();
    let total = whole(evidence);
    missing.requests(lacking(total, budget, proof), |more| differ(more, total));
    if is_divided(evidence) {
        for (stratum, KindEvidence { distinct, coverage }) in &evidence.strata {
            let share = ratio(distinct.compared, total.compared);
            let more = lacking(*distinct, budget, proof);
            missing.of_kind(share, more, || format!("in {stratum}: {}", differ(more, *distinct)));
            let share = ratio(coverage.requests(), evidence.coverage.requests());
            let more = coverage.missing();
            let why = || format!("in {stratum}: {}", Coverage::why(more));
            if coverage.speaks_against().is_some() {
                missing.requests(ceiling(float(more) / share), |_| why());
            } else {
                missing.of_kind(share, more, why);
            }
        }
    }
    missing.requests(evidence.coverage.missing(), Coverage::why);
    if let Some(watched) = &evidence.watched {
        missing.time(evidence, watched, proof);
        if let Pace::Open { more, why } =
            Pace::of(&watched.control, &watched.candidate, proof.confidence)
        {
            missing.requests(more, |more| {
                format!("{why}: about {}", words::counted(more, "more request"))
            });
        }
    }
    missing
}

/// Further requests without a mismatch that both tests want.
fn lacking(tally: Tally, budget: Budget, proof: Proof) -> u64 {
    tests(tally, budget, proof).iter().map(Test::missing).max().unwrap_or(0)
}

fn differ(more: u64, tally: Tally) -> String {
    let after = match tally.compared {
        0 => "nothing was compared yet".to_owned(),
        compared => format!("{} of {compared} differ so far", tally.critical.max(tally.cosmetic)),
    };
    let more = words::counted(more, "more distinct request");
    format!("{more} without a difference ({after})")
}

impl Missing {
    fn requests(&mut self, more: u64, why: impl FnOnce(u64) -> String) {
        if more > 0 {
            self.requests = self.requests.max(more);
            self.whys.push(why(more));
        }
    }

    /// Requests of a kind that has this share of all.
    fn of_kind(&mut self, share: f64, more: u64, why: impl FnOnce() -> String) {
        if share >= RARE {
            self.requests(ceiling(float(more) / share), |_| why());
        }
    }

    /// The minimum of time, which is longer while something has not come again.
    fn time(&mut self, evidence: &Evidence, watched: &Watched, proof: Proof) {
        let mut least = proof.time;
        let mut why = String::new();
        if !evidence.unseen.is_empty() {
            least *= RETURNS;
            let unseen: Vec<_> = evidence.unseen.iter().map(ToString::to_string).collect();
            why = format!(", since the change without {}", unseen.join(" and "));
        }
        if watched.span < least {
            self.seconds = ceiling(least.saturating_sub(watched.span).as_secs_f64());
            let (span, least) = (words::span(watched.span), words::span(least));
            self.whys.push(format!("watched for {span} of {least}{why}"));
        }
    }

    /// In how many seconds nothing is missing any more.
    fn at(&self, evidence: &Evidence) -> Option<u64> {
        if self.requests == 0 {
            return Some(self.seconds);
        }
        let span = evidence.watched.as_ref()?.span.as_secs_f64();
        let rate = float(whole(evidence).compared) / span;
        let seconds = float(self.requests) / rate;
        // Beyond a hundred years there is no telling.
        (span > 1.0 && seconds < 3e9).then(|| ceiling(seconds).max(self.seconds))
    }
}

#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;
