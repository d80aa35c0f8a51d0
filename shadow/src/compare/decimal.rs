//! Decimal numbers as JSON writes them, without binary rounding.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A decimal number: `mantissa * 10^exponent`, at most 36 digits when written out in full.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    mantissa: i128,
    exponent: i32,
}

/// An `i128` holds 38 digits whole; two numbers of this many can be subtracted without overflow.
const DIGITS: u32 = 36;

/// A distance has so many digits at most, which any reader of numbers can take.
const DISTANCE: u32 = 18;

impl Decimal {
    pub(crate) const ZERO: Self = Self { mantissa: 0, exponent: 0 };

    /// Reads a number in JSON's syntax; `None` for other syntax, and for more digits than fit.
    pub fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (number, ""),
        };
        let digits = whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let mut mantissa: i128 = 0;
        for digit in digits {
            let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
            mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
        }
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let sign = if unsigned.len() < text.len() { -1 } else { 1 };
        Some(Self { mantissa: sign * mantissa, exponent })
    }

    /// Whether two numbers are no further apart than `self`. Numbers too large or too fine to be
    /// told apart exactly are never close.
    pub(crate) fn spans(self, one: Self, other: Self) -> bool {
        let exponent = self.exponent.min(one.exponent).min(other.exponent);
        let (Some(limit), Some(one), Some(other)) =
            (self.scaled(exponent), one.scaled(exponent), other.scaled(exponent))
        else {
            return false;
        };
        (one - other).abs() <= limit
    }

    /// How far apart two numbers are; `None` where that takes more than 18 digits to write.
    pub(crate) fn distance(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent).min(0);
        let mantissa = (self.scaled(exponent)? - other.scaled(exponent)?).abs();
        let it = Self { mantissa, exponent }.shortened();
        let is_short = it.mantissa.unsigned_abs() < 10_u128.pow(DISTANCE);
        (is_short && it.exponent.unsigned_abs() < DISTANCE).then_some(it)
    }

    /// A distance of two digits and zeros that is no smaller: 4, 0.031 and 4800 for 4, 0.0307 and 4711.
    pub(crate) fn rounded_up(self) -> Self {
        let mut unit = 1;
        while self.mantissa / unit >= 100 {
            unit *= 10;
        }
        let units = self.mantissa / unit + i128::from(self.mantissa % unit > 0);
        Self { mantissa: units * unit, ..self }.shortened()
    }

    /// Without zeros at the end of its fraction.
    const fn shortened(self) -> Self {
        let Self { mut mantissa, mut exponent } = self;
        if mantissa == 0 {
            return Self::ZERO;
        }
        while exponent < 0 && mantissa % 10 == 0 {
            (mantissa, exponent) = (mantissa / 10, exponent + 1);
        }
        Self { mantissa, exponent }
    }

    /// Twice as much of a distance.
    pub(crate) const fn doubled(self) -> Self {
        Self { mantissa: self.mantissa.saturating_mul(2), ..self }
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The mantissa at a smaller or equal exponent.
    fn scaled(self, exponent: i32) -> Option<i128> {
        if self.mantissa == 0 {
            return Some(0);
        }
        let zeros = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        let scaled = self.mantissa.checked_mul(10_i128.checked_pow(zeros)?)?;
        (scaled.unsigned_abs() < 10_u128.pow(DIGITS)).then_some(scaled)
    }
}

/// In full, without an exponent where that has no more than 18 digits.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mantissa, exponent } = *self;
        let places = exponent.unsigned_abs();
        if exponent > 0 || places > DISTANCE {
            return write!(f, "{mantissa}e{exponent}");
        }
        let (sign, digits) = (if mantissa < 0 { "-" } else { "" }, mantissa.unsigned_abs());
        let unit = 10_u128.pow(places);
        write!(f, "{sign}{}", digits / unit)?;
        if places == 0 {
            return Ok(());
        }
        write!(f, ".{:0width$}", digits % unit, width = places as usize)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a decimal number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(limit: &str, one: &str, other: &str) -> bool {
        let [limit, one, other] = [limit, one, other].map(|it| Decimal::parse(it).unwrap());
        limit.spans(one, other)
    }

    #[test]
    fn distances_are_exact() {
        assert!(spans("0.1", "0.3", "0.4"));
        assert!(!spans("0.1", "0.3", "0.40000000000000000001"));
        assert!(spans("50", "-20", "30"));
        assert!(!spans("50", "-21", "30"));
        assert!(spans("0", "19.90", "19.9"));
        assert!(spans("1e2", "1E3", "1.1e+3"));
        assert!(!spans("0", "9007199254740993", "9007199254740992"), "not as binary fractions");
    }

    #[test]
    fn what_cannot_be_told_apart_is_never_close() {
        assert!(!spans("1", "1e35", "1e-35"));
        assert!(!spans("1", "1e2000000000", "1e2000000000"));
    }

    #[test]
    fn a_distance_is_written_in_full() {
        let distance = |one, other| {
            let [one, other] = [one, other].map(|it| Decimal::parse(it).unwrap());
            one.distance(other).map(|it| it.to_string())
        };
        for (one, other, expected) in [
            ("19.90", "19.9", "0"),
            ("0.3", "0.30000000000000004", "0.00000000000000004"),
            ("-1", "2.5", "3.5"),
            ("1e3", "10", "990"),
            ("0.30", "0.1", "0.2"),
        ] {
            assert_eq!(distance(one, other).as_deref(), Some(expected), "{one} {other}");
            let expected = Decimal::parse(expected).unwrap();
            assert!(Decimal::ZERO.spans(expected, Decimal::parse(&expected.to_string()).unwrap()));
        }
        for (one, other) in [("1e2000000000", "2e2000000000"), ("1e-30", "2"), ("1e20", "0")] {
            assert_eq!(distance(one, other), None, "{one} {other}");
        }
    }

    #[test]
    fn a_distance_is_rounded_up_to_two_digits() {
        for (distance, expected) in [
            ("0", "0"),
            ("4", "4"),
            ("42", "42"),
            ("0.50", "0.5"),
            ("420", "420"),
            ("421", "430"),
            ("991", "1000"),
            ("0.0307", "0.031"),
            ("0.999", "1"),
            ("19.90", "20"),
            ("123.45", "130"),
            ("0.00000000000000004", "0.00000000000000004"),
            ("999999999999999999", "1000000000000000000"),
        ] {
            let rounded = Decimal::parse(distance).unwrap().rounded_up();
            assert_eq!(rounded.to_string(), expected, "{distance}");
        }
    }

    #[test]
    fn only_the_syntax_of_json_is_read() {
        for text in
            ["", "-", "+1", "01", "1.", ".5", "1e", "0x1", "1_0", "NaN", " 1", "--1", "1..2"]
        {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }
}
