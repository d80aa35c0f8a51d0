//! What one request says of what noise may hide.

use std::collections::{BTreeMap, HashSet};

use super::{Excused, FEW, Noise, Place, Settled, signatures};
use crate::{Class, NoiseTally, report::Signature};

/// By the class of the differences.
pub(crate) type Tallies = BTreeMap<Class, NoiseTally>;

/// The monolith's second answer, and what a further one has shown of the pair.
#[derive(Clone, Copy)]
pub(super) struct Paired<'a> {
    pub(super) itself: &'a [Place<'a>],
    pub(super) settled: &'a Settled,
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
            let pairs = self.0.get(&it.signature);
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
