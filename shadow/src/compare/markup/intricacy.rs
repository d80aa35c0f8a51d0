//! How long the parser of XML takes, found out before it is asked: it looks through all attributes of an
//! element for each of them, and through the namespaces around for each element.

use crate::compare::{Unreadable, markup::DEPTH_LIMIT};

/// So many looks take less than a second.
const LOOKS: usize = 1 << 27;

/// # Errors
/// [`Unreadable::TooLarge`] for a document that would take longer, or is nested too deeply.
pub(super) fn check(document: &str) -> Result<(), Unreadable> {
    let mut rest = document.as_bytes();
    // Of the elements around, how many namespaces each has.
    let mut around = vec![0];
    let mut looks = 0_usize;
    while let Some(at) = rest.iter().position(|it| *it == b'<') {
        let markup = &rest[at..];
        let known = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"), ("</", ">")];
        let skipped = known.into_iter().find(|(begin, _)| markup.starts_with(begin.as_bytes()));
        if let Some((begin, end)) = skipped {
            if begin == "</" && around.len() > 1 {
                around.pop();
            }
            rest = behind(markup, end.as_bytes());
            continue;
        }
        let tag = Tag::read(markup);
        let outer = around.last().copied().unwrap_or_default();
        let namespaces = outer + tag.namespaces;
        looks = looks.saturating_add((tag.attributes + 1) * (tag.attributes + namespaces));
        if tag.namespaces > 0 {
            looks = looks.saturating_add(namespaces * namespaces);
        }
        if !tag.is_empty {
            around.push(namespaces);
        }
        if looks > LOOKS || around.len() > DEPTH_LIMIT + 2 {
            return Err(Unreadable::TooLarge);
        }
        rest = &markup[tag.length..];
    }
    Ok(())
}

fn behind<'m>(markup: &'m [u8], end: &[u8]) -> &'m [u8] {
    let at = markup.windows(end.len()).position(|it| it == end);
    at.map_or(&[], |at| &markup[at + end.len()..])
}

/// What begins or is an element.
struct Tag {
    length: usize,
    /// Those that declare a namespace, too.
    attributes: usize,
    namespaces: usize,
    is_empty: bool,
}

impl Tag {
    fn read(markup: &[u8]) -> Self {
        let mut tag = Self { length: markup.len(), attributes: 0, namespaces: 0, is_empty: false };
        let mut quote = None;
        for (at, &it) in markup.iter().enumerate() {
            match (quote, it) {
                (Some(end), it) if it == end => quote = None,
                (None, b'"' | b'\'') => quote = Some(it),
                (None, b'=') => tag.attributes += 1,
                (None, b'x') if markup[at..].starts_with(b"xmlns") => tag.namespaces += 1,
                (None, b'>') => {
                    (tag.length, tag.is_empty) = (at + 1, markup[at - 1] == b'/');
                    break;
                }
                _ => {}
            }
        }
        tag
    }
}
