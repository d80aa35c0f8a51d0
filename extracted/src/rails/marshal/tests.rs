//! What Ruby writes, what it may not hold, and that nothing hostile gets through.

use proptest::prelude::*;

use super::*;
use crate::rails::value::{BigInteger, Content, Encoding, Hash, Object, Text, Value};

fn bytes(hex_digits: &str) -> Vec<u8> {
    hex::decode(hex_digits).unwrap()
}

/// What Ruby 3.1.2 wrote.
#[test]
fn what_ruby_wrote_is_written_back_to_the_byte() {
    for dumped in [
        "040869020001",                                               // 256
        "040869ff84",                                                 // -124
        "040869fefffe",                                               // -257
        "04086903ffffff",                                             // 2**24-1
        "04086904ffffff3f",                                           // 2**30-1
        "040869fc000000c0",                                           // -2**30
        "04086c2b0700000040",                                         // 2**30
        "04086c2d0701000040",                                         // -2**30-1
        "04086c2b090000000000000080",                                 // 2**63
        "04086c2b0b050000000000000000000100",                         // 2**80+5
        "0408660631",                                                 // 1.0
        "040866072d30",                                               // -0.0
        "0408660931653230",                                           // 1e20
        "0408661a312e32333435363738393031323334353638653137",         // 1.2345678901234568e17
        "0408660b302e30303031",                                       // 0.0001
        "0408660931652d35",                                           // 1e-5
        "0408660b35652d333234",                                       // 5e-324
        "04086608316532",                                             // 100.0
        "0408660e31323334352e363738",                                 // 12345.678
        "04086608696e66",                                             // Infinity
        "0408492207c3a9063a064554",                                   // "é"
        "040849220661063a064546",                                     // "a" in US-ASCII
        "0408220661",                                                 // "a" in binary
        "040849220782a0063a0d656e636f64696e67220e53686966745f4a4953", // Shift_JIS
        "0408493a07c3a9063a064554",                                   // :é
    ] {
        let dumped = bytes(dumped);
        assert_eq!(dump(&load(&dumped).unwrap()), dumped, "{}", hex::encode(&dumped));
    }
}

#[test]
fn containers_and_known_classes_are_written_back_to_the_byte() {
    for dumped in [
        &b"\x04\x08[\x08:\x06a;\x00:\x06b"[..],
        b"\x04\x08}\x06i\x06i\x07i\x0a",
        b"\x04\x08C:-ActiveSupport::HashWithIndifferentAccess{\x06I\"\x06a\x06:\x06EFi\x06",
        b"\x04\x08IC:\x1EActiveSupport::SafeBuffer\"\x06x\x07:\x06ET:\x0F@html_safeT",
        b"\x04\x08Iu:\tTime\r\xD6\xE9\x1E\x80\x00\x00@5\x07:\tzone0:\x0boffseti\x02 \x1C",
        b"\x04\x08u:\x0FBigDecimal\x0E18:0.15e1",
        b"\x04\x08U:\tDate[\x0bi\x00i\x03\x98\x8A%i\x00i\x00i\x00f\x0c2299161",
        b"\x04\x08o:\x08Set\x06:\n@hash}\x06i\x06TF",
    ] {
        assert_eq!(dump(&load(dumped).unwrap()), dumped, "{}", dumped.escape_ascii());
    }
}

/// `ActiveSupport::TimeWithZone`: its second `Time` links the first one's class, names and zone, of
/// which the zone alone is a value, numbered before the `Time` that it belongs to.
#[test]
fn links_lead_to_the_objects_that_ruby_numbers() {
    let time = b"Iu:\tTime\r\xD6\xE9\x1E\xC0\x00\x00@5\x06:\tzoneI\"\x08UTC\x06:\x06EF";
    let zone = b"I\"\x08UTC\x06;\x08T";
    let again = b"Iu;\x06\r\xD6\xE9\x1E\xC0\x00\x00@5\x06;\x07@\x07";
    let dumped = [&b"\x04\x08U: ActiveSupport::TimeWithZone[\x08"[..], time, zone, again].concat();
    let Value::Object(object) = load(&dumped).unwrap() else { panic!("no object") };
    let Content::MarshalDumped(Value::Array(parts)) = &object.content else { panic!("no array") };
    assert_eq!(parts[0], parts[2]);
    assert_eq!(parts[1], Value::from("UTC"));

    for (dumped, elements) in [
        (&b"\x04\x08[\x07I\"\x06x\x06:\x06ET@\x06"[..], ["x".into(), "x".into()]),
        (b"\x04\x08[\x07f\x081.5@\x06", [Value::Float(1.5), Value::Float(1.5)]),
        (
            b"\x04\x08[\x07[\x06i\x06@\x06",
            [vec![Value::Integer(1)].into(), vec![Value::Integer(1)].into()],
        ),
    ] {
        assert_eq!(load(dumped).unwrap(), Value::Array(elements.to_vec()));
    }
}

