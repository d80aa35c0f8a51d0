//! Ruby's Marshal 4.8, as far as sessions and cookies need it.
//!
//! Source: ruby 3.1, `doc/marshal.rdoc` and `marshal.c`; the shapes of classes measured on Ruby 3.1
//! with Rails 6.1. The bytes come from a cookie or a store that is authenticated, but the reader
//! treats them as hostile all the same.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{load, load_entry};
pub use write::dump;

/// Objects of these classes pass through, untouched. Any other may run code when Rails loads it, or
/// is kept together by what only its class knows.
pub(super) const CLASSES: [&str; 8] = [
    "ActiveSupport::HashWithIndifferentAccess",
    "ActiveSupport::SafeBuffer",
    "ActiveSupport::TimeWithZone",
    "BigDecimal",
    "Date",
    "DateTime",
    "Set",
    "Time",
];

/// The class of what `ActiveSupport::Cache` stores up to Rails 6.1; only [`load_entry`] lets it pass.
pub(super) const CACHE_ENTRY: &str = "ActiveSupport::Cache::Entry";

/// Why the bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarshalError {
    /// Another version, or no Marshal at all.
    #[error("the bytes are not Marshal 4.8")]
    Version,
    /// The end came too early.
    #[error("the Marshal bytes end too early")]
    Truncated,
    /// They say what no Ruby writes.
    #[error("the Marshal bytes are malformed: {0}")]
    Malformed(&'static str),
    /// Deeper, longer, or by its links larger, than a session is.
    #[error("the Marshal bytes hold too much: {0}")]
    TooMuch(&'static str),
    /// A type that a session here may not hold: a class, a module, a struct, a regular expression.
    #[error("the Marshal bytes hold a value of type `{0}`")]
    Type(char),
    /// An object of a class that a session here may not hold.
    #[error("the Marshal bytes hold an object of the class {0}")]
    Class(String),
}

/// Whether it begins as Marshal that Ruby would read: `Marshal.load` raises a `TypeError` if not.
pub fn is_marshal(bytes: &[u8]) -> bool {
    matches!(bytes, [4, minor, ..] if *minor <= 8)
}
