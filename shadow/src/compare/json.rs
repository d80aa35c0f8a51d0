//! JSON (RFC 8259) read without losing what a comparison needs: the text of numbers, repeated
//! names, the order of members.

use std::borrow::Cow;

/// A JSON value. Strings are borrowed from the text unless they contain escapes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written: `19.90` is not `19.9`.
    Number(&'a str),
    /// A string, its escapes resolved.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// Names and values in the order of the text, repeated names included.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// The text is not JSON, or is nested too deeply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

/// Arrays and objects within one another. Everything that walks a `Value` recurses at most so deep.
const DEPTH_LIMIT: usize = 127;

/// Reads one value and nothing after it.
pub(crate) fn parse(text: &[u8]) -> Result<Value<'_>, NotJson> {
    let text = str::from_utf8(text).map_err(|_| NotJson)?;
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_whitespace();
    if parser.at == text.len() { Ok(value) } else { Err(NotJson) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, NotJson> {
        self.skip_whitespace();
        match self.peek().ok_or(NotJson)? {
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => Ok(Value::String(self.string()?)),
            b'[' if depth < DEPTH_LIMIT => self.array(depth + 1),
            b'{' if depth < DEPTH_LIMIT => self.object(depth + 1),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(NotJson),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, NotJson> {
        self.expect(b'[')?;
        let mut elements = Vec::new();
        self.skip_whitespace();
        if self.accept(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.skip_whitespace();
            if self.accept(b']') {
                return Ok(Value::Array(elements));
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, NotJson> {
        self.expect(b'{')?;
        let mut members = Vec::new();
        self.skip_whitespace();
        if self.accept(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_whitespace();
            let name = self.string()?;
            self.skip_whitespace();
            self.expect(b':')?;
            members.push((name, self.value(depth)?));
            self.skip_whitespace();
            if self.accept(b'}') {
                return Ok(Value::Object(members));
            }
            self.expect(b',')?;
        }
    }

    fn number(&mut self) -> Result<Value<'a>, NotJson> {
        let start = self.at;
        self.accept(b'-');
        if !self.accept(b'0') {
            self.digits()?;
        }
        if self.accept(b'.') {
            self.digits()?;
        }
        if self.accept(b'e') || self.accept(b'E') {
            let _ = self.accept(b'+') || self.accept(b'-');
            self.digits()?;
        }
        Ok(Value::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(NotJson) }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, NotJson> {
        self.expect(b'"')?;
        let plain = self.plain();
        if self.accept(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut unescaped = plain.to_owned();
        while !self.accept(b'"') {
            self.expect(b'\\')?;
            unescaped.push(self.escape()?);
            unescaped.push_str(self.plain());
        }
        Ok(Cow::Owned(unescaped))
    }

    /// Everything up to a quote, a backslash, a control character or the end.
    fn plain(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|it| matches!(it, b'"' | b'\\' | ..b' '));
        let plain = &rest[..end.unwrap_or(rest.len())];
        self.at += plain.len();
        plain
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        let sign = self.peek().ok_or(NotJson)?;
        self.at += 1;
        Ok(match sign {
            b'"' | b'\\' | b'/' => char::from(sign),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(NotJson),
        })
    }

    /// `XXXX`, or the surrogate pair `XXXX\uXXXX`. A surrogate on its own names no character.
    fn unicode(&mut self) -> Result<char, NotJson> {
        let mut units = vec![self.code_unit()?];
        if matches!(units[0], 0xd800..0xdc00) {
            self.expect(b'\\')?;
            self.expect(b'u')?;
            units.push(self.code_unit()?);
        }
        char::decode_utf16(units).next().and_then(Result::ok).ok_or(NotJson)
    }

    fn code_unit(&mut self) -> Result<u16, NotJson> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotJson)?;
        if !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(NotJson);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| NotJson)
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, NotJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(value)
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn accept(&mut self, sign: u8) -> bool {
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: u8) -> Result<(), NotJson> {
        if self.accept(sign) { Ok(()) } else { Err(NotJson) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What serde makes of the same text.
    fn to_serde(value: &Value<'_>) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(it) => (*it).into(),
            Value::Number(it) => serde_json::from_str(it).unwrap(),
            Value::String(it) => (**it).into(),
            Value::Array(it) => it.iter().map(to_serde).collect(),
            Value::Object(it) => it.iter().map(|(k, v)| (k.to_string(), to_serde(v))).collect(),
        }
    }

    fn document() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|it| it.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn documents_are_read_as_serde_reads_them(document in document(), pretty: bool) {
            let text = if pretty {
                serde_json::to_string_pretty(&document).unwrap()
            } else {
                document.to_string()
            };
            let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(to_serde(&parse(text.as_bytes()).unwrap()), expected);
        }

        #[test]
        fn texts_are_refused_as_serde_refuses_them(
            text in r#"([\[\]{},:"\\0-9.eE+\- ]|null|true|false|"a"|\\u00|\\ud8|\n|é){0,12}"#
        ) {
            let expected = serde_json::from_str::<serde_json::Value>(&text);
            let out_of_range =
                expected.as_ref().is_err_and(|it| it.to_string().contains("out of range"));
            prop_assume!(!out_of_range);
            prop_assert_eq!(parse(text.as_bytes()).is_ok(), expected.is_ok());
        }

        #[test]
        fn no_bytes_break_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let expected = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
            prop_assert_eq!(parse(&bytes).is_ok(), expected);
        }
    }

    #[test]
    fn numbers_keep_their_text_and_objects_their_repeated_names() {
        let text = br#"{"a": 19.90, "b": 1e999, "a": 123456789012345678901234567890}"#;
        let Ok(Value::Object(members)) = parse(text) else { panic!("an object") };
        let expected = [("a", "19.90"), ("b", "1e999"), ("a", "123456789012345678901234567890")];
        assert_eq!(members, expected.map(|(k, v)| (k.into(), Value::Number(v))));
    }

    #[test]
    fn what_follows_a_value_is_an_error() {
        for text in ["3 items left", "19.90 EUR", "true story", "{} {}", "[1],", "nullnull"] {
            assert_eq!(parse(text.as_bytes()), Err(NotJson), "{text}");
        }
    }

    #[test]
    fn escapes_are_resolved() {
        let text = br#""\u003cb\u003E \ud83d\ude00 \"\\\/\b\f\n\r\t""#;
        assert_eq!(parse(text), Ok(Value::String("<b> 😀 \"\\/\u{8}\u{c}\n\r\t".into())));
        for text in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#, r#""\x""#, "\"\n\"", "\""] {
            assert_eq!(parse(text.as_bytes()), Err(NotJson), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(DEPTH_LIMIT).as_bytes()).is_ok());
        assert_eq!(parse(nested(DEPTH_LIMIT + 1).as_bytes()), Err(NotJson));
        assert_eq!(parse("[".repeat(1_000_000).as_bytes()), Err(NotJson));
    }
}
