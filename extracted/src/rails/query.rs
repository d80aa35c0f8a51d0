//! A query string as Rack reads it, for the plain parameters that our actions take.
//!
//! Source: rack 2.2, `query_parser.rb`: split on `&` and `;`, `+` is a space, a later value wins.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::HandlerError;

/// Parameters by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query's raw bytes.
    ///
    /// # Errors
    /// [`HandlerError::Declined`] where Rack would build something other than plain strings
    /// (`a[]=1`, `a[b]=1`, a name without `=`), or would refuse (`%zz`, bytes that are not UTF-8).
    pub fn parse(raw: &str) -> Result<Self, HandlerError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in raw.split(['&', ';']).filter(|it| !it.is_empty()) {
            let (name, value) =
                pair.split_once('=').ok_or(HandlerError::Declined("parameter without a value"))?;
            let name = decode(name.trim_start_matches(' '))?;
            if name.contains(['[', ']']) {
                return Err(HandlerError::Declined("nested parameter"));
            }
            let value = decode(value)?.into_owned();
            match parameters.iter_mut().find(|(it, _)| *it == name) {
                Some(earlier) => earlier.1 = value,
                None => parameters.push((name.into_owned(), value)),
            }
        }
        Ok(Self(parameters))
    }

    /// The parameter's value; `None` is Ruby's `nil`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, HandlerError> {
    let bytes = text.as_bytes();
    let escapes = bytes.iter().enumerate().filter(|(_, it)| **it == b'%');
    for (index, _) in escapes {
        let digits = bytes.get(index + 1..index + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(HandlerError::Declined("malformed percent-encoding"));
        }
    }
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(HandlerError::Declined("a parameter is not UTF-8")),
    }
}

/// `String#to_i`: leading white space, a sign, digits with single `_` between them; 0 otherwise.
/// What does not fit saturates.
pub fn to_i(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let mut value: i64 = 0;
    let mut previous = b'_';
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0')),
            b'_' if previous != b'_' => {}
            _ => break,
        }
        previous = byte;
    }
    if negative { -value } else { value }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_parameters_are_read_as_rack_reads_them() {
        let query = Query::parse("q=caf%C3%A9+noir&page=1&page=2&&empty=").unwrap();
        assert_eq!(query.get("q"), Some("café noir"));
        assert_eq!(query.get("page"), Some("2"));
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.get("absent"), None);
    }

    #[test]
    fn what_rack_would_nest_or_refuse_is_left_to_rails() {
        for raw in ["page[]=1", "a[b]=1", "a%5Bb%5D=1", "page", "q=%zz", "q=%", "q=%ff"] {
            assert!(matches!(Query::parse(raw), Err(HandlerError::Declined(_))), "{raw}");
        }
    }

    #[test]
    fn to_i_is_rubys() {
        for (text, value) in [
            ("12", 12), (" 12abc", 12), ("-3", -3), ("+4", 4), ("abc", 0), ("", 0), ("1.9", 1),
            ("1_000", 1000), ("1__0", 1), ("_1", 0), ("0x1f", 0), ("99999999999999999999", i64::MAX),
        ] {
            assert_eq!(to_i(text), value, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(raw in "\\PC*") {
            let _ = Query::parse(&raw);
            let _ = to_i(&raw);
        }
    }
}
