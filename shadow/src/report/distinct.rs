//! Kinds of requests on their way to the store, and which requests they were: one that comes again
//! counts once.

use std::collections::{BTreeMap, btree_map::Entry};

use super::room::Room;
use crate::{Stratum, Tally, Unknown, sampling::Level};

/// Kinds that one route may have; further ones are counted together.
pub(super) const STRATA: usize = 32;

/// Distinct requests that one flush may hold of one route.
const WAITING: usize = 10_000;

/// What happened to each kind of requests.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    pub(super) all: BTreeMap<Stratum, KindDelta>,
    /// Which of the distinct requests are among them.
    level: Level,
    /// The number of these.
    pub(super) distinct: usize,
}

/// What happened to one kind.
#[derive(Debug, Default)]
pub(super) struct KindDelta {
    pub(super) requests: Tally,
    pub(super) matched_by_digest: u64,
    /// Requests that could not be compared.
    pub(super) unknowns: BTreeMap<Unknown, u64>,
    /// By fingerprint.
    pub(super) distinct: BTreeMap<u64, Known>,
}

/// What is known of a distinct request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It came, and could not be compared.
    Unknown,
    /// It was compared once at least.
    Compared(Marks),
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

    const fn or(self, other: Self) -> Self {
        Self {
            critical: self.critical || other.critical,
            cosmetic: self.cosmetic || other.cosmetic,
        }
    }
}

impl Known {
    /// Both together: what was compared at another time is compared.
    pub(super) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, it) | (it, Self::Unknown) => it,
            (Self::Compared(one), Self::Compared(other)) => Self::Compared(one.or(other)),
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
        let kind = self.kind(stratum.clone());
        kind.requests.compared += 1;
        kind.requests.critical += u64::from(marks.critical);
        kind.requests.cosmetic += u64::from(marks.cosmetic);
        self.saw(stratum, fingerprint, Known::Compared(marks), room);
    }

    /// The bodies of one request that was compared were too long to be kept, and had equal digests.
    pub(crate) fn matched_by_digest(&mut self, stratum: Stratum) {
        self.kind(stratum).matched_by_digest += 1;
    }

    /// One request could not be compared.
    pub(crate) fn unknown(
        &mut self,
        stratum: Stratum,
        fingerprint: u64,
        why: Unknown,
        room: &mut Room,
    ) {
        *self.kind(stratum.clone()).unknowns.entry(why).or_default() += 1;
        if why.counts() {
            self.saw(stratum, fingerprint, Known::Unknown, room);
        }
    }

    /// Rows that a flush will touch.
    pub(super) fn rows(&self) -> usize {
        self.all.values().map(|it| 1 + it.unknowns.len()).sum::<usize>() + self.distinct
    }

    /// Halves the distinct requests that count, of all kinds alike.
    pub(super) fn thin(&mut self, room: &mut Room) {
        self.level = self.level.next();
        let before = self.distinct;
        for kind in self.all.values_mut() {
            kind.distinct.retain(|fingerprint, _| self.level.takes(*fingerprint));
        }
        self.distinct = self.all.values().map(|it| it.distinct.len()).sum();
        room.requests -= before - self.distinct;
    }

    fn kind(&mut self, stratum: Stratum) -> &mut KindDelta {
        let is_known = self.all.len() < STRATA || self.all.contains_key(&stratum);
        let stratum = if is_known { stratum } else { Stratum::other() };
        self.all.entry(stratum).or_default()
    }

    fn saw(&mut self, stratum: Stratum, fingerprint: u64, now: Known, room: &mut Room) {
        if !self.level.takes(fingerprint) {
            return;
        }
        match self.kind(stratum).distinct.entry(fingerprint) {
            Entry::Occupied(mut known) => {
                let both = known.get().or(now);
                known.insert(both);
            }
            Entry::Vacant(place) => {
                place.insert(now);
                self.distinct += 1;
                room.requests += 1;
            }
        }
        while self.distinct > WAITING {
            self.thin(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::random::hash;

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
        let kind = &kinds.all[&stratum("a")];
        assert_eq!((kind.requests.compared, kind.requests.critical), (4, 1));
        let known = [(1, CRITICAL), (2, CLEAN)].map(|(it, marks)| (it, Known::Compared(marks)));
        assert_eq!(kind.distinct, BTreeMap::from(known));
    }

    #[test]
    fn what_was_compared_at_another_time_is_compared_and_what_was_declined_is_not_asked_for() {
        let (mut kinds, mut room) = (Kinds::default(), Room::default());
        let mut unknown = |fingerprint, why| {
            kinds.unknown(stratum("a"), fingerprint, why, &mut room);
        };
        unknown(1, Unknown::TimedOut);
        unknown(1, Unknown::TimedOut);
        unknown(2, Unknown::Raced);
        unknown(3, Unknown::Declined);
        kinds.compared(stratum("a"), 2, CLEAN, &mut room);
        kinds.unknown(stratum("a"), 2, Unknown::Raced, &mut room);
        let kind = &kinds.all[&stratum("a")];
        let known = [(1, Known::Unknown), (2, Known::Compared(CLEAN))];
        assert_eq!(kind.distinct, BTreeMap::from(known));
        assert_eq!(kind.unknowns.values().sum::<u64>(), 5);
    }

    #[test]
    fn endless_requests_and_kinds_are_bounded_and_what_is_left_is_a_sample_of_all() {
        let (mut kinds, mut room) = (Kinds::default(), Room::default());
        for number in 0..100_000 {
            let (marks, kind) = (if number % 10 == 0 { CRITICAL } else { CLEAN }, number % 3 == 0);
            let kind = stratum(if kind { "a" } else { "b" });
            kinds.compared(kind, hash(number), marks, &mut room);
        }
        assert_eq!(room.requests, kinds.distinct);
        assert!((WAITING / 2 - 500..=WAITING).contains(&kinds.distinct), "{}", kinds.distinct);
        let of = |name| &kinds.all[&stratum(name)];
        assert_eq!(of("a").requests.compared + of("b").requests.compared, 100_000);
        let all = of("a").distinct.values().chain(of("b").distinct.values());
        let differ = all.filter(|it| **it == Known::Compared(CRITICAL)).count();
        let share = |part: usize| part * 1_000 / kinds.distinct;
        assert!((85..=115).contains(&share(differ)), "a tenth: {differ}");
        assert!((310..=357).contains(&share(of("a").distinct.len())), "a third");
        for index in 0..100 {
            kinds.compared(stratum(&format!("c{index}")), 1, CLEAN, &mut room);
        }
        assert_eq!(kinds.all.len(), STRATA + 1);
        assert_eq!(kinds.all[&Stratum::other()].requests.compared, 100 - (STRATA as u64 - 2));
    }
}
