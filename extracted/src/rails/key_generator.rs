//! Keys from `secret_key_base`, as `ActiveSupport` derives them.
//!
//! Source: activesupport 6.1 and 7.0, `key_generator.rb`; railties, `application.rb`
//! (`key_generator`: 1000 iterations).

use std::{fmt, num::NonZeroU32};

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256};

/// The application's iterations; `KeyGenerator.new` by itself would take 65536.
// The compiler evaluates this: it cannot fail later.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// `active_support.key_generator_hash_digest_class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyDigest {
    /// Always up to Rails 6.1, and until `load_defaults 7.0`.
    Sha1,
    /// From `load_defaults 7.0`.
    Sha256,
}

/// Derives keys from one secret.
///
/// A key costs a millisecond; the cookie jars derive theirs once, when they are made, which is what
/// `CachingKeyGenerator` is for in Rails.
#[derive(Clone)]
pub struct KeyGenerator {
    secret: String,
    digest: KeyDigest,
}

impl KeyGenerator {
    /// From the text of `secret_key_base`; hexadecimal digits are not decoded.
    pub fn new(secret_key_base: impl Into<String>, digest: KeyDigest) -> Self {
        Self { secret: secret_key_base.into(), digest }
    }

    /// `generate_key(salt, N)`.
    pub fn generate_key<const N: usize>(&self, salt: &str) -> [u8; N] {
        let algorithm = match self.digest {
            KeyDigest::Sha1 => PBKDF2_HMAC_SHA1,
            KeyDigest::Sha256 => PBKDF2_HMAC_SHA256,
        };
        let mut key = [0; N];
        pbkdf2::derive(algorithm, ITERATIONS, salt.as_bytes(), self.secret.as_bytes(), &mut key);
        key
    }
}

impl fmt::Debug for KeyGenerator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyGenerator").field("digest", &self.digest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Rails 6.1.7.10 and 7.1.5.1.
    const SHA1: [&str; 2] = [
        "b990f38e92ef89bb9dc344e4f0c7e6381e877b22ca31f5eb9d0489bc878dbb71",
        "3b51e5460ec462a6eb3dede3b910db6e5cdd620d7b4ee87edd4e844e70c8ad80\
         17900c2a78d1cc0a54d7410a624f591eb30d04e607480e727e0a93580fd7a442",
    ];
    const SHA256: [&str; 2] = [
        "4a53bce2d8a3c307729ab92f592c66db2c06ec75b695cc370169aa8ab31546fd",
        "6066f5db2ba317ff4e9bbab1bfe56396094674ec24639d3607252e684f5cab03\
         dc024564387dea863a0d7990a3f95e6474fb4207ffb281b23d5771886b774a71",
    ];

    #[test]
    fn keys_are_those_of_rails() {
        for (digest, [encrypted, signed]) in [(KeyDigest::Sha1, SHA1), (KeyDigest::Sha256, SHA256)]
        {
            let keys = KeyGenerator::new("0123456789abcdef".repeat(8), digest);
            let key: [u8; 32] = keys.generate_key("authenticated encrypted cookie");
            assert_eq!(hex::encode(key), encrypted);
            let key: [u8; 64] = keys.generate_key("signed cookie");
            assert_eq!(hex::encode(key), signed);
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", KeyGenerator::new("hunter2", KeyDigest::Sha1));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
