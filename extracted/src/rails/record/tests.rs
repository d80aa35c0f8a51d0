//! Values against what `ActiveRecord`'s types made of them (`tests/vectors/record.json`).

use proptest::prelude::*;
use serde_json::Value;
use time::{Duration, macros::datetime};

use super::*;

fn vectors(group: &str) -> Vec<Value> {
    let vectors = include_str!("../../../tests/vectors/record.json");
    let mut vectors: Value = serde_json::from_str(vectors).unwrap();
    serde_json::from_value(vectors[group].take()).unwrap()
}

#[test]
fn times_are_cut_to_the_columns_precision() {
    let second = datetime!(2024-03-18 11:15:00 +2);
    for vector in vectors("times") {
        let nanoseconds = Duration::nanoseconds(vector[0].as_i64().unwrap());
        let precision = vector[1].as_u64().unwrap().try_into().unwrap();
        let stored = truncated(second + nanoseconds, precision);
        assert_eq!(u64::from(stored.nanosecond()), vector[2].as_u64().unwrap(), "{vector}");
        assert!(stored.offset().is_utc());
        assert_eq!(stored.replace_nanosecond(0).unwrap(), second);
    }
}

#[test]
fn texts_become_booleans() {
    for vector in vectors("booleans") {
        assert_eq!(boolean(vector[0].as_str().unwrap()), vector[1].as_bool(), "{vector}");
    }
}

#[test]
fn texts_become_integers_that_fit() {
    for vector in vectors("integers") {
        let expected = match &vector[1] {
            Value::String(_) => Err(OutOfRange),
            other => Ok(other.as_i64()),
        };
        assert_eq!(integer(vector[0].as_str().unwrap(), 4), expected, "{vector}");
    }
    assert_eq!(integer("2147483648", 8), Ok(Some(2_147_483_648)));
    assert_eq!(integer("9223372036854775808", 8), Err(OutOfRange));
}

#[test]
fn texts_become_decimals_of_the_columns_scale() {
    for vector in vectors("decimals") {
        let expected = vector[1].as_str().map(|it| it.parse::<Decimal>().unwrap());
        assert_eq!(decimal(vector[0].as_str().unwrap(), 2), Ok(expected), "{vector}");
    }
    for beyond in ["1e29", "1e999999999999", "12345678901234567890123456789"] {
        assert_eq!(decimal(beyond, 2), Err(OutOfRange), "{beyond}");
    }
}

#[test]
fn enums_have_names_and_values() {
    const STATUS: Enum = Enum(&[("pending", 0), ("confirmed", 1)]);
    assert_eq!(STATUS.value("confirmed"), Some(1));
    assert_eq!(STATUS.name(0), Some("pending"));
    assert_eq!((STATUS.value("gone"), STATUS.name(2)), (None, None));
}

#[test]
fn rows_are_of_the_class_in_their_type() {
    const PROMOTION: Inheritance = Inheritance(&["FixedPromotion", "PercentPromotion"]);
    assert_eq!(PROMOTION.class("PercentPromotion"), Ok("PercentPromotion"));
    assert_eq!(PROMOTION.class("Kernel"), Err(NotOfThisKind));
}

proptest! {
    #[test]
    fn no_text_panics(text in "[ +\\-0-9_.eE]{0,40}", any in ".{0,20}", scale in 0_u32..6) {
        for text in [text, any] {
            let _ = decimal(&text, scale);
            let _ = integer(&text, 4);
        }
    }

    #[test]
    fn decimals_of_a_column_read_back(cents in -9_999_999_999_i64..9_999_999_999) {
        let value = Decimal::new(cents, 2);
        prop_assert_eq!(decimal(&value.to_string(), 2), Ok(Some(value)));
    }
}
