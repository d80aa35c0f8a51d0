//! What Active Job can carry: values, records by their global id, and Ruby's own kinds of value.
//!
//! Source: activejob 6.1, `arguments.rb` and `serializers/*.rb`; globalid 0.6, `uri/gid.rb`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Number, Value, json};
use time::{
    Date, OffsetDateTime, UtcOffset, format_description::FormatItem, macros::format_description,
};

use super::JobError;

/// An argument of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// `Integer`
    Integer(i64),
    /// `Float`; Ruby has no JSON for infinities.
    Float(f64),
    /// `String`, and `BigDecimal` too, which Active Job 6.1 does not keep apart.
    Text(String),
    /// `Array`
    Array(Vec<Argument>),
    /// `Hash`, in order.
    Hash(Vec<(Key, Argument)>),
    /// Keyword arguments, which may only come last: `perform_later(1, note: "x")`.
    Keywords(Vec<(&'static str, Argument)>),
    /// `HashWithIndifferentAccess`, such as `params`.
    IndifferentHash(Vec<(String, Argument)>),
    /// A record, which the worker reads anew: it must have been committed.
    Record(GlobalId),
    /// `Symbol`
    Symbol(String),
    /// `Time`
    Time(OffsetDateTime),
    /// `ActiveSupport::TimeWithZone`, in UTC.
    TimeWithZone(OffsetDateTime),
    /// `Date`
    Date(Date),
    /// `ActiveSupport::Duration`: the whole in seconds, and its parts (`[("minutes", 5)]`).
    Duration(i64, Vec<(&'static str, i64)>),
    /// A class or module, by its name.
    Module(String),
}

/// A key of a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `"key" =>`
    Text(String),
    /// `key:`
    Symbol(String),
}

/// Where a record is to be found: `gid://shop/Return/7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalId(String);

impl GlobalId {
    /// A record's id in `GlobalID.app`, which is the application's name in lower case with dashes.
    /// `model` is the record's own class: with single-table inheritance, the one in `type`.
    pub fn new(app: &str, model: &str, id: &str) -> Self {
        /// `CGI.escape`
        const ESCAPED: AsciiSet =
            NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');
        let id = utf8_percent_encode(id, &ESCAPED).to_string().replace(' ', "+");
        Self(format!("gid://{app}/{model}/{id}"))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Argument {
    /// A record with a numeric id: see [`GlobalId::new`].
    pub fn record(app: &str, model: &str, id: u64) -> Self {
        Self::Record(GlobalId::new(app, model, &id.to_string()))
    }

    /// `ActiveJob::Arguments.serialize`
    ///
    /// # Errors
    /// When a key is reserved, or a number not finite.
    pub fn serialized(&self) -> Result<Value, JobError> {
        Ok(match self {
            Self::Nil => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Float(value) => Number::from_f64(*value).ok_or(JobError::NotFinite)?.into(),
            Self::Text(text) => text.as_str().into(),
            Self::Array(values) => all(values)?,
            Self::Hash(pairs) => hash(pairs)?,
            Self::Keywords(pairs) => {
                let mut hash = serialized(pairs.iter().map(|(name, value)| (*name, value)))?;
                let names = pairs.iter().map(|(name, _)| *name).collect();
                hash.insert("_aj_ruby2_keywords".into(), names);
                hash.into()
            }
            Self::IndifferentHash(pairs) => {
                let mut hash = serialized(pairs.iter().map(|it| (it.0.as_str(), &it.1)))?;
                hash.insert("_aj_hash_with_indifferent_access".into(), true.into());
                hash.into()
            }
            Self::Record(GlobalId(id)) => json!({ "_aj_globalid": id }),
            Self::Symbol(name) => object("Symbol", name),
            Self::Time(time) => object("Time", &iso8601(*time)),
            Self::TimeWithZone(time) => {
                object("TimeWithZone", &iso8601(time.to_offset(UtcOffset::UTC)))
            }
            Self::Date(date) => object("Date", &written(|it| date.format(it), DATE)),
            Self::Duration(seconds, parts) => {
                let mut duration = object("Duration", seconds);
                let parts =
                    parts.iter().map(|(unit, count)| json!([object("Symbol", unit), count]));
                duration["parts"] = parts.collect();
                duration
            }
            Self::Module(name) => object("Module", name),
        })
    }
}

fn all(values: &[Argument]) -> Result<Value, JobError> {
    values.iter().map(Argument::serialized).collect()
}

fn hash(pairs: &[(Key, Argument)]) -> Result<Value, JobError> {
    let mut symbols = Vec::new();
    let named = pairs.iter().map(|(key, value)| match key {
        Key::Text(name) => (name.as_str(), value),
        Key::Symbol(name) => {
            symbols.push(name.as_str());
            (name.as_str(), value)
        }
    });
    let mut hash = serialized(named)?;
    hash.insert("_aj_symbol_keys".into(), symbols.into());
    Ok(hash.into())
}

fn serialized<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a Argument)>,
) -> Result<Map<String, Value>, JobError> {
    const RESERVED: [&str; 5] = [
        "_aj_globalid",
        "_aj_hash_with_indifferent_access",
        "_aj_ruby2_keywords",
        "_aj_serialized",
        "_aj_symbol_keys",
    ];
    pairs
        .map(|(name, value)| {
            let reserved = RESERVED.contains(&name);
            if reserved {
                return Err(JobError::ReservedKey(name.to_owned()));
            }
            Ok((name.to_owned(), value.serialized()?))
        })
        .collect()
}

fn object(kind: &str, value: &impl serde::Serialize) -> Value {
    let serializer = format!("ActiveJob::Serializers::{kind}Serializer");
    json!({ "_aj_serialized": serializer, "value": value })
}

const DATE: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");
const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]");
const OFFSET: &[FormatItem<'_>] =
    format_description!("[offset_hour sign:mandatory]:[offset_minute]");

/// `time.iso8601(9)`
fn iso8601(time: OffsetDateTime) -> String {
    let offset =
        if time.offset().is_utc() { "Z".to_owned() } else { written(|it| time.format(it), OFFSET) };
    written(|it| time.format(it), TIME) + &offset
}

/// A moment in these words, of which it has every one.
fn written<E>(
    format: impl FnOnce(&[FormatItem<'_>]) -> Result<String, E>,
    description: &[FormatItem<'_>],
) -> String {
    format(description).unwrap_or_default()
}
