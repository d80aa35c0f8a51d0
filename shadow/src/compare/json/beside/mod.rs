//! What a document's reader knows of another document, which is expected to say the same.

use super::{
    document::{Document, offset},
    value::Node,
};

/// So many members are found in another order.
const MEMBERS: usize = u64::BITS as usize;

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
    /// Behind the members that were found while all were in their order.
    next: usize,
    /// Once one was not: where these have their part of the index.
    index: Option<usize>,
    /// Whether all are in the index.
    is_whole: bool,
    found: usize,
    /// Bits: which were found.
    taken: u64,
}

/// Members of objects that are under way, the innermost last: made where members come in another order
/// than the control's, so that a search goes through a few words and not through documents.
pub(super) type Index = Vec<Named>;

/// A member: something of its name, and its index in the document.
pub(super) struct Named {
    hint: u32,
    at: u32,
}

/// Its length, and three of its bytes: few names of one object have these in common.
#[inline(always)]
fn hint(name: &[u8]) -> u32 {
    let [Some(first), Some(last)] = [name.first(), name.last()] else { return 0 };
    let middle = name[name.len() / 2];
    offset(name.len()) << 24 ^ u32::from_le_bytes([*first, middle, *last, 0])
}

impl<'a> Names<'a> {
    pub(super) fn of(twin: Node<'a>) -> Self {
        let (from, to) = twin.within();
        let (next, index, is_whole, found, taken) = (from, None, false, 0, 0);
        Self { document: twin.document, from, to, next, index, is_whole, found, taken }
    }

    /// The value behind a name.
    #[inline(always)]
    pub(super) fn find(&mut self, name: &[u8], index: &mut Index) -> Twin<'a> {
        if self.index.is_none() && self.next < self.to && self.node(self.next).bytes() == name {
            let value = self.node(self.next + 1);
            self.next = self.document.behind(value.at);
            self.found += 1;
            return Some(value);
        }
        self.find_anywhere(name, index)
    }

    fn find_anywhere(&mut self, name: &[u8], index: &mut Index) -> Twin<'a> {
        let start = match self.index {
            Some(start) => start,
            None => self.begin(index),
        };
        let wanted = hint(name);
        for (at, named) in index[start..].iter().enumerate() {
            let member = 1 << at;
            if named.hint == wanted && self.taken & member == 0 {
                let at = named.at as usize;
                if self.node(at).bytes() == name {
                    self.taken |= member;
                    self.found += 1;
                    return Some(self.node(at + 1));
                }
            }
        }
        None
    }

    fn begin(&mut self, index: &mut Index) -> usize {
        let (start, mut at) = (index.len(), self.from);
        while at < self.to && index.len() - start < MEMBERS {
            index.push(Named { hint: hint(self.node(at).bytes()), at: offset(at) });
            at = self.document.behind(at + 1);
        }
        self.is_whole = at == self.to;
        self.taken = 1_u64.checked_shl(offset(self.found)).map_or(u64::MAX, |it| it - 1);
        self.index = Some(start);
        start
    }

    /// Whether each was found, at the end of the object.
    pub(super) fn end(self, index: &mut Index) -> bool {
        let Some(start) = self.index else { return self.next == self.to };
        let members = index.len() - start;
        index.truncate(start);
        self.is_whole && self.found == members
    }

    fn node(&self, at: usize) -> Node<'a> {
        Node { document: self.document, at }
    }
}

#[cfg(test)]
mod tests;
