//! Text, CSV and forms, read into the form of a JSON document: a list of lines, a list of rows, an
//! object of fields.

use csv_core::{ReadFieldResult, Reader};
use percent_encoding::percent_decode;

use super::json::{Builder, Document};

/// The lines of a text. A line keeps its carriage return, and a text that ends in a line feed has an
/// empty line at its end, so that no two texts have the same lines. `None` if it is not UTF-8.
pub(super) fn text(body: &[u8]) -> Option<Document<'static>> {
    let mut document = Builder::default();
    let lines = document.begin_array();
    str::from_utf8(body).ok()?.split('\n').for_each(|it| document.string(it));
    document.end(lines);
    document.finish()
}

/// The rows of RFC 4180, each a list of cells: quotes and line ends mean nothing. `None` if it is
/// not UTF-8.
pub(super) fn csv(body: &[u8]) -> Option<Document<'static>> {
    str::from_utf8(body).ok()?;
    let mut document = Builder::default();
    let rows = document.begin_array();
    let mut row = None;
    let mut reader = Reader::new();
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
                let this = *row.get_or_insert_with(|| document.begin_array());
                document.string(str::from_utf8(&cell).ok()?);
                cell.clear();
                if record_end {
                    document.end(this);
                    row = None;
                }
            }
            ReadFieldResult::End => {
                document.end(rows);
                return document.finish();
            }
        }
    }
}

/// The fields of `application/x-www-form-urlencoded` (URL Standard §5.1), in their order. `None`
/// if it is not UTF-8.
pub(super) fn form(body: &[u8]) -> Option<Document<'static>> {
    let mut document = Builder::default();
    let fields = document.begin_object();
    let text = str::from_utf8(body).ok()?;
    for pair in text.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        document.string(&decoded(name)?);
        document.string(&decoded(value)?);
    }
    document.end(fields);
    document.finish()
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    Some(percent_decode(spaced.as_bytes()).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::json::parse;

    #[test]
    fn what_is_read_is_what_json_would_say() {
        type Read = fn(&[u8]) -> Option<Document<'static>>;
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
        assert_eq!(csv(long.as_bytes()), parse(format!("[[\"{long}\"]]").as_bytes()).ok());
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
