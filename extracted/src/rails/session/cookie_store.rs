//! `:cookie_store`: the whole session is in an encrypted cookie.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use rand::CryptoRng;
use time::OffsetDateTime;

use super::{Session, SessionCookie, SessionError, new_id};
use crate::rails::{
    cookie::{CookieOptions, EncryptedCookies, EncryptionKey, SetCookie},
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

    /// `cookies_rotations.rotate :encrypted`: reads what an old key has made, too, and keeps it anew
    /// with the newest.
    #[must_use]
    pub fn rotate(mut self, old: EncryptionKey) -> Self {
        self.cookies = self.cookies.rotate(old);
        self
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

    /// Whether an answer's `Set-Cookie` sets the session to what it was in the request, to no purpose:
    /// Rails sends it with each answer for which an action looked at it. Where it has an end, the
    /// purpose is to put that off.
    pub fn sends_again(&self, asked: &HeaderMap, line: &HeaderValue, now: OffsetDateTime) -> bool {
        if self.cookie.expire_after.is_some() {
            return false;
        }
        let before = self.load(asked, now).ok();
        before.is_some() && before == self.set_by(line, now)
    }

    /// The session that an answer's `Set-Cookie` sets, if it sets one that can be read.
    pub fn set_by(&self, line: &HeaderValue, now: OffsetDateTime) -> Option<Session> {
        let pair = line.as_bytes().split(|it| *it == b';').next().unwrap_or_default();
        let cookie = HeaderMap::from_iter([(COOKIE, HeaderValue::from_bytes(pair).ok()?)]);
        self.load(&cookie, now).ok().filter(Session::exists)
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
