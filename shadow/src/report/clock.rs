//! The store's clock. By it processes on several machines agree on what is older; how long ago
//! something was, each knows by its own clock that no correction moves.

use std::time::{Duration, Instant};

use super::database::{Tx, integers};

/// A clock that has gone otherwise than ours by more than this was set, or we were suspended.
const SLACK: Duration = Duration::from_secs(5);

/// What the store's clock says, in milliseconds since 1970, between two moments of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) at: i64,
    asked: Instant,
    read: Instant,
}

impl Now {
    pub(super) async fn of(tx: &mut Tx) -> Result<Self, sqlx::Error> {
        let asked = Instant::now();
        let found = integers(&tx.fetch(tx.dialect.now(), &[]).await?)?;
        let at = found.first().copied().ok_or(sqlx::Error::RowNotFound)?;
        Ok(Self { at, asked, read: Instant::now() })
    }

    /// At one moment of ours, for tests.
    #[cfg(test)]
    pub(super) const fn at(at: i64, read: Instant) -> Self {
        Self { at, asked: read, read }
    }

    /// When something was that has happened to this process.
    pub(super) fn when(self, then: Instant) -> i64 {
        // Half of the answer's way, since nobody knows when in it the clock was looked at.
        let looked = self.asked + self.read.saturating_duration_since(self.asked) / 2;
        self.before(looked.saturating_duration_since(then))
    }

    /// So long ago.
    pub(super) fn before(self, age: Duration) -> i64 {
        self.at.saturating_sub(milliseconds(age))
    }

    /// How long ago an earlier reading was, by our own clock.
    pub(super) fn since(self, earlier: Self) -> Duration {
        self.read.saturating_duration_since(earlier.read)
    }

    /// Whether the store's clock was set since an earlier reading.
    pub(super) fn was_set_since(self, earlier: Self) -> bool {
        let passed = self.at.saturating_sub(earlier.at);
        let least = self.asked.saturating_duration_since(earlier.read);
        let most = self.read.saturating_duration_since(earlier.asked);
        passed < milliseconds(least).saturating_sub(milliseconds(SLACK))
            || passed > milliseconds(most).saturating_add(milliseconds(SLACK))
    }
}

pub(super) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_from_an_answer_that_was_slow() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let earlier = Now::at(1_000_000, start);
        for (passed, asked, read, is_set) in [
            (60_000, 60, 60, false),
            (64_000, 60, 60, false),
            (66_000, 60, 60, true),
            (54_000, 60, 60, true),
            (66_000, 60, 69, false),
            (-60_000, 60, 60, true),
        ] {
            let now = Now { at: 1_000_000 + passed, asked: after(asked), read: after(read) };
            assert_eq!(now.was_set_since(earlier), is_set, "{passed} ms, {asked} to {read} s");
        }
    }
}
