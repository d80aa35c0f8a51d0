//! Times in texts: those of now are named, all others stay as they are.

use time::{Duration, OffsetDateTime, PrimitiveDateTime, macros::format_description};

/// Between which times a step happened on one side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Since when the shops live; before it all is seeds.
    pub(super) since: OffsetDateTime,
    pub(super) from: OffsetDateTime,
    pub(super) to: OffsetDateTime,
}

/// `2026-01-02T03:04:05`, without its fraction.
const LENGTH: usize = 19;

impl Window {
    /// The text with the times of this step as `<now>`, and those of the steps before as `<before>`.
    /// Their separators and the number of their digits stay.
    pub(super) fn masked(&self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((begin, time)) = next(rest) {
            let shown = &rest[begin..begin + time.length];
            masked.push_str(&rest[..begin]);
            match self.name(time.at, time.digits) {
                Some(name) => {
                    let separator = &shown[10..11];
                    masked.extend(["<", name, separator, ".", &time.digits.to_string(), ">"]);
                }
                None => masked.push_str(shown),
            }
            rest = &rest[begin + time.length..];
        }
        masked + rest
    }

    /// What a time with so many digits of a second is called; none: it is older than the shops, or
    /// not yet.
    fn name(&self, at: OffsetDateTime, digits: usize) -> Option<&'static str> {
        if digits == 0 {
            // Cut off or rounded, it may be a second away.
            let (since, to) = (self.since - Duration::SECOND, self.to + Duration::SECOND);
            return (since..=to).contains(&at).then_some("lately");
        }
        // As much as is cut off from a time in milliseconds.
        let slack = Duration::MILLISECOND;
        if (self.from - slack..=self.to + slack).contains(&at) {
            Some("now")
        } else {
            (self.since..self.from).contains(&at).then_some("before")
        }
    }

    /// What a number of seconds since 1970 is called.
    pub(super) fn seconds(&self, seconds: f64) -> Option<&'static str> {
        #[expect(clippy::cast_possible_truncation, reason = "times of a test")]
        let at = OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e9) as i128).ok()?;
        self.name(at, 6)
    }

    /// What an HTTP date is called.
    pub(super) fn http_date(&self, text: &str) -> Option<&'static str> {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        self.name(PrimitiveDateTime::parse(text, format).ok()?.assume_utc(), 0)
    }

    /// Whether the seconds since `at` are `seconds` now.
    pub(super) fn is_age(&self, at: &str, seconds: i64) -> bool {
        let Some((0, time)) = next(at) else { return false };
        let ages =
            (self.from - time.at).whole_seconds() - 1..=(self.to - time.at).whole_seconds() + 1;
        ages.contains(&seconds)
    }
}

struct Time {
    at: OffsetDateTime,
    digits: usize,
    length: usize,
}

/// The first time in a text, and where it begins.
fn next(text: &str) -> Option<(usize, Time)> {
    let bytes = text.as_bytes();
    let begins = |at: &usize| {
        let shape = b"dddd-dd-ddTdd:dd:dd";
        let found = bytes.get(*at..at + LENGTH)?;
        let fits = found.iter().zip(shape).all(|(it, shape)| match shape {
            b'd' => it.is_ascii_digit(),
            b'T' => matches!(it, b'T' | b' '),
            other => it == other,
        });
        fits.then(|| time(&text[*at..])).flatten().map(|it| (*at, it))
    };
    (0..bytes.len().saturating_sub(LENGTH - 1)).find_map(|at| begins(&at))
}

fn time(text: &str) -> Option<Time> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let whole = text.get(..LENGTH)?.replace('T', " ");
    let at = PrimitiveDateTime::parse(&whole, format).ok()?.assume_utc();
    let fraction = text[LENGTH..].strip_prefix('.').unwrap_or_default();
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count().min(9);
    if digits == 0 {
        return Some(Time { at, digits, length: LENGTH });
    }
    let nanoseconds = format!("{:0<9}", &fraction[..digits]).parse().ok()?;
    let at = at.replace_nanosecond(nanoseconds).ok()?;
    Some(Time { at, digits, length: LENGTH + 1 + digits })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_is_named_only_when_it_is_of_this_run() {
        let window = Window {
            since: datetime!(2026-01-01 00:00:00 UTC),
            from: datetime!(2026-01-01 00:01:00 UTC),
            to: datetime!(2026-01-01 00:01:01 UTC),
        };
        for (text, masked) in [
            ("[2026-01-01T00:01:00.500Z]", "[<nowT.3>Z]"),
            ("2026-01-01 00:01:00.500001", "<now .6>"),
            ("2026-01-01T00:00:30.500Z", "<beforeT.3>Z"),
            ("2026-01-01T00:00:30Z, after", "<latelyT.0>Z, after"),
            ("2026-01-01T00:02:00.500Z", "2026-01-01T00:02:00.500Z"),
            ("2025-01-01 00:00:00.500000", "2025-01-01 00:00:00.500000"),
            ("ü 2026-13-01T00:00:00", "ü 2026-13-01T00:00:00"),
        ] {
            assert_eq!(window.masked(text), masked);
        }
        assert!(window.is_age("2026-01-01T00:00:00.100Z", 60));
        assert!(!window.is_age("2026-01-01T00:00:00.100Z", 90));
        assert_eq!(window.http_date("Thu, 01 Jan 2026 00:00:30 GMT"), Some("lately"));
        assert_eq!(window.http_date("Thu, 01 Jan 2015 00:00:30 GMT"), None);
    }
}
