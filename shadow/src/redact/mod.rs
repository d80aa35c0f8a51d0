//! What a sample may show of a buyer's data: shapes and keyed hashes, unless a path is revealed.
//!
//! A hash is the first eight hexadecimal digits of an HMAC under a key that the store keeps, so that
//! equal values can be recognised across samples and restarts, and nobody without the store can try
//! values out; nor with it, where there is a secret beside.

mod names;
mod shape;
mod target;

use std::fmt::Write as _;

pub(crate) use self::names::is_plain as is_plain_name;
use self::shape::Key;
pub(crate) use self::target::is_revealed;
pub use self::target::method_name;
use crate::{
    Captured, Observation,
    compare::{Fragment, Path, PathPattern, Root, Step, Value, document},
    sensitive::is_sensitive,
};

/// A stored body is cut after so many bytes, and says so.
const BODY_LIMIT: usize = 16 * 1024;

/// Redacts what goes into samples.
#[derive(Clone)]
pub(crate) struct Redactor {
    key: Key,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self { key: Key(key) }
    }

    /// Hashes under this secret too.
    pub(crate) fn keyed_with(&self, secret: &str) -> Self {
        Self::new(self.key.keyed(&[secret.as_bytes()]))
    }

    /// The value at a difference's path.
    pub(crate) fn fragment(
        &self,
        fragment: &Fragment<'_>,
        path: &Path<'_>,
        reveal: &[PathPattern],
    ) -> String {
        let mut text = String::new();
        match fragment {
            Fragment::Status(status) => text.push_str(status.as_str()),
            Fragment::Header(value) if is_shown(path, reveal, value) => text.push_str(value),
            Fragment::Header(value) => self.key.text(&mut text, value),
            Fragment::Text(value) if is_shown(path, reveal, value) => text.push_str(value),
            Fragment::Text(value) => self.key.text(&mut text, value),
            Fragment::Element(it) => self.key.shape(&mut text, "element", &it.excerpt()),
            Fragment::Body(body) => self.key.body(&mut text, body),
            Fragment::Digest(digest) => self.key.digest(&mut text, digest),
            Fragment::Json(value) => {
                let mut path = path.clone();
                self.json(&mut text, *value, &mut path, reveal, 0);
            }
        }
        cut(text)
    }

    /// What `show` makes of a difference's path, in which names that may be data are redacted.
    pub(crate) fn path(&self, path: &Path<'_>, show: impl FnOnce(&Path<'_>) -> String) -> String {
        let redacted = |(name, is_plain): (&str, bool)| {
            let mut text = String::new();
            self.name(&mut text, name, is_plain);
            text
        };
        let names: Vec<_> = names::judged(path).map(redacted).collect();
        show(&path.renamed(&names))
    }

    /// An answer's body: a JSON document with every value redacted, or the class of anything else's
    /// size.
    pub(crate) fn body(&self, observation: &Observation, reveal: &[PathPattern]) -> String {
        let mut text = String::new();
        match (document(observation), &observation.body) {
            (Some(it), _) => {
                self.json(&mut text, it.root(), &mut Path::at(Root::Document), reveal, 0);
            }
            (None, Captured::Whole(body)) => self.key.body(&mut text, body),
            (None, Captured::Digested(digest)) => self.key.digest(&mut text, digest),
        }
        cut(text)
    }

    fn json<'a>(
        &self,
        text: &mut String,
        value: Value<'a>,
        path: &mut Path<'a>,
        reveal: &[PathPattern],
        depth: usize,
    ) {
        match value {
            Value::Null => text.push_str("null"),
            // Of two values a hash says as much as the value.
            Value::Bool(value) => text.push_str(if value { "true" } else { "false" }),
            Value::Number(number) if is_shown(path, reveal, number) => text.push_str(number),
            Value::Number(number) => self.key.shape(text, "number", number),
            Value::String(string) if is_shown(path, reveal, string) => {
                // Writing to a String cannot fail.
                let _ = write!(text, "{string:?}");
            }
            Value::String(string) => self.key.text(text, string),
            Value::Array(elements) => {
                self.nested(
                    text,
                    ['[', ']'],
                    depth,
                    elements.iter().enumerate(),
                    |it, text, (index, element)| {
                        path.push(Step::Element(index));
                        it.json(text, element, path, reveal, depth + 1);
                        path.pop();
                    },
                );
            }
            Value::Object(members) => {
                self.nested(text, ['{', '}'], depth, members.iter(), |it, text, (name, member)| {
                    it.name(text, name, names::is_plain(name));
                    text.push_str(": ");
                    path.push(Step::Member(name));
                    it.json(text, member, path, reveal, depth + 1);
                    path.pop();
                });
            }
        }
    }

    /// One line for each item, indented, as far as they are kept.
    fn nested<T>(
        &self,
        text: &mut String,
        [open, close]: [char; 2],
        depth: usize,
        items: impl Iterator<Item = T>,
        mut each: impl FnMut(&Self, &mut String, T),
    ) {
        text.push(open);
        let mut items = items.peekable();
        let is_empty = items.peek().is_none();
        while let Some(item) = items.next() {
            if text.len() > BODY_LIMIT {
                return;
            }
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth + 1));
            each(self, text, item);
            if items.peek().is_some() {
                text.push(',');
            }
        }
        if !is_empty {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
        text.push(close);
    }

    /// A name, unless it may be data.
    fn name(&self, text: &mut String, name: &str, is_plain: bool) {
        if is_plain {
            text.push_str(name);
        } else {
            self.key.shape(text, "name", name);
        }
    }

    /// By which equal requests are recognised, and nothing else of them.
    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> u64 {
        let hash = self.key.keyed(parts);
        hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// A difference's path for who may not see values: of a name that may be data it has `‹name›`.
pub fn printable_path(path: &Path<'_>) -> String {
    let printable = |(name, is_plain): (&str, bool)| if is_plain { name } else { "‹name›" }.into();
    let names: Vec<String> = names::judged(path).map(printable).collect();
    path.renamed(&names).to_string()
}

/// Whether a route reveals the value, and nobody would mind.
fn is_shown(path: &Path<'_>, reveal: &[PathPattern], value: &str) -> bool {
    reveal.iter().any(|it| it.matches(path)) && !is_sensitive(path.names(), value)
}

/// Cuts a text that is too long between two characters, and says so.
fn cut(mut text: String) -> String {
    if text.len() > BODY_LIMIT {
        text.truncate(text.floor_char_boundary(BODY_LIMIT));
        text.push_str("\n… cut after 16 KiB");
    }
    text
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