#[test]
fn what_a_session_may_not_hold_is_refused_by_name() {
    use MarshalError::{Class, Malformed, TooMuch, Truncated, Type, Version};
    for (dumped, error) in [
        (&b"\x04\x08o:\tUser\x00"[..], Class("User".to_owned())),
        (b"\x04\x08C:\x09Evil{\x00", Class("Evil".to_owned())),
        (b"\x04\x08U:\x09Evil0", Class("Evil".to_owned())),
        (b"\x04\x08u:\x09Evil\x00", Class("Evil".to_owned())),
        (
            b"\x04\x08o: ActiveSupport::Cache::Entry\x00",
            Class("ActiveSupport::Cache::Entry".into()),
        ),
        (b"\x04\x08c\x0bString", Type('c')),
        (b"\x04\x08[\x06@\x00", TooMuch("a value that holds itself")),
        (b"\x04\x08@\x06", Malformed("a link to nothing")),
        (b"\x04\x08;\x00", Malformed("a link to no symbol")),
        (b"\x04\x08f\x06x", Malformed("a float")),
        (b"\x04\x08", Truncated),
        (b"\x04\x08[\x04\xff\xff\xff\x7f", Truncated),
        (b"\x04\x08\"\xfe\x00\x00", Truncated),
        (b"\x04\x09i\x00", Version),
        (b"{}", Version),
        (b"", Version),
    ] {
        assert_eq!(load(dumped).unwrap_err(), error, "{}", dumped.escape_ascii());
    }
}

#[test]
fn neither_depth_nor_links_make_it_too_large() {
    let mut deep = vec![4, 8];
    deep.extend(b"[\x06".repeat(100_000));
    assert_eq!(load(&deep), Err(MarshalError::TooMuch("more than 100 levels")));
    assert!(load(&[&b"\x04\x08"[..], &b"[\x06".repeat(98), b"i\x00"].concat()).is_ok());

    // Each array holds the last one ten times.
    let mut laughs = b"\x04\x08[\x1ei".to_vec();
    laughs.push(0);
    for number in 1..24_u8 {
        laughs.extend(b"[\x0f");
        for _ in 0..10 {
            if number == 1 {
                laughs.extend(b"i\x06");
            } else {
                laughs.extend([b'@', number - 1 + 5]);
            }
        }
    }
    laughs.push(b'0');
    assert_eq!(load(&laughs), Err(MarshalError::TooMuch("more than 16 MiB")));
}

fn text() -> impl Strategy<Value = Text> {
    let encoding = prop_oneof![
        Just(Encoding::Binary),
        Just(Encoding::Utf8),
        Just(Encoding::Other(b"Shift_JIS".to_vec())),
    ];
    (prop::collection::vec(any::<u8>(), 0..20), encoding)
        .prop_map(|(bytes, encoding)| Text { bytes, encoding })
}

fn value() -> impl Strategy<Value = Value> {
    let symbol = "[a-z]{1,8}"
        .prop_map(|it| Value::Symbol(Text { bytes: it.into_bytes(), encoding: Encoding::UsAscii }));
    let big = (any::<bool>(), any::<[u8; 16]>()).prop_map(|(negative, mut magnitude)| {
        magnitude[15] |= 1;
        Value::BigInteger(BigInteger { negative, magnitude: magnitude.to_vec() })
    });
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        (-300_i64..300).prop_map(Value::Integer),
        any::<f64>().prop_filter("equal to itself", |it| !it.is_nan()).prop_map(Value::Float),
        text().prop_map(Value::String),
        symbol,
        big,
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let pairs = prop::collection::vec((inner.clone(), inner.clone()), 0..6);
        let hash = (pairs, prop::option::of(inner.clone().prop_map(Box::new)))
            .prop_map(|(pairs, default)| Value::Hash(Hash { pairs, default }));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::Array),
            hash.clone(),
            hash.prop_map(|hash| Value::Object(Box::new(Object {
                class: "ActiveSupport::HashWithIndifferentAccess".to_owned(),
                content: Content::Inherited(hash),
                variables: Vec::new(),
            }))),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_is_read_back(value in value()) {
        prop_assert_eq!(load(&dump(&value)), Ok(value));
    }

    #[test]
    fn no_bytes_panic(
        noise in prop::collection::vec(any::<u8>(), 0..60),
        likely in "[ifl\"\\[{}:;@IoCuUTF0+\\x00-\\x0f]{0,60}",
        value in value(),
        (at, byte) in any::<(prop::sample::Index, u8)>(),
    ) {
        let mut changed = dump(&value);
        *at.get_mut(&mut changed) = byte;
        for bytes in [[&[4, 8][..], &noise].concat(), [&[4, 8], likely.as_bytes()].concat(), changed] {
            let _ = load(&bytes);
            let _ = load_entry(&bytes);
        }
    }
}
