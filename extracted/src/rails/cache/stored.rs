//! An entry as the cache keeps it: a Ruby value and when it ends, in the formats of 6.1, 7.0 and 7.1.
//!
//! Source: activesupport 6.1 and 7.0, `cache.rb` (`Entry`, `Coders`); 7.1, `cache/coder.rb` and
//! `cache/serializer_with_fallback.rb`.

use std::io::{self, Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use time::{Duration, OffsetDateTime};

use crate::rails::{
    job::seconds,
    marshal::{self, MarshalError},
    value::{Content, Encoding, Object, Text, Value},
};

/// As much as Marshal is read of.
const MAX_INFLATED: u64 = 1 << 20;

/// `compress_threshold` when nothing is set. Rails reads what is compressed and what is not.
const COMPRESS_FROM: usize = 1024;

const SIGNATURE: [u8; 2] = [0x00, 0x11];
const MESSAGE_PACK: [u8; 2] = [0xCC, 0x80];
const COMPRESSED: u8 = 0x80;

/// `config.active_support.cache_format_version`. Each is read, whatever is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `6.1`: an object in Marshal.
    Rails61,
    /// `7.0`: an array in Marshal, behind a mark.
    Rails70,
    /// `7.1`: a head, and the value in Marshal.
    Rails71,
}

/// What the cache keeps under a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The value.
    pub value: Value,
    /// Seconds since 1970; none: it stays.
    pub expires_at: Option<f64>,
}

/// An entry that is not legible here. Rails may know more.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// No known beginning.
    #[error("an entry of the cache is of no known format")]
    Unknown,
    /// `:message_pack`.
    #[error(
        "an entry of the cache is in MessagePack: leave it to Rails, or store sessions elsewhere"
    )]
    MessagePack,
    /// It says what no Rails writes.
    #[error("an entry of the cache is malformed: {0}")]
    Malformed(&'static str),
    /// What it holds is not legible.
    #[error("an entry of the cache holds Marshal that cannot be read: leave it to Rails")]
    Marshal(#[from] MarshalError),
    /// Its compression is broken.
    #[error("an entry of the cache could not be inflated")]
    Inflate(#[source] io::Error),
}

impl Stored {
    /// What the bytes hold, in whichever format.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn load(bytes: &[u8]) -> Result<Self, EntryError> {
        match bytes {
            [0x00, 0x11, rest @ ..] => load_71(rest),
            [0x00, rest @ ..] => load_70(rest),
            [0x01, rest @ ..] => load_70(&inflate(rest)?),
            _ if bytes.starts_with(&MESSAGE_PACK) => Err(EntryError::MessagePack),
            _ if marshal::is_marshal(bytes) => load_61(bytes),
            _ => Err(EntryError::Unknown),
        }
    }

    /// The bytes that Rails of this format would write of a value that is no text.
    pub fn dump(
        value: &Value,
        format: Format,
        now: OffsetDateTime,
        expires_in: Option<Duration>,
    ) -> Vec<u8> {
        let expires_at = expires_in.map(|it| seconds(now + it));
        match format {
            Format::Rails61 => dump_61(value, seconds(now), expires_in),
            Format::Rails70 => {
                let mut members = vec![value.clone()];
                members.extend(expires_at.map(Value::Float));
                let (mark, dumped) = shorter(marshal::dump(&Value::Array(members)));
                [&[u8::from(mark)], &dumped[..]].concat()
            }
            Format::Rails71 => {
                let (compressed, payload) = shorter(marshal::dump(value));
                let mut entry = SIGNATURE.to_vec();
                entry.push(if compressed { 1 | COMPRESSED } else { 1 });
                entry.extend(expires_at.unwrap_or(-1.0).to_le_bytes());
                entry.extend((-1_i32).to_le_bytes());
                entry.extend(payload);
                entry
            }
        }
    }

    /// `expired?`
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|it| it <= seconds(now))
    }
}

fn load_61(bytes: &[u8]) -> Result<Stored, EntryError> {
    let Value::Object(object) = marshal::load_entry(bytes)? else {
        return Err(EntryError::Malformed("no entry"));
    };
    if object.class != marshal::CACHE_ENTRY {
        return Err(EntryError::Malformed("no entry"));
    }
    let variable = |name: &str| {
        object.variables.iter().find(|(it, _)| it.bytes == name.as_bytes()).map(|(_, value)| value)
    };
    let value = variable("@value").ok_or(EntryError::Malformed("no value"))?;
    let value = match (variable("@compressed"), value) {
        (None, value) => value.clone(),
        (Some(_), Value::String(text)) => marshal::load(&inflate(&text.bytes)?)?,
        (Some(_), _) => return Err(EntryError::Malformed("what is compressed is no text")),
    };
    let created_at = number(variable("@created_at"))?.unwrap_or(0.0);
    let expires_at = number(variable("@expires_in"))?.map(|it| created_at + it);
    Ok(Stored { value, expires_at })
}

