//! A regular expression that a rule asks for.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled pattern may take.
const SIZE: usize = 256 * 1024;

/// A regular expression in the syntax of the crate `regex`, which a whole value must match. Matching
/// takes time in proportion to the value, whatever the expression.
#[derive(Clone)]
pub struct Pattern {
    written: String,
    regex: Regex,
}

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, or that it would take too much memory.
    pub fn parse(written: &str) -> Result<Self, String> {
        let faulty = |error: regex::Error| match error {
            regex::Error::CompiledTooBig(_) => "is too large when it is compiled".to_owned(),
            // The last line says what; those before it point to where.
            error => {
                let text = error.to_string();
                let what = text.lines().last().unwrap_or_default();
                format!("is no regular expression: {}", what.trim_start_matches("error: "))
            }
        };
        // On its own first: a bracket must not close the group around it.
        RegexBuilder::new(written).size_limit(SIZE).build().map_err(faulty)?;
        let whole = format!("^(?:{written})$");
        let regex = RegexBuilder::new(&whole).size_limit(SIZE).build().map_err(faulty)?;
        Ok(Self { written: written.to_owned(), regex })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// As it is written.
impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.written, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_value_must_fit() {
        let pattern = Pattern::parse("ord_[0-9]{2}|x").unwrap();
        for (text, fits) in
            [("ord_17", true), ("x", true), ("ord_17x", false), ("ord_17\n", false), ("", false)]
        {
            assert_eq!(pattern.fits(text), fits, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_on_one_line() {
        for (written, what) in [
            ("a)(b", "is no regular expression: unopened group"),
            ("[a", "is no regular expression: unclosed character class"),
            ("(a{1000}){1000}", "is too large when it is compiled"),
            (r"(a)\1", "is no regular expression: backreferences are not supported"),
        ] {
            assert_eq!(Pattern::parse(written).unwrap_err(), what);
        }
    }

    #[test]
    fn no_pattern_takes_for_ever() {
        let pattern = Pattern::parse("(a*)*b").unwrap();
        assert!(!pattern.fits(&"a".repeat(100_000)));
    }
}
