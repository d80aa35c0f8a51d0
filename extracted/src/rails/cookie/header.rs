//! The `Cookie` and `Set-Cookie` fields.
//!
//! Source: rack 2.2, `utils.rb` (`parse_cookies_header`, `add_cookie_to_header`,
//! `add_remove_cookie_to_header`); actionpack 6.1, `cookies.rb` (`handle_options`).

use std::{fmt::Write as _, time::SystemTime};

use http::{HeaderValue, header::InvalidHeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use time::OffsetDateTime;

/// `URI.encode_www_form_component` leaves these alone; a space becomes `+`.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

/// A request's cookies: names as they stand, values with their escapes taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cookies(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Cookies {
    /// Reads a `Cookie` field. Of two of one name the first counts. A raw `+` is a space. A value
    /// whose `%` are malformed stands as it is. What has no `=` has no value, and hides what follows.
    pub fn parse(field: &[u8]) -> Self {
        let mut cookies = Vec::new();
        for (number, pair) in field.split(|it| *it == b';').enumerate() {
            let blanks = pair.iter().take_while(|it| number > 0 && **it == b' ').count();
            let mut parts = pair[blanks..].splitn(2, |it| *it == b'=');
            if let Some(name) = parts.next() {
                cookies.push((name.to_vec(), parts.next().map(unescape)));
            }
        }
        Self(cookies)
    }

    /// The cookie's value.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let first = self.0.iter().find(|(it, _)| it == name.as_bytes());
        first.and_then(|(_, value)| value.as_deref())
    }
}

/// `URI.decode_www_form_component`; what that refuses is left as it is.
fn unescape(value: &[u8]) -> Vec<u8> {
    let escaped = |it: &[u8]| it.iter().take(2).filter(|it| it.is_ascii_hexdigit()).count() == 2;
    if !value.split(|it| *it == b'%').skip(1).all(escaped) {
        return value.to_vec();
    }
    let spaced: Vec<u8> = value.iter().map(|it| if *it == b'+' { b' ' } else { *it }).collect();
    percent_decode(&spaced).collect()
}

/// A `Set-Cookie` field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// Before it is escaped.
    pub name: String,
    /// Before it is escaped.
    pub value: String,
    /// Which hosts get it; none: this one.
    pub domain: Option<String>,
    /// Which paths get it.
    pub path: Option<String>,
    /// Seconds.
    pub max_age: Option<i64>,
    /// To the second.
    pub expires: Option<OffsetDateTime>,
    /// Over TLS only.
    pub secure: bool,
    /// Hidden from scripts.
    pub http_only: bool,
    /// Whether other sites' requests carry it.
    pub same_site: Option<SameSite>,
}

/// `SameSite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// `None`.
    None,
    /// `Lax`; Rails' default since `load_defaults 6.1`.
    Lax,
    /// `Strict`.
    Strict,
}

impl SetCookie {
    /// As `cookies[name] = value` makes it under `load_defaults 6.1`: for every path, lax.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            domain: None,
            path: Some("/".to_owned()),
            max_age: None,
            expires: None,
            secure: false,
            http_only: false,
            same_site: Some(SameSite::Lax),
        }
    }

    /// As `cookies.delete(name)` makes it: empty, and expired long ago.
    pub fn deletion(name: impl Into<String>) -> Self {
        Self { max_age: Some(0), expires: Some(OffsetDateTime::UNIX_EPOCH), ..Self::new(name, "") }
    }

    /// The field's value, with the attributes in Rack's order.
    ///
    /// # Errors
    /// When the domain or the path holds what no field may.
    pub fn to_header(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut text = format!("{}={}", escape(&self.name), escape(&self.value));
        for (name, value) in [("domain", &self.domain), ("path", &self.path)] {
            if let Some(value) = value {
                text.extend(["; ", name, "=", value]);
            }
        }
        // Writing to a String does not fail.
        if let Some(seconds) = self.max_age {
            let _ = write!(text, "; max-age={seconds}");
        }
        if let Some(expires) = self.expires {
            text.extend(["; expires=", &http_date(expires)]);
        }
        text.push_str(if self.secure { "; secure" } else { "" });
        text.push_str(if self.http_only { "; HttpOnly" } else { "" });
        text.push_str(match self.same_site {
            None => "",
            Some(SameSite::None) => "; SameSite=None",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::Strict) => "; SameSite=Strict",
        });
        HeaderValue::try_from(text)
    }
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string().replace(' ', "+")
}

/// Within the years that an HTTP date can name.
fn http_date(time: OffsetDateTime) -> String {
    let last = OffsetDateTime::from_unix_timestamp(253_402_300_799);
    let time = time.clamp(OffsetDateTime::UNIX_EPOCH, last.unwrap_or(time));
    httpdate::fmt_http_date(SystemTime::from(time))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn cookies_are_read_as_rack_reads_them() {
        let cookies = Cookies::parse(
            b"a=1;  b=x%2By+z; a=2;c=%zz+;none;=e; d=;e=f=g; b =7;;%61=8; \xff=\xfe",
        );
        for (name, value) in [
            ("a", Some(&b"1"[..])),
            ("b", Some(b"x+y z")),
            ("c", Some(b"%zz+")),
            ("none", None),
            ("", Some(b"e")),
            ("d", Some(b"")),
            ("e", Some(b"f=g")),
            ("b ", Some(b"7")),
            ("%61", Some(b"8")),
            ("absent", None),
        ] {
            assert_eq!(cookies.get(name), value, "{name:?}");
        }
        assert_eq!(Cookies::parse(b" a=1").get(" a"), Some(&b"1"[..]));
        assert_eq!(Cookies::parse(b"").get(""), None);
    }

    #[test]
    fn a_first_cookie_without_a_value_hides_the_next_of_its_name() {
        assert_eq!(Cookies::parse(b"a; a=2").get("a"), None);
    }

    #[test]
    fn attributes_stand_in_racks_order() {
        let full = SetCookie {
            domain: Some(".shop.test".to_owned()),
            max_age: Some(60),
            expires: Some(datetime!(2030-01-02 03:04:05.9 UTC)),
            secure: true,
            http_only: true,
            ..SetCookie::new("a b", "x+/=é*-._~")
        };
        assert_eq!(
            full.to_header().unwrap(),
            "a+b=x%2B%2F%3D%C3%A9*-._%7E; domain=.shop.test; path=/; max-age=60; \
             expires=Wed, 02 Jan 2030 03:04:05 GMT; secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            SetCookie::deletion("a").to_header().unwrap(),
            "a=; path=/; max-age=0; expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax"
        );
        let split = SetCookie { path: Some("/\r\nX: y".to_owned()), ..SetCookie::new("a", "b") };
        assert!(split.to_header().is_err());
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in ".{0,40}") {
            let header = SetCookie::new("a", value.as_str()).to_header().unwrap();
            let cookies = Cookies::parse(header.as_bytes());
            prop_assert_eq!(cookies.get("a"), Some(value.as_bytes()));
        }

        #[test]
        fn no_field_panics(field in prop::collection::vec(any::<u8>(), 0..80), odd in "[a%4=; +]{0,40}") {
            Cookies::parse(&field);
            Cookies::parse(odd.as_bytes());
        }
    }
}
