//! JSON bodies, as far as `ActiveSupport::JSON.decode` and JSON agree on them.
//!
//! Source: actionpack 6.1, `http/parameters.rb` (`DEFAULT_PARSERS`); json 2.6, `parser.rl`.

use serde_json::{Number, Value};

use super::{Param, Params, ParamsError};

/// Ruby's `max_nesting`.
const MAX_NESTING: usize = 100;

/// See [`Params::from_json`].
pub(super) fn parse(body: &[u8]) -> Result<Params, ParamsError> {
    if body.is_empty() {
        return Ok(Params::default());
    }
    let text = str::from_utf8(body)
        // Refused in a value, but not in a name.
        .map_err(|_| ParamsError::Unusual("the JSON is not UTF-8"))?;
    let value = serde_json::from_str(text).map_err(|_| refused(text))?;
    match value {
        Value::Object(members) => {
            let pairs = members.into_iter().map(|(name, it)| Ok((name, param(it, 1)?)));
            pairs.collect()
        }
        other => {
            let value = param(other, 0)?;
            Ok(Params::from_iter([("_json".to_owned(), value)]))
        }
    }
}

/// Ruby's parser takes some texts that are not JSON: comments, `"\q"`, half of a surrogate pair, and
/// `1e400` for infinity.
fn refused(text: &str) -> ParamsError {
    let number = |it: &[u8]| it[0].eq_ignore_ascii_case(&b'e') && it[1].is_ascii_digit();
    let large = |it: &[u8]| it[0].eq_ignore_ascii_case(&b'e') && it[1] == b'+';
    if text.contains(['/', '\\']) || text.as_bytes().windows(2).any(|it| number(it) || large(it)) {
        return ParamsError::Unusual("the body is not JSON, but might be to Ruby");
    }
    ParamsError::Malformed("the body is not JSON")
}

/// A value that lies in `depth` others.
fn param(value: Value, depth: usize) -> Result<Param, ParamsError> {
    if depth >= MAX_NESTING && matches!(value, Value::Array(_) | Value::Object(_)) {
        return Err(ParamsError::Malformed("the JSON is nested too deeply"));
    }
    Ok(match value {
        Value::Null => Param::Nil,
        Value::Bool(value) => Param::Bool(value),
        Value::Number(value) => Param::Number(exact(value)?),
        Value::String(text) => Param::Text(text),
        Value::Array(values) => {
            let kept = values.into_iter().filter(|it| !it.is_null());
            Param::Array(kept.map(|it| param(it, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let pairs = members.into_iter().map(|(name, it)| Ok((name, param(it, depth + 1)?)));
            Param::Hash(pairs.collect::<Result<_, ParamsError>>()?)
        }
    })
}

/// Ruby keeps integers of any length, and reads `-0` as one; here both have become floats.
fn exact(number: Number) -> Result<Number, ParamsError> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let doubtful = number.is_f64()
        && number
            .as_f64()
            .is_none_or(|it| it.abs() >= BEYOND || it == 0.0 && it.is_sign_negative());
    if doubtful {
        return Err(ParamsError::Unusual("a number of the JSON is large, or a negative zero"));
    }
    Ok(number)
}
