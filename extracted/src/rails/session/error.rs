//! Why a session could not be read or kept.

use redis::RedisError;

use crate::rails::{
    cache::EntryError,
    cookie::CookieError,
    serializer::{Undecodable, Unwritable},
};

/// The session could not be read or kept. Rails raises, or knows more than is known here.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// It is genuine, but not legible here.
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    /// Its entry in the cache is not legible here.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// It has no room in a cookie, or no form in its serializer.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// It has no form in the serializer of its store.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// Its id has no form in a header field.
    #[error("the session's cookie could not be written: check its name and domain")]
    Header(#[from] http::header::InvalidHeaderValue),
    /// Redis could not be asked.
    #[error("the Redis of the sessions cannot be reached or refuses: look at --session-redis")]
    Redis(#[from] RedisError),
}
