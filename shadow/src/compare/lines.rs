//! Text, CSV and forms, read into the form of a JSON document: a list of lines, a list of rows, an
//! object of fields.

use std::borrow::Cow;

use csv_core::{ReadFieldResult, Reader};
use percent_encoding::percent_decode;

use super::Value;

/// The lines of a text. A line keeps its carriage return, and a text that ends in a line feed has an
/// empty line at its end, so that no two texts have the same lines. `None` if it is not UTF-8.
pub(super) fn text(body: &[u8]) -> Option<Value<'_>> {
    let lines = str::from_utf8(body).ok()?.split('\n');
    Some(Value::Array(lines.map(|it| Value::String(it.into())).collect()))
}

/// The rows of RFC 4180, each a list of cells: quotes and line ends mean nothing. `None` if it is
/// not UTF-8.
pub(super) fn csv(body: &[u8]) -> Option<Value<'_>> {
    str::from_utf8(body).ok()?;
    let mut reader = Reader::new();
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let (mut cell, mut rest) = (Vec::new(), body);
    let mut buffer = [0; 1024];
    loop {
        let (result, read, written) = reader.read_field(rest, &mut buffer);
        rest = &rest[read..];
        cell.extend_from_slice(&buffer[..written]);
        match result {
            // What is read next is then empty: that ends the last cell.
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                let text = String::from_utf8(std::mem::take(&mut cell)).ok()?;
                row.push(Value::String(text.into()));
                if record_end {
                    rows.push(Value::Array(std::mem::take(&mut row)));
                }
            }
            ReadFieldResult::End => return Some(Value::Array(rows)),
        }
    }
}

/// The fields of `application/x-www-form-urlencoded` (URL Standard §5.1), in their order. `None`
/// if it is not UTF-8.
pub(super) fn form(body: &[u8]) -> Option<Value<'_>> {
    let text = str::from_utf8(body).ok()?;
    let pairs = text.split('&').filter(|it| !it.is_empty());
    let field = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(name)?, Value::String(decoded(value)?)))
    };
    Some(Value::Object(pairs.map(field).collect::<Option<_>>()?))
}

fn decoded(text: &str) -> Option<Cow<'static, str>> {
    let spaced = text.replace('+', " ");
    Some(Cow::Owned(percent_decode(spaced.as_bytes()).decode_utf8().ok()?.into_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::json::parse;

    #[test]
    fn what_is_read_is_what_json_would_say() {
        type Read = fn(&[u8]) -> Option<Value<'_>>;
        let cases: [(Read, &str, &str); 7] = [
            (text, "a\r\nb\n", r#"["a\r", "b", ""]"#),
            (text, "", r#"[""]"#),
            (csv, "sku,name\r\n1,\"a, \"\"b\"\"\n\"\n", r#"[["sku","name"],["1","a, \"b\"\n"]]"#),
            (csv, "1,", r#"[["1",""]]"#),
            (csv, "\n\n1", r#"[["1"]]"#),
            (form, "a+b=1%2B1&a+b=2&&c", r#"{"a b":"1+1","a b":"2","c":""}"#),
            (form, "", "{}"),
        ];
        for (read, body, expected) in cases {
            assert_eq!(read(body.as_bytes()), parse(expected.as_bytes()).ok(), "{body:?}");
        }
        for read in [text, csv, form] as [Read; 3] {
            assert_eq!(read(b"\xff"), None);
        }
        assert_eq!(form(b"a=%ff"), None);
    }

    #[test]
    fn a_cell_longer_than_the_buffer_is_one_cell() {
        let long = "x".repeat(3_000);
        let Some(Value::Array(rows)) = csv(long.as_bytes()) else { panic!("rows") };
        assert_eq!(rows, [Value::Array(vec![Value::String(long.as_str().into())])]);
    }

    proptest! {
        #[test]
        fn no_bytes_break_a_reader(body in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (text(&body), csv(&body), form(&body));
        }

        #[test]
        fn different_texts_have_different_lines(one in "[a\r\n]{0,6}", other in "[a\r\n]{0,6}") {
            let same = text(one.as_bytes()) == text(other.as_bytes());
            prop_assert_eq!(same, one == other);
        }
    }
}
