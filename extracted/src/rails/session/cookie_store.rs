//! `:cookie_store`: the whole session is in an encrypted cookie.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use rand::CryptoRng;
use time::{Duration, OffsetDateTime};

use super::Session;
use crate::rails::{
    cookie::{CookieError, CookieOptions, Cookies, EncryptedCookies, SameSite, SetCookie},
    serializer::Undecodable,
    value::Value,
};

/// The session could not be read or kept. Rails raises, or knows more than is known here.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// It is genuine, but not legible here.
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    /// It has no room in a cookie, or no form in its serializer.
    #[error(transparent)]
    Cookie(#[from] CookieError),
}

/// `config.session_store :cookie_store, key: …`.
#[derive(Debug, Clone)]
pub struct CookieStore {
    /// The cookie's name: `_shop_session`.
    pub name: String,
    /// `secure: true`, or `config.force_ssl`.
    pub secure: bool,
    /// `domain:`.
    pub domain: Option<String>,
    /// `same_site:`; lax since `load_defaults 6.1`.
    pub same_site: Option<SameSite>,
    /// `expire_after:`: the cookie is sent with each answer then, so that it lives on.
    pub expire_after: Option<Duration>,
    cookies: EncryptedCookies,
}

impl CookieStore {
    /// The store of an application that is configured so, with Rails' defaults for the rest.
    pub fn new(name: impl Into<String>, options: &CookieOptions) -> Self {
        Self {
            name: name.into(),
            secure: false,
            domain: None,
            same_site: Some(SameSite::Lax),
            expire_after: None,
            cookies: EncryptedCookies::new(options),
        }
    }

    /// Whether a request with these fields brings a session's cookie, genuine or not.
    pub fn is_sent(&self, headers: &HeaderMap) -> bool {
        cookies(headers).get(&self.name).is_some_and(|it| !it.is_empty())
    }

    /// The session of a request with these fields. A cookie that is not genuine counts for none.
    ///
    /// # Errors
    /// When it is genuine and cannot be read.
    pub fn load(&self, headers: &HeaderMap, now: OffsetDateTime) -> Result<Session, SessionError> {
        let cookies = cookies(headers);
        let Some(cookie) = cookies.get(&self.name) else { return Ok(Session::none()) };
        let Some(found) = self.cookies.read(&self.name, cookie, now)? else {
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
        let mut id = [0; 16];
        random.fill_bytes(&mut id);
        let kept = self.expire_after.is_some() && session.id().is_some();
        let data = session.to_store(|| hex::encode(id));
        let Some(data) = data.or_else(|| kept.then(|| session.data.clone())) else {
            return Ok(None);
        };
        let expires = self.expire_after.map(|it| now + it);
        let value = self.cookies.write(&self.name, &Value::Hash(data), expires, random)?;
        Ok(Some(SetCookie {
            domain: self.domain.clone(),
            expires,
            secure: self.secure,
            http_only: true,
            same_site: self.same_site,
            ..SetCookie::new(self.name.clone(), value)
        }))
    }
}

/// HTTP/2 may bring each cookie in a line of its own.
fn cookies(headers: &HeaderMap) -> Cookies {
    let lines: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    Cookies::parse(&lines.join(&b"; "[..]))
}
