//! Kinds of requests on their way to the store, and which requests they were: one that comes again
//! counts once.

use std::collections::BTreeMap;

use super::room::Room;
use crate::{Stratum, Tally, Unknown};

/// Kinds that one route may have; further ones are counted together.
pub(super) const STRATA: usize = 32;

/// Distinct requests that one flush may hold of one kind. Beyond it only those that differ are kept,
/// up to twice as many: what is left out then speaks for the route.
const WAITING: usize = 10_000;

/// What happened to each kind of requests.
#[derive(Debug, Default)]
pub(crate) struct Kinds(pub(super) BTreeMap<Stratum, KindDelta>);

/// What happened to one kind.
#[derive(Debug, Default)]
pub(super) struct KindDelta {
    pub(super) requests: Tally,
    pub(super) matched_by_digest: u64,
    /// Requests that could not be compared.
    pub(super) unknowns: BTreeMap<Unknown, u64>,
    /// By fingerprint.
    pub(super) distinct: BTreeMap<u64, Marks>,
}

/// Whether a request ever differed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) critical: bool,
    pub(crate) cosmetic: bool,
}

impl Marks {
    pub(crate) const fn is_clean(self) -> bool {
        !self.critical && !self.cosmetic
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self {
            critical: self.critical || other.critical,
            cosmetic: self.cosmetic || other.cosmetic,
        }
    }
}

impl Kinds {
    /// One request was compared.
    pub(crate) fn compared(
        &mut self,
        stratum: Stratum,
        fingerprint: u64,
        marks: Marks,
        room: &mut Room,
    ) {
        let kind = self.kind(stratum);
        kind.requests.compared += 1;
        kind.requests.critical += u64::from(marks.critical);
        kind.requests.cosmetic += u64::from(marks.cosmetic);
        kind.saw(fingerprint, marks, room);
    }

    /// The bodies of one request that was compared were too long to be kept, and had equal digests.
    pub(crate) fn matched_by_digest(&mut self, stratum: Stratum) {
        self.kind(stratum).matched_by_digest += 1;
    }

    /// One request could not be compared.
    pub(crate) fn unknown(&mut self, stratum: Stratum, why: Unknown) {
        *self.kind(stratum).unknowns.entry(why).or_default() += 1;
    }

    /// Rows that a flush will touch.
    pub(super) fn rows(&self) -> usize {
        self.0.values().map(|it| 1 + it.unknowns.len() + it.distinct.len()).sum()
    }

    fn kind(&mut self, stratum: Stratum) -> &mut KindDelta {
        let is_known = self.0.len() < STRATA || self.0.contains_key(&stratum);
        let stratum = if is_known { stratum } else { Stratum::other() };
        self.0.entry(stratum).or_default()
    }
}

impl KindDelta {
    fn saw(&mut self, fingerprint: u64, marks: Marks, room: &mut Room) {
        if let Some(known) = self.distinct.get_mut(&fingerprint) {
            *known = known.or(marks);
            return;
        }
        let limit = if marks.is_clean() { WAITING } else { 2 * WAITING };
        if self.distinct.len() < limit && room.for_request(marks.is_clean()) {
            self.distinct.insert(fingerprint, marks);
        } else {
            room.lost.requests += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: Marks = Marks { critical: false, cosmetic: false };
    const CRITICAL: Marks = Marks { critical: true, cosmetic: false };

    fn stratum(name: &str) -> Stratum {
        name.parse().unwrap()
    }

    #[test]
    fn a_request_that_comes_again_counts_once_and_a_difference_sticks() {
        let (mut kinds, mut room) = (Kinds::default(), Room::default());
        for (fingerprint, marks) in [(1, CLEAN), (1, CRITICAL), (1, CLEAN), (2, CLEAN)] {
            kinds.compared(stratum("a"), fingerprint, marks, &mut room);
        }
        let kind = &kinds.0[&stratum("a")];
        assert_eq!((kind.requests.compared, kind.requests.critical), (4, 1));
        assert_eq!(kind.distinct, BTreeMap::from([(1, CRITICAL), (2, CLEAN)]));
    }

    #[test]
    fn endless_requests_and_kinds_are_bounded_and_differences_are_kept_longest() {
        let (mut kinds, mut room) = (Kinds::default(), Room::default());
        for fingerprint in 0..15_000 {
            kinds.compared(stratum("a"), fingerprint, CLEAN, &mut room);
        }
        kinds.compared(stratum("a"), 99_999, CRITICAL, &mut room);
        let kind = &kinds.0[&stratum("a")];
        assert_eq!((kind.requests.compared, kind.distinct.len()), (15_001, WAITING + 1));
        assert_eq!((kind.distinct[&99_999], room.lost.requests), (CRITICAL, 5_000));
        for index in 0..100 {
            kinds.compared(stratum(&format!("b{index}")), 1, CLEAN, &mut room);
        }
        assert_eq!(kinds.0.len(), STRATA + 1);
        assert_eq!(kinds.0[&Stratum::other()].requests.compared, 100 - (STRATA as u64 - 1));
    }
}
