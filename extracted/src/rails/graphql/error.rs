//! What a client is told, and what is left to Rails.

use serde::Serialize;
use serde_json::Value;

use super::Position;

/// A query that is answered otherwise by the gem than could be told here: Rails must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unread(pub &'static str);

/// A member of `errors`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestError {
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) locations: Option<Vec<Position>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extensions: Option<Value>,
}

impl RequestError {
    /// An error of the whole request.
    pub fn plain(message: String) -> Self {
        Self { message, locations: None, path: None, extensions: None }
    }

    pub(super) fn at(message: String, at: Position) -> Self {
        Self { locations: Some(vec![at]), ..Self::plain(message) }
    }
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// And what the client is told.
    Wrong(Box<RequestError>),
    /// Or may be one: Rails must say.
    Unread(Unread),
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

/// `text.inspect`, where that is the text between quotes.
pub(super) fn quoted(text: &str) -> Option<String> {
    let plain = |it: u8| matches!(it, b' '..=b'~') && !matches!(it, b'"' | b'\\' | b'#');
    text.bytes().all(plain).then(|| format!("\"{text}\""))
}
