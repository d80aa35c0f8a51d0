//! Documents made of something else than JSON.

use std::borrow::Cow;

use super::document::{Document, Entry, Kind, LENGTH_LIMIT, Unescaped, entries_limit, offset};
use crate::compare::Unreadable;

/// Takes a document's parts in their order.
#[derive(Debug)]
pub(crate) struct Builder {
    text: String,
    entries: Vec<Entry>,
    /// Once there are more, no further ones are kept.
    limit: usize,
}

/// A list or an object that is not ended yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun(usize);

impl Builder {
    /// Of a body with so many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self { text: String::new(), entries: Vec::new(), limit: entries_limit(bytes) }
    }

    pub(crate) fn begin_array(&mut self) -> Begun {
        self.begin(Kind::Array)
    }

    /// Of its strings every other one is a name.
    pub(crate) fn begin_object(&mut self) -> Begun {
        self.begin(Kind::Object)
    }

    fn begin(&mut self, kind: Kind) -> Begun {
        let start = offset(self.text.len());
        self.push(Entry { kind, start, end: start, link: 0 });
        Begun(self.entries.len() - 1)
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() <= self.limit {
            self.entries.push(entry);
        }
    }

    pub(crate) fn end(&mut self, begun: Begun) {
        let link = offset(self.entries.len());
        let entry = &mut self.entries[begun.0];
        (entry.end, entry.link) = (offset(self.text.len()), link);
    }

    pub(crate) fn string(&mut self, text: &str) {
        let start = offset(self.text.len());
        self.text.push_str(text);
        let end = offset(self.text.len());
        self.push(Entry { kind: Kind::Plain, start, end, link: 0 });
    }

    /// # Errors
    /// [`Unreadable::TooLarge`] for what is longer than a document may be, or has more in it.
    pub(crate) fn finish(self) -> Result<Document<'static>, Unreadable> {
        let Self { text, entries, limit } = self;
        if text.len() > LENGTH_LIMIT || entries.len() > limit {
            return Err(Unreadable::TooLarge);
        }
        let unescaped = Unescaped::default();
        Ok(Document { text: Cow::Owned(text), entries, unescaped, control: None })
    }
}
