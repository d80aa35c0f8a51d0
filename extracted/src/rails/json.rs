//! JSON as `ActiveSupport` writes it: `to_json` of Rails 6.1, with HTML escaping on (the default).
//!
//! Source: activesupport 6.1, `json/encoding.rb`; floats: `Float#to_s`, measured on Ruby 3.1.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

/// Ruby's `value.to_json`. Members are written in the order of the struct's fields. For the columns
/// that need more than their Rust type says, see [`super::column`].
///
/// # Errors
/// When the value refuses to be serialized.
pub fn encode(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(1024);
    value.serialize(&mut Serializer::with_formatter(&mut body, ActiveSupport))?;
    Ok(body)
}

/// Ruby's `JSON.generate(value)`, which leaves HTML alone: Sidekiq's jobs are written so.
///
/// # Errors
/// When the value refuses to be serialized.
pub fn generate(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut text, Generator))?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// What Ruby writes otherwise than everybody else.
struct Generator;

impl Formatter for Generator {
    fn write_f64<W>(&mut self, writer: &mut W, value: f64) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        writer.write_all(float_to_s(value).as_bytes())
    }
}

/// And what `ActiveSupport` writes otherwise than Ruby.
struct ActiveSupport;

impl Formatter for ActiveSupport {
    /// The five characters that could end a script element or a line of JavaScript.
    fn write_string_fragment<W>(&mut self, writer: &mut W, mut fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        const UNSAFE: [char; 5] = ['<', '>', '&', '\u{2028}', '\u{2029}'];
        while let Some((before, rest)) = fragment.find(UNSAFE).map(|at| fragment.split_at(at)) {
            writer.write_all(before.as_bytes())?;
            let mut rest = rest.chars();
            if let Some(character) = rest.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            fragment = rest.as_str();
        }
        writer.write_all(fragment.as_bytes())
    }

    fn write_f64<W>(&mut self, writer: &mut W, value: f64) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        Generator.write_f64(writer, value)
    }
}

/// `Float#to_s` of a finite number: the shortest digits that read back the same; plain while the
/// point stands among them, up to three zeros before them, or behind them within 15 digits.
pub(crate) fn float_to_s(value: f64) -> String {
    const DBL_DIG: isize = 15;
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (digits, point) = shortest(value.abs());
    let zeros = point.unsigned_abs();
    let (first, rest) = digits.split_at(1);
    match point {
        -3..=0 => format!("{sign}0.{:0<zeros$}{digits}", ""),
        1.. if zeros < digits.len() => {
            let (whole, fraction) = digits.split_at(zeros);
            format!("{sign}{whole}.{fraction}")
        }
        1..=DBL_DIG => format!("{sign}{digits:0<zeros$}.0"),
        _ if rest.is_empty() => format!("{sign}{first}.0e{:+03}", point - 1),
        _ => format!("{sign}{first}.{rest}e{:+03}", point - 1),
    }
}

/// The shortest decimal digits, and how many of them stand before the point.
///
/// They are `serde_json`'s: of two that are equally near it takes the even one, as Ruby does and
/// Rust's own formatting does not.
pub(super) fn shortest(value: f64) -> (String, isize) {
    let text = serde_json::Value::from(value).to_string();
    let (decimal, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    if digits.is_empty() {
        return ("0".to_owned(), 1);
    }
    let exponent: isize = exponent.parse().unwrap_or(0);
    let before = whole.len().cast_signed() - (all.len() - digits.len()).cast_signed();
    (digits.trim_end_matches('0').to_owned(), before + exponent)
}

#[cfg(test)]
mod tests {
    use sqlx::types::Decimal;
    use time::OffsetDateTime;

    use super::*;
    use crate::rails::column::{BigDecimal, DateTime};

    fn encoded(value: &impl Serialize) -> String {
        String::from_utf8(encode(value).unwrap()).unwrap()
    }

    /// What `ActiveSupport` wrote.
    fn vectors(group: &str) -> Vec<(serde_json::Value, String)> {
        let vectors = include_str!("../../tests/vectors/json.json");
        let mut vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        serde_json::from_value(vectors[group].take()).unwrap()
    }

    #[test]
    fn values_are_written_as_active_support_writes_them() {
        for (input, written) in vectors("values") {
            let value: serde_json::Value = serde_json::from_str(input.as_str().unwrap()).unwrap();
            assert_eq!(encoded(&value), written);
        }
    }

    #[test]
    fn floats_of_every_size_are_written_as_ruby_writes_them() {
        let floats = [vectors("floats"), vectors("not finite")].concat();
        assert!(floats.len() > 250);
        for (bits, written) in floats {
            let bits = u64::from_str_radix(bits.as_str().unwrap(), 16).unwrap();
            assert_eq!(encoded(&f64::from_bits(bits)), written, "{bits:x}");
        }
    }

    #[test]
    fn columns_are_written_as_active_support_writes_them() {
        for (input, written) in vectors("decimals") {
            let decimal = Decimal::from_scientific(input.as_str().unwrap());
            let decimal = decimal.unwrap_or_else(|_| input.as_str().unwrap().parse().unwrap());
            // MySQL has no negative zero.
            let written = if decimal.is_zero() { "\"0.0\"" } else { &written };
            assert_eq!(encoded(&BigDecimal(decimal)), *written);
        }
        for (input, written) in vectors("times") {
            let time = i128::from(input.as_i64().unwrap());
            let time = OffsetDateTime::from_unix_timestamp_nanos(time).unwrap();
            assert_eq!(encoded(&DateTime(time)), written);
        }
    }

    #[test]
    fn text_cannot_break_out_of_a_page() {
        assert_eq!(
            encoded(&"<b>&\u{2028}\u{2029}é\n\"\\\u{1f}\u{8}/'"),
            r#""\u003cb\u003e\u0026\u2028\u2029é\n\"\\\u001f\b/'""#
        );
    }

    #[test]
    fn names_of_members_are_text_too() {
        assert_eq!(encoded(&serde_json::json!({"a<b": "&"})), r#"{"a\u003cb":"\u0026"}"#);
    }

    #[test]
    fn floats_are_written_as_ruby_writes_them() {
        for (float, shown) in [
            (4.5, "4.5"),
            (4.0, "4.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (879_461_862_792_594.3, "879461862792594.2"),
            (1e14, "100000000000000.0"),
            (1e15, "1.0e+15"),
            (1_000_000_000_000_000.5, "1000000000000000.5"),
            (1_234_567_890_123_456.0, "1.234567890123456e+15"),
            (1e20, "1.0e+20"),
            (-1.5e300, "-1.5e+300"),
            (0.0001, "0.0001"),
            (0.000_099, "9.9e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5.0e-324"),
        ] {
            assert_eq!(encoded(&float), shown);
        }
    }

    #[test]
    fn what_is_no_number_is_null() {
        assert_eq!(encoded(&[f64::NAN, f64::INFINITY]), "[null,null]");
    }

    #[test]
    fn members_keep_their_order() {
        #[derive(Serialize)]
        struct Product {
            name: Option<&'static str>,
            id: i64,
        }
        assert_eq!(encoded(&Product { name: None, id: 1 }), r#"{"name":null,"id":1}"#);
    }
}
