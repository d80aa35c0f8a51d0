//! Where a difference is.

mod pattern;

use std::fmt::{self, Write as _};

pub use self::pattern::{PathError, PathPattern};

/// An exact place in an answer: `status`, `headers.content-type`, `headers.set-cookie._session`,
/// `headers.set-cookie.locale.value`, `trailers.server-timing`, `body`,
/// `$.lines[2].price`. A member whose name is not made of ASCII letters, digits, `_` and `-` is quoted
/// as in JSON: `$["unit price"]`.
///
/// In HTML and XML a place is a CSS selector from the root: `:root > body > p:nth-of-type(2)`,
/// behind it `[href]` for an attribute or `::text` for text, and what is inside of these when they
/// are JSON: `:root > body > div[data-cart].lines[2]`. The number is left out of an only child of
/// its type. Lines of text and cells of CSV are `body[2]` and `body[2][0]`, fields of a form
/// `body.name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a> {
    root: Root,
    steps: Vec<Step<'a>>,
}

/// The part of an answer that a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Status,
    Headers,
    /// The body as a whole, and what is in it when it is a list of lines or of fields.
    Body,
    /// The body as a JSON document.
    Document,
    /// The root element of an HTML or XML document.
    Markup,
    /// The fields behind the body.
    Trailers,
    /// The request, of which only `reveal` speaks: `request.path.id`, `request.query.page`.
    Request,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Member(&'a str),
    Element(usize),
    Child(Child<'a>),
    Attribute(&'a str),
    Text,
}

/// An element among its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Child<'a> {
    pub(crate) tag: &'a str,
    /// Which of the siblings with this tag, from 1; `None` for an only one.
    pub(crate) nth: Option<usize>,
}

// === impl Path ===

impl<'a> Path<'a> {
    pub(crate) const fn at(root: Root) -> Self {
        Self { root, steps: Vec::new() }
    }

    pub(crate) const fn root(&self) -> Root {
        self.root
    }

    pub(crate) fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    pub(crate) fn push(&mut self, step: Step<'a>) {
        self.steps.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.steps.pop();
    }

    /// The path with every index as `[*]` and without `:nth-of-type(…)`: what the same difference in
    /// another element shares.
    pub fn grouped(&self) -> impl fmt::Display {
        Grouped { path: self, by: Grouping::Every }
    }

    /// As grouped, but of a page's elements only those that are made to be repeated: one paragraph is
    /// not another one.
    pub(crate) fn grouped_by_lists(&self) -> impl fmt::Display {
        Grouped { path: self, by: Grouping::Lists }
    }

    /// The names on the path, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.steps.iter().filter_map(|it| match it {
            Step::Member(name) | Step::Attribute(name) => Some(*name),
            Step::Child(child) => Some(child.tag),
            Step::Element(_) | Step::Text => None,
        })
    }

    /// The path with other names, as many as it has.
    pub(crate) fn renamed<'b>(&self, names: &'b [String]) -> Path<'b> {
        let mut names = names.iter();
        let mut next = || names.next().map_or("", String::as_str);
        let steps = self.steps.iter().map(|it| match it {
            Step::Member(_) => Step::Member(next()),
            Step::Attribute(_) => Step::Attribute(next()),
            Step::Child(child) => Step::Child(Child { tag: next(), nth: child.nth }),
            Step::Element(index) => Step::Element(*index),
            Step::Text => Step::Text,
        });
        Path { root: self.root, steps: steps.collect() }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, by: Grouping) -> fmt::Result {
        write!(f, "{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Member(name) => write_member(f, name)?,
                Step::Element(_) if by != Grouping::Nothing => f.write_str("[*]")?,
                Step::Element(index) => write!(f, "[{index}]")?,
                Step::Child(child) => {
                    write_child(f, child.tag, child.nth.filter(|_| !by.groups(child.tag)))?;
                }
                Step::Attribute(name) => write_attribute(f, name)?,
                Step::Text => f.write_str(TEXT)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Grouping::Nothing)
    }
}

struct Grouped<'p> {
    path: &'p Path<'p>,
    by: Grouping,
}

/// Which elements share a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    Nothing,
    /// Those of lists, and elements of a page that are made to be repeated.
    Lists,
    /// Those of lists, and all siblings with one tag.
    Every,
}

impl Grouping {
    fn groups(self, tag: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Lists => matches!(tag, "dd" | "dt" | "li" | "option" | "tr"),
            Self::Every => true,
        }
    }
}

impl fmt::Display for Grouped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.write(f, self.by)
    }
}

// === impl Root ===

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Document => "$",
            Self::Markup => ":root",
            Self::Trailers => "trailers",
            Self::Request => "request",
        })
    }
}

fn write_member(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if !name.is_empty() && name.chars().all(is_plain) {
        f.write_char('.')?;
        f.write_str(name)
    } else {
        write!(f, "[{}]", serde_json::Value::from(name))
    }
}

/// The text in an element. CSS has no selector for it; scraping tools write it so.
const TEXT: &str = "::text";

fn write_child(f: &mut fmt::Formatter<'_>, tag: &str, nth: Option<usize>) -> fmt::Result {
    f.write_str(" > ")?;
    write_identifier(f, tag)?;
    nth.map_or(Ok(()), |nth| write!(f, ":nth-of-type({nth})"))
}

fn write_attribute(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.write_char('[')?;
    write_identifier(f, name)?;
    f.write_char(']')
}

/// A name in CSS: other ASCII characters than letters, digits, `_` and `-` have a backslash.
fn write_identifier(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    for it in name.chars() {
        if it.is_ascii() && !is_plain(it) {
            f.write_char('\\')?;
        }
        f.write_char(it)?;
    }
    Ok(())
}

const fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '_' | '-')
}

#[cfg(test)]
mod tests;
