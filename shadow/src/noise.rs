//! What the monolith does to itself: on some requests it is asked twice, and where its two answers
//! differ, so may the extraction's.
//!
//! Noise excuses a difference of the same path, kind and class only, so that a field which always
//! differs hides no other type and no missing member in it; of numbers only what is about as far
//! apart as the monolith's own; and only while the extraction does not differ there more often than
//! the monolith does. That is asked of the pairs: McNemar's exact test (Q. McNemar, 1947) over the
//! requests in which only one of the two differed, corrected for the number of places by Holm's
//! method (S. Holm, 1979).

use std::collections::{HashMap, HashSet};

use crate::{
    Class,
    compare::{Comparison, Difference, Finding, Fragment, Judgement, Value},
    report::{Marks, Signature},
};

/// Places of one route that are remembered.
const PLACES: usize = 1_000;

/// So many pairs must have differed at a place before it excuses requests that were asked once.
const FEW: u64 = 3;

/// After so many numbers it is known how far apart they are, to a factor of two.
const NUMBERS: u64 = 20;

/// The chance that the extraction is taken for worse than noise though it is not.
const ERROR: f64 = 0.05;

/// What the pairs of one route have shown.
#[derive(Debug, Default)]
pub(crate) struct Noise(HashMap<Signature, Pairs>);

/// What they have shown at one place.
#[derive(Debug, Clone, Copy, Default)]
struct Pairs {
    both: u64,
    candidate_only: u64,
    control_only: u64,
    /// Pairs of the monolith's numbers, and how far apart they were at most.
    numbers: u64,
    apart: f64,
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
    pub(crate) fn judge(
        &mut self,
        candidate: &[Place<'_>],
        itself: Option<&[Place<'_>]>,
    ) -> Excused {
        if let Some(itself) = itself {
            self.learn(candidate, itself);
        }
        let calm = self.places();
        let is_noise = |it: &&Place<'_>| {
            let paired = itself
                .is_some_and(|places| places.iter().any(|other| other.signature == it.signature));
            calm.contains(&it.signature) && self.excuses(it, paired)
        };
        Excused(candidate.iter().filter(is_noise).map(|it| it.index).collect())
    }

    /// Learns from a request to which the monolith has answered twice.
    fn learn(&mut self, candidate: &[Place<'_>], itself: &[Place<'_>]) {
        let names = |places: &[Place<'_>]| -> HashSet<Signature> {
            places.iter().map(|it| it.signature.clone()).collect()
        };
        let [by_candidate, by_itself] = [candidate, itself].map(names);
        for place in by_candidate.union(&by_itself) {
            let Some(pairs) = self.at(place) else { continue };
            match (by_candidate.contains(place), by_itself.contains(place)) {
                (true, true) => pairs.both += 1,
                (true, false) => pairs.candidate_only += 1,
                _ => pairs.control_only += 1,
            }
        }
        for Place { signature, difference, .. } in itself {
            if let (Some(pairs), Some(distance)) = (self.at(signature), distance(difference)) {
                pairs.numbers += 1;
                pairs.apart = pairs.apart.max(distance);
            }
        }
    }

    fn at(&mut self, place: &Signature) -> Option<&mut Pairs> {
        let is_known = self.0.len() < PLACES || self.0.contains_key(place);
        is_known.then(|| self.0.entry(place.clone()).or_default())
    }

    /// Places at which the extraction differs as the monolith does from itself.
    fn places(&self) -> HashSet<Signature> {
        let noisy: Vec<_> = self.0.iter().filter(|(_, it)| it.both + it.control_only > 0).collect();
        let chances: Vec<_> =
            noisy.iter().map(|(_, it)| mcnemar(it.candidate_only, it.control_only)).collect();
        let adjusted = holm(&chances);
        let calm = noisy.into_iter().zip(adjusted).filter(|(_, chance)| *chance > ERROR);
        calm.map(|((place, _), _)| place.clone()).collect()
    }

    /// Whether a difference may be noise; `paired`: this very request's second answer differed there
    /// too.
    fn excuses(&self, place: &Place<'_>, paired: bool) -> bool {
        let Some(pairs) = self.0.get(&place.signature) else { return false };
        let is_seen = paired || pairs.both + pairs.control_only >= FEW;
        let is_far = pairs.numbers >= NUMBERS
            && distance(place.difference).is_some_and(|it| it > 2.0 * pairs.apart);
        is_seen && !is_far
    }
}

/// How far apart two numbers are.
fn distance(difference: &Difference<'_>) -> Option<f64> {
    let number = |it: &Option<Fragment<'_>>| match it {
        Some(Fragment::Json(Value::Number(digits))) => digits.parse::<f64>().ok(),
        _ => None,
    };
    Some((number(&difference.control)? - number(&difference.candidate)?).abs())
}

