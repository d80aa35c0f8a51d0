//! How a cookie's or a stored session's value is written: `cookies_serializer`.
//!
//! Source: actionpack 6.1, `cookies.rb` (`SerializedCookieJars`, `MarshalWithJsonFallback`).

use super::{
    json,
    marshal::{self, MarshalError},
    value::Value,
};

/// `config.action_dispatch.cookies_serializer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serializer {
    /// `:json`: reads and writes JSON.
    Json,
    /// `:marshal`, also when nothing is set: writes Marshal, and reads JSON too.
    Marshal,
    /// `:hybrid`: reads both, writes JSON.
    Hybrid,
}

/// A genuine value that could not be read. Rails raises here and answers 500, or knows more classes
/// than we do, so the request is the monolith's.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// The text is not JSON, perhaps Marshal under `:json`.
    #[error("a genuine cookie or session is not JSON: check cookies_serializer")]
    Json(#[source] serde_json::Error),
    /// Marshal holds something that sessions here may not.
    #[error("a genuine cookie or session is Marshal that cannot be read: leave it to Rails")]
    Marshal(#[from] MarshalError),
    /// The value of a session is no hash.
    #[error("a session is no hash: check the store's key and serializer")]
    NoHash,
}

/// A value that this serializer has no form for.
#[derive(Debug, thiserror::Error)]
#[error("a value has no form in the session's serializer: leave the request to Rails")]
pub struct Unwritable(#[source] serde_json::Error);

impl Serializer {
    /// The value, and whether Rails would write it anew because its format is being left.
    ///
    /// # Errors
    /// [`Undecodable`], where Rails raises.
    pub fn load(self, bytes: &[u8]) -> Result<(Value, bool), Undecodable> {
        match self {
            Self::Marshal | Self::Hybrid if marshal::is_marshal(bytes) => {
                Ok((marshal::load(bytes)?, self == Self::Hybrid))
            }
            _ => serde_json::from_slice(bytes).map(|it| (it, false)).map_err(Undecodable::Json),
        }
    }

    /// The bytes that Rails would write.
    ///
    /// # Errors
    /// [`Unwritable`] for JSON when the value was Marshal's alone.
    pub fn dump(self, value: &Value) -> Result<Vec<u8>, Unwritable> {
        match self {
            Self::Marshal => Ok(marshal::dump(value)),
            Self::Json | Self::Hybrid => json::encode(value).map_err(Unwritable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &[u8] = br#"{"a":1}"#;
    const MARSHAL: &[u8] = b"\x04\x08{\x06I\"\x06a\x06:\x06ETi\x06";

    #[test]
    fn each_reads_and_writes_what_rails_does() {
        use Serializer::{Hybrid, Json, Marshal};
        let value = Json.load(JSON).unwrap().0;
        for (serializer, text, read) in [
            (Json, JSON, Some(false)),
            (Json, MARSHAL, None),
            (Marshal, JSON, Some(false)),
            (Marshal, MARSHAL, Some(false)),
            (Hybrid, JSON, Some(false)),
            (Hybrid, MARSHAL, Some(true)),
            (Marshal, b"", None),
            (Hybrid, b"\x05\x08", None),
        ] {
            let loaded = serializer.load(text);
            assert_eq!(loaded.ok(), read.map(|moved| (value.clone(), moved)), "{serializer:?}");
        }
        for (serializer, text) in [(Json, JSON), (Hybrid, JSON), (Marshal, MARSHAL)] {
            assert_eq!(serializer.dump(&value).unwrap(), text, "{serializer:?}");
        }
    }
}
