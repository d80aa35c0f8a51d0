//! A query string as Rack reads it, for actions that take plain parameters.
//!
//! Source: rack 2.2, `query_parser.rb` (`parse_nested_query`) and `request.rb` (`GET`).

use percent_encoding::percent_decode_str;

/// A longer query is left to Rack, whose own limits (4096 parameters) and its server's (Puma: 10 KiB)
/// lie beyond.
const MAX_BYTES: usize = 4096;

/// Parameters by name; each is a string or, written without `=`, nil.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, Option<String>)>);

/// Rack would refuse the query, or make arrays and hashes of it. Says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotPlain(pub &'static str);

impl Query {
    /// Reads the query's raw bytes: `&` or `;` separate, `+` is a space, `%XX` a byte of UTF-8, and
    /// a later parameter of the same name wins.
    ///
    /// # Errors
    /// [`NotPlain`] for names with brackets (`a[]=1`), `%` without two hexadecimal digits, bytes that
    /// are not UTF-8, and queries of more than 4096 bytes.
    pub fn parse(raw: &str) -> Result<Self, NotPlain> {
        if raw.len() > MAX_BYTES {
            return Err(NotPlain("the query is long"));
        }
        let pairs = raw.split(['&', ';']).map(|pair| match pair.split_once('=') {
            Some((name, value)) => Ok((name_of(name)?, Some(decode(value)?))),
            None => Ok((name_of(pair)?, None)),
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The parameter's value; `None` where Ruby sees nil.
    pub fn get(&self, name: &str) -> Option<&str> {
        let last = self.0.iter().rfind(|(it, _)| it == name);
        last.and_then(|(_, value)| value.as_deref())
    }
}

fn name_of(raw: &str) -> Result<String, NotPlain> {
    let name = decode(raw)?;
    if name.contains(['[', ']']) { Err(NotPlain("a parameter is nested")) } else { Ok(name) }
}

fn decode(raw: &str) -> Result<String, NotPlain> {
    let escaped = |it: &str| it.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !raw.split('%').skip(1).all(escaped) {
        return Err(NotPlain("a parameter's percent-encoding is malformed"));
    }
    let spaced = raw.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| NotPlain("a parameter is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_parameters_are_read_as_rack_reads_them() {
        let query = Query::parse("q=caf%C3%A9+noir%2B&page=1;page=2&&empty=&nil&a=b=c").unwrap();
        assert_eq!(query.get("q"), Some("café noir+"));
        assert_eq!(query.get("page"), Some("2"));
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.get("nil"), None);
        assert_eq!(query.get("absent"), None);
        assert_eq!(query.get("a"), Some("b=c"));
    }

    #[test]
    fn a_later_nil_hides_an_earlier_value() {
        assert_eq!(Query::parse("page=2&page").unwrap().get("page"), None);
    }

    #[test]
    fn what_rack_would_nest_or_refuse_is_not_plain() {
        let long = "a".repeat(MAX_BYTES + 1);
        for raw in [
            "page[]=1",
            "a[b]=1",
            "a%5Bb%5D=1",
            "a]=1",
            "q=%zz",
            "q=%",
            "q=%4",
            "%=1",
            "q=%ff",
            &long,
        ] {
            assert!(Query::parse(raw).is_err(), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn every_escaped_value_is_read_back(value in ".{0,40}") {
            let query = format!("a=1&q={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
            let query = Query::parse(&query).unwrap();
            prop_assert_eq!(query.get("q"), Some(value.as_str()));
        }

        #[test]
        fn no_query_panics(raw in ".*", escapes in "[%a-f0-9+=&;\\[\\]]*") {
            let _ = Query::parse(&raw);
            let _ = Query::parse(&escapes);
        }
    }
}
