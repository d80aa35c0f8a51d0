//! Figures as people read them. A number and its unit are never torn apart: the space between them
//! is U+00A0.

use shadow::words;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 request`, `12,345 requests`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share as a percentage.
pub(crate) fn share(part: u64, whole: u64) -> String {
    unbroken(&words::share(part, whole))
}

/// A fraction, such as a budget, as a percentage.
pub(crate) fn percent(fraction: f64) -> String {
    unbroken(&words::percent(fraction))
}

fn unbroken(figure: &str) -> String {
    figure.replace(' ', "\u{a0}")
}

/// A latency in seconds, in the unit that keeps it short: `850 µs`, `3.2 ms`, `1.4 s`.
pub(crate) fn latency(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "–".into() };
    let (value, unit) = match seconds {
        ..0.001 => (seconds * 1e6, "µs"),
        ..1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    if value < 10.0 && unit != "µs" {
        format!("{value:.1}\u{a0}{unit}")
    } else {
        format!("{value:.0}\u{a0}{unit}")
    }
}

/// A span of time, its two greatest units: `2 h 10 min`.
pub(crate) fn span(span: time::Duration) -> String {
    let seconds = span.whole_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}\u{a0}s"),
        (0, 0, _) => format!("{minutes}\u{a0}min"),
        (0, _, 0) => format!("{hours}\u{a0}h"),
        (0, ..) => format!("{hours}\u{a0}h\u{a0}{minutes}\u{a0}min"),
        (_, 0, _) => format!("{days}\u{a0}d"),
        _ => format!("{days}\u{a0}d\u{a0}{hours}\u{a0}h"),
    }
}

/// A moment, as its distance from `now`.
pub(crate) fn ago(moment: OffsetDateTime, now: OffsetDateTime) -> String {
    match now - moment {
        past if past < time::Duration::SECOND => "just now".into(),
        past => format!("{} ago", span(past)),
    }
}

/// A moment, to the second, in UTC.
pub(crate) fn moment(moment: OffsetDateTime) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    // Fails only for a format that asks for what a moment lacks; then the long form does.
    moment.to_offset(time::UtcOffset::UTC).format(FORMAT).unwrap_or_else(|_| moment.to_string())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// The text as one types it.
    fn typed(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn thousands_are_separated() {
        let texts = [0, 999, 1_000, 12_345, 1_234_567].map(count);
        assert_eq!(texts, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn only_one_is_singular() {
        assert_eq!(counted(0, "request"), "0 requests");
        assert_eq!(counted(1, "request"), "1 request");
    }

    #[test]
    fn a_percentage_is_not_torn_apart() {
        assert_eq!([share(1, 1_000_000), percent(0.001)], ["<\u{a0}0.01\u{a0}%", "0.1\u{a0}%"]);
    }

    #[test]
    fn a_latency_takes_the_unit_that_keeps_it_short() {
        let texts = [0.000_85, 0.0032, 0.048, 1.42, 12.0].map(|it| typed(&latency(Some(it))));
        assert_eq!(texts, ["850 µs", "3.2 ms", "48 ms", "1.4 s", "12 s"]);
        assert_eq!(latency(None), "–");
    }

    #[test]
    fn a_span_shows_its_two_greatest_units() {
        let texts =
            [42, 7_800, 7_200, 90_000, 172_800].map(|it| typed(&span(time::Duration::seconds(it))));
        assert_eq!(texts, ["42 s", "2 h 10 min", "2 h", "1 d 1 h", "2 d"]);
    }

    #[test]
    fn a_moment_is_told_in_utc_and_as_a_distance() {
        let then = datetime!(2026-11-24 12:00:00 +1);
        assert_eq!(moment(then), "2026-11-24 11:00:00 UTC");
        assert_eq!(typed(&ago(then, datetime!(2026-11-24 11:03:00 UTC))), "3 min ago");
        assert_eq!(ago(then, datetime!(2026-11-24 10:59:00 UTC)), "just now");
    }
}
