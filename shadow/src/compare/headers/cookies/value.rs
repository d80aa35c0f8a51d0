//! What a cookie's value says: of one that Rails has signed what is in it, which needs no key.
//!
//! Source: activesupport, `message_verifier.rb`, `message_encryptor.rb` and `messages/metadata.rb`.

use std::{borrow::Cow, fmt::Write as _};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use time::OffsetDateTime;

use crate::compare::{
    Value,
    json::parse,
    rule::{is_uuid, parse_time},
};

/// A value of so many letters and digits may be random, or as good.
const OPAQUE: usize = 16;

/// Hexadecimal digits of HMACs with SHA-1, SHA-256, SHA-384 and SHA-512.
const DIGESTS: [usize; 4] = [40, 64, 96, 128];

/// Bytes of the nonce and of the tag of AES-256-GCM.
const GCM: [usize; 2] = [12, 16];

/// Bytes of a block of AES-256-CBC.
const CBC: usize = 16;

/// A value in a comparable form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents<'a> {
    /// `None` for what is encrypted or random: another one each time, and equal ones would not say
    /// much. What the monolith's session holds is compared elsewhere, as an attribute.
    pub(super) text: Option<Cow<'a, str>>,
    /// How it is kept, and for what.
    pub(super) marks: Vec<String>,
    /// Until when Rails takes it.
    pub(super) until: Option<OffsetDateTime>,
}

enum Sealed {
    Encrypted,
    /// What it says.
    Signed(Vec<u8>),
}

impl<'a> Contents<'a> {
    /// Of a value without its escapes.
    pub(super) fn of(value: Cow<'a, str>) -> Self {
        match sealed(&value) {
            Some(Sealed::Encrypted) => Self::marked("(encrypted)", None),
            Some(Sealed::Signed(message)) => Contents::signed(&message),
            None => Self { text: Some(value).filter(|it| !is_random(it)), ..Self::default() },
        }
    }

    fn marked(mark: &str, text: Option<String>) -> Self {
        Self { text: text.map(Cow::Owned), marks: vec![mark.to_owned()], until: None }
    }
}

impl Contents<'static> {
    /// A message, in the envelope that binds it to a cookie's name and its end, or bare.
    fn signed(message: &[u8]) -> Self {
        let Ok(document) = parse(message) else { return Self::serialized(message) };
        let root = document.root();
        let Some(envelope) = root.member("_rails") else { return Self::said(root) };
        let mut contents = match (envelope.member("message"), envelope.member("data")) {
            (Some(Value::String(message)), _) => match decoded(message) {
                Some(message) => Self::serialized(&message),
                None => return Self::said(root),
            },
            // As Rails 7.1 and later write it where the serializer is that of the envelope.
            (_, Some(data)) => Self::said(data),
            _ => return Self::said(root),
        };
        if let Some(Value::String(purpose)) = envelope.member("pur") {
            contents.marks.push(format!("(purpose)={purpose}"));
        }
        if let Some(Value::String(end)) = envelope.member("exp") {
            contents.until = parse_time(end);
        }
        contents
    }

    /// What a serializer wrote: JSON, or byte for byte what another one did.
    fn serialized(message: &[u8]) -> Self {
        match parse(message) {
            Ok(document) => Self::said(document.root()),
            Err(_) => Self::marked("(signed)", Some(message.escape_ascii().to_string())),
        }
    }

    /// A text without its quotes, as rules have it; the mark tells `"1"` from `1`.
    fn said(value: Value<'_>) -> Self {
        if let Value::String(text) = value {
            let text = Some(text.to_owned()).filter(|it| !is_random(it));
            return Self::marked("(signed text)", text);
        }
        let mut text = String::new();
        write(&mut text, value);
        Self::marked("(signed)", Some(text))
    }
}

/// JSON with its members sorted, and without what is random. Recursion is bounded by the parser's
/// depth limit.
fn write(text: &mut String, value: Value<'_>) {
    // Writing to a String cannot fail.
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(it) => _ = write!(text, "{it}"),
        Value::Number(it) => text.push_str(it),
        Value::String(it) if is_random(it) => text.push_str("(random)"),
        Value::String(it) => _ = write!(text, "{it:?}"),
        Value::Array(elements) => {
            text.push('[');
            for (at, element) in elements.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                write(text, element);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, member)) in members.into_iter().enumerate() {
                _ = write!(text, "{}{name:?}:", if at > 0 { "," } else { "" });
                write(text, member);
            }
            text.push('}');
        }
    }
}

