//! What a reader sees of a document.

use std::{iter, ptr};

use super::document::{Document, Kind, offset};

/// A JSON value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written: `19.90` is not `19.9`.
    Number(&'a str),
    /// A string, its escapes resolved.
    String(&'a str),
    /// A list.
    Array(Elements<'a>),
    /// Names and values in the order of the text, repeated names included.
    Object(Members<'a>),
}

/// The elements of a list.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a>(Contents<'a>);

/// The members of an object.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a>(Contents<'a>);

/// What is in a list or an object: the entries from one index up to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents<'a> {
    document: &'a Document<'a>,
    from: u32,
    to: u32,
}

/// What is left of these.
#[derive(Clone)]
pub(super) struct Entries<'a>(Contents<'a>);

/// A place in a document; where that says again what the control says, the place there.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) at: usize,
}

impl<'a> Node<'a> {
    #[inline(always)]
    pub(super) fn new(document: &'a Document<'a>, at: usize) -> Self {
        let entry = &document.entries[at];
        match (entry.kind, document.control) {
            (Kind::Same, Some(control)) => Self { document: control, at: entry.link as usize },
            _ => Self { document, at },
        }
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        self.document.entries[self.at].kind
    }

    /// What a scalar or a name says.
    fn says(self) -> &'a str {
        self.document.entries[self.at].says(&self.document.text, &self.document.unescaped)
    }

    /// The bytes of the same.
    #[inline(always)]
    pub(super) fn bytes(self) -> &'a [u8] {
        self.document.entries[self.at].bytes(&self.document.text, &self.document.unescaped)
    }

    /// What is in a list or an object: from the first index up to the second.
    #[inline(always)]
    pub(super) fn within(self) -> (usize, usize) {
        (self.at + 1, self.document.behind(self.at))
    }

    /// Where it begins in the text. Of a list or an object.
    pub(super) fn start(self) -> usize {
        self.document.entries[self.at].start as usize
    }

    /// As it is written. Of a list or an object.
    pub(super) fn text(self) -> &'a str {
        let entry = &self.document.entries[self.at];
        &self.document.text[entry.start as usize..entry.end as usize]
    }

    pub(super) fn value(self) -> Value<'a> {
        match self.kind() {
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Number => Value::Number(self.says()),
            Kind::Plain | Kind::Escaped => Value::String(self.says()),
            Kind::Array => Value::Array(Elements(self.contents())),
            Kind::Object => Value::Object(Members(self.contents())),
            // A control says nothing again.
            Kind::Null | Kind::Same => Value::Null,
        }
    }

    /// What is in a list or an object.
    pub(super) fn entries(self) -> Entries<'a> {
        Entries(self.contents())
    }

    fn contents(self) -> Contents<'a> {
        let to = self.document.entries[self.at].link;
        Contents { document: self.document, from: offset(self.at + 1), to }
    }
}

impl Value<'_> {
    /// Of an object, the first member of this name.
    pub(in crate::compare) fn member(self, name: &str) -> Option<Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(it, _)| *it == name).map(|(_, it)| it)
    }
}

impl<'a> Elements<'a> {
    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = Value<'a>> + Clone {
        Entries(self.0).map(Node::value)
    }

    /// How many values and names are in it, however deep.
    pub(crate) fn size(self) -> u32 {
        self.0.size()
    }

    /// Where the list is. Those of the same place are one list.
    pub(crate) fn place(self) -> Place {
        self.0.place()
    }
}

impl<'a> Members<'a> {
    /// Names and values in the order of the text.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Value<'a>)> + Clone {
        let mut entries = Entries(self.0);
        iter::from_fn(move || Some((entries.next()?.says(), entries.next()?.value())))
    }

    /// How many values and names are in it, however deep.
    pub(crate) fn size(self) -> u32 {
        self.0.size()
    }

    /// Where the object is. Those of the same place are one object.
    pub(crate) fn place(self) -> Place {
        self.0.place()
    }
}

/// A document's address, and an index in it.
pub(crate) type Place = (*const (), u32);

impl Contents<'_> {
    fn size(self) -> u32 {
        self.to - self.from
    }

    fn place(self) -> Place {
        (ptr::from_ref(self.document).cast(), self.from)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let Contents { document, from, to } = &mut self.0;
        (*from < *to).then(|| {
            let at = *from as usize;
            *from = offset(document.behind(at));
            Node::new(document, at)
        })
    }
}

impl PartialEq for Elements<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for Members<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
