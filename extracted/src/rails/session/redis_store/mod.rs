//! Sessions in Redis, whose cookie holds an id: `:cache_store` on a `RedisCacheStore`, and the stores
//! of the gems redis-rack (redis-rails, redis-actionpack) and redis-session-store.
//!
//! Nothing is written while a request is answered: [`RedisStore::save`] only says what is to be, and
//! [`UnsavedSession::save`] does it once the reply is certain.
//!
//! Source: actionpack 6.1.7.10, `middleware/session/cache_store.rb`; rack 2.2,
//! `session/abstract/id.rb` (`SessionId`, `commit_session`); redis-rack 2.1,
//! `rack/session/redis.rb`; redis-store 1.9, `redis/store/{namespace,serialization,ttl}.rb`;
//! redis-session-store 0.11.6, `redis-session-store.rb`. The gems were read, not run.

use std::{fmt, time::Duration as Patience};

use http::HeaderMap;
use rand::CryptoRng;
use redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{
    Session, SessionCookie, SessionError, new_id,
    unsaved::{Change, Entry, UnsavedSession},
};
use crate::rails::{
    cache::{self, Stored},
    serializer::{Serializer, Undecodable},
    value::{Hash, Value},
};

/// How long Redis may take to be reached, and to answer: `RedisCacheStore`'s own read time-out.
const LIMIT: Patience = Patience::from_secs(1);

/// No store makes ids of more bytes.
const MAX_ID: usize = 256;

/// How a session is written in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// As an entry of `ActiveSupport::Cache`; each format is read, this one is written.
    Entry(cache::Format),
    /// By itself.
    Plain(Serializer),
}

/// Where a session was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The public id, which the cookie holds.
    pub(super) id: String,
    /// What Redis held.
    pub(super) bytes: Vec<u8>,
}

/// A store in Redis.
#[derive(Clone)]
pub struct RedisStore {
    /// The cookie that holds the id. `expire_after` is how long Redis keeps a session, too: for a
    /// cache the cache's `expires_in` where the store has none of its own.
    pub cookie: SessionCookie,
    /// What the keys begin with, up to the id: `_session_id:` in a cache without a namespace,
    /// `rack:session:` with redis-rack.
    pub prefix: String,
    /// How they are written.
    pub kept: Kept,
    connection: ConnectionManager,
}

impl RedisStore {
    /// The store in `redis://[:PASSWORD@]HOST:PORT/NUMBER`, which is connected when it is first asked.
    ///
    /// # Errors
    /// When `url` is not such a URL.
    pub fn new(
        url: &str,
        cookie: SessionCookie,
        prefix: impl Into<String>,
        kept: Kept,
    ) -> Result<Self, RedisError> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(Client::open(url)?, settings)?;
        Ok(Self { cookie, prefix: prefix.into(), kept, connection })
    }

    /// The session of a request with these fields. An id that Redis does not know counts for none.
    ///
    /// # Errors
    /// When Redis cannot be asked, or what it holds cannot be read.
    pub async fn load(
        &self,
        headers: &HeaderMap,
        now: OffsetDateTime,
    ) -> Result<Session, SessionError> {
        let id = self.cookie.sent(headers).and_then(|it| String::from_utf8(it).ok());
        let Some(id) = id.filter(|it| is_public(it)) else { return Ok(Session::none()) };
        let mut command = redis::cmd("MGET");
        command.arg(&self.keys(&id));
        let found: Vec<Option<Vec<u8>>> = command.query_async(&mut self.connection.clone()).await?;
        for bytes in found.into_iter().flatten() {
            if let Some((data, outdated)) = self.read(&bytes, now)? {
                return Ok(Session::in_redis(data, outdated, Place { id, bytes }));
            }
        }
        Ok(Session::none())
    }

    /// What is to be done to keep the session, if anything.
    ///
    /// # Errors
    /// When it has no form in its serializer.
    pub fn save(
        &self,
        session: &Session,
        now: OffsetDateTime,
        random: &mut impl CryptoRng,
    ) -> Result<Option<UnsavedSession>, SessionError> {
        let Some(change) = self.change(session, now, random)? else { return Ok(None) };
        let renewed = match &change {
            Change::Begin { id, .. } => Some(id),
            Change::Overwrite { id, .. } | Change::Refresh { id, .. } => {
                self.cookie.expire_after.and(Some(id))
            }
        };
        let cookie = renewed.map(|it| self.cookie.set(it.clone(), now).to_header()).transpose()?;
        Ok(Some(UnsavedSession { change, cookie, connection: self.connection.clone() }))
    }

    /// Rails stores each session that it has loaded, so that it lives on. Here one that did not
    /// change only lives on, unless another request has written it.
    fn change(
        &self,
        session: &Session,
        now: OffsetDateTime,
        random: &mut impl CryptoRng,
    ) -> Result<Option<Change>, SessionError> {
        let (data, due) = session.leaves();
        let entry = self.write(data, now)?;
        let change = match &session.place {
            Some(Place { id, bytes }) if !session.renewed => {
                let (id, keys) = (id.clone(), self.keys(id));
                if due {
                    Change::Overwrite { id, keys, entry }
                } else if self.cookie.expire_after.is_some() {
                    Change::Refresh { id, keys, entry, read: bytes.clone() }
                } else {
                    return Ok(None);
                }
            }
            ended if due => {
                let id = new_id(random);
                let [key, _] = self.keys(&id);
                Change::Begin { id, key, entry, ended: ended.as_ref().map(|it| self.keys(&it.id)) }
            }
            _ => return Ok(None),
        };
        Ok(Some(change))
    }

    /// Under the private id, which does not give a session away to who reads Redis; and under the
    /// public one, where it was before Rails 6.0.2.
    fn keys(&self, id: &str) -> [String; 2] {
        let private = hex::encode(Sha256::digest(id));
        [format!("{}2::{private}", self.prefix), format!("{}{id}", self.prefix)]
    }

    /// The session, and whether it is in a form that is being left; `None` when it has expired.
    fn read(
        &self,
        bytes: &[u8],
        now: OffsetDateTime,
    ) -> Result<Option<(Hash, bool)>, SessionError> {
        let (value, outdated) = match self.kept {
            Kept::Entry(_) => {
                let entry = Stored::load(bytes)?;
                if entry.is_expired(now) || entry.value == Value::Nil {
                    return Ok(None);
                }
                (entry.value, false)
            }
            Kept::Plain(serializer) => serializer.load(bytes)?,
        };
        let hash = value.as_hash().cloned().ok_or(Undecodable::NoHash)?;
        Ok(Some((hash, outdated)))
    }

    fn write(&self, data: Hash, now: OffsetDateTime) -> Result<Entry, SessionError> {
        let (data, lives) = (Value::Hash(data), self.cookie.expire_after);
        let bytes = match self.kept {
            Kept::Entry(format) => Stored::dump(&data, format, now, lives),
            Kept::Plain(serializer) => serializer.dump(&data)?,
        };
        Ok(Entry { bytes, lives })
    }
}

/// Whoever has read the keys of Redis has private ids, which must not open a session as public ones.
fn is_public(id: &str) -> bool {
    id.len() <= MAX_ID && !id.contains("::")
}

impl fmt::Debug for RedisStore {
    /// Without the connection, whose address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("cookie", &self.cookie)
            .field("prefix", &self.prefix)
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
