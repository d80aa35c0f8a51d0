//! What a document's reader knows of another document, which is expected to say the same.

use super::{document::Document, value::Node};

/// The value that stands in the same place of the control.
pub(super) type Twin<'a> = Option<Node<'a>>;

/// A stretch of the text that is known to be the control's, byte for byte.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Agreed {
    /// How much further behind it is in the control, modulo 2⁶⁴.
    shift: usize,
    until: usize,
}

impl Agreed {
    /// Where the value that begins here ends, if it is written as its twin is. No byte is looked at
    /// twice: what is in a value that differs is equal in front of the first byte that does.
    pub(super) fn end(&mut self, text: &str, start: usize, twin: Node<'_>) -> Option<usize> {
        let (theirs, text) = (twin.text().as_bytes(), text.as_bytes());
        let shift = twin.start().wrapping_sub(start);
        if shift != self.shift || start >= self.until {
            *self = Self { shift, until: start + common_prefix(&text[start..], theirs) };
        }
        let end = start + theirs.len();
        (end <= self.until).then_some(end)
    }
}

/// The length of what both begin with.
fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let equal = |one: &[u8], other: &[u8]| {
        one.iter().zip(other).take_while(|(one, other)| one == other).count()
    };
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK));
    let length = blocks.take_while(|(one, other)| one == other).count() * BLOCK;
    length + equal(&one[length..], &other[length..])
}

/// The members of the control's object, by their names: each is found once. A repeated name is held
/// against its repetitions in their order. In another order than the control's only the first 64 are
/// found; the others are left to the comparison itself.
pub(super) struct Names<'a> {
    document: &'a Document<'a>,
    from: usize,
    to: usize,
    /// Behind the members that were found while all were in their order; 0 since one was not.
    next: usize,
    found: u32,
    /// Bits: which were found.
    taken: u64,
}

impl<'a> Names<'a> {
    pub(super) fn of(twin: Node<'a>) -> Self {
        let (from, to) = twin.within();
        Self { document: twin.document, from, to, next: from, found: 0, taken: 0 }
    }

    /// The value behind a name.
    #[inline(always)]
    pub(super) fn find(&mut self, name: &[u8]) -> Twin<'a> {
        if self.next == 0 {
            return self.find_anywhere(name);
        }
        if self.next < self.to && self.node(self.next).bytes() == name {
            let value = self.node(self.next + 1);
            self.next = self.document.behind(value.at);
            self.found += 1;
            return Some(value);
        }
        self.next = 0;
        self.taken = 1_u64.checked_shl(self.found).map_or(u64::MAX, |it| it - 1);
        self.find_anywhere(name)
    }

    fn find_anywhere(&mut self, name: &[u8]) -> Twin<'a> {
        let (mut at, mut member) = (self.from, 1);
        while at < self.to && member != 0 {
            if self.taken & member == 0 && self.node(at).bytes() == name {
                self.taken |= member;
                self.found += 1;
                return Some(self.node(at + 1));
            }
            at = self.document.behind(at + 1);
            member <<= 1;
        }
        None
    }

    pub(super) fn are_all_found(&self) -> bool {
        if self.next != 0 {
            return self.next == self.to;
        }
        let (mut at, mut all) = (self.from, 0);
        while at < self.to {
            at = self.document.behind(at + 1);
            all += 1;
        }
        self.found == all
    }

    fn node(&self, at: usize) -> Node<'a> {
        Node { document: self.document, at }
    }
}

#[cfg(test)]
mod tests;
