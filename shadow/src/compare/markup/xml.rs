//! XML 1.0 with namespaces, without document types: those can make a document of any size of a
//! short one.

use std::borrow::Cow;

use roxmltree::{Document, ParsingOptions};

use super::{Content, DEPTH_LIMIT, Element, Node};

/// Elements, attributes, texts and comments of a document.
const NODES: u32 = 1_000_000;

/// The text is not XML, or is nested too deeply.
#[derive(Debug)]
pub(in crate::compare) struct NotXml;

/// Reads a document. Comments, processing instructions, prefixes of namespaces and white space
/// between elements mean nothing.
pub(in crate::compare) fn parse(body: &[u8]) -> Result<Element<'static>, NotXml> {
    let text = str::from_utf8(body).map_err(|_| NotXml)?;
    let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|_| NotXml)?;
    element(document.root_element(), None, 0)
}

fn element(
    node: roxmltree::Node<'_, '_>,
    namespace: Option<&str>,
    depth: usize,
) -> Result<Element<'static>, NotXml> {
    if depth > DEPTH_LIMIT {
        return Err(NotXml);
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
