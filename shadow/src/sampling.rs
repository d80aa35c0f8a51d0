//! Which distinct requests of a route are counted, where there are more than can be remembered.
//!
//! A request's fingerprint says it, which is a keyed hash, and nothing else does: those that are counted
//! differ as often as all of them. At level 0 each is counted, at each further level one of half as many
//! hashes. What was counted before stays counted though its fingerprint is forgotten, and is never
//! counted again: no evidence is taken back, so a test that looks after every request may go on.

/// Fingerprints that the store keeps of a route: some 4 MiB.
pub(crate) const REMEMBERED: u64 = 100_000;

/// Distinct requests after which nobody waits any longer for a proof.
pub(crate) const MOST: u64 = 1_000_000_000;

/// Which of a route's distinct requests are counted from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sampling {
    pub(crate) level: Level,
    /// Fingerprints that are remembered.
    pub(crate) kept: u64,
}

/// How many times the hashes that count were halved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Level(pub(crate) u32);

impl Level {
    /// Whether a request with this fingerprint is counted.
    pub(crate) const fn takes(self, fingerprint: u64) -> bool {
        fingerprint.leading_zeros() >= self.0
    }

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Of how many distinct requests one is counted.
    pub(crate) const fn one_in(self) -> u64 {
        match 1_u64.checked_shl(self.0) {
            Some(one_in) => one_in,
            None => u64::MAX,
        }
    }
}

impl Sampling {
    /// Of how many further distinct requests one is counted.
    pub(crate) const fn one_in(self) -> u64 {
        self.level.one_in()
    }

    /// About how many distinct requests came, if not all of them are counted any more.
    pub(crate) const fn came(self) -> Option<u64> {
        match self.level.0 {
            0 => None,
            _ => Some(self.kept.saturating_mul(self.level.one_in())),
        }
    }

    /// Further distinct requests of the route until so many more of them are counted; `None` if there
    /// will never be so many.
    pub(crate) fn requests(self, more: u64) -> Option<u64> {
        let Self { mut level, mut kept } = self;
        let (mut more, mut requests) = (more, 0_u64);
        loop {
            let now = more.min(REMEMBERED.saturating_sub(kept));
            requests = requests.saturating_add(now.saturating_mul(level.one_in()));
            more -= now;
            if more == 0 || requests > MOST {
                return (requests <= MOST).then_some(requests);
            }
            (level, kept) = (level.next(), REMEMBERED / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_takes_half_of_the_hashes_of_the_one_before() {
        let hashes = || (0..16_u64).map(|it| it << 60 | 0xabc);
        let taken = |level| hashes().filter(|it| Level(level).takes(*it)).count();
        assert_eq!([0, 1, 2, 3, 4].map(taken), [16, 8, 4, 2, 1]);
        assert!(Level(64).takes(0) && !Level(65).takes(0), "there is an end");
        assert_eq!([0, 3, 63, 64].map(|it| Level(it).one_in()), [1, 8, 1 << 63, u64::MAX]);
    }

    #[test]
    fn what_is_missing_takes_the_longer_the_more_there_were() {
        let of = |level, kept, more| Sampling { level: Level(level), kept }.requests(more);
        assert_eq!(of(0, 0, 363), Some(363));
        assert_eq!(of(0, 99_900, 363), Some(100 + 2 * 263));
        assert_eq!(of(3, 60_000, 363), Some(8 * 363));
        assert_eq!(of(0, 0, 364_779), Some(100_000 + (2 + 4 + 8 + 16 + 32) * 50_000 + 64 * 14_779));
        assert_eq!(of(0, 0, 3_647_000), None, "2^70 of them");
        assert_eq!(of(20, 100_000, u64::MAX), None);
        assert_eq!(of(40, 200_000, 0), Some(0));
    }
}
