//! Times as a page shows them, in English.
//!
//! Source: actionview 6.1, `helpers/date_helper.rb` and `locale/en.yml`.

use time::{Month, OffsetDateTime, UtcOffset, macros::format_description, util::is_leap_year};

use super::{Html, content_tag, pluralize};

/// `tag.time(text, datetime: time.iso8601)`
pub fn time_tag(text: &str, time: OffsetDateTime) -> Html {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let written = time.to_offset(UtcOffset::UTC).format(format).unwrap_or_default();
    content_tag("time", &[("datetime", &written)], &Html::text(text))
}

/// `distance_of_time_in_words(from, to)`; with the present, `time_ago_in_words`.
pub fn distance_of_time_in_words(one: OffsetDateTime, other: OffsetDateTime) -> String {
    let (from, to) = if one > other { (other, one) } else { (one, other) };
    let minutes = rounded((to - from).as_seconds_f64() / 60.0);
    let counted = |prefix: &str, unit: &str, count: u64| {
        format!("{prefix}{}", pluralize(count, unit, &format!("{unit}s")))
    };
    let of = |length: f64| rounded(minutes_f64(minutes) / length);
    match minutes {
        0 => "less than a minute".to_owned(),
        1..45 => counted("", "minute", minutes),
        45..90 => counted("about ", "hour", 1),
        90..1440 => counted("about ", "hour", of(60.0)),
        1440..2520 => counted("", "day", 1),
        2520..43_200 => counted("", "day", of(1440.0)),
        43_200..86_400 => counted("about ", "month", of(43_200.0)),
        86_400..525_600 => counted("", "month", of(43_200.0)),
        _ => {
            let (prefix, years) = years(minutes, from, to);
            counted(prefix, "year", years)
        }
    }
}

/// More than a year, in which the leap days do not count.
fn years(minutes: u64, from: OffsetDateTime, to: OffsetDateTime) -> (&'static str, u64) {
    const YEAR: u64 = 525_600;
    let first = from.year() + i32::from(from.month() >= Month::March);
    let last = to.year() - i32::from(to.month() < Month::March);
    let leap_days = (first..=last).filter(|it| is_leap_year(*it)).count();
    let minutes = minutes.saturating_sub(leap_days as u64 * 1440);
    match (minutes / YEAR, minutes % YEAR) {
        (years, 0..131_400) => ("about ", years),
        (years, 131_400..394_200) => ("over ", years),
        (years, _) => ("almost ", years + 1),
    }
}

/// `Float#round`; neither negative nor beyond what a clock can show.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "the years of all clocks are exact")]
fn minutes_f64(minutes: u64) -> f64 {
    minutes as f64
}
