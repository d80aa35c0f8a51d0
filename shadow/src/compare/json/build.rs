//! Documents made of something else than JSON.

use std::borrow::Cow;

use super::document::{Document, Entry, Kind, LENGTH_LIMIT, Unescaped, offset};

/// Takes a document's parts in their order.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    text: String,
    entries: Vec<Entry>,
}

/// A list or an object that is not ended yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun(usize);

impl Builder {
    pub(crate) fn begin_array(&mut self) -> Begun {
        self.begin(Kind::Array)
    }

    /// Of its strings every other one is a name.
    pub(crate) fn begin_object(&mut self) -> Begun {
        self.begin(Kind::Object)
    }

    fn begin(&mut self, kind: Kind) -> Begun {
        let start = offset(self.text.len());
        self.entries.push(Entry { kind, start, end: start, link: 0 });
        Begun(self.entries.len() - 1)
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
        self.entries.push(Entry { kind: Kind::Plain, start, end, link: 0 });
    }

    /// `None` of what is longer than a document may be.
    pub(crate) fn finish(self) -> Option<Document<'static>> {
        let fits = self.text.len().max(self.entries.len()) <= LENGTH_LIMIT;
        fits.then(|| Document {
            text: Cow::Owned(self.text),
            entries: self.entries,
            unescaped: Unescaped::default(),
            control: None,
        })
    }
}
