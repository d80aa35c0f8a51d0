//! What is told of a value that is not shown: what it is, roughly how long, and a keyed hash.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    Digest,
    compare::{is_uuid, parse_time},
};

/// The key of a store. A hash under it is an HMAC-SHA256 (RFC 2104).
#[derive(Clone)]
pub(super) struct Key(pub(super) [u8; 32]);

impl Key {
    /// `‹text of 9–32 #0a1b2c3d›`. An empty value is told as such: there is nothing to hide.
    pub(super) fn shape(&self, text: &mut String, what: &str, value: &str) {
        if value.is_empty() {
            return text.push_str("‹empty›");
        }
        let hash = self.hash(value.as_bytes());
        // Writing to a String cannot fail.
        let _ = write!(text, "‹{what} of {} #{hash}›", signs(value.chars().count()));
    }

    /// The shape of a text, or of the number, the time or the UUID that it is.
    pub(super) fn text(&self, text: &mut String, value: &str) {
        let fixed = match value {
            _ if is_uuid(value) => "uuid",
            _ if parse_time(value).is_some() => "time",
            _ if !value.is_empty() && value.bytes().all(|it| it.is_ascii_digit()) => {
                return self.shape(text, "digits", value);
            }
            _ => return self.shape(text, "text", value),
        };
        let hash = self.hash(value.as_bytes());
        let _ = write!(text, "‹{fixed} #{hash}›");
    }

    pub(super) fn body(&self, text: &mut String, body: &[u8]) {
        let (size, hash) = (size(body.len()), self.hash(body));
        let _ = write!(text, "‹body of {size} #{hash}›");
    }

    pub(super) fn digest(&self, text: &mut String, Digest { bytes, sha256 }: &Digest) {
        let (size, hash) = (size(usize::try_from(*bytes).unwrap_or(usize::MAX)), self.hash(sha256));
        let _ = write!(text, "‹body of {size}, by digest #{hash}›");
    }

    fn hash(&self, value: &[u8]) -> String {
        hex::encode(&self.keyed(&[value])[..4])
    }

    /// A line end stands in none of the parts, but maybe in the last.
    pub(super) fn keyed(&self, parts: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            // HMAC takes keys of any length.
            return [0; 32];
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                mac.update(b"\n");
            }
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The class of a length in characters: a name or an address can be known by its exact length.
const fn signs(length: usize) -> &'static str {
    match length {
        0..=8 => "1–8",
        9..=32 => "9–32",
        33..=128 => "33–128",
        129..=1024 => "129–1024",
        _ => "over 1024",
    }
}

/// The class of a length in bytes.
const fn size(length: usize) -> &'static str {
    match length {
        0 => "no bytes",
        1..=1024 => "up to 1 KiB",
        1025..=16_384 => "1–16 KiB",
        16_385..=262_144 => "16–256 KiB",
        _ => "over 256 KiB",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> String {
        let mut text = String::new();
        Key([7; 32]).text(&mut text, value);
        text
    }

    #[test]
    fn a_shape_tells_the_kind_and_the_class_of_the_length() {
        for (value, shape) in [
            ("Ada", "‹text of 1–8 #"),
            ("Ada Lovelace", "‹text of 9–32 #"),
            ("4711", "‹digits of 1–8 #"),
            ("2026-11-29T03:04:05Z", "‹time #"),
            ("123e4567-e89b-12d3-a456-426614174000", "‹uuid #"),
        ] {
            assert!(text(value).starts_with(shape), "{value}: {}", text(value));
        }
        assert_eq!(text(""), "‹empty›");
    }

    #[test]
    fn names_of_nearly_the_same_length_look_alike_but_for_the_hash() {
        let plain = |value| text(value).split(" #").next().map(str::to_owned);
        assert_eq!(plain("Bo"), plain("Bernard"));
        assert_ne!(text("Bo"), text("Bernard"));
    }

    #[test]
    fn equal_values_have_equal_hashes_under_one_key_only() {
        let hash = |key, text: &str| Key([key; 32]).hash(text.as_bytes());
        assert_eq!(hash(1, "secret"), hash(1, "secret"));
        assert_ne!(hash(1, "secret"), hash(1, "other"));
        assert_ne!(hash(1, "secret"), hash(2, "secret"));
    }
}
