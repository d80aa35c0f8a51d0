//! What is missing until a route is ready, in requests and in time.

use super::{
    Evidence, KindEvidence, Tally, Watched,
    coverage::Gap,
    hidden::Hidden,
    pace::Pace,
    sequential::{Test, ceiling, float, ratio},
    tests,
};
use crate::{
    Budget, Class, Proof,
    sampling::{MOST, Sampling},
    words,
};

/// A kind of request with a smaller share is judged with the whole only, unless it speaks against
/// the route: it would hold up the verdict for twenty times as long.
const RARE: f64 = 0.05;

/// What was seen before a change and is not seen again is waited for, for so many minimum times.
const RETURNS: u32 = 7;

/// What keeps a route from being ready.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub(super) requests: u64,
    pub(super) whys: Vec<String>,
    seconds: u64,
    /// So many requests never come.
    is_endless: bool,
    sampling: Sampling,
}

/// What is missing until the route is ready.
pub(super) fn missing(evidence: &Evidence, budget: Budget, proof: Proof) -> Missing {
    let mut missing = Missing { sampling: evidence.sampling, ..Missing::default() };
    let whole = evidence.whole();
    missing.matches(&whole, 1.0, "", budget, proof);
    missing.unknowns(&whole, 1.0, "");
    if evidence.is_divided() {
        for (stratum, kind) in &evidence.strata {
            let name = format!("in {stratum}: ");
            let share = ratio(kind.distinct.compared, whole.distinct.compared);
            if share >= RARE {
                missing.matches(kind, share, &name, budget, proof);
            }
            let share = ratio(kind.seen(), whole.seen());
            if share >= RARE || kind.gap().speaks_against().is_some() {
                missing.unknowns(kind, share, &name);
            }
        }
    }
    let lost = evidence.lost();
    let gap = evidence.coverage.of_lost(&lost);
    missing.requests(gap.missing(), Gap::why);
    missing.noise(evidence, budget, proof);
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

/// What is missing until one kind of requests is ready by itself.
pub(super) fn missing_of(
    kind: &KindEvidence,
    sampling: Sampling,
    budget: Budget,
    proof: Proof,
) -> Missing {
    let mut missing = Missing { sampling, ..Missing::default() };
    missing.matches(kind, 1.0, "", budget, proof);
    missing.unknowns(kind, 1.0, "");
    missing
}

/// Further requests without a mismatch that both tests want.
fn lacking(tally: Tally, budget: Budget, proof: Proof) -> u64 {
    tests(tally, 1, budget, proof).iter().map(Test::missing).max().unwrap_or(0)
}

fn differ(more: u64, tally: Tally) -> String {
    let after = match tally.compared {
        0 => "nothing was compared yet".to_owned(),
        compared => format!("{} of {compared} differ so far", tally.critical.max(tally.cosmetic)),
    };
    let more = words::counted(more, "more distinct request");
    format!("{more} without a difference ({after})")
}

impl Budget {
    /// Whether it can be shown to be kept, if no request ever differs.
    pub fn can_be_shown(self, proof: Proof) -> bool {
        Sampling::default().requests(lacking(Tally::default(), self, proof)).is_some()
    }
}

impl Missing {
    /// Requests that match, of a kind that has this share of all.
    fn matches(
        &mut self,
        kind: &KindEvidence,
        share: f64,
        name: &str,
        budget: Budget,
        proof: Proof,
    ) {
        let more = lacking(kind.distinct, budget, proof);
        self.counted(share, more, name, |more| differ(more, kind.distinct));
    }

    /// Requests that can be compared, of a kind that has this share of all.
    fn unknowns(&mut self, kind: &KindEvidence, share: f64, name: &str) {
        self.counted(share, kind.gap().missing(), name, Gap::why);
    }

    /// Requests of which only those that are counted help.
    fn counted(&mut self, share: f64, more: u64, name: &str, why: impl FnOnce(u64) -> String) {
        if more == 0 {
            return;
        }
        let of_all = ceiling(float(more) / share);
        if let Some(requests) = self.sampling.requests(of_all) {
            let of_kind = u128::from(requests) * u128::from(more) / u128::from(of_all);
            let of_kind = u64::try_from(of_kind).unwrap_or(requests);
            self.requests(requests, |_| format!("{name}{}", why(of_kind)));
        } else {
            self.is_endless = true;
            self.requests(MOST, |most| {
                format!(
                    "{name}it can never be shown: that takes more than {most} distinct requests"
                )
            });
        }
    }

    fn requests(&mut self, more: u64, why: impl FnOnce(u64) -> String) {
        if more > 0 {
            self.requests = self.requests.max(more);
            self.whys.push(why(more));
        }
    }

    /// Requests asked twice, to show what noise may hide.
    fn noise(&mut self, evidence: &Evidence, budget: Budget, proof: Proof) {
        let (compared, whole) = (evidence.coverage.compared, evidence.whole());
        for (class, tally) in &evidence.noise {
            let budget = match class {
                Class::Critical => budget.critical,
                Class::Cosmetic => budget.cosmetic,
            };
            let hidden = Hidden::new(*tally, budget, proof.confidence);
            let pairs = hidden.missing();
            let share = hidden.share(whole.distinct.compared);
            let more = if share > 0.0 { ceiling(float(pairs) / share) } else { pairs };
            self.requests(more, |_| {
                let (share, excused) = (share * 100.0, ratio(tally.excused, compared) * 100.0);
                let pairs = words::counted(pairs, "more request");
                format!(
                    "noise excuses {class} differences in {excused:.1} % of the requests: what it \
                     hides shows in {pairs} asked twice, as {share:.1} % of the distinct ones are (a larger `noise`, \
                     or a rule instead, is sooner there)"
                )
            });
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
    pub(super) fn seconds(&self, evidence: &Evidence) -> Option<u64> {
        if self.requests == 0 {
            return Some(self.seconds);
        }
        let span = evidence.watched.as_ref()?.span.as_secs_f64();
        let came = evidence.sampling.came().unwrap_or(evidence.whole().distinct.compared);
        let seconds = float(self.requests) * span / float(came);
        // Beyond a hundred years there is no telling.
        let is_near = span > 1.0 && seconds < 3e9 && !self.is_endless;
        is_near.then(|| ceiling(seconds).max(self.seconds))
    }
}