/// McNemar's exact test, one-sided: how likely so many of the discordant pairs are the candidate's if
/// each is one side's or the other's with the same chance.
fn mcnemar(candidate_only: u64, control_only: u64) -> f64 {
    let all = candidate_only + control_only;
    // From the far end inwards, in logarithms: a binomial coefficient has no bound.
    let (mut term, mut chance) = (float(all) * 0.5_f64.ln(), 0.0);
    for misses in 0..=control_only {
        chance += term.exp();
        term += (float(all - misses) / float(misses + 1)).ln();
    }
    chance.min(1.0)
}

/// Holm's step-down method: what each chance comes to when so many are looked at.
fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|one, other| chances[*one].total_cmp(&chances[*other]));
    let mut adjusted = vec![1.0; chances.len()];
    let mut least: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max(float((chances.len() - rank) as u64) * chances[index]).min(1.0);
        adjusted[index] = least;
    }
    adjusted
}

#[expect(clippy::cast_precision_loss, reason = "counts of one process")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Class, DifferenceKind,
        compare::{Path, Root},
    };

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-6, "{one} {other}");
    }

    /// R: `binom.test(c, b + c, alternative = "less")`.
    #[test]
    fn mcnemars_test_agrees_with_the_binomial_distribution() {
        close(mcnemar(10, 2), 79.0 / 4_096.0);
        close(mcnemar(5, 0), 1.0 / 32.0);
        close(mcnemar(4, 4), 163.0 / 256.0);
        close(mcnemar(0, 0), 1.0);
        close(mcnemar(0, 9), 1.0);
        assert!(mcnemar(3_000, 100) < 1e-300 && mcnemar(3_000, 3_000) > 0.5);
    }

    /// R: `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")`.
    #[test]
    fn holms_method_agrees_with_r() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (one, other) in adjusted.into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            close(one, other);
        }
        assert!(holm(&[]).is_empty());
    }

    fn signature(path: &str, kind: DifferenceKind) -> Signature {
        Signature { path: path.into(), kind, class: Class::Critical }
    }

    fn numbers<'a>(one: &'a Value<'a>, other: &'a Value<'a>) -> Difference<'a> {
        Difference {
            path: Path::at(Root::Document),
            kind: DifferenceKind::Changed,
            class: Class::Critical,
            control: Some(Fragment::Json(one)),
            candidate: Some(Fragment::Json(other)),
        }
    }

    const ONE: Value<'static> = Value::Number("1");

    fn at<'a>(signature: &Signature, difference: &'a Difference<'a>) -> Vec<Place<'a>> {
        vec![Place { signature: signature.clone(), difference, index: 0 }]
    }

    fn is_noise(noise: &mut Noise, candidate: &[Place<'_>], itself: Option<&[Place<'_>]>) -> bool {
        noise.judge(candidate, itself).0.contains(&0)
    }

    #[test]
    fn a_place_is_noise_when_the_monolith_differs_there_too_and_another_kind_is_not() {
        let difference = numbers(&ONE, &ONE);
        let changed = at(&signature("$.views", DifferenceKind::Changed), &difference);
        let retyped = at(&signature("$.views", DifferenceKind::Retyped), &difference);
        let mut noise = Noise::default();
        assert!(!is_noise(&mut noise, &changed, None));
        assert!(!is_noise(&mut noise, &retyped, Some(&changed[..])));
        assert!(!is_noise(&mut noise, &changed, None), "one pair is too few for others");
        assert!(is_noise(&mut noise, &changed, Some(&changed[..])));
        assert!(is_noise(&mut noise, &changed, Some(&changed[..])));
        assert!(is_noise(&mut noise, &changed, None));
        assert!(!is_noise(&mut noise, &retyped, None));
    }

    #[test]
    fn where_the_extraction_differs_more_often_it_is_no_noise() {
        let difference = numbers(&ONE, &ONE);
        let changed = at(&signature("$.related", DifferenceKind::Changed), &difference);
        let mut noise = Noise::default();
        for _ in 0..3 {
            noise.learn(&changed, &changed);
        }
        for pairs in 1..=5 {
            let excused = is_noise(&mut noise, &changed, Some(&[]));
            assert_eq!(excused, pairs < 5, "four of four may be chance, five are not: {pairs}");
        }
    }

    #[test]
    fn a_number_outside_of_what_noise_does_counts() {
        let [three, nine] = ["3", "9"].map(Value::Number);
        let (near, far) = (numbers(&ONE, &three), numbers(&ONE, &nine));
        let changed = signature("$.views", DifferenceKind::Changed);
        let (near, far) = (at(&changed, &near), at(&changed, &far));
        let mut noise = Noise::default();
        for _ in 0..NUMBERS {
            noise.learn(&far, &near);
        }
        assert!(is_noise(&mut noise, &near, Some(&near[..])));
        assert!(!is_noise(&mut noise, &far, Some(&near[..])));
    }

    #[test]
    fn endless_places_are_bounded() {
        let difference = numbers(&ONE, &ONE);
        let mut noise = Noise::default();
        for index in 0..2_000 {
            let signature = signature(&format!("$.m{index}"), DifferenceKind::Changed);
            noise.learn(&at(&signature, &difference), &[]);
        }
        assert_eq!(noise.0.len(), PLACES);
    }
}
