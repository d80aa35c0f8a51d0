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
//! Of a pair in which only one differed the monolith is asked a third time. If it says there what that
//! one had said, the world has changed between the answers, which is nothing to either: when each is
//! asked depends on how long the other takes, so sales would not fall to both alike.

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
    /// Both have differed, or the world has changed.
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

/// What noise makes of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Weight {
    /// The findings that are noise, by their index.
    pub(crate) noise: HashSet<usize>,
    /// `None` where the monolith was not asked twice.
    alone: Option<Alone>,
}

/// Where only one of a pair differs from the monolith's first answer.
#[derive(Debug, Default)]
struct Alone {
    candidate: HashSet<Signature>,
    control: HashSet<Signature>,
}

/// Where the monolith's third answer differs from what was said before.
#[derive(Debug)]
pub(crate) struct Third<'a> {
    /// From the candidate's answer.
    pub(crate) candidate: Vec<Place<'a>>,
    /// From the monolith's second one, if there is one to compare it with.
    pub(crate) itself: Option<Vec<Place<'a>>>,
    /// Whether all that counts of the candidate's answer is as the monolith's by now.
    pub(crate) is_race: bool,
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
    /// Whether there is a place at which only one of a pair differs.
    pub(crate) fn is_discordant(&self) -> bool {
        self.alone.as_ref().is_some_and(|it| !(it.candidate.is_empty() && it.control.is_empty()))
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

    /// Learns from a request to which the monolith has answered twice.
    fn learn(&mut self, candidate: &[Place<'_>], itself: &[Place<'_>]) -> Alone {
        self.is_paired = true;
        let mut alone = Alone::default();
        let [by_candidate, by_itself] = [candidate, itself].map(by_signature);
        for &place in by_candidate.keys().filter(|it| !by_itself.contains_key(*it)) {
            if let Some(pairs) = self.at(place) {
                pairs.candidate_only += 1;
                alone.candidate.insert(place.clone());
            }
        }
        for (&place, differences) in &by_itself {
            let Some(pairs) = self.at(place) else { continue };
            pairs.range.learn(differences);
            if by_candidate.contains_key(place) {
                pairs.both += 1;
            } else {
                pairs.control_only += 1;
                alone.control.insert(place.clone());
            }
        }
        alone
    }

    /// Learns from the monolith's third answer to a request that was weighed.
    fn learn_third(&mut self, candidate: &[Place<'_>], weight: &Weight, third: &Third<'_>) {
        let said = by_signature(&third.candidate);
        for (place, differences) in by_signature(candidate) {
            let has_changed = !said.contains_key(place);
            let is_news = match &weight.alone {
                Some(alone) => alone.candidate.contains(place),
                // Requests that were asked once are asked again only where they differ, so they say
                // that the world changes, and not how often.
                None => third.is_race && self.is_paired,
            };
            if !(has_changed && is_news) {
                continue;
            }
            let Some(pairs) = self.at(place) else { continue };
            let counted = u64::from(weight.alone.is_some());
            pairs.candidate_only = pairs.candidate_only.saturating_sub(counted);
            pairs.both += 1;
            pairs.range.learn(&differences);
        }
        let Some((alone, repeated)) = weight.alone.as_ref().zip(third.itself.as_deref()) else {
            return;
        };
        let repeated = by_signature(repeated);
        for place in alone.control.iter().filter(|it| !repeated.contains_key(it)) {
            let Some(pairs) = self.at(place) else { continue };
            pairs.control_only = pairs.control_only.saturating_sub(1);
            pairs.both += 1;
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
