//! A session that is to be in Redis once the reply is certain.

use std::fmt;

use http::HeaderValue;
use redis::{RedisError, aio::ConnectionManager};
use time::Duration;

/// Writes the session, unless another request has ended it: 0 then. With a third argument only
/// where that is what Redis still holds.
const SCRIPT: &str = "\
local held = redis.call('GET', KEYS[1]) or redis.call('GET', KEYS[2])
if not held then return 0 end
if ARGV[3] and held ~= ARGV[3] then return 1 end
if ARGV[2] == '' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1";

/// What Redis is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    /// For how long; `None` for ever.
    pub(super) lives: Option<Duration>,
}

/// What is to become of a session. Each `keys` is where it is, then where it was before Rails 6.0.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// It begins under a new id, and the one that it had, if any, ends.
    Begin { id: String, key: String, entry: Entry, ended: Option<[String; 2]> },
    /// It is written, unless another request has ended it: who has signed out stays so.
    Overwrite { id: String, keys: [String; 2], entry: Entry },
    /// It lives on as it is, unless it is not any more what was `read`.
    Refresh { id: String, keys: [String; 2], entry: Entry, read: Vec<u8> },
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is kept.
    Kept,
    /// Another request has ended it. The reply goes out without its cookie.
    Ended,
}

/// A session that the store does not have yet. Dropping it leaves the store as it was.
#[must_use]
pub struct UnsavedSession {
    pub(super) change: Change,
    pub(super) cookie: Option<HeaderValue>,
    pub(super) connection: ConnectionManager,
}

impl UnsavedSession {
    /// The `Set-Cookie` field of the reply, where there is to be one.
    pub fn cookie(&self) -> Option<&HeaderValue> {
        self.cookie.as_ref()
    }

    /// Writes it. Doing so twice does no harm.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. Rails answers all the same then, with the cookie.
    pub async fn save(&self) -> Result<Saved, RedisError> {
        let mut connection = self.connection.clone();
        let held: i64 = match &self.change {
            Change::Begin { key, entry, ended, .. } => {
                let mut pipe = redis::pipe();
                pipe.atomic();
                if let Some(keys) = ended {
                    pipe.del(keys).ignore();
                }
                let set = pipe.cmd("SET").arg(key).arg(&entry.bytes);
                if let Some(lives) = milliseconds(entry) {
                    set.arg("PX").arg(lives);
                }
                set.ignore();
                let () = pipe.query_async(&mut connection).await?;
                1
            }
            Change::Overwrite { keys, entry, .. } => {
                script(keys, entry).query_async(&mut connection).await?
            }
            Change::Refresh { keys, entry, read, .. } => {
                script(keys, entry).arg(read).query_async(&mut connection).await?
            }
        };
        Ok(if held == 0 { Saved::Ended } else { Saved::Kept })
    }
}

fn script(keys: &[String; 2], entry: &Entry) -> redis::Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(SCRIPT).arg(keys.len()).arg(keys).arg(&entry.bytes);
    command.arg(milliseconds(entry).map(|it| it.to_string()).unwrap_or_default());
    command
}

/// Rails rounds up; Redis refuses what is not at least 1.
fn milliseconds(entry: &Entry) -> Option<i128> {
    entry.lives.map(|it| ((it.whole_nanoseconds() + 999_999) / 1_000_000).max(1))
}

impl fmt::Debug for UnsavedSession {
    /// Without what the session holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsavedSession").finish_non_exhaustive()
    }
}
