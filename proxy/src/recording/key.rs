//! The key of recordings, and the keys of their segments, which are derived from it.
//!
//! AES-256-GCM (NIST SP 800-38D). Each segment has a key of its own, derived with HKDF-SHA-256
//! (RFC 5869) from the key and the segment's random salt, so that the number of a record can be its
//! nonce: no two records are ever sealed with the same key and nonce, however many there are.

use std::{fmt, fs, io, path::Path};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use sha2::{Digest as _, Sha256};

/// What a segment's key is for, in its derivation.
const PURPOSE: &[u8] = b"banyan recording 1";

/// The key that everything recorded is encrypted with: 32 bytes.
#[derive(Clone)]
pub struct Key([u8; Self::LENGTH]);

/// The key of one segment.
pub(super) struct SegmentKey(LessSafeKey);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("the recording key in {0} cannot be read")]
    File(String, #[source] io::Error),
    /// It is none.
    #[error(
        "the recording key must be 64 hexadecimal digits; make one with `openssl rand -hex 32`, and \
         keep it: without it nobody can read what was recorded"
    )]
    Form,
    /// The cryptography library refuses: a fault of this program.
    #[error("the recording key cannot be used")]
    Unusable,
}

/// What was sealed is not what is to be opened, or with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forged;

impl Key {
    const LENGTH: usize = 32;

    /// A key written in hexadecimal digits, with white space around it.
    ///
    /// # Errors
    /// [`KeyError::Form`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut key = [0; Self::LENGTH];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| KeyError::Form)?;
        Ok(Self(key))
    }

    /// A key in a file.
    ///
    /// # Errors
    /// [`KeyError::File`] and [`KeyError::Form`].
    pub fn load(file: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(file);
        Self::parse(&text.map_err(|it| KeyError::File(file.display().to_string(), it))?)
    }

    /// By which a segment says which key it needs. Nothing can be learnt of the key from it.
    pub(super) fn id(&self) -> [u8; 8] {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(b"banyan recording key id")
            .chain_update(self.0)
            .finalize()
            .into();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        id
    }

    /// The key of the segment with this salt.
    pub(super) fn derive(&self, salt: &[u8]) -> Result<SegmentKey, KeyError> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(&self.0);
        let derived = secret.expand(&[PURPOSE], &AES_256_GCM).map_err(|_| KeyError::Unusable)?;
        Ok(SegmentKey(LessSafeKey::new(UnboundKey::from(derived))))
    }
}

impl SegmentKey {
    /// Encrypts `text` in place as record `number` of the segment with this header.
    pub(super) fn seal(
        &self,
        header: &[u8],
        number: u64,
        text: &mut Vec<u8>,
    ) -> Result<(), Forged> {
        let sealed = self.0.seal_in_place_append_tag(nonce(number), Aad::from(header), text);
        sealed.map_err(|_| Forged)
    }

    /// Decrypts `text` in place, and checks that it is record `number` of the segment with this
    /// header.
    pub(super) fn open(
        &self,
        header: &[u8],
        number: u64,
        text: &mut Vec<u8>,
    ) -> Result<(), Forged> {
        let opened = self.0.open_in_place(nonce(number), Aad::from(header), text);
        let length = opened.map_err(|_| Forged)?.len();
        text.truncate(length);
        Ok(())
    }
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl fmt::Debug for SegmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: char) -> Key {
        Key::parse(&digit.to_string().repeat(64)).unwrap()
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits_and_is_not_shown() {
        assert_eq!(
            format!("{:?}", Key::parse(&format!(" {}\n", "aB".repeat(32))).unwrap()),
            "Key(…)"
        );
        for text in ["", "ab", &"g".repeat(64), &"a".repeat(66)] {
            assert!(matches!(Key::parse(text), Err(KeyError::Form)), "{text}");
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_header_salt_and_number_only() {
        let sealed = |key: &Key| {
            let mut text = b"a buyer's password".to_vec();
            key.derive(b"salt").unwrap().seal(b"header", 7, &mut text).unwrap();
            text
        };
        let open = |key: &Key, salt: &[u8], header: &[u8], number| {
            let mut text = sealed(&self::key('1'));
            key.derive(salt).unwrap().open(header, number, &mut text).map(|()| text)
        };
        assert_eq!(open(&key('1'), b"salt", b"header", 7).unwrap(), b"a buyer's password");
        assert!(!sealed(&key('1')).windows(5).any(|it| it == b"buyer"));
        assert_eq!(open(&key('2'), b"salt", b"header", 7), Err(Forged));
        assert_eq!(open(&key('1'), b"other", b"header", 7), Err(Forged));
        assert_eq!(open(&key('1'), b"salt", b"reader", 7), Err(Forged));
        assert_eq!(open(&key('1'), b"salt", b"header", 8), Err(Forged));
        assert_ne!(key('1').id(), key('2').id());
    }
}
