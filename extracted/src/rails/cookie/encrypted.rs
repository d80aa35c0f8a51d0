//! Encrypted cookies.
//!
//! Source: actionpack 6.1, `cookies.rb` (`EncryptedKeyRotatingCookieJar`); activesupport 6.1,
//! `message_encryptor.rb` and `message_verifier.rb`.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey},
    cipher::{
        AES_256, AES_CBC_IV_LEN, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    iv::FixedLength,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rand::CryptoRng;
use time::OffsetDateTime;

use super::{
    CookieError, CookieKey, CookieOptions, Jar,
    signed::{SigningDigest, SigningKey, decode, parts},
};
use crate::rails::{key_generator::KeyGenerator, value::Value};

/// `use_authenticated_cookie_encryption`. Under either the cookies of the other are read, so that an
/// application can change over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// AES-256-GCM; the default since `load_defaults 5.2`.
    Gcm,
    /// AES-256-CBC under an HMAC-SHA1.
    Cbc,
}

/// One way in which cookies are encrypted.
#[derive(Clone)]
pub enum EncryptionKey {
    /// `b64(ciphertext)--b64(nonce)--b64(tag)`, AES-256-GCM.
    Gcm([u8; 32]),
    /// `b64(b64(ciphertext)--b64(iv))--hex(hmac)`, AES-256-CBC.
    Cbc([u8; 32], SigningKey),
}

/// `cookies.encrypted`.
pub type EncryptedCookies = Jar<EncryptionKey>;

impl EncryptedCookies {
    /// The jar of an application that is configured so.
    pub fn new(options: &CookieOptions) -> Self {
        let other = match options.encryption {
            Encryption::Gcm => Encryption::Cbc,
            Encryption::Cbc => Encryption::Gcm,
        };
        let key = |it| EncryptionKey::derive(&options.keys, it);
        Self::with(vec![key(options.encryption), key(other)], options)
    }

    /// The cookie's value, before it is escaped.
    ///
    /// # Errors
    /// [`CookieError`] when it is too long, or the value has no form in the serializer.
    pub fn write(
        &self,
        name: &str,
        value: &Value,
        expires: Option<OffsetDateTime>,
        random: &mut impl CryptoRng,
    ) -> Result<String, CookieError> {
        // Only an unusable key could fail here, and keys have the right length by their type.
        self.seal(name, value, expires, |key, it| key.encrypt(it, random).unwrap_or_default())
    }
}

impl EncryptionKey {
    /// The key that an application with this secret uses by itself. For a rotation, from the old
    /// secret, or with the old digest.
    pub fn derive(keys: &KeyGenerator, encryption: Encryption) -> Self {
        match encryption {
            Encryption::Gcm => Self::Gcm(keys.generate_key("authenticated encrypted cookie")),
            Encryption::Cbc => Self::Cbc(
                keys.generate_key("encrypted cookie"),
                SigningKey::derive(keys, "signed encrypted cookie", SigningDigest::Sha1),
            ),
        }
    }

    fn encrypt(&self, plain: Vec<u8>, random: &mut impl CryptoRng) -> Option<String> {
        match self {
            Self::Gcm(key) => encrypt_gcm(key, plain, random),
            Self::Cbc(key, signing) => {
                Some(signing.sign(encrypt_cbc(key, plain, random)?.as_bytes()))
            }
        }
    }
}

impl CookieKey for EncryptionKey {
    fn open(&self, cookie: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Gcm(key) => decrypt_gcm(key, cookie),
            Self::Cbc(key, signing) => decrypt_cbc(key, &signing.open(cookie)?),
        }
    }
}

fn encrypt_gcm(key: &[u8], mut plain: Vec<u8>, random: &mut impl CryptoRng) -> Option<String> {
    let mut nonce = [0; NONCE_LEN];
    random.fill_bytes(&mut nonce);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let fresh = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(fresh, Aad::empty(), &mut plain).ok()?;
    let [text, nonce, tag] =
        [&plain, &nonce[..], tag.as_ref()].map(|it| BASE64_STANDARD.encode(it));
    Some(format!("{text}--{nonce}--{tag}"))
}

fn decrypt_gcm(key: &[u8], cookie: &[u8]) -> Option<Vec<u8>> {
    let parts = parts(cookie);
    let [text, nonce, tag] = parts.get(..3)? else { return None };
    let (mut text, nonce, tag) = (decode(text)?, decode(nonce)?, decode(tag)?);
    // A shorter tag would be easier to forge; OpenSSL would not mind.
    if tag.len() != MAX_TAG_LEN || text.is_empty() {
        return None;
    }
    text.extend(tag);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
    let length = key.open_in_place(nonce, Aad::empty(), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn encrypt_cbc(key: &[u8], mut plain: Vec<u8>, random: &mut impl CryptoRng) -> Option<String> {
    let mut iv = [0; AES_CBC_IV_LEN];
    random.fill_bytes(&mut iv);
    let key = UnboundCipherKey::new(&AES_256, key).ok()?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?;
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(&mut plain, context).ok()?;
    let [text, iv] = [&plain, &iv[..]].map(|it| BASE64_STANDARD.encode(it));
    Some(format!("{text}--{iv}"))
}

/// Only of what the HMAC has proved genuine: the padding tells a forger nothing.
fn decrypt_cbc(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let parts = parts(message);
    let [text, iv] = parts.get(..2)? else { return None };
    let (mut text, iv) = (decode(text)?, decode(iv)?);
    let iv: [u8; AES_CBC_IV_LEN] = iv.try_into().ok()?;
    let key = UnboundCipherKey::new(&AES_256, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let length = key.decrypt(&mut text, context).ok()?.len();
    text.truncate(length);
    Some(text)
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gcm(_) => "Gcm(…)",
            Self::Cbc(..) => "Cbc(…)",
        })
    }
}
