//! The reader: a text in, a document out. Beside a control it writes down only what that does not
//! say.

use std::borrow::Cow;

use super::{
    DEPTH_LIMIT, NotJson,
    beside::{Agreed, Index, Names, Twin},
    document::{Document, Entry, Kind, LENGTH_LIMIT, Unescaped, entries_limit, offset},
    scan::Scanner,
    value::Node,
};
use crate::compare::Unreadable;

pub(super) struct Reader<'a> {
    text: &'a str,
    entries: Vec<Entry>,
    unescaped: Unescaped,
    agreed: Agreed,
    index: Index,
    is_too_deep: bool,
}

/// Where a value ends, and whether it says what its twin does.
type End = (usize, bool);

/// Reads one value and nothing after it; where the control says the same, only that it does.
pub(super) fn read<'a>(
    text: &'a str,
    control: Option<&'a Document<'a>>,
) -> Result<Document<'a>, Unreadable> {
    if text.len() > LENGTH_LIMIT {
        return Err(Unreadable::TooLarge);
    }
    // A field is some twenty bytes, and two entries.
    let room = if control.is_some() { 0 } else { text.len() / 10 };
    let entries = Vec::with_capacity(room);
    let (unescaped, agreed) = (Unescaped::default(), Agreed::default());
    let index = Index::new();
    let mut reader = Reader { text, entries, unescaped, agreed, index, is_too_deep: false };
    let read = reader.document(control.map(|it| Node::new(it, 0)));
    let Reader { entries, unescaped, is_too_deep, .. } = reader;
    match read {
        Err(NotJson) if !is_too_deep => Err(Unreadable::Malformed),
        Ok(()) if entries.len() <= entries_limit(text.len()) => {
            Ok(Document { text: Cow::Borrowed(text), entries, unescaped, control })
        }
        _ => Err(Unreadable::TooLarge),
    }
}

impl<'a> Reader<'a> {
    fn document(&mut self, twin: Twin<'a>) -> Result<(), NotJson> {
        let mut scanner = Scanner::new(self.text.as_bytes(), 0);
        scanner.skip_whitespace();
        self.value(&mut scanner, 0, twin)?;
        scanner.skip_whitespace();
        if scanner.is_at_the_end() { Ok(()) } else { Err(NotJson) }
    }

    /// Whether the value says what its twin does.
    #[inline(always)]
    fn value(
        &mut self,
        scanner: &mut Scanner<'a>,
        depth: usize,
        twin: Twin<'a>,
    ) -> Result<bool, NotJson> {
        let start = scanner.at;
        let kind = match scanner.peek().ok_or(NotJson)? {
            b'"' => {
                if let Some(string) = twin.and_then(|it| self.string_alike(start + 1, it)) {
                    scanner.at = string.end as usize + 1;
                    self.entries.push(string);
                    return Ok(true);
                }
                let string = self.string(scanner)?;
                return Ok(self.scalar(string, twin));
            }
            b'{' if depth < DEPTH_LIMIT => Kind::Object,
            b'[' if depth < DEPTH_LIMIT => Kind::Array,
            b'-' | b'0'..=b'9' => scanner.number().map(|()| Kind::Number)?,
            b'n' => scanner.word(b"null").map(|()| Kind::Null)?,
            b't' => scanner.word(b"true").map(|()| Kind::True)?,
            b'f' => scanner.word(b"false").map(|()| Kind::False)?,
            it => {
                self.is_too_deep = matches!(it, b'{' | b'[');
                return Err(NotJson);
            }
        };
        if matches!(kind, Kind::Array | Kind::Object) {
            let (end, same) = self.list(kind, start, depth + 1, twin)?;
            scanner.at = end;
            return Ok(same);
        }
        let scalar = Entry { kind, start: offset(start), end: offset(scanner.at), link: 0 };
        Ok(self.scalar(scalar, twin))
    }

    #[inline(always)]
    fn scalar(&mut self, entry: Entry, twin: Twin<'a>) -> bool {
        self.entries.push(entry);
        twin.is_some_and(|twin| {
            let is_string = |it| matches!(it, Kind::Plain | Kind::Escaped);
            let (one, other) = (entry.kind, twin.kind());
            (one == other || is_string(one) && is_string(other))
                && entry.bytes(self.text, &self.unescaped) == twin.bytes()
        })
    }

