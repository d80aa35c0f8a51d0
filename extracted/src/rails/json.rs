//! JSON exactly as `ActiveSupport::JSON` writes it (`to_json` of Rails 6.1, escaping on).
//!
//! Source: activesupport 6.1, `json/encoding.rb` and `core_ext/object/json.rb`.

use sqlx::types::Decimal;
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

/// An object under construction; keys stay in the order in which they are written.
#[derive(Debug)]
pub struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl Object<'_> {
    /// One member.
    pub fn member(&mut self, key: &str, value: impl Json) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        string(self.out, key);
        self.out.push(':');
        value.write(self.out);
        self
    }
}

/// Writes `{…}` around what `members` adds.
pub fn object(out: &mut String, members: impl FnOnce(&mut Object<'_>)) {
    out.push('{');
    members(&mut Object { out, first: true });
    out.push('}');
}

/// A value that can be written as Rails would write its Ruby counterpart.
pub trait Json {
    /// Appends the value's text.
    fn write(&self, out: &mut String);
}

impl Json for &str {
    fn write(&self, out: &mut String) {
        string(out, self);
    }
}

impl Json for String {
    fn write(&self, out: &mut String) {
        string(out, self);
    }
}

impl Json for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Json for $integer {
            fn write(&self, out: &mut String) {
                out.push_str(&self.to_string());
            }
        }
    )*};
}
integers!(i32, i64, u32, u64);

impl<T: Json> Json for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: Json> Json for &T {
    fn write(&self, out: &mut String) {
        (*self).write(out);
    }
}

/// An array; each element writes itself.
impl<T: Json> Json for [T] {
    fn write(&self, out: &mut String) {
        out.push('[');
        for (index, value) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            value.write(out);
        }
        out.push(']');
    }
}

impl<T: Json> Json for Vec<T> {
    fn write(&self, out: &mut String) {
        self.as_slice().write(out);
    }
}

/// A `BigDecimal`: a string, without trailing zeros but with one digit after the point (`"19.9"`,
/// `"0.0"`), as `BigDecimal#to_s("F")` writes it.
impl Json for Decimal {
    fn write(&self, out: &mut String) {
        let mut text = self.normalize().to_string();
        if !text.contains('.') {
            text.push_str(".0");
        }
        string(out, &text);
    }
}

/// A `Float`, as Ruby's `Float#to_s` writes it; NaN and infinities become `null`.
impl Json for f64 {
    fn write(&self, out: &mut String) {
        if self.is_finite() {
            out.push_str(&ruby_float(*self));
        } else {
            out.push_str("null");
        }
    }
}

/// Ruby writes the shortest digits that read back the same: plain from 1e-4 up to 1e16, and with an
/// exponent of at least two digits beyond.
fn ruby_float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}{point}e{sign}{exponent:0>2}");
    }
    let text = value.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// A `Time` in UTC: ISO 8601 with three digits of the second, the rest cut off, and `Z`.
impl Json for OffsetDateTime {
    fn write(&self, out: &mut String) {
        let utc = self.to_offset(time::UtcOffset::UTC);
        PrimitiveDateTime::new(utc.date(), utc.time()).write(out);
    }
}

/// A `datetime` column: what is stored is UTC.
impl Json for PrimitiveDateTime {
    fn write(&self, out: &mut String) {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        match self.format(format) {
            Ok(text) => string(out, &text),
            // A format of digits only cannot fail; Rails writes nil as null.
            Err(_) => out.push_str("null"),
        }
    }
}

/// A serialized column, parsed: written anew, since Rails parses and writes it too.
impl Json for serde_json::Value {
    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => value.write(out),
            Self::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => float.write(out),
                _ => out.push_str(&number.to_string()),
            },
            Self::String(text) => string(out, text),
            Self::Array(values) => values.write(out),
            Self::Object(members) => object(out, |object| {
                for (key, value) in members {
                    object.member(key, value);
                }
            }),
        }
    }
}

/// A string: what JSON demands, and the five characters that Rails hides from HTML and JavaScript.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn json(value: impl Json) -> String {
        let mut out = String::new();
        value.write(&mut out);
        out
    }

    #[test]
    fn strings_are_safe_inside_html() {
        assert_eq!(json("<b>&\u{2028}é\n\"\\\u{1}"), r#""\u003cb\u003e\u0026\u2028é\n\"\\\u0001""#);
    }

    #[test]
    fn money_is_a_string_without_trailing_zeros() {
        for (stored, written) in [("19.90", "19.9"), ("0.00", "0.0"), ("100.00", "100.0"), ("5.05", "5.05")] {
            assert_eq!(json(stored.parse::<Decimal>().unwrap()), format!("\"{written}\""));
        }
    }

    #[test]
    fn floats_are_written_as_ruby_writes_them() {
        for (float, written) in [
            (4.5, "4.5"), (4.0, "4.0"), (0.0, "0.0"), (-0.0, "-0.0"), (1e20, "1.0e+20"), (1.5e-7, "1.5e-07"),
            (1e16, "1.0e+16"), (1e15, "1000000000000000.0"), (0.0001, "0.0001"), (0.00001, "1.0e-05"),
        ] {
            assert_eq!(json(float), written);
        }
        assert_eq!(json(f64::NAN), "null");
    }

    #[test]
    fn times_have_three_digits_and_are_cut_not_rounded() {
        assert_eq!(json(datetime!(2026-01-02 03:04:05.9999 UTC)), r#""2026-01-02T03:04:05.999Z""#);
        assert_eq!(json(datetime!(2026-01-02 03:04:05)), r#""2026-01-02T03:04:05.000Z""#);
    }

    #[test]
    fn members_keep_their_order_and_nil_is_null() {
        let mut out = String::new();
        object(&mut out, |it| {
            it.member("b", 1_i64).member("a", None::<i64>).member("list", vec![true, false]);
        });
        assert_eq!(out, r#"{"b":1,"a":null,"list":[true,false]}"#);
    }

    #[test]
    fn a_serialized_column_keeps_its_shape() {
        let value = serde_json::from_str::<serde_json::Value>(r#"{"z":1.50,"a":[null,"<"],"n":12}"#).unwrap();
        assert_eq!(json(value), r#"{"z":1.5,"a":[null,"\u003c"],"n":12}"#);
    }
}
