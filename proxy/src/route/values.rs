//! The small values of a route file, parsed once so that they need no checking later.

use std::{fmt, str::FromStr, time::Duration};

/// A share of requests, `0%` to `100%`, in steps of a ten-thousandth of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u32);

/// 100 %, in millionths.
const WHOLE: u32 = 1_000_000;

impl Percent {
    /// No request.
    pub const NONE: Self = Self(0);

    /// One request of a hundred.
    pub const ONE: Self = Self(WHOLE / 100);

    /// Every request.
    pub const ALL: Self = Self(WHOLE);

    /// Decides for one request, at random.
    pub fn takes(self) -> bool {
        self.0 == WHOLE || (self.0 > 0 && rand::random_range(0..WHOLE) < self.0)
    }

    /// As a share, 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }
}

impl FromStr for Percent {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let must = "must be a percentage from \"0%\" to \"100%\", such as \"12.5%\"";
        let number = text.strip_suffix('%').ok_or(must)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 3 {
            return Err(must);
        }
        if fraction.len() > 4 {
            return Err("has more than four digits after the point");
        }
        let parsed: u32 = format!("{whole}{fraction:0<4}").parse().map_err(|_| must)?;
        if parsed <= WHOLE { Ok(Self(parsed)) } else { Err(must) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

/// Reads `"20%"`: a whole percentage, from 0 to 100.
pub(super) fn whole_percent(text: &str) -> Result<u8, &'static str> {
    let must = "must be a whole percentage from \"0%\" to \"100%\"";
    let digits = text.strip_suffix('%').ok_or(must)?;
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(must);
    }
    digits.parse().ok().filter(|it| *it <= 100).ok_or(must)
}

/// Reads `"300ms"`, `"2s"` or `"1m"`; from 1 ms to one hour.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let must = "must be a duration from \"1ms\" to \"60m\", such as \"300ms\", \"2s\" or \"1m\"";
    let unit = text.trim_start_matches(|it: char| it.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().map_err(|_| must)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(must),
    };
    match number.checked_mul(factor) {
        Some(milliseconds @ 1..=3_600_000) => Ok(Duration::from_millis(milliseconds)),
        _ => Err(must),
    }
}

/// Reads `"0s"`, `"30m"`, `"24h"` or `"7d"`; up to a year.
pub fn span(text: &str) -> Result<Duration, &'static str> {
    let must = "must be a time from \"0s\" to \"365d\", such as \"30m\", \"24h\" or \"7d\"";
    let unit = text.trim_start_matches(|it: char| it.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().map_err(|_| must)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(must),
    };
    match number.checked_mul(factor) {
        Some(seconds @ ..=31_536_000) => Ok(Duration::from_secs(seconds)),
        _ => Err(must),
    }
}

/// Reads `"512B"`, `"64KiB"`, `"10MiB"` or `"1GiB"`; at least one byte.
pub fn bytes(text: &str) -> Result<u64, &'static str> {
    let must = "must be a size such as \"512B\", \"64KiB\", \"10MiB\" or \"1GiB\"";
    let unit = text.trim_start_matches(|it: char| it.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().map_err(|_| must)?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(must),
    };
    match number.checked_mul(1 << shift) {
        Some(bytes @ 1..) => Ok(bytes),
        _ => Err(must),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_reach_from_nothing_to_a_year() {
        assert_eq!(span("0s"), Ok(Duration::ZERO));
        assert_eq!(span("24h"), span("1d"));
        assert_eq!(span("365d"), Ok(Duration::from_hours(365 * 24)));
        for text in ["", "1", "1w", "366d", "-1h", "1.5h", "99999999999999999999h"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn percentages_are_exact_and_bounded() {
        for (text, shown) in
            [("100%", "100%"), ("0%", "0%"), ("12.5%", "12.5%"), ("0.0001%", "0.0001%")]
        {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), shown);
        }
        for text in
            ["", "%", "5", "101%", "100.0001%", "-1%", "1.%", ".5%", "1e2%", "0.00001%", "9999%"]
        {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn none_takes_nothing_all_takes_everything_and_half_takes_some() {
        let percent = |text: &str| text.parse::<Percent>().unwrap();
        assert!((0..1000).all(|_| Percent::ALL.takes()));
        assert!(!(0..1000).any(|_| percent("0%").takes()));
        let half = (0..10_000).filter(|_| percent("50%").takes()).count();
        assert!((4_000..6_000).contains(&half), "{half}");
    }

    #[test]
    fn a_whole_percentage_has_no_fraction_and_is_no_more_than_all() {
        assert_eq!(whole_percent("0%"), Ok(0));
        assert_eq!(whole_percent("100%"), Ok(100));
        for text in ["", "%", "20", "101%", "256%", "1.5%", "+1%", "-1%"] {
            assert!(whole_percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_a_unit_and_a_bound() {
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("60m"), Ok(Duration::from_hours(1)));
        for text in ["", "0ms", "5", "s", "1h", "61m", "1.5s", "-1s", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(bytes("512B"), Ok(512));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        for text in ["", "0B", "5", "KiB", "1KB", "1.5MiB", "-1B", "99999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = bytes(&text);
            let _ = text.parse::<Percent>();
            let _ = whole_percent(&text);
            let _ = duration(&text);
        }
    }
}