    /// The string that begins here, if it is written as its twin is: where that ends is known before
    /// a byte of it is read, and nearly always right.
    #[inline(always)]
    fn string_alike(&self, start: usize, twin: Node<'a>) -> Option<Entry> {
        if twin.kind() != Kind::Plain {
            return None;
        }
        let (text, theirs) = (self.text.as_bytes(), twin.bytes());
        let end = start + theirs.len();
        let is_alike = text.get(end) == Some(&b'"') && text[start..end] == *theirs;
        let (start, end) = (offset(start), offset(end));
        is_alike.then_some(Entry { kind: Kind::Plain, start, end, link: 0 })
    }

    #[inline(always)]
    fn string(&mut self, scanner: &mut Scanner<'a>) -> Result<Entry, NotJson> {
        scanner.expect(b'"')?;
        let start = scanner.at;
        scanner.skip_plain();
        let end = offset(scanner.at);
        if scanner.accept(b'"') {
            return Ok(Entry { kind: Kind::Plain, start: offset(start), end, link: 0 });
        }
        let string = self.unescape(start, scanner.at)?;
        scanner.at = string.end as usize + 1;
        Ok(string)
    }

    /// A string that goes on with an escape.
    fn unescape(&mut self, start: usize, escape: usize) -> Result<Entry, NotJson> {
        let mut scanner = Scanner::new(self.text.as_bytes(), escape);
        let mut plain = start;
        loop {
            self.unescaped.text().push_str(&self.text[plain..scanner.at]);
            let end = offset(scanner.at);
            if scanner.accept(b'"') {
                let link = self.unescaped.end();
                return Ok(Entry { kind: Kind::Escaped, start: offset(start), end, link });
            }
            scanner.expect(b'\\')?;
            self.unescaped.text().push(scanner.escape()?);
            plain = scanner.at;
            scanner.skip_plain();
        }
    }

    /// A list or an object.
    fn list(
        &mut self,
        kind: Kind,
        start: usize,
        depth: usize,
        twin: Twin<'a>,
    ) -> Result<End, NotJson> {
        let twin = twin.filter(|it| it.kind() == kind);
        let (entry, unescaped) = (self.entries.len(), self.unescaped.len());
        self.entries.push(Entry { kind, start: offset(start), end: 0, link: 0 });
        let written_alike = twin.and_then(|it| self.agreed.end(self.text, start, it));
        let (end, same) = match (written_alike, kind) {
            (Some(end), _) => (end, true),
            (None, Kind::Object) => self.members(start + 1, depth, twin)?,
            (None, _) => self.elements(start + 1, depth, twin)?,
        };
        let same = twin.filter(|_| same);
        let mut link = self.entries.len();
        if let Some(twin) = same {
            self.entries.truncate(entry + 1);
            self.unescaped.truncate(unescaped);
            self.entries[entry].kind = Kind::Same;
            link = twin.at;
        }
        self.entries[entry].end = offset(end);
        self.entries[entry].link = offset(link);
        Ok((end, same.is_some()))
    }

    fn elements(&mut self, at: usize, depth: usize, twin: Twin<'a>) -> Result<End, NotJson> {
        let mut scanner = Scanner::new(self.text.as_bytes(), at);
        let mut twins = twin.map(Node::entries).into_iter().flatten();
        let mut same = true;
        scanner.skip_whitespace();
        if scanner.accept(b']') {
            return Ok((scanner.at, twins.next().is_none()));
        }
        loop {
            same &= self.value(&mut scanner, depth, twins.next())?;
            scanner.skip_whitespace();
            if !scanner.goes_on(b']')? {
                return Ok((scanner.at, same && twins.next().is_none()));
            }
            scanner.skip_whitespace();
        }
    }

    fn members(&mut self, at: usize, depth: usize, twin: Twin<'a>) -> Result<End, NotJson> {
        let mut scanner = Scanner::new(self.text.as_bytes(), at);
        let mut twins = twin.map(Names::of);
        let mut same = true;
        scanner.skip_whitespace();
        if scanner.accept(b'}') {
            return Ok((scanner.at, twins.is_some_and(|it| it.end(&mut self.index))));
        }
        loop {
            let name = self.string(&mut scanner)?;
            let text = name.bytes(self.text, &self.unescaped);
            let twin = twins.as_mut().and_then(|it| it.find(text, &mut self.index));
            self.entries.push(name);
            scanner.skip_whitespace();
            scanner.expect(b':')?;
            scanner.skip_whitespace();
            same &= self.value(&mut scanner, depth, twin)?;
            scanner.skip_whitespace();
            if !scanner.goes_on(b'}')? {
                let are_all_found = twins.is_some_and(|it| it.end(&mut self.index));
                return Ok((scanner.at, same && are_all_found));
            }
            scanner.skip_whitespace();
        }
    }
}
