//! What an attribute becomes when it is given a text, as a parameter is.
//!
//! Source: activemodel 6.1, `type/{boolean,integer,decimal}.rb` and `type/helpers/numeric.rb`; of
//! decimals, bigdecimal's `String#to_d`.

use sqlx::types::Decimal;

use super::{super::string, round};

/// `ActiveModel::RangeError`: the column cannot hold it. Rails answers such a save with an error of
/// its own, and takes such a `find` for not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number is out of the column's range; let the monolith answer")]
pub struct OutOfRange;

/// A `tinyint(1)`: everything is true that is not one of the few words for false. Nothing is `nil`.
pub fn boolean(text: &str) -> Option<bool> {
    const FALSE: [&str; 7] = ["0", "f", "F", "false", "FALSE", "off", "OFF"];
    (!text.is_empty()).then(|| !FALSE.contains(&text))
}

/// An integer of `bytes` (4 for `int`, 8 for `bigint`): the number that the text begins with, or 0. A
/// blank text is `nil`.
///
/// # Errors
/// When the column has no room for it.
pub fn integer(text: &str, bytes: u32) -> Result<Option<i64>, OutOfRange> {
    let Some(text) = string::presence(Some(text)) else { return Ok(None) };
    let value = string::to_i(text);
    let limit = 1_i128 << (bytes * 8 - 1);
    // What saturated did not fit even 64 bits.
    let room = (-limit..limit).contains(&i128::from(value)) && value.unsigned_abs() != u64::MAX / 2;
    if room { Ok(Some(value)) } else { Err(OutOfRange) }
}

/// A decimal with `scale` digits after the point, rounded: the number that the text begins with, or 0.
/// A blank text is `nil`.
///
/// # Errors
/// When it has more than 28 digits; whether a shorter one fits the column, MySQL says.
pub fn decimal(text: &str, scale: u32) -> Result<Option<Decimal>, OutOfRange> {
    const DIGITS: usize = 28;
    let Some(text) = string::presence(Some(text)) else { return Ok(None) };
    let text = text.trim_start();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or((String::new(), rest), digits);
    if whole.len() + fraction.len() > DIGITS {
        return Err(OutOfRange);
    }
    let exponent = exponent(rest).ok_or(OutOfRange)?;
    let written = format!("{sign}0{whole}.{fraction}0e{exponent}");
    let value = Decimal::from_scientific(&written).map_err(|_| OutOfRange)?;
    Ok(Some(round(value, scale)))
}

/// The digits at the beginning, with single `_` between them, and what follows.
fn digits(text: &str) -> (String, &str) {
    let mut digits = String::new();
    let mut end = 0;
    for (at, character) in text.char_indices() {
        match character {
            '0'..='9' => {
                digits.push(character);
                end = at + 1;
            }
            '_' if end == at && at > 0 => {}
            _ => break,
        }
    }
    (digits, &text[end..])
}

/// Of `e+3`; 0 where there is none, `None` where it is beyond all columns.
fn exponent(text: &str) -> Option<i32> {
    let Some(text) = text.strip_prefix(['e', 'E']) else { return Some(0) };
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, _) = digits(text);
    if digits.is_empty() {
        return Some(0);
    }
    let value: i32 = digits.parse().ok().filter(|it| *it <= 28)?;
    Some(if negative { -value } else { value })
}
