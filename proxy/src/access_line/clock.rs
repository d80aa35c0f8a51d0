//! Timestamps as text, of which most share all but the last digits.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, macros::format_description};

/// `2026-03-31T12:00:00.123456Z`: RFC 3339 in UTC, to the microsecond.
const LENGTH: usize = 27;
const MICROSECONDS: std::ops::Range<usize> = 20..26;

/// Writes the time, and computes a date only when the second has changed.
#[derive(Debug)]
pub struct Clock {
    /// The second that `text` stands in, since 1970.
    second: u64,
    text: [u8; LENGTH],
}

impl Default for Clock {
    fn default() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00.000000Z" }
    }
}

impl Clock {
    /// `at` as RFC 3339 in UTC with six decimals. A time that has no four-digit year, or is before
    /// 1970, is written as 1970's first second.
    pub fn rfc3339(&mut self, at: SystemTime) -> &[u8] {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        if since.as_secs() != self.second {
            self.text = date(since.as_secs()).unwrap_or(Self::default().text);
            self.second = since.as_secs();
        }
        let padded = 1_000_000 + since.subsec_micros();
        self.text[MICROSECONDS]
            .copy_from_slice(&itoa::Buffer::new().format(padded).as_bytes()[1..]);
        &self.text
    }
}

/// A second since 1970 as text, with zeros for microseconds.
fn date(second: u64) -> Option<[u8; LENGTH]> {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    let at = OffsetDateTime::from_unix_timestamp(i64::try_from(second).ok()?).ok()?;
    at.format(format).ok()?.as_bytes().try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn text(clock: &mut Clock, since: Duration) -> String {
        String::from_utf8(clock.rfc3339(UNIX_EPOCH + since).to_vec()).unwrap()
    }

    #[test]
    fn a_time_is_written_to_the_microsecond() {
        let mut clock = Clock::default();
        assert_eq!(text(&mut clock, Duration::ZERO), "1970-01-01T00:00:00.000000Z");
        let leap = Duration::new(1_709_210_096, 1_002_999);
        assert_eq!(text(&mut clock, leap), "2024-02-29T12:34:56.001002Z");
    }

    #[test]
    fn a_time_without_a_four_digit_year_is_the_beginning() {
        let mut clock = Clock::default();
        let late = Duration::from_hours(100_000_000);
        assert_eq!(text(&mut clock, late), "1970-01-01T00:00:00.000000Z");
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(clock.rfc3339(before), b"1970-01-01T00:00:00.000000Z");
    }

    proptest! {
        /// Close together, so that the kept second is used, and forgotten when time goes back.
        #[test]
        fn every_time_reads_back(start in 0_u64..4_000_000_000, steps in prop::collection::vec(0_u64..3_000_000, 1..9)) {
            let mut clock = Clock::default();
            for step in steps {
                let since = Duration::from_secs(start) + Duration::from_micros(step);
                let read = OffsetDateTime::parse(&text(&mut clock, since), &Rfc3339).unwrap();
                prop_assert_eq!(read, OffsetDateTime::UNIX_EPOCH + since);
            }
        }
    }
}
