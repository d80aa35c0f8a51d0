//! What encrypted and signed cookies have in common: keys that rotate, a serializer, an envelope.
//!
//! Source: actionpack 6.1, `cookies.rb` (`SerializedCookieJars`).

use time::OffsetDateTime;

use super::{CookieError, CookieOptions, Found, metadata};
use crate::rails::{
    serializer::{Serializer, Undecodable},
    value::Value,
};

/// Browsers keep no more of a cookie's value; before it is escaped.
const MAX_BYTES: usize = 4096;

/// A key that cookies are made with, and opened.
pub trait CookieKey {
    /// What is inside; `None` for what was not made with this key.
    fn open(&self, cookie: &[u8]) -> Option<Vec<u8>>;
}

/// Cookies of one kind.
#[derive(Debug, Clone)]
pub struct Jar<K> {
    /// The first writes; all read.
    keys: Vec<K>,
    serializer: Serializer,
    metadata: bool,
}

impl<K: CookieKey> Jar<K> {
    pub(super) const fn with(keys: Vec<K>, options: &CookieOptions) -> Self {
        Self { keys, serializer: options.serializer, metadata: options.metadata }
    }

    /// `cookies_rotations.rotate`: reads what an old key has made, too.
    #[must_use]
    pub fn rotate(mut self, old: K) -> Self {
        self.keys.push(old);
        self
    }

    /// The value of the cookie of this name, whose escapes are off. `None` for whatever is not
    /// genuine, not this cookie's, or expired.
    ///
    /// # Errors
    /// [`Undecodable`] when it is genuine and cannot be read, where Rails raises.
    pub fn read(
        &self,
        name: &str,
        cookie: &[u8],
        now: OffsetDateTime,
    ) -> Result<Option<Found>, Undecodable> {
        let opened =
            self.keys.iter().enumerate().find_map(|(at, key)| Some((at, key.open(cookie)?)));
        let Some((at, plain)) = opened else { return Ok(None) };
        // Rails asks twice: for this cookie's own purpose, then for none, which is what cookies from
        // before the metadata have.
        let Some(message) = metadata::open(&plain, name, now) else { return Ok(None) };
        let (value, moved) = self.serializer.load(&message)?;
        Ok((value != Value::Nil).then_some(Found { value, outdated: at > 0 || moved }))
    }

    /// The cookie's value, before it is escaped: what `seal` makes of it with the newest key.
    pub(super) fn seal(
        &self,
        name: &str,
        value: &Value,
        expires: Option<OffsetDateTime>,
        seal: impl FnOnce(&K, Vec<u8>) -> String,
    ) -> Result<String, CookieError> {
        let purpose = self.metadata.then(|| metadata::purpose(name));
        let plain = metadata::wrap(self.serializer.dump(value)?, purpose, expires);
        let cookie = seal(&self.keys[0], plain);
        if cookie.len() > MAX_BYTES { Err(CookieError::Overflow(cookie.len())) } else { Ok(cookie) }
    }
}
