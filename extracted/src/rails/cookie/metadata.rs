//! The envelope that binds a cookie to its name and its expiry: `use_cookies_with_metadata`.
//!
//! Source: activesupport 6.1, `messages/metadata.rb`. Cookies keep this form up to Rails 8, where
//! 7.1 and later know it by its first bytes: the message must come first, without blanks.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use time::{
    OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description,
};

#[derive(Debug, Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "_rails")]
    rails: Metadata<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    exp: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pur: Option<Cow<'a, str>>,
}

/// Puts a serialized value into an envelope, for this purpose and until then; without either it
/// stays bare.
pub(super) fn wrap(
    message: Vec<u8>,
    purpose: Option<String>,
    expires: Option<OffsetDateTime>,
) -> Vec<u8> {
    if purpose.is_none() && expires.is_none() {
        return message;
    }
    let exp = expires.and_then(|it| {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        it.to_offset(UtcOffset::UTC).format(format).ok().map(Cow::Owned)
    });
    let message = Cow::Owned(BASE64_STANDARD.encode(message));
    let rails = Metadata { message, exp, pur: purpose.map(Cow::Owned) };
    // Texts and nothing else: JSON has a form for them.
    crate::rails::json::encode(&Envelope { rails }).unwrap_or_default()
}

/// The purpose that a cookie of this name has.
pub(super) fn purpose(name: &str) -> String {
    format!("cookie.{name}")
}

/// Takes a cookie's value out of its envelope, if its purpose is this cookie's or none, and it has
/// not expired. What is no envelope is the value itself.
pub(super) fn open<'a>(plain: &'a [u8], name: &str, now: OffsetDateTime) -> Option<Cow<'a, [u8]>> {
    let Ok(Envelope { rails }) = serde_json::from_slice(plain) else {
        return Some(Cow::Borrowed(plain));
    };
    let own = rails.pur.as_deref().is_none_or(|it| it.is_empty() || it == purpose(name));
    let fresh = match rails.exp {
        None => true,
        Some(exp) => now < OffsetDateTime::parse(&exp, &Rfc3339).ok()?,
    };
    let message = BASE64_STANDARD.decode(rails.message.as_bytes()).ok()?;
    (own && fresh).then_some(Cow::Owned(message))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn read(plain: &str) -> Option<String> {
        open(plain.as_bytes(), "a", NOW).map(|it| String::from_utf8(it.into_owned()).unwrap())
    }

    #[test]
    fn an_envelope_is_written_as_rails_writes_it() {
        let expires = Some(datetime!(2030-01-01 01:00:00.999_9 +1));
        let text = wrap(b"1".to_vec(), Some(purpose("a<b")), expires);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            r#"{"_rails":{"message":"MQ==","exp":"2030-01-01T00:00:00.999Z","pur":"cookie.a\u003cb"}}"#
        );
        let text = wrap(b"1".to_vec(), Some(purpose("a")), None);
        assert_eq!(text, br#"{"_rails":{"message":"MQ==","exp":null,"pur":"cookie.a"}}"#);
        assert_eq!(wrap(b"1".to_vec(), None, None), b"1");
    }

    #[test]
    fn a_value_is_good_for_its_purpose_and_until_it_expires() {
        for (plain, value) in [
            (r#"{"_rails":{"message":"MQ==","exp":null,"pur":"cookie.a"}}"#, Some("1")),
            (r#"{"_rails":{"message":"MQ==","exp":null,"pur":"cookie.b"}}"#, None),
            (r#"{"_rails":{"message":"MQ==","exp":null,"pur":null}}"#, Some("1")),
            (r#"{"_rails":{"message":"MQ=="}}"#, Some("1")),
            (r#"{"_rails":{"message":"MQ","pur":null}}"#, None),
            (r#"{"_rails":{"message":"MQ==","exp":"2026-01-02T03:04:05.001Z"}}"#, Some("1")),
            (r#"{"_rails":{"message":"MQ==","exp":"2026-01-02T03:04:05.000Z"}}"#, None),
            (r#"{"_rails":{"message":"MQ==","exp":"tomorrow"}}"#, None),
            (r#"{"a":1}"#, Some(r#"{"a":1}"#)),
            ("\u{4}\u{8}0", Some("\u{4}\u{8}0")),
        ] {
            assert_eq!(read(plain).as_deref(), value, "{plain}");
        }
    }
}
