//! A query of which an action wants plain parameters: the simple case of [`super::params`].

use super::params::{Param, Params, ParamsError};

/// A longer query is left to Rails: a server's own limits (Puma: 10 KiB) are near.
const MAX_BYTES: usize = 4096;

/// Parameters by name; each is a string or, written without `=`, nil.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query(Params);

/// Rails would refuse the query, or make arrays and hashes of it. Says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotPlain(pub &'static str);

impl Query {
    /// Reads the query's raw bytes.
    ///
    /// # Errors
    /// [`NotPlain`] for parameters that are nested (`a[]=1`), for all that Rails refuses, and for
    /// queries of more than 4096 bytes.
    pub fn parse(raw: &str) -> Result<Self, NotPlain> {
        if raw.len() > MAX_BYTES {
            return Err(NotPlain("the query is long"));
        }
        let params = Params::from_query(raw)?;
        if params.iter().all(|(_, value)| matches!(value, Param::Nil | Param::Text(_))) {
            Ok(Self(params))
        } else {
            Err(NotPlain("a parameter is nested"))
        }
    }

    /// The parameter's value; `None` where Ruby sees nil.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.text(name)
    }
}

impl From<ParamsError> for NotPlain {
    fn from(error: ParamsError) -> Self {
        let (ParamsError::Malformed(why) | ParamsError::Limit(why) | ParamsError::Unusual(why)) =
            error;
        Self(why)
    }
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
        for raw in
            ["page[]=1", "a[b]=1", "a%5Bb%5D=1", "q=%zz", "q=%", "q=%4", "%=1", "q=%ff", &long]
        {
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
