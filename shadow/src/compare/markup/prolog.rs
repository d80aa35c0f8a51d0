//! What stands in front of an XML document's root (XML 1.0 §2.8).

use crate::compare::Unreadable;

/// Bytes in which a document says how it is encoded.
const DECLARATION: usize = 256;

/// The encoding that a document names.
pub(super) fn encoding(document: &[u8]) -> Option<&str> {
    let document = document.strip_prefix("\u{feff}".as_bytes()).unwrap_or(document);
    let declaration = document.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).take(DECLARATION).position(|it| it == b"?>")?;
    let (_, value) = str::from_utf8(&declaration[..end]).ok()?.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''))?;
    value[1..].split_once(quote).map(|it| it.0)
}

/// The document type, its white space as single spaces.
///
/// # Errors
/// [`Unreadable::Malformed`] where it does not end, and where it declares anything itself: such
/// declarations can make a document of any size of a short one.
pub(super) fn document_type(document: &str) -> Result<Option<String>, Unreadable> {
    let mut rest = document.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_ascii_start();
        let (begun, end) = if let Some(comment) = rest.strip_prefix("<!--") {
            (comment, "-->")
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            (instruction, "?>")
        } else if let Some(doctype) = rest.strip_prefix("<!DOCTYPE") {
            let text = &doctype[..end_of_type(doctype).ok_or(Unreadable::Malformed)?];
            return Ok(Some(text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")));
        } else {
            return Ok(None);
        };
        rest = begun.split_once(end).ok_or(Unreadable::Malformed)?.1;
    }
}

/// `None` where declarations begin before it ends.
fn end_of_type(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, it) in text.char_indices() {
        match (quote, it) {
            (Some(end), it) if it == end => quote = None,
            (None, '"' | '\'') => quote = Some(it),
            (None, '[') => return None,
            (None, '>') => return Some(at),
            _ => {}
        }
    }
    None
}
