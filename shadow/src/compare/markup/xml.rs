//! XML 1.0 with namespaces, without what a document type declares.

use std::borrow::Cow;

use roxmltree::{Document, Error, ParsingOptions};

use super::{Content, DEPTH_LIMIT, Element, Node, intricacy, prolog};
use crate::compare::{Unreadable, charset::Charset};

/// Elements, attributes, texts and comments of a document.
const NODES: u32 = 1_000_000;

/// The root has them as attributes, by names that XML keeps for itself: the document type, and the encoding
/// that the document names, if that is not UTF-8. Programs that read a document from a file believe it.
const DOCTYPE: &str = "xml-doctype";
const ENCODING: &str = "xml-encoding";

/// Reads a document. Comments, processing instructions, prefixes of namespaces and white space
/// between elements mean nothing. What its headers say of its bytes comes before what it says itself
/// (RFC 7303 §3).
pub(in crate::compare) fn parse(
    said: Option<Charset>,
    body: &[u8],
) -> Result<Element<'static>, Unreadable> {
    let encoding = prolog::encoding(body);
    let named = encoding.map_or(Charset::Utf8, Charset::named);
    let text = said.unwrap_or(named).read(body).ok_or(Unreadable::Malformed)?;
    intricacy::check(&text)?;
    let doctype = prolog::document_type(&text)?;
    let allow_dtd = doctype.is_some();
    let options = ParsingOptions { nodes_limit: NODES, allow_dtd, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).map_err(|error| match error {
        Error::NodesLimitReached => Unreadable::TooLarge,
        _ => Unreadable::Malformed,
    })?;
    let Element { tag, mut attributes, children, .. } = element(document.root_element(), None, 0)?;
    let encoding = encoding.filter(|_| named != Charset::Utf8).map(str::to_ascii_lowercase);
    let said = [(DOCTYPE, doctype), (ENCODING, encoding)];
    attributes.extend(
        said.into_iter().filter_map(|(name, it)| Some((name.into(), Content::text(it?.into())))),
    );
    Ok(Element::new(tag, attributes, children))
}

fn element(
    node: roxmltree::Node<'_, '_>,
    namespace: Option<&str>,
    depth: usize,
) -> Result<Element<'static>, Unreadable> {
    if depth > DEPTH_LIMIT {
        return Err(Unreadable::TooLarge);
    }
    let own = node.tag_name().namespace();
    let declared = (own != namespace).then(|| ("xmlns".into(), owned(own.unwrap_or_default())));
    let attributes = node.attributes().map(|it| {
        let name = match it.namespace() {
            Some(namespace) => Cow::from(format!("{{{namespace}}}{}", it.name())),
            None => it.name().to_owned().into(),
        };
        (name, owned(it.value()))
    });
    let attributes = declared.into_iter().chain(attributes).collect();
    let has_elements = node.children().any(|it| it.is_element());
    let mut children = Vec::new();
    for child in node.children() {
        if child.is_element() {
            children.push(Node::Element(element(child, own, depth + 1)?));
        } else if child.is_text() {
            let text = child.text().unwrap_or_default();
            if !(has_elements && text.trim_ascii().is_empty()) {
                children.push(Node::Text(owned(text)));
            }
        }
    }
    Ok(Element::new(node.tag_name().name().to_owned().into(), attributes, children))
}

fn owned(text: &str) -> Content<'static> {
    Content::text(text.to_owned().into())
}
