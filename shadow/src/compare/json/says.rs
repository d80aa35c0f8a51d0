//! Whether a text says what is known of another one: found out without reading it into values, since
//! most answers are equal.

use super::{Member, Parser, Value};

/// Objects with more members are left to the comparison itself.
const MEMBERS: usize = u64::BITS as usize;

/// Whether a text is a JSON document that is equal in meaning to this one. What is not may still turn
/// out to have no difference.
pub(crate) fn says(text: &str, document: &Value<'_>) -> bool {
    let mut parser = Parser::new(text);
    parser.says(document) && parser.is_at_the_end()
}

impl Parser<'_> {
    /// Recursion is as deep as the document, which has been read.
    fn says(&mut self, value: &Value<'_>) -> bool {
        self.skip_whitespace();
        match value {
            Value::Null => self.word("null", ()).is_ok(),
            Value::Bool(true) => self.word("true", ()).is_ok(),
            Value::Bool(false) => self.word("false", ()).is_ok(),
            Value::Number(it) => self.number() == Ok(it),
            Value::String(it) => self.says_string(it),
            Value::Array(it) => self.accept(b'[') && self.says_elements(it) && self.accept(b']'),
            Value::Object(it) => self.accept(b'{') && self.says_members(it) && self.accept(b'}'),
        }
    }

    fn says_elements(&mut self, elements: &[Value<'_>]) -> bool {
        for (at, element) in elements.iter().enumerate() {
            self.skip_whitespace();
            if at > 0 && !self.accept(b',') || !self.says(element) {
                return false;
            }
        }
        self.skip_whitespace();
        true
    }

    /// In whatever order; a repeated name is held against its repetitions in theirs.
    fn says_members(&mut self, members: &[Member<'_>]) -> bool {
        if members.len() > MEMBERS {
            return false;
        }
        let mut taken = 0_u64;
        for at in 0..members.len() {
            self.skip_whitespace();
            if at > 0 && !self.accept(b',') {
                return false;
            }
            self.skip_whitespace();
            let Ok(name) = self.string() else { return false };
            let mut free = members.iter().enumerate().filter(|(at, _)| taken & (1 << at) == 0);
            let Some((found, (_, value))) = free.find(|(_, (it, _))| *it == name) else {
                return false;
            };
            taken |= 1 << found;
            self.skip_whitespace();
            if !self.accept(b':') || !self.says(value) {
                return false;
            }
        }
        self.skip_whitespace();
        true
    }

    #[inline]
    fn says_string(&mut self, text: &str) -> bool {
        if !self.accept(b'"') {
            return false;
        }
        let plain = self.plain();
        if self.accept(b'"') {
            return plain == text;
        }
        let Some(mut rest) = text.strip_prefix(plain) else { return false };
        while self.accept(b'\\') {
            let Ok(sign) = self.escape() else { return false };
            let behind = rest.strip_prefix(sign).and_then(|it| it.strip_prefix(self.plain()));
            let Some(behind) = behind else { return false };
            if self.accept(b'"') {
                return behind.is_empty();
            }
            rest = behind;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::json::parse;

    /// Whether either says what the other does.
    fn agree(one: &str, other: &str) -> bool {
        let ask = |one: &str, other: &str| says(one, &parse(other.as_bytes()).unwrap());
        let agree = ask(one, other);
        if parse(one.as_bytes()).is_ok() {
            assert_eq!(ask(other, one), agree, "{one} {other}");
        }
        agree
    }

    #[test]
    fn what_is_written_otherwise_says_the_same() {
        for (one, other) in [
            (r#" { "b" : [ 1 , 2.50 , { } ] , "a" : null } "#, r#"{"a":null,"b":[1,2.50,{}]}"#),
            (r#"["\u003cb\u003e\ud83d\ude00\n","\/"]"#, "[\"<b>😀\\n\",\"/\"]"),
            (r#"{"\u0061":1}"#, r#"{"a":1}"#),
            (r#"{"a":1,"b":0,"a":2}"#, r#"{"b":0,"a":1,"a":2}"#),
            ("[]", " [ ] "),
        ] {
            assert!(agree(one, other), "{one} {other}");
        }
    }

    #[test]
    fn anything_else_does_not() {
        for (one, other) in [
            ("1", "1.0"),
            ("12", "1"),
            ("1", "12"),
            ("1 2", "1"),
            ("[1,2]", "[2,1]"),
            ("[1,]", "[1]"),
            ("[1", "[1]"),
            ("[1 2]", "[1,2]"),
            ("[1,2]", "[1]"),
            (r#"{"a":1,"b":0,"a":2}"#, r#"{"b":0,"a":2,"a":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":1 "b":2}"#, r#"{"a":1,"b":2}"#),
            (r#""a\u00e9""#, r#""ae""#),
            (r#""a"b"#, r#""a""#),
            (r#""ab\n""#, r#""ab""#),
            ("\"a", r#""a""#),
            ("\"\\\u{e9}\"", "\"\u{e9}\""),
            ("nulls", "null"),
            ("true", "false"),
            ("", "null"),
        ] {
            assert!(!agree(one, other), "{one} {other}");
        }
    }

    proptest! {
        /// A text that is cut or changed somewhere does not pass for the whole.
        #[test]
        fn no_other_text_passes(at: prop::sample::Index, byte in 0x20_u8..0x7f) {
            let text = r#"{"a":[1,-2.5e3,"x\u00e9y",true],"b":{"c":null}}"#;
            let document = parse(text.as_bytes()).unwrap();
            let cut = &text[..at.index(text.len())];
            prop_assert!(!says(cut, &document));
            let mut other = text.as_bytes().to_vec();
            *at.get_mut(&mut other) = byte;
            let other = String::from_utf8(other).unwrap();
            let expected = parse(other.as_bytes()).is_ok_and(|it| it == document);
            prop_assert_eq!(says(&other, &document), expected);
        }
    }
}
