//! What the monolith does to itself: on some requests it is asked twice, and where its two answers
//! differ, so may the extraction's.
//!
//! Noise excuses a difference of the same path, kind and class only, so that a field which always
//! differs hides no missing member in it; only values that are like the monolith's own ([`Range`]),
//! and change like them ([`Constant`]); and only while the extraction does not differ there more
//! often than the monolith does. That is asked of the pairs, after every one of them: a sequential
//! form of McNemar's test over the requests in which only one of the two differed, corrected for the
//! number of places by Holm's method (S. Holm, 1979).
//!
//! Of a pair in which only one differed, one side is asked once more ([`Settled`]): what the world has
//! changed between the answers is nothing to either. When each is asked depends on how long the other
//! takes, so sales would not fall to both alike.

mod constant;
mod memory;
mod range;
mod statistics;
mod tally;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use self::{
    constant::Constant,
    range::Range,
    statistics::{chance, holm},
    tally::{Paired, Twice},
};
pub(crate) use self::{memory::Memory, tally::Tallies};
use crate::{
    Class,
    compare::{Comparison, Difference, Finding, Judgement},
    report::{Marks, Signature},
};

/// Places of one route that are remembered.
const PLACES: usize = 1_000;

/// So often the monolith must have differed from itself at a place before that excuses requests of
/// which it was not asked twice.
const FEW: u64 = 3;

/// The chance that the extraction is taken for worse than noise though it is not.
const ERROR: f64 = 0.05;

/// What the pairs of one route have shown.
#[derive(Debug, Default)]
struct Noise {
    places: HashMap<Signature, Pairs>,
    asked_twice: Twice,
}

/// What they have shown at one place.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pairs {
    /// The monolith has differed from itself, and that says nothing of the candidate: it has differed,
    /// too, or the world has changed.
    both: u64,
    candidate_only: u64,
    control_only: u64,
    /// Of the monolith's own differences.
    range: Range,
    #[serde(skip)]
    constant: Constant,
}

/// A difference that no rule excuses, and where it is.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    signature: Signature,
    difference: &'a Difference<'a>,
    /// Among the findings of its comparison.
    index: usize,
}

/// The findings of a comparison that are noise, by their index.
#[derive(Debug, Default)]
pub(crate) struct Excused(pub(crate) HashSet<usize>);

/// Where a further answer has shown that the world has changed between a pair's: where only the
/// candidate had differed, and where only the monolith's second answer had.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) candidate: HashSet<Signature>,
    pub(crate) control: HashSet<Signature>,
    /// There was no question left, so that everything is taken for settled.
    pub(crate) unasked: bool,
}

/// What is made of one request.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) excused: Excused,
    pub(crate) tallies: Tallies,
}

/// What no rule excuses in a comparison.
pub(crate) fn places<'a>(
    comparison: &'a Comparison<'a>,
    signature: impl Fn(&Difference<'a>) -> Signature,
) -> Vec<Place<'a>> {
    let findings = comparison.findings.iter().enumerate();
    let counting = findings.filter(|(_, it)| !matches!(it.judgement, Judgement::Excused(_)));
    let place = |(index, it): (usize, &'a Finding<'a>)| Place {
        signature: signature(&it.difference),
        difference: &it.difference,
        index,
    };
    counting.map(place).collect()
}

/// The findings of a comparison, by their index, that are noise as far as a single request can tell:
/// `itself` has the monolith's second answer to it, which differs from the first at the same places,
/// in values of the same kinds.
pub fn noise_of_one(comparison: &Comparison<'_>, itself: &Comparison<'_>) -> HashSet<usize> {
    let signature = |it: &Difference<'_>| Signature {
        path: it.path.grouped().to_string(),
        kind: it.kind,
        class: it.class,
    };
    let [candidate, itself] = [comparison, itself].map(|it| places(it, signature));
    Noise::default().judge(&candidate, Some(&itself), &Settled::default()).excused.0
}

/// The differences of one comparison at each place.
fn by_signature<'p>(places: &'p [Place<'_>]) -> HashMap<&'p Signature, Vec<&'p Difference<'p>>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for it in places {
        found.entry(&it.signature).or_default().push(it.difference);
    }
    found
}

