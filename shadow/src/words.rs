//! Figures in the words of a verdict.

use std::time::Duration;

/// `1 request`, `345 requests`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
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
    fn only_one_is_singular() {
        assert_eq!(
            [0, 1, 2].map(|it| counted(it, "request")),
            ["0 requests", "1 request", "2 requests"]
        );
    }
}
