//! `:cookie_store`: the whole session is in an encrypted cookie.

use http::HeaderMap;
use rand::CryptoRng;
use time::OffsetDateTime;

use super::{Session, SessionCookie, SessionError, new_id};
use crate::rails::{
    cookie::{CookieOptions, EncryptedCookies, SetCookie},
    serializer::Undecodable,
    value::Value,
};

/// `config.session_store :cookie_store, key: …`.
#[derive(Debug, Clone)]
pub struct CookieStore {
    /// The cookie that the session is in.
    pub cookie: SessionCookie,
    cookies: EncryptedCookies,
}

impl CookieStore {
    /// The store of an application that keeps cookies so.
    pub fn new(cookie: SessionCookie, options: &CookieOptions) -> Self {
        Self { cookie, cookies: EncryptedCookies::new(options) }
    }

    /// The session of a request with these fields. A cookie that is not genuine counts for none.
    ///
    /// # Errors
    /// When it is genuine and cannot be read.
    pub fn load(&self, headers: &HeaderMap, now: OffsetDateTime) -> Result<Session, SessionError> {
        let Some(cookie) = self.cookie.sent(headers) else { return Ok(Session::none()) };
        let Some(found) = self.cookies.read(&self.cookie.name, &cookie, now)? else {
            return Ok(Session::none());
        };
        let hash = match found.value {
            Value::Hash(hash) => hash,
            other => other.as_hash().cloned().ok_or(Undecodable::NoHash)?,
        };
        Ok(Session::stored(hash, found.outdated))
    }

    /// The field that keeps the session, if it has to be sent.
    ///
    /// # Errors
    /// When a cookie cannot hold it.
    pub fn save(
        &self,
        session: &Session,
        now: OffsetDateTime,
        random: &mut impl CryptoRng,
    ) -> Result<Option<SetCookie>, SessionError> {
        let kept = self.cookie.expire_after.is_some() && session.id().is_some();
        let data = session.to_store(|| new_id(random));
        let Some(data) = data.or_else(|| kept.then(|| session.data.clone())) else {
            return Ok(None);
        };
        let (name, expires) = (&self.cookie.name, self.cookie.expires(now));
        let value = self.cookies.write(name, &Value::Hash(data), expires, random)?;
        Ok(Some(self.cookie.set(value, now)))
    }
}
