//! How long a cookie lasts (RFC 6265, §5.2.1, §5.2.2 and §5.3).

use std::ops::RangeInclusive;

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// Two ends by the clock are one if they are no further apart, in seconds: the answers were made one
/// after the other.
const APART: u64 = 60;

/// Or than the hundredth part of the longer lifetime: twenty years are five days more or less by
/// whether they are counted in years or in days.
const SHARE: u64 = 100;

/// How long a browser keeps a cookie, in seconds from the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lifetime {
    /// Until the browser is closed.
    #[default]
    Session,
    /// Not at all: the cookie is deleted.
    Over,
    /// As `Max-Age` says.
    Counted(u64),
    /// As `Expires` says, by the clock.
    Dated(u64),
}

impl Lifetime {
    /// What `Max-Age` says. `None` if it says nothing that a browser reads.
    pub(super) fn counted(value: &str) -> Option<Self> {
        let digits = value.strip_prefix('-').unwrap_or(value);
        if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        // One that is too long for a number is as good as for ever.
        let seconds = digits.parse().unwrap_or(u64::MAX);
        let is_over = value.starts_with('-') || seconds == 0;
        Some(if is_over { Self::Over } else { Self::Counted(seconds) })
    }

    /// From one time to another.
    pub(super) fn until(end: OffsetDateTime, now: OffsetDateTime) -> Self {
        match u64::try_from((end - now).whole_seconds()) {
            Ok(seconds) if end > now => Self::Dated(seconds),
            _ => Self::Over,
        }
    }

    /// The other one, if no user could tell the two apart. Two that are counted are never near but
    /// equal: no clock is in them.
    pub(super) fn seen_as(self, other: Self) -> Self {
        match (self, other) {
            (Self::Counted(one), Self::Dated(two))
            | (Self::Dated(one), Self::Counted(two) | Self::Dated(two))
                if one.abs_diff(two) <= APART.max(one.max(two) / SHARE) =>
            {
                other
            }
            _ => self,
        }
    }

    /// As an attribute of this name; there is none for a session.
    pub(super) fn text(self, name: &str) -> Option<String> {
        let seconds = match self {
            Self::Session => return None,
            Self::Over => 0,
            Self::Counted(seconds) | Self::Dated(seconds) => seconds,
        };
        Some(format!("{name}={seconds}"))
    }
}

/// A date as browsers read it (RFC 6265, §5.1.1): of parts in nearly any order and form, the first that
/// can be a time, a day, a month and a year.
pub(super) fn parse_date(text: &str) -> Option<OffsetDateTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for part in text.split(is_between).filter(|it| !it.is_empty()) {
        if time.is_none() && parse_time(part).is_some() {
            time = parse_time(part);
        } else if day.is_none() && leading(part, 1..=2).is_some() {
            day = leading(part, 1..=2);
        } else if month.is_none() && parse_month(part).is_some() {
            month = parse_month(part);
        } else if year.is_none() {
            year = leading(part, 2..=4);
        }
    }
    let year = match year? {
        it @ 0..=69 => it + 2000,
        it @ 70..=99 => it + 1900,
        it => it,
    };
    let date = Date::from_calendar_date(year.into(), month?, day?.try_into().ok()?).ok()?;
    let end = PrimitiveDateTime::new(date, time?).assume_utc();
    (year >= 1601).then_some(end)
}

const fn is_between(it: char) -> bool {
    matches!(it, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// `12:00:00`
fn parse_time(part: &str) -> Option<Time> {
    let mut fields = part.splitn(3, ':').map(|it| leading(it, 1..=2).map(u8::try_from));
    let mut next = || fields.next()??.ok();
    Time::from_hms(next()?, next()?, next()?).ok()
}

fn parse_month(part: &str) -> Option<Month> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = part.get(..3)?.to_ascii_lowercase();
    let at = NAMES.iter().position(|it| *it == name)?;
    Month::try_from(u8::try_from(at + 1).ok()?).ok()
}

/// The number at the beginning, if it has so many digits.
fn leading(part: &str, digits: RangeInclusive<usize>) -> Option<u16> {
    let end = part.bytes().take_while(u8::is_ascii_digit).count();
    digits.contains(&end).then(|| part[..end].parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn dates_are_read_in_every_form_that_browsers_read() {
        for text in [
            "Tue, 24 Nov 2026 12:30:05 GMT",
            "Tue, 24-Nov-2026 12:30:05 GMT",
            "Tuesday, 24-Nov-26 12:30:05 GMT",
            "Tue Nov 24 12:30:05 2026",
            "24 november 2026 12:30:5",
        ] {
            assert_eq!(parse_date(text), Some(datetime!(2026-11-24 12:30:05 UTC)), "{text}");
        }
        let epoch = parse_date("Thu, 01 Jan 1970 00:00:00 -0000");
        assert_eq!(epoch, Some(OffsetDateTime::UNIX_EPOCH));
        for text in [
            "",
            "0",
            "tomorrow",
            "24 Nov 2026",
            "24 Nov 1600 12:30:05",
            "31 Feb 2026 12:30:05",
            "24 Nov 2026 24:00:00",
            "24 Nov 2026 12:30",
            "124 Nov 2026 12:30:05",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_lifetime_is_what_a_browser_makes_of_it() {
        for (value, expected) in [
            ("60", Some(Lifetime::Counted(60))),
            ("0", Some(Lifetime::Over)),
            ("-60", Some(Lifetime::Over)),
            ("99999999999999999999999", Some(Lifetime::Counted(u64::MAX))),
            ("", None),
            ("-", None),
            ("6e1", None),
        ] {
            assert_eq!(Lifetime::counted(value), expected, "{value}");
        }
        let now = datetime!(2026-11-24 12:00 UTC);
        assert_eq!(Lifetime::until(now + time::Duration::hours(1), now), Lifetime::Dated(3_600));
        assert_eq!(Lifetime::until(now, now), Lifetime::Over);
        assert_eq!(Lifetime::until(OffsetDateTime::UNIX_EPOCH, now), Lifetime::Over);
    }

    #[test]
    fn ends_by_the_clock_may_be_a_minute_or_one_percent_apart() {
        use Lifetime::{Counted, Dated, Over, Session};
        let same = |one: Lifetime, other| one.seen_as(other) == other;
        for (one, other) in [
            (Dated(3_600), Dated(3_660)),
            (Dated(3_600), Counted(3_599)),
            (Dated(20 * 365 * 86_400), Dated(20 * 365 * 86_400 + 5 * 86_400)),
            (Over, Over),
            (Session, Session),
        ] {
            assert!(same(one, other) && same(other, one), "{one:?} {other:?}");
        }
        for (one, other) in [
            (Dated(3_600), Dated(3_661)),
            (Dated(3_600), Dated(20 * 365 * 86_400)),
            (Dated(30), Over),
            (Dated(30), Session),
            (Counted(60), Counted(61)),
        ] {
            assert!(!same(one, other) && !same(other, one), "{one:?} {other:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_reader(text in ".{0,40}", odd in "[0-9:é Nov,-]{0,40}") {
            for text in [text, odd] {
                let _ = (parse_date(&text), Lifetime::counted(&text));
            }
        }
    }
}