/// Whether a value has the form of what Rails makes: `base64--hexdigest` when it is signed, or, in
/// front of the digest, in base64, `base64--base64` with the vector of AES-256-CBC; or
/// `base64--base64--base64` with the nonce and the tag of AES-256-GCM.
fn sealed(value: &str) -> Option<Sealed> {
    let (rest, last) = value.rsplit_once("--")?;
    if DIGESTS.contains(&last.len()) && last.bytes().all(|it| it.is_ascii_hexdigit()) {
        let message = decoded(rest)?;
        let is_encrypted = str::from_utf8(&message).is_ok_and(is_cbc);
        return Some(if is_encrypted { Sealed::Encrypted } else { Sealed::Signed(message) });
    }
    let (text, nonce) = rest.rsplit_once("--")?;
    let lengths = [nonce, last].map(|it| decoded(it).map(|it| it.len()));
    (decoded(text).is_some() && lengths == GCM.map(Some)).then_some(Sealed::Encrypted)
}

fn is_cbc(message: &str) -> bool {
    let Some((text, vector)) = message.split_once("--") else { return false };
    let blocks = [text, vector].map(|it| decoded(it).map_or(0, |it| it.len()));
    blocks[0] > 0 && blocks[0].is_multiple_of(CBC) && blocks[1] == CBC
}

/// Rails' cookies have the alphabet of RFC 4648 §4 with padding; what is made to stand in a URL, that of
/// §5 without.
fn decoded(text: &str) -> Option<Vec<u8>> {
    [BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD].iter().find_map(|it| it.decode(text).ok())
}

/// Whether letters and digits change places in a value as they do by chance, and not as in words, numbers
/// and paths. Of hexadecimal digits every second one is followed by one of the other kind, of base 36
/// two in five; where letters are of both cases, of base 58 and 64, every second one, and of words in camel
/// case fewer than one in six.
fn is_random(value: &str) -> bool {
    if is_uuid(value) {
        return true;
    }
    let has = |is: fn(&u8) -> bool| value.bytes().any(|it| is(&it));
    let is_of_both_cases = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let share = if is_of_both_cases { 6 } else { 8 };
    let signs = value.bytes().filter(u8::is_ascii_alphanumeric).count();
    !value.starts_with('/')
        && signs >= OPAQUE
        && value.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_+/.=~".contains(&it))
        && has(u8::is_ascii_alphabetic)
        && has(u8::is_ascii_digit)
        && changes(value.as_bytes()) * share >= signs
}