fn load_70(bytes: &[u8]) -> Result<Stored, EntryError> {
    let Value::Array(members) = marshal::load(bytes)? else {
        return Err(EntryError::Malformed("no array"));
    };
    let expires_at = number(members.get(1))?;
    Ok(Stored { value: members.into_iter().next().unwrap_or(Value::Nil), expires_at })
}

fn load_71(rest: &[u8]) -> Result<Stored, EntryError> {
    const SHORT: EntryError = EntryError::Malformed("it ends too early");
    let (&kind, rest) = rest.split_first().ok_or(SHORT)?;
    let (expires_at, rest) = rest.split_first_chunk().ok_or(SHORT)?;
    let (version, rest) = rest.split_first_chunk().ok_or(SHORT)?;
    let expires_at = Some(f64::from_le_bytes(*expires_at)).filter(|it| *it >= 0.0);
    let version = usize::try_from(i32::from_le_bytes(*version)).unwrap_or(0);
    let payload = rest.get(version..).ok_or(SHORT)?;
    let inflated = if kind & COMPRESSED == 0 { payload.to_vec() } else { inflate(payload)? };
    let text = |encoding| Value::String(Text { bytes: inflated.clone(), encoding });
    let value = match kind & !COMPRESSED {
        1 if inflated.starts_with(&MESSAGE_PACK) => return Err(EntryError::MessagePack),
        1 => marshal::load(&inflated)?,
        2 => text(Encoding::Utf8),
        3 => text(Encoding::Binary),
        4 => text(Encoding::UsAscii),
        _ => return Err(EntryError::Unknown),
    };
    Ok(Stored { value, expires_at })
}

fn dump_61(value: &Value, created_at: f64, expires_in: Option<Duration>) -> Vec<u8> {
    let (compressed, dumped) = shorter(marshal::dump(value));
    let kept = if compressed {
        Value::String(Text { bytes: dumped, encoding: Encoding::Binary })
    } else {
        value.clone()
    };
    let expires_in = expires_in.map_or(Value::Nil, |it| Value::Float(it.as_seconds_f64()));
    let mut variables = vec![
        ("@value", kept),
        ("@version", Value::Nil),
        ("@created_at", Value::Float(created_at)),
        ("@expires_in", expires_in),
    ];
    if compressed {
        variables.push(("@compressed", Value::Bool(true)));
    }
    marshal::dump(&Value::Object(Box::new(Object {
        class: marshal::CACHE_ENTRY.to_owned(),
        content: Content::Variables,
        variables: variables.into_iter().map(|(name, value)| (name.into(), value)).collect(),
    })))
}

