//! Figures as people read them, in verdicts and wherever verdicts are shown.

use std::time::Duration;

/// `1 request`, `345 requests`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A share as a percentage. Only nothing is 0 % and only everything is 100 %: what was rounded away
/// would be just what people look for.
pub fn share(part: u64, whole: u64) -> String {
    let percent = percentage(part, whole);
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        ..0.01 => "< 0.01 %".to_owned(),
        99.99.. => "> 99.99 %".to_owned(),
        ..1.0 | 99.0.. => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// A share that is above a fraction, with the digits that show it to be.
pub(crate) fn share_above(part: u64, whole: u64, limit: f64) -> String {
    let percent = percentage(part, whole);
    let digits = (1..=10).find(|digits| {
        let shown = format!("{percent:.digits$}").parse();
        shown.is_ok_and(|it: f64| it > limit * 100.0)
    });
    digits.map_or_else(|| share(part, whole), |digits| format!("{percent:.digits$} %"))
}

/// A fraction, such as a budget, as a percentage without needless digits, and without those that only
/// its binary form has.
pub fn percent(fraction: f64) -> String {
    let text = format!("{:.10}", fraction * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `part` of `whole`, 0 to 100; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "people read a few digits of it")]
pub fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// A span of time, its two greatest units: `2 h 10 min`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("d", seconds / 86_400), ("h", seconds / 3_600 % 24), ("min", seconds / 60 % 60)];
    let units = units.into_iter().chain([("s", seconds % 60)]);
    let parts = units.skip_while(|it| it.1 == 0).take(2).filter(|it| it.1 > 0);
    let parts: Vec<_> = parts.map(|(unit, count)| format!("{count} {unit}")).collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_shows_its_two_greatest_units() {
        let texts = [0, 42, 60, 7_800, 7_230, 90_000].map(|it| span(Duration::from_secs(it)));
        assert_eq!(texts, ["0 s", "42 s", "1 min", "2 h 10 min", "2 h", "1 d 1 h"]);
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_everything() {
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(share(999_999, 1_000_000), "> 99.99 %");
        assert_eq!(share(9_999, 10_000), "> 99.99 %");
        assert_eq!(share(9_995, 10_000), "99.95 %");
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(0, 5), "0 %");
        assert_eq!(share(5, 5), "100 %");
        assert_eq!(share(0, 0), "0 %");
    }

    #[test]
    fn a_share_that_is_above_a_limit_is_shown_to_be() {
        assert_eq!(share_above(10, 999, 0.01), "1.001 %");
        assert_eq!(share_above(10, 100, 0.01), "10.0 %");
        assert_eq!(share_above(10, 10, 0.01), "100.0 %");
        assert_eq!(share_above(1, 1 << 53, 0.01), "< 0.01 %", "it is not above");
    }

    #[test]
    fn a_budget_is_told_as_it_was_given() {
        for percents in [0.07, 0.14, 0.28, 0.7, 7.0, 14.0, 29.0, 57.0, 58.0, 0.1, 0.05, 0.0001] {
            assert_eq!(percent(percents / 100.0), format!("{percents} %"));
        }
        assert_eq!(percent(0.999_999_9), "99.99999 %");
    }

    #[test]
    fn only_one_is_singular() {
        assert_eq!(
            [0, 1, 2].map(|it| counted(it, "request")),
            ["0 requests", "1 request", "2 requests"]
        );
    }
}
