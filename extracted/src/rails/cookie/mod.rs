//! Cookies as Rack reads and writes them, and as Rails encrypts and signs them.

mod encrypted;
mod header;
mod jar;
mod metadata;
mod signed;
#[cfg(test)]
mod vectors;

pub use encrypted::{EncryptedCookies, Encryption, EncryptionKey};
pub use header::{Cookies, SameSite, SetCookie};
pub use jar::{CookieKey, Jar};
pub use signed::{SignedCookies, SigningDigest, SigningKey};

use super::{
    key_generator::KeyGenerator,
    serializer::{Serializer, Unwritable},
    value::Value,
};

/// What an application configures for its encrypted and signed cookies.
#[derive(Debug, Clone)]
pub struct CookieOptions {
    /// From `secret_key_base`.
    pub keys: KeyGenerator,
    /// `cookies_serializer`.
    pub serializer: Serializer,
    /// `use_authenticated_cookie_encryption`: GCM since `load_defaults 5.2`.
    pub encryption: Encryption,
    /// `signed_cookie_digest`.
    pub signing: SigningDigest,
    /// `use_cookies_with_metadata`, since `load_defaults 6.0`: a cookie is good under its own name
    /// only.
    pub metadata: bool,
}

/// A genuine cookie's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it holds.
    pub value: Value,
    /// It was made with an old key, or in a format that is being left: Rails writes it anew when it
    /// has read it.
    pub outdated: bool,
}

/// Why a cookie could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CookieError {
    /// `ActionDispatch::Cookies::CookieOverflow`; Rails answers 500.
    #[error("a cookie of {0} bytes is beyond the 4096 that browsers keep: store less in it")]
    Overflow(usize),
    /// The serializer has no form for the value.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}
