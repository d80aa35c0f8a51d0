//! What may stand for a line's quantity: whole, from 1 to 99.
//!
//! Source: activemodel 6.1, `validations/numericality.rb`; of texts, Ruby's `Kernel#Float`.

use crate::{contract::HandlerError, rails::params::Param};

/// `CartLine::MAX_QUANTITY`
const MAX_QUANTITY: i64 = 99;

/// What `numericality` says of a whole number.
pub(crate) fn quantity_errors(quantity: i64) -> Vec<&'static str> {
    match quantity {
        ..=0 => vec!["Quantity must be greater than 0"],
        1..=MAX_QUANTITY => Vec::new(),
        _ => vec!["Quantity must be less than or equal to 99"],
    }
}

/// `update(quantity: params[:quantity])`: the quantity, or what is wrong with it.
///
/// # Errors
/// [`HandlerError::Declined`] for what no form sends.
pub(crate) fn given(param: Option<&Param>) -> Result<Result<i32, &'static str>, HandlerError> {
    let quantity = match param {
        None | Some(Param::Nil) => return Ok(Err(NOT_A_NUMBER)),
        Some(Param::Text(text)) => match whole(text) {
            Some(quantity) => quantity,
            None => return Ok(Err(no_integer(text)?)),
        },
        Some(Param::Number(number)) if number.is_f64() => return Ok(Err(NOT_AN_INTEGER)),
        Some(Param::Number(number)) => number.as_i64().unwrap_or(i64::MAX),
        Some(_) => return Err(HandlerError::Declined("a quantity is neither a text nor a number")),
    };
    let errors = quantity_errors(quantity);
    let valid = i32::try_from(quantity).ok().filter(|_| errors.is_empty());
    Ok(valid.ok_or_else(|| errors.first().copied().unwrap_or(NOT_A_NUMBER)))
}

const NOT_A_NUMBER: &str = "Quantity is not a number";
const NOT_AN_INTEGER: &str = "Quantity must be an integer";

/// `/\A[+-]?\d+\z/`; what does not fit saturates.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(limit))
}

/// Of a text that is no integer: whether it is a number at least.
fn no_integer(text: &str) -> Result<&'static str, HandlerError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        return Ok(NOT_A_NUMBER);
    }
    if text.contains(['x', 'X', '_']) || text.len() > 15 {
        return Err(HandlerError::Declined("only Ruby can tell whether this is a number"));
    }
    Ok(if is_float(text.trim_ascii()) { NOT_AN_INTEGER } else { NOT_A_NUMBER })
}

/// Digits, with a point among them and an exponent of at most two digits.
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole.is_empty() || digits(whole)) && digits(fraction),
        None => digits(mantissa),
    };
    let exponent = exponent.is_none_or(|it| digits(it.strip_prefix(['+', '-']).unwrap_or(it)));
    mantissa && exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<i32, &'static str> {
        given(Some(&Param::Text(text.to_owned()))).unwrap()
    }

    #[test]
    fn a_whole_number_within_the_limits_is_taken() {
        for (text, quantity) in [("1", 1), ("99", 99), ("+7", 7), ("007", 7)] {
            assert_eq!(of(text), Ok(quantity), "{text:?}");
        }
        assert_eq!(given(Some(&Param::Number(5.into()))).unwrap(), Ok(5));
    }

    #[test]
    fn what_is_wrong_is_said_as_rails_says_it() {
        for (text, error) in [
            ("0", "Quantity must be greater than 0"),
            ("-99999999999999999999", "Quantity must be greater than 0"),
            ("100", "Quantity must be less than or equal to 99"),
            ("99999999999999999999", "Quantity must be less than or equal to 99"),
            ("1.5", NOT_AN_INTEGER),
            (" 5 ", NOT_AN_INTEGER),
            (".5", NOT_AN_INTEGER),
            ("5\n", NOT_AN_INTEGER),
            ("1e2", NOT_AN_INTEGER),
            ("", NOT_A_NUMBER),
            ("1.", NOT_A_NUMBER),
            ("abc", NOT_A_NUMBER),
            ("0x1f", NOT_A_NUMBER),
            ("1e", NOT_A_NUMBER),
        ] {
            assert_eq!(of(text), Err(error), "{text:?}");
        }
        assert_eq!(given(None).unwrap(), Err(NOT_A_NUMBER));
        let half = serde_json::Number::from_f64(5.0).unwrap();
        assert_eq!(given(Some(&Param::Number(half))).unwrap(), Err(NOT_AN_INTEGER));
    }

    #[test]
    fn what_only_ruby_can_read_is_declined() {
        for text in ["1_0", " 0x1f", "1.0000000000000000"] {
            assert!(given(Some(&Param::Text(text.to_owned()))).is_err(), "{text:?}");
        }
        assert!(given(Some(&Param::Bool(true))).is_err());
    }
}
