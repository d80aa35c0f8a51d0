//! JSON (RFC 8259) read without losing what a comparison needs: the text of numbers, repeated
//! names, the order of members.

#![expect(clippy::inline_always, reason = "measured: without it a reader takes a third longer")]

mod beside;
mod build;
mod document;
mod read;
mod scan;
mod value;

use simdutf8::basic::from_utf8;

pub use self::value::{Elements, Members, Value};
pub(crate) use self::{build::Builder, document::Document, value::Place};
use crate::compare::Unreadable;

/// The text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NotJson;

/// Arrays and objects within one another. Everything that walks a `Value` recurses at most so deep.
const DEPTH_LIMIT: usize = 127;

/// Reads one value and nothing after it.
pub(crate) fn parse(text: &[u8]) -> Result<Document<'_>, Unreadable> {
    read::read(from_utf8(text).map_err(|_| Unreadable::Malformed)?, None)
}

/// The same, beside a document that is expected to say the same: of a list or an object that does, in
/// the same place, what the control has there is kept and not what is written here. What that can be
/// told from is only in which order members stand.
pub(crate) fn parse_beside<'a>(
    text: &'a [u8],
    control: &'a Document<'a>,
) -> Result<Document<'a>, Unreadable> {
    read::read(from_utf8(text).map_err(|_| Unreadable::Malformed)?, Some(control))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What serde makes of the same text.
    fn to_serde(value: Value<'_>) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(it) => it.into(),
            Value::Number(it) => serde_json::from_str(it).unwrap(),
            Value::String(it) => it.into(),
            Value::Array(it) => it.iter().map(to_serde).collect(),
            Value::Object(it) => it.iter().map(|(k, v)| (k.to_owned(), to_serde(v))).collect(),
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
            prop_assert_eq!(to_serde(parse(text.as_bytes()).unwrap().root()), expected);
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
        let document = parse(text).unwrap();
        let Value::Object(members) = document.root() else { panic!("an object") };
        let expected = [("a", "19.90"), ("b", "1e999"), ("a", "123456789012345678901234567890")];
        assert!(members.iter().eq(expected.map(|(name, it)| (name, Value::Number(it)))));
    }

    #[test]
    fn what_follows_a_value_is_an_error() {
        for text in ["3 items left", "19.90 EUR", "true story", "{} {}", "[1],", "nullnull"] {
            assert_eq!(parse(text.as_bytes()), Err(Unreadable::Malformed), "{text}");
        }
    }

    #[test]
    fn escapes_are_resolved() {
        let text = br#""\u003cb\u003E \ud83d\ude00 \"\\\/\b\f\n\r\t""#;
        let document = parse(text).unwrap();
        assert_eq!(document.root(), Value::String("<b> 😀 \"\\/\u{8}\u{c}\n\r\t"));
        for text in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#, r#""\x""#, "\"\n\"", "\""] {
            assert_eq!(parse(text.as_bytes()), Err(Unreadable::Malformed), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(DEPTH_LIMIT).as_bytes()).is_ok());
        for text in [nested(DEPTH_LIMIT + 1), "[".repeat(1_000_000), "{\"a\":".repeat(1_000)] {
            assert_eq!(parse(text.as_bytes()), Err(Unreadable::TooLarge));
        }
    }

    #[test]
    fn a_document_with_too_much_in_it_is_not_read() {
        let list = |of: &str| format!("[{}1]", format!("{of},").repeat(1_000_000));
        assert_eq!(parse(list("1").as_bytes()), Err(Unreadable::TooLarge));
        assert!(parse(list("1234567890123456").as_bytes()).is_ok(), "one that is as long as it is");
    }
}
