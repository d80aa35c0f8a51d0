//! A page in the form in which it is compared.

use std::borrow::Cow;

use ego_tree::NodeRef;
use html5ever::tree_builder::QuirksMode;

use super::{
    Content, DEPTH_LIMIT, Element, Node as Normal, Page,
    dom::Node,
    normal::{attribute, is_policy},
};
use crate::{
    Unknown,
    compare::{headers::Nonces, json::parse},
};

/// The root has it as an attribute where a browser lays the page out as those of long ago, for want
/// of a doctype. (`document.compatMode` is what scripts see of it.)
const MODE: &str = "compat-mode";

impl Page {
    /// The root element. Comments are left out. The nonces are those of the answer's header.
    ///
    /// # Errors
    /// [`Unknown::TooLarge`] when elements are nested too deeply.
    pub(in crate::compare) fn element(&self, mut nonces: Nonces) -> Result<Element<'_>, Unknown> {
        for policy in self.tree.root().descendants().filter_map(own_policy) {
            nonces.add(policy);
        }
        let mut children = self.tree.root().children();
        // The parser makes an `html` element of any text.
        let root = children.find_map(|it| element(it, 0, &nonces).transpose()).transpose()?;
        let root = root.unwrap_or_else(|| Element::new("html".into(), Vec::new(), Vec::new()));
        let mode = match self.mode {
            QuirksMode::NoQuirks => return Ok(root),
            QuirksMode::LimitedQuirks => "limited-quirks",
            QuirksMode::Quirks => "quirks",
        };
        let Element { tag, mut attributes, children, .. } = root;
        attributes.push((MODE.into(), Content::text(mode.into())));
        Ok(Element::new(tag, attributes, children))
    }
}

/// What a `meta` element in the head says as the header does (HTML §4.2.5.3).
fn own_policy(node: NodeRef<'_, Node>) -> Option<&str> {
    let is_head = |it: &Node| matches!(it, Node::Element { tag, .. } if tag == "head");
    let Node::Element { tag, attributes, .. } = node.value() else { return None };
    let is_own = is_policy(tag, attributes) && node.parent().is_some_and(|it| is_head(it.value()));
    let content = attributes.iter().find(|(name, _)| name == "content");
    content.filter(|_| is_own).map(|(_, value)| &**value)
}

/// `None` for what is no element.
fn element<'a>(
    node: NodeRef<'a, Node>,
    depth: usize,
    nonces: &Nonces,
) -> Result<Option<Element<'a>>, Unknown> {
    let Node::Element { tag, attributes, .. } = node.value() else { return Ok(None) };
    if depth > DEPTH_LIMIT {
        return Err(Unknown::TooLarge);
    }
    let is_data = tag == "script"
        && attributes.iter().any(|(name, value)| name == "type" && is_json_type(value));
    let normal = attributes.iter().map(|(name, value)| {
        let text = attribute(tag, attributes, name, value, nonces);
        let json = (name.starts_with("data-") && value.starts_with(['{', '[']))
            .then(|| parse(value.as_bytes()).ok())
            .flatten();
        (Cow::from(&**name), Content { text, json })
    });
    let normal = normal.collect();
    let mut siblings = Siblings { children: Vec::new(), text: None, is_data };
    for child in node.children() {
        match child.value() {
            Node::Text(text) => siblings.text(text),
            _ => {
                if let Some(child) = element(child, depth + 1, nonces)? {
                    siblings.element(child);
                }
            }
        }
    }
    siblings.end_text();
    Ok(Some(Element::new(Cow::from(&**tag), normal, siblings.children)))
}

fn is_json_type(value: &str) -> bool {
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence == "importmap" || essence.ends_with("+json")
}

/// The children of an element, as they are gathered.
struct Siblings<'a> {
    children: Vec<Normal<'a>>,
    /// What stands behind the last child. Comments do not end a text.
    text: Option<Cow<'a, str>>,
    /// The text is a JSON document.
    is_data: bool,
}

impl<'a> Siblings<'a> {
    fn text(&mut self, text: &'a str) {
        match &mut self.text {
            Some(it) => it.to_mut().push_str(text),
            None => self.text = Some(text.into()),
        }
    }

    fn element(&mut self, child: Element<'a>) {
        self.end_text();
        self.children.push(Normal::Element(child));
    }

    fn end_text(&mut self) {
        let Some(text) = self.text.take().filter(|it| !it.is_empty()) else { return };
        if self.is_data
            && let Cow::Borrowed(text) = text
            && let Ok(json) = parse(text.as_bytes())
        {
            let content = Content { text: text.into(), json: Some(json) };
            return self.children.push(Normal::Text(content));
        }
        self.children.push(Normal::Text(Content::text(text)));
    }
}
