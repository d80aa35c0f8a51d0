//! Signed cookies: legible, but not to be changed.
//!
//! Source: actionpack 6.1, `cookies.rb` (`SignedKeyRotatingCookieJar`); activesupport 6.1,
//! `message_verifier.rb`.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use time::OffsetDateTime;

use super::{CookieError, CookieKey, CookieOptions, Jar};
use crate::rails::{key_generator::KeyGenerator, value::Value};

/// `signed_cookie_digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningDigest {
    /// When nothing is set.
    Sha1,
    /// `"SHA256"`.
    Sha256,
    /// `"SHA512"`.
    Sha512,
}

/// One way in which messages are signed: `b64(message)--hex(hmac)`.
#[derive(Clone)]
pub struct SigningKey(Box<hmac::Key>);

/// `cookies.signed`.
pub type SignedCookies = Jar<SigningKey>;

impl SignedCookies {
    /// The jar of an application that is configured so.
    pub fn new(options: &CookieOptions) -> Self {
        let key = SigningKey::derive(&options.keys, "signed cookie", options.signing);
        Self::with(vec![key], options)
    }

    /// As that of [`super::EncryptedCookies`].
    ///
    /// # Errors
    /// As there.
    pub fn write(
        &self,
        name: &str,
        value: &Value,
        expires: Option<OffsetDateTime>,
    ) -> Result<String, CookieError> {
        self.seal(name, value, expires, |key, it| key.sign(&it))
    }
}

impl SigningKey {
    /// From a raw secret, as `rotate :signed` takes it.
    pub fn new(secret: &[u8], digest: SigningDigest) -> Self {
        let algorithm = match digest {
            SigningDigest::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            SigningDigest::Sha256 => hmac::HMAC_SHA256,
            SigningDigest::Sha512 => hmac::HMAC_SHA512,
        };
        Self(Box::new(hmac::Key::new(algorithm, secret)))
    }

    /// The key of a salt; that of signed cookies is `signed cookie`.
    pub fn derive(keys: &KeyGenerator, salt: &str, digest: SigningDigest) -> Self {
        Self::new(&keys.generate_key::<64>(salt), digest)
    }

    pub(super) fn sign(&self, message: &[u8]) -> String {
        let data = BASE64_STANDARD.encode(message);
        let digest = hex::encode(hmac::sign(&self.0, data.as_bytes()));
        format!("{data}--{digest}")
    }
}

impl CookieKey for SigningKey {
    /// The message, when the signature is genuine. Hexadecimal digits are lower case.
    fn open(&self, signed: &[u8]) -> Option<Vec<u8>> {
        let parts = parts(signed);
        let [data, digest] = parts.get(..2)? else { return None };
        if digest.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        hmac::verify(&self.0, data, &hex::decode(digest).ok()?).ok()?;
        decode(data)
    }
}

/// `split("--")`. Rails looks at the parts that it needs and at no more.
pub(super) fn parts(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|it| it == b"--") {
        parts.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    parts.push(rest);
    parts
}

/// `Base64.strict_decode64`.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}