/// The places, each once.
pub(crate) fn signatures<'p>(places: &'p [Place<'_>]) -> HashSet<&'p Signature> {
    places.iter().map(|it| &it.signature).collect()
}

impl Excused {
    /// What counts of a comparison in which these are noise.
    pub(crate) fn left(&self, comparison: &Comparison<'_>) -> Marks {
        let noise = self.0.iter().filter_map(|it| comparison.findings.get(*it));
        let (mut critical, mut cosmetic) = (comparison.critical, comparison.cosmetic);
        for finding in noise {
            match finding.difference.class {
                Class::Critical => critical = critical.saturating_sub(1),
                Class::Cosmetic => cosmetic = cosmetic.saturating_sub(1),
            }
        }
        Marks { critical: critical > 0, cosmetic: cosmetic > 0 }
    }
}

impl Noise {
    /// Which of a candidate's differences are noise. `itself` has those of the monolith's second
    /// answer to the same request, which are learnt first.
    fn judge(
        &mut self,
        candidate: &[Place<'_>],
        itself: Option<&[Place<'_>]>,
        settled: &Settled,
    ) -> Judged {
        if let Some(itself) = itself {
            self.learn(candidate, itself, settled);
        }
        for (signature, differences) in by_signature(candidate) {
            if let Some(pairs) = self.places.get_mut(signature) {
                pairs.constant.see(&differences);
                pairs.range.see(&differences);
            }
        }
        let paired = itself.map(|itself| Paired { itself, settled });
        self.judged(candidate, itself.unwrap_or_default(), paired)
    }

    /// The same of a request that was judged, about which the monolith was then asked a second time
    /// *because* its answers differ: that says how the monolith differs from itself, and not how often.
    fn reconsider(&mut self, candidate: &[Place<'_>], itself: &[Place<'_>]) -> Judged {
        let by_candidate = by_signature(candidate);
        for (place, differences) in by_signature(itself) {
            if by_candidate.contains_key(place)
                && let Some(pairs) = self.at(place)
            {
                pairs.both += 1;
                pairs.range.learn(&differences);
            }
        }
        self.judged(candidate, itself, None)
    }

    fn judged(
        &self,
        candidate: &[Place<'_>],
        itself: &[Place<'_>],
        paired: Option<Paired<'_>>,
    ) -> Judged {
        let (calm, by_itself) = (self.calm(), signatures(itself));
        let is_noise = |it: &&Place<'_>| {
            calm.contains(&it.signature) && self.excuses(it, by_itself.contains(&it.signature))
        };
        let excused = Excused(candidate.iter().filter(is_noise).map(|it| it.index).collect());
        let tallies = self.tallies(candidate, &excused, paired, &calm);
        Judged { excused, tallies }
    }

    /// Learns from a request to which the monolith has answered twice.
    fn learn(&mut self, candidate: &[Place<'_>], itself: &[Place<'_>], settled: &Settled) {
        let [by_candidate, by_itself] = [candidate, itself].map(by_signature);
        let alone = by_candidate.keys().filter(|it| !by_itself.contains_key(*it));
        for &place in alone.filter(|it| !settled.candidate.contains(**it)) {
            if let Some(pairs) = self.at(place) {
                pairs.candidate_only += 1;
            }
        }
        for (&place, differences) in &by_itself {
            let Some(pairs) = self.at(place) else { continue };
            if by_candidate.contains_key(place) || settled.control.contains(place) {
                pairs.both += 1;
            } else {
                pairs.control_only += 1;
            }
            pairs.range.learn(differences);
        }
    }

    fn at(&mut self, place: &Signature) -> Option<&mut Pairs> {
        let is_known = self.places.len() < PLACES || self.places.contains_key(place);
        is_known.then(|| self.places.entry(place.clone()).or_default())
    }

    /// Places at which the extraction differs as the monolith does from itself.
    fn calm(&self) -> HashSet<Signature> {
        let noisy = self.places.iter().filter(|(_, it)| it.both + it.control_only > 0);
        let noisy: Vec<_> = noisy.collect();
        let chances: Vec<_> =
            noisy.iter().map(|(_, it)| chance(it.candidate_only, it.control_only)).collect();
        let adjusted = holm(&chances);
        let calm = noisy.into_iter().zip(adjusted).filter(|(_, chance)| *chance > ERROR);
        calm.map(|((place, _), _)| place.clone()).collect()
    }

    /// Whether a difference may be noise; `paired`: this very request's second answer differed there
    /// too.
    fn excuses(&self, place: &Place<'_>, paired: bool) -> bool {
        let Some(pairs) = self.places.get(&place.signature) else { return false };
        let is_seen = paired || pairs.both + pairs.control_only >= FEW;
        is_seen && pairs.range.admits(place.difference) && !pairs.constant.is_stuck()
    }
}

#[cfg(test)]
mod tests;
