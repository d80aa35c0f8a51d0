//! Ruby's and `ActiveSupport`'s methods on strings, as far as handlers meet them.

/// `String#to_i`: white space, a sign, `0d` or nothing, decimal digits with single `_` between them;
/// 0 where there is no number. A number that does not fit saturates.
pub fn to_i(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_prefix("0d").or(digits.strip_prefix("0D")).unwrap_or(digits);
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

/// `String#strip`: without ASCII white space and NULs at both ends.
pub fn strip(text: &str) -> &str {
    text.trim_matches(['\0', ' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}

/// `text.presence`: `None` when there is nothing or only white space.
pub fn presence(text: Option<&str>) -> Option<&str> {
    text.filter(|it| !it.trim().is_empty())
}

/// `Array#to_sentence`, in English.
pub fn to_sentence(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, other] => format!("{one} and {other}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn to_i_reads_the_number_that_a_text_begins_with() {
        for (text, value) in [
            ("12", 12),
            (" \n12abc", 12),
            ("0012", 12),
            ("-3", -3),
            ("+4", 4),
            ("1.9", 1),
            ("1_000", 1000),
            ("1__0", 1),
            ("0d12", 12),
            ("0_8", 8),
        ] {
            assert_eq!(to_i(text), value, "{text:?}");
        }
    }

    #[test]
    fn strip_knows_ascii_and_nul() {
        for (text, stripped) in
            [("\0 a\t", "a"), ("a\0 \0", "a"), ("\u{a0}a ", "\u{a0}a"), (" \n", "")]
        {
            assert_eq!(strip(text), stripped, "{text:?}");
        }
    }

    #[test]
    fn to_i_of_no_number_is_zero() {
        for text in ["", "abc", "_1", "0x1f", "0d_1", "--1", "+ 1", "\u{a0}1", "١"] {
            assert_eq!(to_i(text), 0, "{text:?}");
        }
    }

    #[test]
    fn to_i_saturates() {
        assert_eq!(to_i("9223372036854775808"), i64::MAX);
        assert_eq!(to_i("-99999999999999999999"), -i64::MAX);
    }

    #[test]
    fn blank_text_is_absent() {
        assert_eq!(presence(Some(" \t\u{a0}\u{3000}\n")), None);
        assert_eq!(presence(Some("")), None);
        assert_eq!(presence(None), None);
        assert_eq!(presence(Some(" a ")), Some(" a "));
    }

    #[test]
    fn words_become_a_sentence() {
        for (words, sentence) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c"], "a, b, and c"),
        ] {
            assert_eq!(to_sentence(words), sentence);
        }
    }

    proptest! {
        #[test]
        fn to_i_reads_back_every_integer(value in -i64::MAX..=i64::MAX, rest in "([^0-9_dD].*)?") {
            prop_assert_eq!(to_i(&format!("{value}{rest}")), value);
        }
    }
}
