//! `Rails.cache` in Redis: the keys, removing entries, and texts that Rails 7.1 reads.
//!
//! Up to Rails 7.0 an entry is a Ruby object in Marshal's format, with instance variables that changed
//! from version to version: [`Stored`] reads and writes what sessions need of them. Since 7.1 a text
//! needs no Marshal.
//!
//! Source: activesupport 6.1, `cache/redis_cache_store.rb`; activesupport 7.1, the same and
//! `cache/coder.rb`; activerecord 6.1, `integration.rb`.

mod stored;

use redis::{AsyncCommands as _, RedisError, aio::ConnectionLike};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime, UtcOffset, macros::format_description};

pub use self::stored::{EntryError, Format, Stored};
use super::record::truncated;

/// Which Rails has the cache too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// 6.0 and 6.1.
    Rails6,
    /// From 7.0 on, with its default digest of keys, SHA-256. Entries are written for 7.1 and later.
    Rails7,
}

/// How an application names its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// `namespace:` of the store.
    pub namespace: Option<String>,
    /// How long names are cut.
    pub generation: Generation,
}

/// The cache could not be reached or refused.
#[derive(Debug, thiserror::Error)]
#[error("the monolith's cache could not be changed; look whether its Redis takes writes")]
pub struct CacheError(#[source] RedisError);

impl Keys {
    /// Where the entry of this name is in Redis. A name of several parts is joined with `/`. What
    /// exceeds 1024 bytes is cut, possibly within a character, and ends in a digest.
    pub fn of(&self, name: &str) -> Vec<u8> {
        const MAX_BYTES: usize = 1024;
        let mut key = match &self.namespace {
            Some(namespace) => format!("{namespace}:{name}").into_bytes(),
            None => name.as_bytes().to_vec(),
        };
        if key.len() > MAX_BYTES {
            let digest = hex::encode(Sha256::digest(&key));
            let suffix = match self.generation {
                Generation::Rails6 => format!(":sha2:{digest}"),
                // ActiveSupport::Digest has 32 digits of any hash.
                Generation::Rails7 => format!(":hash:{}", &digest[..32]),
            };
            key.truncate(MAX_BYTES - suffix.len());
            key.extend_from_slice(suffix.as_bytes());
        }
        key
    }

    /// `Rails.cache.delete_multi(names)`
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn delete(
        &self,
        connection: &mut (impl ConnectionLike + Send + Sync),
        names: &[&str],
    ) -> Result<(), CacheError> {
        if names.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = names.iter().map(|it| self.of(it)).collect();
        connection.del(keys).await.map_err(CacheError)
    }

    /// `Rails.cache.write(name, text, expires_in: …, version: …)`, which Rails 7.1 and later can read.
    ///
    /// # Errors
    /// As [`Keys::delete`].
    pub async fn write(
        &self,
        connection: &mut (impl ConnectionLike + Send + Sync),
        name: &str,
        text: &str,
        expires: Option<Expiry>,
        version: Option<&str>,
    ) -> Result<(), CacheError> {
        let mut command = redis::cmd("SET");
        command.arg(self.of(name)).arg(entry(text, expires, version));
        if let Some(expiry) = expires {
            command.arg("PX").arg(expiry.milliseconds());
        }
        command.query_async(connection).await.map_err(CacheError)
    }
}

/// When an entry ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// What the clock says.
    pub now: OffsetDateTime,
    /// How long it is good, from now.
    pub after: Duration,
}

impl Expiry {
    fn milliseconds(self) -> i128 {
        // Rails rounds up; Redis refuses what is not at least 1.
        ((self.after.whole_nanoseconds() + 999_999) / 1_000_000).max(1)
    }

    #[expect(clippy::cast_precision_loss, reason = "the format has a float")]
    fn at(self) -> f64 {
        (self.now + self.after).unix_timestamp_nanos() as f64 / 1e9
    }
}

/// The entry of a text, as `ActiveSupport::Cache::Coder` of Rails 7.1 dumps it, uncompressed.
pub fn entry(text: &str, expires: Option<Expiry>, version: Option<&str>) -> Vec<u8> {
    const UTF_8: u8 = 2;
    let mut entry = vec![0, 0x11, UTF_8];
    entry.extend_from_slice(&expires.map_or(-1.0, Expiry::at).to_le_bytes());
    let length = version.and_then(|it| i32::try_from(it.len()).ok()).unwrap_or(-1);
    entry.extend_from_slice(&length.to_le_bytes());
    if length >= 0 {
        entry.extend_from_slice(version.unwrap_or_default().as_bytes());
    }
    entry.extend_from_slice(text.as_bytes());
    entry
}

/// `record.cache_key`: `products/7`. `collection` is `model_name.cache_key`, in the plural, with the
/// modules before it.
pub fn record_key(collection: &str, id: u64) -> String {
    format!("{collection}/{id}")
}

/// `record.cache_version`: whoever changes a record must change its `updated_at`, or Rails goes on
/// showing what it had.
pub fn record_version(updated_at: OffsetDateTime) -> String {
    let format =
        format_description!("[year][month][day][hour][minute][second][subsecond digits:6]");
    let time = truncated(updated_at, 6).to_offset(UtcOffset::UTC);
    time.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use time::macros::datetime;

    use super::*;

    fn keys(namespace: Option<&str>, generation: Generation) -> Keys {
        Keys { namespace: namespace.map(str::to_owned), generation }
    }

    #[test]
    fn keys_are_those_of_the_store() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/record.json")).unwrap();
        for vector in vectors["keys"].as_array().unwrap() {
            let name = match vector[0].as_str().map(|it| it.split_once(' ').ok_or(it)) {
                Some(Ok((letter, count))) => letter.repeat(count.parse().unwrap()),
                Some(Err(name)) => name.to_owned(),
                None => "a/1/b".to_owned(),
            };
            let key = keys(vector[1].as_str(), Generation::Rails6).of(&name);
            assert_eq!(hex::encode(key), vector[2], "{vector}");
        }
    }

    #[test]
    fn since_rails_7_long_keys_end_in_half_a_digest() {
        let key = keys(None, Generation::Rails7).of(&"x".repeat(1025));
        // printf 'x%.0s' $(seq 1025) | sha256sum | cut -c1-32
        assert!(key.ends_with(b":hash:c6d8e9905300876046729949cc95c238"), "{}", hex::encode(key));
        assert_eq!(key.len(), 1024);
    }

    /// Made by activesupport 7.1's `Cache::Coder`, which the shop's Rails does not have.
    #[test]
    fn a_text_is_dumped_as_rails_7_1_dumps_it() {
        let now = datetime!(2023-11-14 22:13:00 UTC);
        let expiry = Expiry { now, after: Duration::milliseconds(20_500) };
        for (dumped, expected) in [
            (entry("héllo", None, None), "001102000000000000f0bfffffffff68c3a96c6c6f"),
            (
                entry("héllo", Some(expiry), Some("20240101000000000000")),
                "00110200002040fc54d94114000000323032343031303130303030303030303030303068c3a96c6c6f",
            ),
            (entry("", None, None), "001102000000000000f0bfffffffff"),
        ] {
            assert_eq!(hex::encode(dumped), expected);
        }
        assert_eq!(expiry.milliseconds(), 20_500);
    }

    #[test]
    fn records_are_known_by_their_id_and_their_last_change() {
        assert_eq!(record_key("products", 7), "products/7");
        let updated_at = datetime!(2024-03-18 11:15:00.123_456_789 +2);
        assert_eq!(record_version(updated_at), "20240318091500123456");
    }
}
