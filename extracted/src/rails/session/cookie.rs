//! The session's cookie, whatever it holds: the session itself, or its id.
//!
//! Source: rack 2.2, `session/abstract/id.rb` (`set_cookie`); actionpack 6.1,
//! `middleware/session/abstract_store.rb`.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use time::{Duration, OffsetDateTime};

use crate::rails::cookie::{Cookies, SameSite, SetCookie};

/// The options of `config.session_store` that its cookie shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie {
    /// `key:`: `_shop_session`.
    pub name: String,
    /// `secure: true`, or `config.force_ssl`.
    pub secure: bool,
    /// `domain:`.
    pub domain: Option<String>,
    /// `same_site:`; lax since `load_defaults 6.1`.
    pub same_site: Option<SameSite>,
    /// `expire_after:`: the cookie is sent with each answer then, so that it lives on.
    pub expire_after: Option<Duration>,
}

impl SessionCookie {
    /// The cookie of this name, with Rails' defaults for the rest.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            secure: false,
            domain: None,
            same_site: Some(SameSite::Lax),
            expire_after: None,
        }
    }

    /// What a request with these fields brings, genuine or not, if it is not empty.
    pub fn sent(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        // HTTP/2 may bring each cookie in a line of its own.
        let lines: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        let cookies = Cookies::parse(&lines.join(&b"; "[..]));
        cookies.get(&self.name).filter(|it| !it.is_empty()).map(<[u8]>::to_vec)
    }

    /// When a session that is kept now ends.
    pub(super) fn expires(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.expire_after.map(|it| now + it)
    }

    /// The field that sets it to this value.
    pub(super) fn set(&self, value: impl Into<String>, now: OffsetDateTime) -> SetCookie {
        SetCookie {
            domain: self.domain.clone(),
            expires: self.expires(now),
            secure: self.secure,
            http_only: true,
            same_site: self.same_site,
            ..SetCookie::new(self.name.clone(), value)
        }
    }
}
