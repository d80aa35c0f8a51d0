//! Findings as JSON, for programs.

use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap as _, SerializeStruct as _},
};
use serde_json::value::RawValue;

use super::{Finding, Fragment, Judgement, Value};
use crate::Digest;

/// `{"path", "kind", "class", "control", "candidate"}`; `excused`, `classed` or `expired` has the
/// reason of the rule that excuses the difference, gives it its class, or no longer does. A side that has nothing there is absent.
impl Serialize for Finding<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let it = &self.difference;
        let mut object = serializer.serialize_struct("Finding", 6)?;
        object.serialize_field("path", &it.path.to_string())?;
        object.serialize_field("kind", &it.kind)?;
        object.serialize_field("class", &it.class)?;
        if let Some(control) = &it.control {
            object.serialize_field("control", control)?;
        }
        if let Some(candidate) = &it.candidate {
            object.serialize_field("candidate", candidate)?;
        }
        match self.judgement {
            Judgement::Counts => {}
            Judgement::Classed(rule) => object.serialize_field("classed", &rule.why)?,
            Judgement::Excused(rule) => object.serialize_field("excused", &rule.why)?,
            Judgement::Expired(rule) => object.serialize_field("expired", &rule.why)?,
        }
        object.end()
    }
}

/// A number, a text, a JSON document as it is; a body that is not read as `{"bytes", "sha256"}`.
impl Serialize for Fragment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Status(status) => status.as_u16().serialize(serializer),
            Self::Header(text) => text.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Element(element) => element.excerpt().serialize(serializer),
            Self::Json(value) => value.serialize(serializer),
            Self::Body(body) => Self::Digest(Digest::of(body)).serialize(serializer),
            Self::Digest(Digest { bytes, sha256 }) => {
                let mut object = serializer.serialize_map(Some(2))?;
                object.serialize_entry("bytes", bytes)?;
                object.serialize_entry("sha256", &hex::encode(sha256))?;
                object.end()
            }
        }
    }
}

/// With every digit of its numbers, and repeated names.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(it) => it.serialize(serializer),
            Self::Number(it) => {
                let number: &RawValue = serde_json::from_str(it).map_err(S::Error::custom)?;
                number.serialize(serializer)
            }
            Self::String(it) => it.serialize(serializer),
            Self::Array(it) => serializer.collect_seq(it.iter()),
            Self::Object(it) => serializer.collect_map(it.iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::json::parse;

    #[test]
    fn a_document_is_written_as_it_was_read() {
        let text = r#"{"a":19.90,"a":12345678901234567890,"b":[null,true,"x\n"],"c":{}}"#;
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&value.root()).unwrap(), text);
    }

    #[test]
    fn a_body_is_told_by_its_size_and_digest() {
        let body = serde_json::to_string(&Fragment::Body(b"")).unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(body, format!("{{\"bytes\":0,\"sha256\":\"{empty}\"}}"));
    }

    proptest! {
        #[test]
        fn numbers_keep_their_text(number in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?") {
            let value = parse(number.as_bytes()).unwrap();
            prop_assert_eq!(serde_json::to_string(&value.root()).unwrap(), number);
        }
    }
}
