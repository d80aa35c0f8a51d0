//! Queries of the addresses that Rails makes.
//!
//! Source: activesupport 6.1, `core_ext/object/to_query.rb`; actionpack 6.1, `http/url.rb`
//! (`add_params`); Ruby's `CGI.escape`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `CGI.escape` does not leave as it is; a space becomes `+`.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

/// `to_query`: in alphabetical order, without what is nil.
pub fn to_query(parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let mut pairs: Vec<_> =
        given.map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// `CGI.escape`
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `CGI.escape` of Ruby 3.1 did.
    #[test]
    fn all_but_a_few_characters_are_escaped() {
        assert_eq!(escape("a *~é&\0+/-_."), "a+%2A~%C3%A9%26%00%2B%2F-_.");
    }

    #[test]
    fn pairs_are_sorted_and_nil_is_left_out() {
        let query =
            [("q", Some("a b")), ("sort", None), ("category", Some("")), ("page", Some("2"))];
        assert_eq!(to_query(&query), "category=&page=2&q=a+b");
        assert_eq!(to_query(&[("q", None)]), "");
    }
}