fn number(value: Option<&Value>) -> Result<Option<f64>, EntryError> {
    match value {
        None | Some(Value::Nil) => Ok(None),
        Some(Value::Float(float)) => Ok(Some(*float)),
        #[expect(clippy::cast_precision_loss, reason = "a time of this age fits")]
        Some(Value::Integer(integer)) => Ok(Some(*integer as f64)),
        Some(_) => Err(EntryError::Malformed("a time that is no number")),
    }
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, EntryError> {
    let mut inflated = Vec::new();
    let mut reader = ZlibDecoder::new(bytes).take(MAX_INFLATED + 1);
    reader.read_to_end(&mut inflated).map_err(EntryError::Inflate)?;
    if inflated.len() as u64 > MAX_INFLATED {
        return Err(EntryError::Malformed("more than 1 MiB"));
    }
    Ok(inflated)
}

/// The bytes, compressed where that is worth it, and whether they are.
fn shorter(bytes: Vec<u8>) -> (bool, Vec<u8>) {
    if bytes.len() < COMPRESS_FROM {
        return (false, bytes);
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let compressed = encoder.write_all(&bytes).and_then(|()| encoder.finish()).ok();
    match compressed.filter(|it| it.len() < bytes.len()) {
        Some(compressed) => (true, compressed),
        None => (false, bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;
    use time::macros::datetime;

    use super::*;
    use crate::rails::value::Hash;

    const NOW: OffsetDateTime = datetime!(2023-11-14 22:13:20 UTC);

    /// Made by activesupport 7.0.8.7 and 7.1.5.1, which the shop's Rails is not: of a small session,
    /// of one that expires half a second after [`NOW`], and of a large one that does.
    const LATER: [(Format, [&str; 3]); 2] = [
        (
            Format::Rails70,
            [
                "0004085b067b0749220c757365725f6964063a064554690c4922105f637372665f746f6b656e063b0054492208616263063b0054",
                "0004085b077b0749220c757365725f6964063a064554690c4922105f637372665f746f6b656e063b0054492208616263063b00546611313730303030303030302e35",
                "01789c63e18866af66f754e2292d4e2d8acf4c61b362730dc9e4f154e2cacb2f492d66b36608f15462bac05e310a46c1281805a360148c82210f40157b9aa0a1b90114e899020062dbb722",
            ],
        ),
        (
            Format::Rails71,
            [
                "001101000000000000f0bfffffffff04087b0749220c757365725f6964063a064554690c4922105f637372665f746f6b656e063b0054492208616263063b0054",
                "00110100002040fc54d941ffffffff04087b0749220c757365725f6964063a064554690c4922105f637372665f746f6b656e063b0054492208616263063b0054",
                "00118100002040fc54d941ffffffff789c63e1a866f754e2292d4e2d8acf4c61b362730dc9e4f154e2cacb2f492d66b36608f15462bac05e310a46c1281805a360148c82210f40153b0061a6b3fe",
            ],
        ),
    ];

    fn small() -> Value {
        Hash::from_iter([("user_id", 7.into()), ("_csrf_token", "abc".into())]).into()
    }

    fn large() -> Value {
        Hash::from_iter([("user_id", 7.into()), ("notes", "x".repeat(2000).into())]).into()
    }

    /// The three sessions of [`LATER`], as Rails 6.1 keeps them.
    fn of_61() -> [String; 3] {
        let file: Json =
            serde_json::from_str(include_str!("../../../tests/vectors/cache.json")).unwrap();
        let entries = file["entries"].as_array().unwrap();
        [0, 1, 2].map(|at| entries[at].as_str().unwrap().to_owned())
    }

    #[test]
    fn what_each_rails_keeps_is_read_and_written() {
        let of_61 = of_61();
        let all =
            LATER.into_iter().chain([(Format::Rails61, [0, 1, 2].map(|at| of_61[at].as_str()))]);
        for (format, entries) in all {
            let half = Some(Duration::milliseconds(500));
            let cases = [(small(), None), (small(), half), (large(), half)];
            for ((value, expires_in), entry) in cases.into_iter().zip(entries) {
                let bytes = hex::decode(entry).unwrap();
                let stored = Stored::load(&bytes).unwrap();
                assert_eq!(stored.value, value, "{format:?}");
                assert_eq!(stored.expires_at, expires_in.map(|_| 1_700_000_000.5), "{format:?}");
                assert!(!stored.is_expired(NOW), "{format:?}");
                let later = NOW + Duration::milliseconds(500);
                assert_eq!(stored.is_expired(later), expires_in.is_some(), "{format:?}");
                let written = Stored::dump(&value, format, NOW, expires_in);
                assert_eq!(Stored::load(&written).unwrap(), stored, "{format:?}");
                if value == small() {
                    assert_eq!(hex::encode(&written), entry, "{format:?}");
                } else {
                    assert!(written.len() < 300, "{format:?}: {} bytes", written.len());
                }
            }
        }
    }

    #[test]
    fn what_is_not_legible_says_why() {
        let packed =
            [&b"\0\x11\x01\0\0\0\0\0\0\xf0\xbf\xff\xff\xff\xff"[..], &MESSAGE_PACK].concat();
        for bytes in [&MESSAGE_PACK[..], &packed] {
            assert!(matches!(Stored::load(bytes), Err(EntryError::MessagePack)), "{bytes:x?}");
        }
        assert!(matches!(Stored::load(b""), Err(EntryError::Unknown)));
        assert!(matches!(Stored::load(b"{}"), Err(EntryError::Unknown)));
        assert!(matches!(Stored::load(b"\x04\x080"), Err(EntryError::Malformed(_))));
        assert!(matches!(Stored::load(b"\0\x11\x01"), Err(EntryError::Malformed(_))));
        assert!(matches!(Stored::load(b"\x01zzz"), Err(EntryError::Inflate(_))));
    }

    #[test]
    fn a_small_entry_does_not_become_a_large_one() {
        let mut encoder = ZlibEncoder::new(vec![1], Compression::best());
        encoder.write_all(&vec![0; 64 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(matches!(Stored::load(&bomb), Err(EntryError::Malformed("more than 1 MiB"))));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(head in 0_usize..5, mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let heads: [&[u8]; 5] = [b"", b"\0\x11", b"\0\x04\x08", b"\x04\x08", b"\x01"];
            bytes.splice(0..0, heads[head].iter().copied());
            let _ = Stored::load(&bytes);
        }

        #[test]
        fn what_is_written_is_read(text in "\\PC{0,600}", seconds in 1..100_000_i64, at in 0_usize..3) {
            let format = [Format::Rails61, Format::Rails70, Format::Rails71][at];
            let value: Value = Hash::from_iter([("a", text.into())]).into();
            let entry = Stored::dump(&value, format, NOW, Some(Duration::seconds(seconds)));
            let stored = Stored::load(&entry).unwrap();
            prop_assert_eq!(&stored.value, &value);
            prop_assert!(!stored.is_expired(NOW));
            prop_assert!(stored.is_expired(NOW + Duration::seconds(seconds)));
        }
    }
}
