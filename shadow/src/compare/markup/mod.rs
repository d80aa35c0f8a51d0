//! HTML and XML: one tree for both, in the form in which two of them are compared.

mod blurred;
mod compare;
mod dom;
mod flow;
mod html;
mod intricacy;
mod normal;
mod page;
mod prolog;
mod xml;

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    hash::{BuildHasher as _, Hash},
};

use foldhash::fast::FixedState;

pub(super) use self::{compare::compare, page::Page, xml::parse as parse_xml};
use super::json::Document;

/// Elements within one another, so that recursion is bounded; browsers stop at 512.
const DEPTH_LIMIT: usize = 256;

/// Bytes of markup that are shown of an element.
const EXCERPT: usize = 16 * 1024;

/// An element of an HTML or XML document, without what means nothing: the order of attributes and
/// of classes, white space that a browser does not show, and what Rails makes anew for each page.
#[derive(Debug, Clone, PartialEq)]
pub struct Element<'a> {
    tag: Cow<'a, str>,
    /// Sorted by name; each name occurs once.
    attributes: Vec<(Cow<'a, str>, Content<'a>)>,
    children: Vec<Node<'a>>,
    /// A hash of all of the above.
    digest: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Node<'a> {
    Element(Element<'a>),
    Text(Content<'a>),
}

/// A text or the value of an attribute.
#[derive(Debug, Clone, PartialEq)]
struct Content<'a> {
    text: Cow<'a, str>,
    /// What the text says, if that is a JSON document.
    json: Option<Document<'a>>,
}

impl<'a> Element<'a> {
    fn new(
        tag: Cow<'a, str>,
        mut attributes: Vec<(Cow<'a, str>, Content<'a>)>,
        children: Vec<Node<'a>>,
    ) -> Self {
        attributes.sort_by(|(one, _), (other, _)| one.cmp(other));
        let texts: Vec<_> = attributes.iter().map(|(name, it)| (name, &it.text)).collect();
        let digests: Vec<_> = children.iter().map(Node::digest).collect();
        let digest = digest(&(&tag, texts, digests));
        Self { tag, attributes, children, digest }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let at = self.attributes.binary_search_by(|(it, _)| (**it).cmp(name)).ok()?;
        Some(&self.attributes[at].1.text)
    }
}

impl Element<'_> {
    /// The markup, cut after 16 KiB.
    pub fn excerpt(&self) -> String {
        let mut excerpt = Excerpt(String::new());
        if write!(excerpt, "{self}").is_err() {
            excerpt.0.push('…');
        }
        excerpt.0
    }
}

/// Refuses what does not fit any more, which ends the writing.
struct Excerpt(String);

impl fmt::Write for Excerpt {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = EXCERPT - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Node<'_> {
    fn digest(&self) -> u64 {
        match self {
            Self::Element(it) => it.digest,
            Self::Text(it) => digest(&it.text),
        }
    }
}

impl<'a> Content<'a> {
    const fn text(text: Cow<'a, str>) -> Self {
        Self { text, json: None }
    }
}

/// Equal for equal values; the reverse is to be checked.
fn digest(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// As markup, on one line.
impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.tag)?;
        for (name, content) in &self.attributes {
            write!(f, " {name}=\"{}\"", content.text.replace('"', "&quot;"))?;
        }
        f.write_str(">")?;
        for child in &self.children {
            match child {
                Node::Element(it) => it.fmt(f)?,
                Node::Text(it) => f.write_str(&it.text)?,
            }
        }
        write!(f, "</{}>", self.tag)
    }
}

#[cfg(test)]
mod tests;
