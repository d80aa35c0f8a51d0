//! Column values that Rails shows in JSON otherwise than Rust would.

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::Value;
use sqlx::{
    Decode, MySql, Type, error::BoxDynError, mysql::MySqlTypeInfo, mysql::MySqlValueRef,
    types::Decimal,
};
use time::{OffsetDateTime, UtcOffset, macros::format_description};

/// A `DECIMAL`. In JSON a string without trailing zeros but with a digit after the point (`"19.9"`,
/// `"0.0"`): `ActiveSupport` encodes `BigDecimal#to_s` so that no digit is lost in a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct BigDecimal(pub Decimal);

impl Serialize for BigDecimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.0.normalize();
        let point = if digits.scale() == 0 { ".0" } else { "" };
        serializer.collect_str(&format_args!("{digits}{point}"))
    }
}

/// A `DATETIME`, which Rails stores in UTC and without a zone. In JSON ISO 8601 with three digits of
/// the second, the rest cut off: `"2024-03-18T09:15:00.123Z"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct DateTime(pub OffsetDateTime);

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        let text = self.0.to_offset(UtcOffset::UTC).format(format).map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

/// A `TEXT` column that the model declares with `serialize :name, JSON`: parsed, and in JSON written
/// anew, as Rails does. A blank text is `nil`.
///
/// Limit: an integer of more than 64 bits is read as a float, where Ruby keeps its digits.
#[derive(Debug, Clone, PartialEq)]
pub struct SerializedJson(pub Value);

impl SerializedJson {
    fn load(text: &str) -> serde_json::Result<Self> {
        if text.trim().is_empty() {
            Ok(Self(Value::Null))
        } else {
            serde_json::from_str(text).map(Self)
        }
    }
}

impl Serialize for SerializedJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Type<MySql> for SerializedJson {
    fn type_info() -> MySqlTypeInfo {
        <str as Type<MySql>>::type_info()
    }

    fn compatible(column: &MySqlTypeInfo) -> bool {
        <str as Type<MySql>>::compatible(column)
    }
}

impl<'r> Decode<'r, MySql> for SerializedJson {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self::load(<&str as Decode<MySql>>::decode(value)?)?)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::rails::json;

    fn encoded(value: &impl Serialize) -> String {
        String::from_utf8(json::encode(value).unwrap()).unwrap()
    }

    #[test]
    fn money_is_a_string_without_trailing_zeros() {
        for (stored, shown) in [
            ("19.90", "19.9"),
            ("0.00", "0.0"),
            ("-0.50", "-0.5"),
            ("100.00", "100.0"),
            ("5.05", "5.05"),
            ("12345678.99", "12345678.99"),
        ] {
            let money = BigDecimal(stored.parse().unwrap());
            assert_eq!(encoded(&money), format!("\"{shown}\""));
        }
    }

    #[test]
    fn times_are_cut_to_milliseconds_and_not_rounded() {
        for (stored, shown) in [
            (datetime!(2024-03-18 09:15:00.999_999 UTC), "2024-03-18T09:15:00.999Z"),
            (datetime!(2024-03-18 09:15:00 UTC), "2024-03-18T09:15:00.000Z"),
            (datetime!(2024-03-18 01:15:00 +2), "2024-03-17T23:15:00.000Z"),
        ] {
            assert_eq!(encoded(&DateTime(stored)), format!("\"{shown}\""));
        }
    }

    #[test]
    fn a_serialized_column_is_parsed_and_written_anew() {
        for (stored, shown) in [
            (
                r#"{"z": 1.50, "a": [null, "<"], "n": 12}"#,
                r#"{"z":1.5,"a":[null,"\u003c"],"n":12}"#,
            ),
            (r#"{"twice":1,"b":2,"twice":3}"#, r#"{"twice":3,"b":2}"#),
            ("[1e20,0.1,1e-5]", "[1.0e+20,0.1,1.0e-05]"),
            ("null", "null"),
            ("", "null"),
        ] {
            assert_eq!(encoded(&SerializedJson::load(stored).unwrap()), shown, "{stored}");
        }
        assert!(SerializedJson::load("{not json").is_err());
    }
}
