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
//! What changed between two answers, as a third one of the monolith's has shown, the monolith has
//! done itself: there the extraction was not the only one to differ.

mod constant;
mod memory;
mod range;
mod statistics;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

pub(crate) use self::memory::Memory;
use self::{
    constant::Constant,
    range::Range,
    statistics::{chance, holm},
};
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
    /// Whether the monolith is asked twice at all. Where it is not, nothing would tell an extraction
    /// that differs too often, and nothing is excused.
    is_paired: bool,
}

/// What they have shown at one place.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pairs {
    both: u64,
    /// But for those of which the monolith has said the same when it was asked once more.
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

/// What noise makes of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Weight {
    /// The findings that are noise, by their index.
    pub(crate) noise: HashSet<usize>,
    /// Where the extraction differs from the monolith, and the monolith's second answer does not;
    /// `None` where it was not asked twice.
    alone: Option<HashSet<Signature>>,
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

/// The differences of one comparison at each place.
fn by_signature<'p>(places: &'p [Place<'_>]) -> HashMap<&'p Signature, Vec<&'p Difference<'p>>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for it in places {
        found.entry(&it.signature).or_default().push(it.difference);
    }
    found
}

impl Weight {
    /// Whether the monolith was asked twice and the extraction alone differs.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone.as_ref().is_some_and(|it| !it.is_empty())
    }

    /// What counts of the comparison.
    pub(crate) fn left(&self, comparison: &Comparison<'_>) -> Marks {
        let noise = self.noise.iter().filter_map(|it| comparison.findings.get(*it));
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
    fn judge(&mut self, candidate: &[Place<'_>], itself: Option<&[Place<'_>]>) -> Weight {
        let alone = itself.map(|itself| self.learn(candidate, itself));
        for (signature, differences) in by_signature(candidate) {
            if let Some(pairs) = self.places.get_mut(signature) {
                pairs.constant.see(&differences);
                pairs.range.see(&differences);
            }
        }
        let calm = self.calm();
        let is_noise = |it: &&Place<'_>| {
            let paired = itself
                .is_some_and(|places| places.iter().any(|other| other.signature == it.signature));
            calm.contains(&it.signature) && self.excuses(it, paired)
        };
        let noise = candidate.iter().filter(is_noise).map(|it| it.index).collect();
        Weight { noise, alone }
    }

    /// Learns from a request to which the monolith has answered twice. Tells where the extraction
    /// alone differs.
    fn learn(&mut self, candidate: &[Place<'_>], itself: &[Place<'_>]) -> HashSet<Signature> {
        self.is_paired = true;
        let [by_candidate, by_itself] = [candidate, itself].map(by_signature);
        let alone = by_candidate.keys().filter(|it| !by_itself.contains_key(*it));
        let alone: HashSet<Signature> = alone.map(|it| (*it).clone()).collect();
        for place in &alone {
            if let Some(pairs) = self.at(place) {
                pairs.candidate_only += 1;
            }
        }
        for (place, differences) in &by_itself {
            let Some(pairs) = self.at(place) else { continue };
            if by_candidate.contains_key(place) {
                pairs.both += 1;
            } else {
                pairs.control_only += 1;
            }
            pairs.range.learn(differences);
        }
        alone
    }

    /// Learns which differences of a request that was weighed are the monolith's own: asked once
    /// more, it says there just what the extraction has said, and does not `still` differ.
    fn learn_race(&mut self, candidate: &[Place<'_>], still: &[Place<'_>], weight: &Weight) {
        if !self.is_paired {
            return;
        }
        let still = by_signature(still);
        let changed = by_signature(candidate).into_iter().filter(|it| !still.contains_key(it.0));
        for (place, differences) in changed {
            let was_alone = weight.alone.as_ref().map(|it| it.contains(place));
            // The second answer has shown that already.
            if was_alone == Some(false) {
                continue;
            }
            let Some(pairs) = self.at(place) else { continue };
            if was_alone == Some(true) {
                pairs.candidate_only = pairs.candidate_only.saturating_sub(1);
            }
            pairs.both += 1;
            pairs.range.learn(&differences);
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
