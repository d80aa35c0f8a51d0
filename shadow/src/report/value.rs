//! What is bound to the parameters of statements: the few types that all databases have.

use time::OffsetDateTime;

/// What is bound to a parameter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Integer(i64),
    Real(f64),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(it: i64) -> Self {
        Self::Integer(it)
    }
}

impl From<u64> for Value<'_> {
    /// The integers of databases are signed; a count that large cannot be reached.
    fn from(it: u64) -> Self {
        Self::Integer(i64::try_from(it).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value<'_> {
    fn from(it: bool) -> Self {
        Self::Integer(it.into())
    }
}

impl From<f64> for Value<'_> {
    fn from(it: f64) -> Self {
        Self::Real(it)
    }
}

impl From<OffsetDateTime> for Value<'_> {
    fn from(it: OffsetDateTime) -> Self {
        Self::Integer(milliseconds(it))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(it: &'a str) -> Self {
        Self::Text(Some(it))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(it: Option<&'a str>) -> Self {
        Self::Text(it)
    }
}

pub(super) fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
