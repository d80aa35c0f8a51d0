//! What one request says of what noise may hide.

use std::collections::{BTreeMap, HashSet};

use super::{Excused, FEW, Noise, Place, Settled, signatures};
use crate::{Class, NoiseTally, report::Signature, sampling::Level};

/// Requests of a route of which is remembered that they were asked twice: half a MiB.
const REMEMBERED: usize = 50_000;

/// By the class of the differences.
pub(crate) type Tallies = BTreeMap<Class, NoiseTally>;

/// The monolith's second answer, and what a further one has shown of the pair.
#[derive(Clone, Copy)]
pub(super) struct Paired<'a> {
    pub(super) itself: &'a [Place<'a>],
    pub(super) settled: &'a Settled,
}

/// Which requests were asked twice, since a repetition proves nothing new. This process alone knows it.
#[derive(Debug, Default)]
pub(super) struct Twice {
    seen: HashSet<u64>,
    /// Which of them count: more than are remembered would be counted again.
    level: Level,
}

impl Twice {
    /// Whether it counts, and did not before.
    pub(super) fn is_first(&mut self, fingerprint: u64) -> bool {
        if !self.level.takes(fingerprint) || !self.seen.insert(fingerprint) {
            return false;
        }
        while self.seen.len() > REMEMBERED {
            self.level = self.level.next();
            self.seen.retain(|it| self.level.takes(*it));
        }
        true
    }
}

impl Noise {
    /// Of a request in which this is excused, while these places are calm.
    pub(super) fn tallies(
        &self,
        candidate: &[Place<'_>],
        excused: &Excused,
        paired: Option<Paired<'_>>,
        calm: &HashSet<Signature>,
    ) -> Tallies {
        let mut tallies = Tallies::new();
        let excused: Vec<_> = candidate.iter().filter(|it| excused.0.contains(&it.index)).collect();
        for place in &excused {
            tallies.entry(place.signature.class).or_default().excused = 1;
        }
        let Some(Paired { itself, settled }) = paired else { return tallies };
        let [by_candidate, by_itself] = [candidate, itself].map(signatures);
        let is_alone = |it: &&&Place<'_>| {
            // Of a pair about which nobody could be asked it may have been the candidate.
            let is_settled = !settled.unasked && settled.candidate.contains(&it.signature);
            !by_itself.contains(&it.signature) && !is_settled
        };
        // Where the candidate would have been excused, had it been the one.
        let is_own = |it: &&Place<'_>| {
            let pairs = self.places.get(&it.signature);
            !by_candidate.contains(&it.signature)
                && !settled.control.contains(&it.signature)
                && calm.contains(&it.signature)
                && pairs.is_some_and(|it| it.both + it.control_only >= FEW)
        };
        let candidate_only: HashSet<_> =
            excused.iter().filter(is_alone).map(|it| it.signature.class).collect();
        let control_only: HashSet<_> =
            itself.iter().filter(is_own).map(|it| it.signature.class).collect();
        for class in [Class::Critical, Class::Cosmetic] {
            let alone = [&candidate_only, &control_only].map(|it| it.contains(&class));
            let tally = tallies.entry(class).or_default();
            tally.asked_twice = 1;
            tally.candidate_only = u64::from(alone == [true, false]);
            tally.control_only = u64::from(alone == [false, true]);
        }
        tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::random::hash;

    #[test]
    fn each_request_counts_once_and_of_too_many_a_sample_does() {
        let mut twice = Twice::default();
        assert_eq!([7, 7, 8, 7].map(|it| twice.is_first(it)), [true, false, true, false]);
        let mut twice = Twice::default();
        let mut counted = || (0..120_000).filter(|it| twice.is_first(hash(*it))).count();
        let (first, again) = (counted(), counted());
        assert!((60_000..90_000).contains(&first) && again < 1_000, "{first}, {again}");
        assert!(twice.seen.len() <= REMEMBERED);
    }
}
