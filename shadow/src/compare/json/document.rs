//! A document as a flat list of what is in it, so that it takes a handful of allocations, however
//! much there is.

use std::borrow::Cow;

use super::{Value, value::Node};

/// A JSON document. Every value of it is a [`Value`], made when it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Document<'a> {
    pub(super) text: Cow<'a, str>,
    /// In the order of the text, each in front of what is in it.
    pub(super) entries: Vec<Entry>,
    pub(super) unescaped: Unescaped,
    /// Where the lists and objects are that this one says again.
    pub(super) control: Option<&'a Document<'a>>,
}

/// A value, or the name of the one behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Its bytes in the text, of a string without the quotes.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) link: u32,
}

/// What it is, and what its link is then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    Number,
    /// A string that says what it is.
    Plain,
    /// A string with escapes; the link is its index among the unescaped.
    Escaped,
    /// The link is the index of what follows.
    Array,
    /// Names and values in turn; the link is the index of what follows.
    Object,
    /// What the control says in the same place; the link is its index there.
    Same,
}

/// What escaped strings say.
#[derive(Debug, Clone, Default)]
pub(super) struct Unescaped {
    text: String,
    ends: Vec<u32>,
}

impl Document<'_> {
    pub(crate) fn root(&self) -> Value<'_> {
        Node::new(self, 0).value()
    }

    /// The index of what follows an entry and all that is in it.
    #[inline(always)]
    pub(super) fn behind(&self, at: usize) -> usize {
        match self.entries[at] {
            Entry { kind: Kind::Array | Kind::Object, link, .. } => link as usize,
            _ => at + 1,
        }
    }
}

impl PartialEq for Document<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Entry {
    /// What a scalar of this text says.
    pub(super) fn says<'t>(&self, text: &'t str, unescaped: &'t Unescaped) -> &'t str {
        match self.kind {
            Kind::Escaped => unescaped.get(self.link as usize),
            _ => &text[self.start as usize..self.end as usize],
        }
    }

    /// The bytes of the same, which are found without a look at the text.
    #[inline(always)]
    pub(super) fn bytes<'t>(&self, text: &'t str, unescaped: &'t Unescaped) -> &'t [u8] {
        match self.kind {
            Kind::Escaped => unescaped.get(self.link as usize).as_bytes(),
            _ => &text.as_bytes()[self.start as usize..self.end as usize],
        }
    }
}

impl Unescaped {
    fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[at] as usize]
    }

    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds to the string that is being unescaped.
    pub(super) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Ends it, and returns its index.
    pub(super) fn end(&mut self) -> u32 {
        self.ends.push(offset(self.text.len()));
        offset(self.ends.len() - 1)
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.text.truncate(self.ends.last().map_or(0, |it| *it as usize));
    }
}

/// What a document may have in it, however short it is; a comparison takes some two hundred bytes for each.
const ENTRIES: usize = 1_000_000;

/// How much may be in a document of this length: more where it is long, as one that is read from a file
/// may be, but then no more than one for eight bytes.
pub(super) fn entries_limit(bytes: usize) -> usize {
    ENTRIES.max(bytes / 8)
}

/// The longest text that is read, in bytes.
pub(super) const LENGTH_LIMIT: usize = u32::MAX as usize;

/// A place in a text, or in a list of what is in one.
#[expect(clippy::cast_possible_truncation, reason = "no text is longer, nor has more in it")]
#[inline(always)]
pub(super) const fn offset(at: usize) -> u32 {
    at as u32
}
