//! Cookies that real applications have written, in each of their configurations.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value as Json;
use time::{OffsetDateTime, macros::datetime};

use super::*;
use crate::rails::{json, key_generator::KeyDigest};

/// Before the signed cookies expire.
const NOW: OffsetDateTime = datetime!(2026-11-25 00:00:00 UTC);

fn vectors() -> Vec<Json> {
    let text = include_str!("../../../tests/vectors/cookies.json");
    let file: Json = serde_json::from_str(text).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn options(vector: &Json) -> CookieOptions {
    let config = text(vector, "config");
    let secret = text(vector, "secret_key_base");
    CookieOptions {
        keys: KeyGenerator::new(secret, KeyDigest::Sha1),
        serializer: match config {
            it if it.contains(":marshal") => Serializer::Marshal,
            it if it.contains(":hybrid") => Serializer::Hybrid,
            _ => Serializer::Json,
        },
        encryption: match text(vector, "cipher") {
            "aes-256-gcm" => Encryption::Gcm,
            _ => Encryption::Cbc,
        },
        signing: SigningDigest::Sha1,
        metadata: !vector["purpose"].is_null(),
    }
}

fn text<'a>(vector: &'a Json, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn as_json(value: &Value) -> Json {
    serde_json::from_slice(&json::encode(value).unwrap()).unwrap()
}

/// What a browser sends back, with its escapes off.
fn sent(vector: &Json) -> Vec<u8> {
    let field =
        format!("{}={}", text(vector, "cookie_name"), text(vector, "set_cookie_value_on_wire"));
    Cookies::parse(field.as_bytes()).get(text(vector, "cookie_name")).unwrap().to_vec()
}

#[test]
fn sessions_of_every_configuration_are_read() {
    for vector in vectors() {
        let (config, name) = (text(&vector, "config"), text(&vector, "cookie_name"));
        let jar = EncryptedCookies::new(&options(&vector));
        let cookie = sent(&vector);
        assert_eq!(cookie, text(&vector, "cookie_value").as_bytes(), "{config}");
        let found = jar.read(name, &cookie, NOW).unwrap().expect(config);
        assert_eq!(as_json(&found.value), vector["session"], "{config}");
        assert!(!found.outdated, "{config}");
    }
}

#[test]
fn a_session_is_written_as_rails_wrote_it() {
    for vector in vectors() {
        let (config, name) = (text(&vector, "config"), text(&vector, "cookie_name"));
        let options = options(&vector);
        let jar = EncryptedCookies::new(&options);
        let found = jar.read(name, &sent(&vector), NOW).unwrap().unwrap();
        let message = BASE64_STANDARD.encode(options.serializer.dump(&found.value).unwrap());
        assert_eq!(message, text(&vector, "message_base64"), "{config}");
        let written = jar.write(name, &found.value, None, &mut rand::rng()).unwrap();
        assert_ne!(written.as_bytes(), sent(&vector), "{config}: another nonce");
        let again = jar.read(name, written.as_bytes(), NOW).unwrap().expect(config);
        assert_eq!(again, found, "{config}");
    }
}

#[test]
fn another_name_another_secret_and_any_changed_part_is_no_cookie() {
    for vector in vectors() {
        let (config, name) = (text(&vector, "config"), text(&vector, "cookie_name"));
        let (options, cookie) = (options(&vector), sent(&vector));
        let jar = EncryptedCookies::new(&options);
        if options.metadata {
            assert_eq!(jar.read("other", &cookie, NOW).unwrap(), None, "{config}");
        }
        let keys = KeyGenerator::new("another secret", KeyDigest::Sha1);
        let other = EncryptedCookies::new(&CookieOptions { keys, ..options.clone() });
        assert_eq!(other.read(name, &cookie, NOW).unwrap(), None, "{config}");
        let rotated = other.rotate(EncryptionKey::derive(&options.keys, options.encryption));
        let found = rotated.read(name, &cookie, NOW).unwrap().expect(config);
        assert!(found.outdated, "{config}: by an old key");
        for at in (0..cookie.len()).step_by(7) {
            let mut changed = cookie.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(jar.read(name, &changed, NOW).unwrap(), None, "{config}: byte {at}");
        }
    }
}

#[test]
fn signed_cookies_are_read_and_written_byte_for_byte_until_they_expire() {
    for vector in vectors() {
        let (config, signed) = (text(&vector, "config"), &vector["signed"]);
        let (name, cookie) = (text(signed, "cookie_name"), text(signed, "cookie_value"));
        let options = CookieOptions { metadata: !signed["purpose"].is_null(), ..options(&vector) };
        let jar = SignedCookies::new(&options);
        assert_eq!(sent(signed), cookie.as_bytes(), "{config}");
        let found = jar.read(name, cookie.as_bytes(), NOW).unwrap().expect(config);
        assert_eq!(as_json(&found.value), signed["value"], "{config}");
        let format = time::format_description::well_known::Rfc3339;
        let expires = OffsetDateTime::parse(text(signed, "exp"), &format).unwrap();
        assert_eq!(jar.write(name, &found.value, Some(expires)).unwrap(), cookie, "{config}");
        assert_eq!(jar.read(name, cookie.as_bytes(), expires).unwrap(), None, "{config}");
    }
}