/// How often a digit, a small or a capital letter stands beside one of another kind, apart from the capital
/// letter that begins a word.
fn changes(value: &[u8]) -> usize {
    let kind = |it: u8| match it {
        b'0'..=b'9' => Some('0'),
        b'a'..=b'z' => Some('a'),
        b'A'..=b'Z' => Some('A'),
        _ => None,
    };
    let mut kinds = value.iter().map(|it| kind(*it));
    let (mut before, mut last) = (None, kinds.next().flatten());
    let mut changes = 0;
    for next in kinds {
        let begins_a_word = before != Some('A') && last == Some('A') && next == Some('a');
        changes += usize::from(last.is_some() && next.is_some() && last != next && !begins_a_word);
        (before, last) = (last, next);
    }
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn base64(text: impl AsRef<[u8]>) -> String {
        BASE64_STANDARD.encode(text)
    }

    fn signed(message: impl AsRef<[u8]>) -> String {
        format!("{}--{}", base64(message), "0beec7b5".repeat(5))
    }

    fn contents(value: &str) -> Contents<'_> {
        Contents::of(value.into())
    }

    /// What is compared of a message, and how it is kept.
    fn read(message: impl AsRef<[u8]>) -> (Option<String>, Vec<String>) {
        let value = signed(message);
        let Contents { text, marks, .. } = contents(&value);
        (text.map(Cow::into_owned), marks)
    }

    #[test]
    fn only_what_has_the_form_of_rails_is_sealed() {
        let (cipher, nonce, tag, vector) = ([7; 32], [1; 12], [2; 16], [3; 16]);
        let gcm = [&cipher[..], &nonce, &tag].map(base64).join("--");
        let cbc = signed([&cipher[..], &vector].map(base64).join("--"));
        for value in [&gcm, &cbc] {
            assert_eq!(contents(value), Contents::marked("(encrypted)", None), "{value}");
        }
        let cut = base64(&tag[..15]);
        for value in [
            "dark--blue",
            "IjEi--0beec7b5",
            "--",
            "a--b--c",
            &format!("not base64--{}", "0".repeat(40)),
            &format!("{}--{}--{cut}", base64("a"), base64(nonce)),
        ] {
            assert!(sealed(value).is_none(), "{value}");
        }
    }

    #[test]
    fn a_signed_value_is_what_it_says() {
        let text = |text: &str, mark: &str| (Some(text.to_owned()), vec![mark.to_owned()]);
        for (message, expected) in [
            ("1", text("1", "(signed)")),
            ("\"1\"", text("1", "(signed text)")),
            ("null", text("null", "(signed)")),
            (
                r#"{"b":[1.50,true],"a":{"c":null}}"#,
                text(r#"{"a":{"c":null},"b":[1.50,true]}"#, "(signed)"),
            ),
            (r#"["93b1de3b1e3c4a1d9f1d"]"#, text("[(random)]", "(signed)")),
            ("\u{4}\u{8}i\u{6}", text(r"\x04\x08i\x06", "(signed)")),
            (r#"{"_rails":{}}"#, text(r#"{"_rails":{}}"#, "(signed)")),
            ("\"93b1de3b1e3c4a1d9f1d\"", (None, vec!["(signed text)".to_owned()])),
        ] {
            assert_eq!(read(message), expected, "{message}");
        }
        let url_safe = format!("{}--{}", BASE64_URL_SAFE_NO_PAD.encode("\"??>\""), "0".repeat(64));
        assert_eq!(contents(&url_safe).text.as_deref(), Some("??>"));
    }

    #[test]
    fn what_is_random_is_told_from_words_numbers_and_paths() {
        for value in [
            "93b1de3b1e3c4a1d9f1d",
            "67f6f3d2-8b5e-4a8b-9d3c-0c9b6d8e1f10",
            "00000000-0000-4000-8000-000000000000",
            "Zk3v-9QxWb_7TnLpR2cY4w",
            "pX27zsMN2ViQKta1bGfLmVJE",
            "k2hd8x0q7mz41bt9",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        ] {
            assert!(is_random(value), "{value}");
        }
        for value in [
            "/orders/1234567/edit",
            "/confirm/93b1de3b1e3c4a1d9f1d",
            "orders/1234567/edit/2",
            "summer-sale-2026",
            "summersale2026vip",
            "SummerSale2026-WinterSale2025",
            "GA1.2.1234567890.1700000000",
            "de-DE.utf-8.v2.2026-11-29",
            "1700000000000000",
            "k2hd8x0q7mz41bt",
        ] {
            assert!(!is_random(value), "{value}");
        }
    }

    #[test]
    fn an_envelope_is_opened() {
        let envelopes = [
            format!(
                r#"{{"_rails":{{"message":"{}","exp":"2026-11-24T12:00:00.000Z","pur":"cookie.a"}}}}"#,
                base64("[7]")
            ),
            r#"{"_rails":{"data":[7],"exp":"2026-11-24T12:00:00.000Z","pur":"cookie.a"}}"#
                .to_owned(),
        ];
        for envelope in envelopes {
            let expected = Contents {
                text: Some("[7]".into()),
                marks: vec!["(signed)".to_owned(), "(purpose)=cookie.a".to_owned()],
                until: Some(datetime!(2026-11-24 12:00 UTC)),
            };
            assert_eq!(contents(&signed(&envelope)), expected, "{envelope}");
        }
        let bare = format!(r#"{{"_rails":{{"message":"{}","exp":null,"pur":null}}}}"#, base64("7"));
        assert_eq!(contents(&signed(bare)), Contents::marked("(signed)", Some("7".to_owned())));
    }

    proptest! {
        #[test]
        fn no_value_breaks_a_reader(value in ".{0,60}", message in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = (contents(&value), contents(&signed(message)));
        }
    }
}
