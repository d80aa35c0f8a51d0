//! Text, CSV and forms, read into the form of a JSON document: a list of lines, a list of rows, an
//! object of fields.

use std::mem;

use percent_encoding::percent_decode;

use super::{
    Unreadable,
    json::{Builder, Document},
};

/// The lines of a text. A line keeps its carriage return, and a text that ends in a line feed has an
/// empty line at its end, so that no two texts have the same lines.
///
/// # Errors
/// [`Unreadable`], if it is not UTF-8.
pub(super) fn text(body: &[u8]) -> Result<Document<'static>, Unreadable> {
    let text = utf_8(body)?;
    let mut document = Builder::of(body.len());
    let lines = document.begin_array();
    text.split('\n').for_each(|it| document.string(it));
    document.end(lines);
    document.finish()
}

/// The rows of RFC 4180, each a list of cells: quotes and line ends mean nothing. A line without
/// anything is a row without cells, and a byte order mark belongs to the first cell: readers that do
/// not skip them take them for data.
///
/// # Errors
/// [`Unreadable`], if it is not UTF-8, or a quote is not closed.
pub(super) fn csv(body: &[u8]) -> Result<Document<'static>, Unreadable> {
    let text = utf_8(body)?;
    let (mut mark, mut rest) =
        text.split_at(if text.starts_with(MARK) { MARK.len_utf8() } else { 0 });
    let mut document = Builder::of(body.len());
    let rows = document.begin_array();
    while !(mark.is_empty() && rest.is_empty()) {
        let row = document.begin_array();
        let is_blank = mark.is_empty() && rest.starts_with(LINE_ENDS);
        if !is_blank {
            let behind = read_cells(mem::take(&mut mark), rest, &mut document);
            rest = behind.ok_or(Unreadable::Malformed)?;
        }
        document.end(row);
        rest = rest.strip_prefix("\r\n").or(rest.strip_prefix(LINE_ENDS)).unwrap_or(rest);
    }
    document.end(rows);
    document.finish()
}

/// The byte order mark, which some programs write in front of UTF-8.
const MARK: char = '\u{feff}';

const LINE_ENDS: [char; 2] = ['\r', '\n'];

/// Adds the cells up to the end of the line, which is returned with what is behind it. `None` if a quote
/// is not closed.
fn read_cells<'t>(mark: &str, mut text: &'t str, document: &mut Builder) -> Option<&'t str> {
    let mut cell = mark.to_owned();
    loop {
        let behind = read_cell(text, &mut cell)?;
        document.string(&cell);
        cell.clear();
        let Some(next) = behind.strip_prefix(',') else { return Some(behind) };
        text = next;
    }
}

/// Adds a cell to what stands in front of it, and returns what is behind it. What follows a closed
/// quote belongs to the cell. `None` if the quote is not closed.
fn read_cell<'t>(text: &'t str, cell: &mut String) -> Option<&'t str> {
    let mut rest = text;
    let mut is_quoted = false;
    while let Some(quoted) = rest.strip_prefix('"') {
        // Two quotes within quotes are one.
        cell.push_str(if is_quoted { "\"" } else { "" });
        is_quoted = true;
        let (inside, behind) = quoted.split_once('"')?;
        cell.push_str(inside);
        rest = behind;
    }
    let end = rest.find([',', '\r', '\n']).unwrap_or(rest.len());
    cell.push_str(&rest[..end]);
    Some(&rest[end..])
}

/// The fields of `application/x-www-form-urlencoded` (URL Standard §5.1), in their order.
///
/// # Errors
/// [`Unreadable`], if it is not UTF-8.
pub(super) fn form(body: &[u8]) -> Result<Document<'static>, Unreadable> {
    let text = utf_8(body)?;
    let mut document = Builder::of(body.len());
    let fields = document.begin_object();
    for pair in text.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        document.string(&decoded(name)?);
        document.string(&decoded(value)?);
    }
    document.end(fields);
    document.finish()
}

fn decoded(text: &str) -> Result<String, Unreadable> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    Ok(decoded.map_err(|_| Unreadable::Malformed)?.into_owned())
}

fn utf_8(body: &[u8]) -> Result<&str, Unreadable> {
    str::from_utf8(body).map_err(|_| Unreadable::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::json::parse;

    #[test]
    fn what_is_read_is_what_json_would_say() {
        type Read = fn(&[u8]) -> Result<Document<'static>, Unreadable>;
        let cases: [(Read, &str, &str); 15] = [
            (text, "a\r\nb\n", r#"["a\r", "b", ""]"#),
            (text, "", r#"[""]"#),
            (csv, "sku,name\r\n1,\"a, \"\"b\"\"\n\"\n", r#"[["sku","name"],["1","a, \"b\"\n"]]"#),
            (csv, "1,", r#"[["1",""]]"#),
            (csv, "1\r2\n", r#"[["1"],["2"]]"#),
            (csv, "", "[]"),
            (csv, "\n\n1\r\n\r\n2\n\n", r#"[[],[],["1"],[],["2"],[]]"#),
            (csv, "\"\"\n", r#"[[""]]"#),
            (csv, "\u{feff}\"sku,\"\n1", r#"[["\ufeffsku,"],["1"]]"#),
            (csv, "\u{feff}", r#"[["\ufeff"]]"#),
            (csv, "\u{feff}\n1", r#"[["\ufeff"],["1"]]"#),
            (csv, "a\"b\",\"a\"b\"c\"", r#"[["a\"b\"","ab\"c\""]]"#),
            (csv, "\"\"\"\",\"\"\"a\"\"\"", r#"[["\"","\"a\""]]"#),
            (form, "a+b=1%2B1&a+b=2&&c", r#"{"a b":"1+1","a b":"2","c":""}"#),
            (form, "", "{}"),
        ];
        for (read, body, expected) in cases {
            assert_eq!(read(body.as_bytes()), parse(expected.as_bytes()), "{body:?}");
        }
        for read in [text, csv, form] as [Read; 3] {
            assert_eq!(read(b"\xff"), Err(Unreadable::Malformed));
        }
        assert_eq!(form(b"a=%ff"), Err(Unreadable::Malformed));
        for cut in ["sku,\"Tea", "\"", "1,\"\"\"", "1,\"a\"\"\n2,b"] {
            assert_eq!(csv(cut.as_bytes()), Err(Unreadable::Malformed), "{cut:?}");
        }
    }

    #[test]
    fn what_has_too_much_in_it_is_not_read() {
        let many = "\n".repeat(1_000_001);
        assert_eq!(text(many.as_bytes()), Err(Unreadable::TooLarge));
        assert_eq!(csv(many.as_bytes()), Err(Unreadable::TooLarge));
        assert_eq!(form("a&".repeat(500_001).as_bytes()), Err(Unreadable::TooLarge));
        assert!(text("a line of text\n".repeat(1_100_000).as_bytes()).is_ok(), "a long one");
    }

    proptest! {
        #[test]
        fn cells_are_read_as_they_were_written(
            rows in prop::collection::vec(prop::collection::vec("[a\",\r\n]{0,5}", 1..4), 0..4),
            end in "\r\n|\n|\r",
        ) {
            let cell = |it: &String| format!("\"{}\"", it.replace('"', "\"\""));
            let row = |it: &Vec<String>| it.iter().map(cell).collect::<Vec<_>>().join(",") + &end;
            let text: String = rows.iter().map(row).collect();
            let expected = serde_json::to_string(&rows).unwrap();
            prop_assert_eq!(csv(text.as_bytes()), parse(expected.as_bytes()));
        }

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
