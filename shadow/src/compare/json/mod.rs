//! JSON (RFC 8259) read without losing what a comparison needs: the text of numbers, repeated
//! names, the order of members.

mod says;

use std::borrow::Cow;

pub(crate) use self::says::says;

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
    parse_text(str::from_utf8(text).map_err(|_| NotJson)?)
}

/// The same of what is known to be UTF-8.
pub(crate) fn parse_text(text: &str) -> Result<Value<'_>, NotJson> {
    let mut parser = Parser::new(text);
    let value = parser.value(0, |it| it)?;
    if parser.is_at_the_end() { Ok(value) } else { Err(NotJson) }
}

type Member<'a> = (Cow<'a, str>, Value<'a>);

/// Its small steps are inlined, so that `at` stays in a register from one to the next: a third faster.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Elements of the last array and members of the last object: the next is often as long.
    last: [usize; 2],
}

/// The room that is made for a list in advance, at most; and for what follows an escape.
const ROOM: usize = 64;

impl<'a> Parser<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0, last: [0; 2] }
    }

    fn is_at_the_end(&mut self) -> bool {
        self.skip_whitespace();
        self.at == self.text.len()
    }

    /// Hands a value over where it is made: to return one would copy it twice.
    #[inline]
    fn value<T>(&mut self, depth: usize, put: impl FnOnce(Value<'a>) -> T) -> Result<T, NotJson> {
        self.skip_whitespace();
        Ok(match self.peek().ok_or(NotJson)? {
            b'"' => {
                self.at += 1;
                let plain = self.plain();
                if self.accept(b'"') {
                    put(Value::String(Cow::Borrowed(plain)))
                } else {
                    put(Value::String(Cow::Owned(self.unescaped(plain)?)))
                }
            }
            b'-' | b'0'..=b'9' => put(Value::Number(self.number()?)),
            b'{' if depth < DEPTH_LIMIT => put(Value::Object(self.object(depth + 1)?)),
            b'[' if depth < DEPTH_LIMIT => put(Value::Array(self.array(depth + 1)?)),
            b'n' => put(self.word("null", Value::Null)?),
            b't' => put(self.word("true", Value::Bool(true))?),
            b'f' => put(self.word("false", Value::Bool(false))?),
            _ => return Err(NotJson),
        })
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value<'a>>, NotJson> {
        self.expect(b'[')?;
        self.skip_whitespace();
        if self.accept(b']') {
            return Ok(Vec::new());
        }
        let mut elements = Vec::with_capacity(self.last[0].min(ROOM));
        loop {
            self.value(depth, |it| elements.push(it))?;
            self.skip_whitespace();
            if self.accept(b']') {
                self.last[0] = elements.len();
                return Ok(elements);
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member<'a>>, NotJson> {
        self.expect(b'{')?;
        self.skip_whitespace();
        if self.accept(b'}') {
            return Ok(Vec::new());
        }
        let mut members = Vec::with_capacity(self.last[1].min(ROOM));
        loop {
            self.skip_whitespace();
            let name = self.string()?;
            self.skip_whitespace();
            self.expect(b':')?;
            self.value(depth, |it| members.push((name, it)))?;
            self.skip_whitespace();
            if self.accept(b'}') {
                self.last[1] = members.len();
                return Ok(members);
            }
            self.expect(b',')?;
        }
    }

    #[inline]
    fn number(&mut self) -> Result<&'a str, NotJson> {
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
        Ok(&self.text[start..self.at])
    }

    #[inline]
    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(NotJson) }
    }

    #[inline]
    fn string(&mut self) -> Result<Cow<'a, str>, NotJson> {
        self.expect(b'"')?;
        let plain = self.plain();
        if self.accept(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        self.unescaped(plain).map(Cow::Owned)
    }

    /// What a string says that begins with `plain` and goes on with an escape.
    fn unescaped(&mut self, plain: &str) -> Result<String, NotJson> {
        let mut unescaped = String::with_capacity(plain.len() + ROOM);
        unescaped.push_str(plain);
        while !self.accept(b'"') {
            self.expect(b'\\')?;
            unescaped.push(self.escape()?);
            unescaped.push_str(self.plain());
        }
        Ok(unescaped)
    }

    /// Everything up to a quote, a backslash, a control character or the end.
    #[inline]
    fn plain(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let plain = &rest[..plain_length(rest.as_bytes())];
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
        let unit = self.code_unit()?;
        if !matches!(unit, 0xd800..0xdc00) {
            return char::from_u32(unit).ok_or(NotJson);
        }
        self.expect(b'\\')?;
        self.expect(b'u')?;
        let low = self.code_unit()?;
        if !matches!(low, 0xdc00..0xe000) {
            return Err(NotJson);
        }
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or(NotJson)
    }

    fn code_unit(&mut self) -> Result<u32, NotJson> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(NotJson)?;
        let mut unit = 0;
        for digit in digits {
            unit = unit * 16 + char::from(*digit).to_digit(16).ok_or(NotJson)?;
        }
        self.at += 4;
        Ok(unit)
    }

    #[inline]
    fn word<T>(&mut self, word: &str, value: T) -> Result<T, NotJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(value)
    }

    #[inline]
    fn skip_whitespace(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if rest.first().is_none_or(|it| *it > b' ') {
            return;
        }
        let end = rest.iter().position(|it| !matches!(it, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += end.unwrap_or(rest.len());
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn accept(&mut self, sign: u8) -> bool {
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, sign: u8) -> Result<(), NotJson> {
        if self.accept(sign) { Ok(()) } else { Err(NotJson) }
    }
}

/// How many bytes come before a quote, a backslash or a control character: eight at a time, as most
/// of a document is in its strings.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // The high bit of each byte that is less than `limit`, and perhaps of bytes behind such a one.
    let less = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let equal = |word: u64, byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = less(word, b' ') | equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let end = rest.iter().position(|it| matches!(it, b'"' | b'\\' | ..b' '));
    bytes.len() - rest.len() + end.unwrap_or(rest.len())
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
        fn a_string_is_plain_up_to_its_first_sign(text in "[a\"\\\\\n\u{0}\u{1f} !é\u{7f}]{0,40}") {
            let end = text.bytes().position(|it| matches!(it, b'"' | b'\\' | ..b' '));
            prop_assert_eq!(plain_length(text.as_bytes()), end.unwrap_or(text.len()));
        }

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
