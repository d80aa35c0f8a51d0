//! Ruby values as JSON: what `ActiveSupport::JSON` reads and writes.
//!
//! Source: activesupport 6.1, `json/decoding.rb` and `json/encoding.rb`, `core_ext/object/json.rb`.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
    ser::{Error as _, SerializeMap as _},
};

use super::{Content, Encoding, Hash, Text, Value};

/// Refuses a number beyond 64 bits, which `serde_json` would make a float of: better no session than
/// one that has silently changed.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_u64<E: serde::de::Error>(self, integer: u64) -> Result<Value, E> {
        let integer = i64::try_from(integer);
        integer.map(Value::Integer).map_err(|_| E::custom("a number beyond 64 bits"))
    }

    fn visit_f64<E: serde::de::Error>(self, float: f64) -> Result<Value, E> {
        const BEYOND: f64 = 9_223_372_036_854_775_808.0;
        if float.abs() < BEYOND {
            Ok(Value::Float(float))
        } else {
            Err(E::custom("a number beyond 64 bits"))
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut hash = Hash::default();
        while let Some((key, value)) = members.next_entry::<String, Value>()? {
            // Of two members of one name the later counts.
            hash.set(&key, value);
        }
        if hash.pairs.len() > MAX_MEMBERS {
            return Err(A::Error::custom("a hash with too many members"));
        }
        Ok(Value::Hash(hash))
    }
}

/// Looking for a name takes time with each member, so that more of them would take too long.
const MAX_MEMBERS: usize = 10_000;

/// `as_json`. Refuses what it knows of the bytes alone: objects but strings and hashes, integers
/// beyond 64 bits, strings that are not UTF-8 (for which Rails raises).
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::BigInteger(_) => Err(S::Error::custom("an integer beyond 64 bits")),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Symbol(text) | Self::String(text) => serializer.serialize_str(utf8(text)?),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Hash(hash) => {
                let mut map = serializer.serialize_map(Some(hash.pairs.len()))?;
                for (key, value) in &hash.pairs {
                    map.serialize_entry(&key_text::<S::Error>(key)?, value)?;
                }
                map.end()
            }
            Self::Object(object) => match &object.content {
                Content::Inherited(inherited) => inherited.serialize(serializer),
                _ => Err(S::Error::custom(format_args!("an object of {}", object.class))),
            },
        }
    }
}

fn utf8<E: serde::ser::Error>(text: &Text) -> Result<&str, E> {
    let readable = matches!(text.encoding, Encoding::Utf8 | Encoding::UsAscii)
        || text.bytes.is_ascii() && text.encoding == Encoding::Binary;
    let text = if readable { std::str::from_utf8(&text.bytes).ok() } else { None };
    text.ok_or_else(|| E::custom("a string that is not UTF-8"))
}

/// `key.to_s`.
fn key_text<E: serde::ser::Error>(key: &Value) -> Result<String, E> {
    match key {
        Value::Nil => Ok(String::new()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Integer(integer) => Ok(integer.to_string()),
        Value::Symbol(text) | Value::String(text) => utf8(text).map(ToOwned::to_owned),
        _ => Err(E::custom("a key that is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rails::json;

    fn read(text: &str) -> serde_json::Result<Value> {
        serde_json::from_str(text)
    }

    #[test]
    fn what_rails_wrote_is_written_back_to_the_byte() {
        for text in [
            r#"{"session_id":"d3","user_id":1,"cart":{"1":2},"flash":{"discard":[],"flashes":{}}}"#,
            r#"{"b":[1.5,-0.0,1.0e-05,null,true,false,""],"a":"\u003cé\u2028\n\"","":-9223372036854775808}"#,
            "[[],{}]",
            "\"text\"",
            "null",
        ] {
            let value = read(text).unwrap();
            assert_eq!(json::encode(&value).unwrap(), text.as_bytes(), "{text}");
        }
    }

    #[test]
    fn the_later_of_two_members_counts_in_the_place_of_the_earlier() {
        assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#).unwrap(), read(r#"{"a":3,"b":2}"#).unwrap());
    }

    #[test]
    fn a_number_that_would_lose_digits_is_refused() {
        for text in ["18446744073709551616", "9223372036854775808", "[-1e19]"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read("9223372036854775807").unwrap(), Value::Integer(i64::MAX));
    }

    #[test]
    fn keys_and_symbols_become_text() {
        let symbol = |it: &str| Value::Symbol(it.into());
        let hash = Hash {
            pairs: vec![
                (symbol("a"), symbol("b")),
                (Value::Integer(1), Value::Float(f64::NAN)),
                (Value::Nil, Value::Nil),
            ],
            default: None,
        };
        let text = json::encode(&Value::Hash(hash)).unwrap();
        assert_eq!(text, br#"{"a":"b","1":null,"":null}"#);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let text = |encoding| Value::String(Text { bytes: vec![0xe9], encoding });
        for encoding in [Encoding::Utf8, Encoding::Binary, Encoding::Other(b"ISO-8859-1".to_vec())]
        {
            assert!(json::encode(&text(encoding)).is_err());
        }
    }
}
