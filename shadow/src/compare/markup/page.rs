//! Pages and parts of pages as a browser parses them (WHATWG HTML §13.2), in bounded time and memory.

use ego_tree::{NodeId, Tree};
use html5ever::{
    ParseOpts, Parser, QualName, local_name, ns, parse_document, parse_fragment,
    tendril::{StrTendril, TendrilSink as _},
    tree_builder::{QuirksMode, TreeBuilderOpts},
};

use super::{
    dom::{Node, Sink},
    flow,
};
use crate::Unknown;

/// Characters that end an attribute, in one tag; no tag can have more attributes than that.
const SEPARATORS: usize = 1 << 14;

/// The parser is fed so many bytes at a time, and limits are checked in between.
const PIECE: usize = 4096;

/// What stands in a table alone. A parser that comes upon one elsewhere leaves the tag out, and keeps
/// the text.
const PARTS_OF_TABLES: [&str; 9] =
    ["caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"];

/// Elements that may stand in front of the first one of a part without saying where it belongs.
const ANYWHERE: [&str; 5] = ["link", "meta", "script", "style", "template"];

/// A parsed page, or a part of one, without the white space that is not shown.
#[derive(Debug)]
pub(in crate::compare) struct Page {
    pub(super) tree: Tree<Node>,
    /// How a browser lays it out, by its doctype.
    pub(super) mode: QuirksMode,
}

impl Page {
    /// Parses a page, or rows of a table or other parts of one, as scripts put them into a page.
    ///
    /// # Errors
    /// [`Unknown::TooLarge`] when the page is too deep or too intricate.
    pub(in crate::compare) fn parse(text: &str) -> Result<Self, Unknown> {
        let parser = if is_of_a_table(text) {
            fragment(Sink::default(), ParseOpts::default())
        } else {
            parse_document(Sink::default(), ParseOpts::default())
        };
        let mut sink = feed(parser, text)?;
        for id in sink.without_scripts() {
            sink = parse_within(sink, id)?;
        }
        let (mut tree, mode) = sink.into_parts();
        flow::collapse(&mut tree);
        Ok(Self { tree, mode })
    }
}

/// A parser of what may stand in a `template`, which is anything.
fn fragment(sink: Sink, options: ParseOpts) -> Parser<Sink> {
    let template = QualName::new(None, ns!(html), local_name!("template"));
    parse_fragment(sink, options, template, Vec::new(), false)
}

/// The text of a `noscript` element, which is one text to browsers with scripts, becomes the elements
/// that browsers without them see. (Parsed so from the start, a picture in the head's would end the head.)
fn parse_within(sink: Sink, noscript: NodeId) -> Result<Sink, Unknown> {
    let text = sink.take_text(noscript);
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let sink = feed(fragment(sink, options), &text)?;
    sink.move_last_root(noscript);
    Ok(sink)
}

fn feed(mut parser: Parser<Sink>, text: &str) -> Result<Sink, Unknown> {
    let (mut rest, mut separators) = (text, 0);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        parser.process(StrTendril::from_slice(piece));
        rest = behind;
        let sink = &parser.tokenizer.sink.sink;
        if sink.was_called() {
            separators = 0;
        }
        separators += piece.bytes().filter(|it| is_separator(*it)).count();
        if sink.is_exhausted() || separators > SEPARATORS {
            return Err(Unknown::TooLarge);
        }
    }
    let sink = parser.finish();
    if sink.is_exhausted() { Err(Unknown::TooLarge) } else { Ok(sink) }
}

const fn is_separator(it: u8) -> bool {
    it.is_ascii_whitespace() || matches!(it, b'/' | b'"' | b'\'')
}

/// Whether the first element that says where a text belongs is a part of a table.
fn is_of_a_table(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('<') {
        rest = behind;
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |it| it.1);
            continue;
        }
        if rest.starts_with('!') {
            return false;
        }
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '-');
        let tag = rest[..end.unwrap_or(rest.len())].to_ascii_lowercase();
        if PARTS_OF_TABLES.contains(&&*tag) {
            return true;
        }
        if matches!(&*tag, "script" | "style" | "template") {
            // What is in it says nothing either.
            rest = rest.split_once(&format!("</{tag}")).map_or("", |it| it.1);
        } else if !tag.is_empty() && !ANYWHERE.contains(&&*tag) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_tables_are_told_from_pages() {
        for text in [
            "<tr><td>1",
            " <TR>",
            "<td data-x=1>",
            "Tea <tbody id=rows>",
            "<!-- <p> --><caption>",
            "<script>if (a < b) '<p>'</script><link><tr>",
            "<template><p>1</p></template>\n<col>",
        ] {
            assert!(is_of_a_table(text), "{text}");
        }
        for text in [
            "",
            "a < b",
            "<",
            "<!",
            "<!-- <tr>",
            "<!DOCTYPE html><tr>",
            "<html><tr>",
            "<table><tr>",
            "<p><tr>",
            "<track><tr>",
            "<tr-x><tr>",
            "<script>'<tr>'</script>",
        ] {
            assert!(!is_of_a_table(text), "{text}");
        }
    }
}
