//! That each experiment is counted once, whatever becomes of it.

use std::sync::Arc;

use crate::{Subject, Unknown, book::Book, stratum::Traits};

/// Sees to it that every experiment is counted once: one that is lost on the way, whatever the
/// reason, was dropped.
pub(crate) struct Ticket {
    book: Arc<Book>,
    subject: Arc<Subject>,
    /// As soon as the judge has the monolith's answer: what is dropped before that is of no kind.
    traits: Option<Traits>,
    settled: bool,
}

impl Ticket {
    pub(crate) fn new(book: &Arc<Book>, subject: &Arc<Subject>) -> Self {
        Self { book: Arc::clone(book), subject: Arc::clone(subject), traits: None, settled: false }
    }

    /// The monolith has answered: so the request is of this kind.
    pub(crate) fn is_of(&mut self, traits: Traits) {
        self.traits = Some(traits);
    }

    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    pub(crate) fn settle(mut self, count: impl FnOnce(&Book)) {
        self.settled = true;
        count(&self.book);
    }

    /// It could not be compared.
    pub(crate) fn unknown(mut self, why: Unknown) {
        self.settled = true;
        self.count_unknown(why);
    }

    fn count_unknown(&self, why: Unknown) {
        match &self.traits {
            Some(traits) => self.book.unknown(&self.subject, why, traits),
            // It may not even have left the thread that serves its buyer.
            None => self.book.lost(&self.subject, why),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            self.count_unknown(Unknown::Dropped);
        }
    }
}
