//! Finds the end of a head as its bytes arrive, and the faults that a parser of lines would forgive.
//!
//! Source: RFC 9112 §2.2 (line endings), §5.2 (obs-fold). What it lets a recipient tolerate, two
//! recipients may tolerate differently: here every line ends with CRLF, and no field is folded.

/// How large a head may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the first line.
    pub first_line: usize,
    /// Bytes of the whole head.
    pub head: usize,
    /// How many field lines.
    pub fields: usize,
}

/// The first byte of a client that speaks TLS (RFC 8446 §5.1). It waits for an answer now, with or
/// without a line end in what it has sent.
const TLS_HANDSHAKE: u8 = 0x16;

/// Why a head is refused before it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadFault {
    /// The first line is longer than its limit.
    #[error("the first line is too long")]
    FirstLineTooLong,
    /// The head is larger than its limit.
    #[error("the head is too large")]
    TooLarge,
    /// There are more field lines than the limit.
    #[error("there are too many header fields")]
    TooManyFields,
    /// It is HTTP of another version than 1.0 and 1.1.
    #[error("another version than HTTP/1.0 and HTTP/1.1")]
    Version,
    /// Two servers could read it differently, or it is not HTTP.
    #[error("{0}")]
    Malformed(&'static str),
}

/// The state of one scan. Feed it the whole buffer again and again; it goes on where it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan {
    /// Everything before this offset has been looked at.
    seen: usize,
    /// Where the line begins that is being looked at.
    line: usize,
    /// Where the head begins: after an empty line that a sloppy client has left behind.
    start: usize,
    lines: usize,
}

/// Where a complete head stands in the buffer: `start..end`, the empty line included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadSpan {
    /// The first byte of the first line.
    pub start: usize,
    /// The byte after the empty line.
    pub end: usize,
}

impl Scan {
    /// A scan of trailers: field lines without a first line, so the empty line may come at once.
    pub const fn trailers() -> Self {
        Self { seen: 0, line: 0, start: 0, lines: 1 }
    }

    /// Looks at what is new in `buffer`. `None`: the head is not complete yet.
    ///
    /// # Errors
    /// As soon as what is there cannot become a head any more.
    pub fn advance(
        &mut self,
        buffer: &[u8],
        limits: HeadLimits,
    ) -> Result<Option<HeadSpan>, HeadFault> {
        if self.seen == 0 && self.lines == 0 && buffer.first() == Some(&TLS_HANDSHAKE) {
            return Err(HeadFault::Malformed(
                "this is TLS where cleartext is spoken: should it be https://?",
            ));
        }
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &buffer[self.seen..]) {
            let at = self.seen + found;
            if buffer[at] == b'\n' {
                return Err(HeadFault::Malformed("a line ends with LF alone"));
            }
            match buffer.get(at + 1) {
                Some(b'\n') => {}
                Some(_) => return Err(HeadFault::Malformed("a CR stands alone")),
                // The LF may be on its way.
                None => {
                    self.seen = at;
                    return self.within(buffer.len(), limits);
                }
            }
            let (line, end) = (&buffer[self.line..at], at + 2);
            self.seen = end;
            if line.is_empty() {
                if self.lines > 0 {
                    return self
                        .within(end, limits)
                        .map(|_| Some(HeadSpan { start: self.start, end }));
                }
                if self.start > 0 {
                    return Err(HeadFault::Malformed("empty lines in place of a request"));
                }
                self.start = end;
            } else {
                self.line_found(line, limits)?;
            }
            self.line = end;
        }
        self.seen = buffer.len();
        self.within(buffer.len(), limits)
    }

    fn line_found(&mut self, line: &[u8], limits: HeadLimits) -> Result<(), HeadFault> {
        if self.lines == 0 && line.len() > limits.first_line {
            return Err(HeadFault::FirstLineTooLong);
        }
        if self.lines > 0 && matches!(line[0], b' ' | b'\t') {
            return Err(HeadFault::Malformed("a field is folded over two lines"));
        }
        self.lines += 1;
        if self.lines > limits.fields + 1 {
            return Err(HeadFault::TooManyFields);
        }
        Ok(())
    }

    /// Whether `end` bytes are within the limits; there is no head yet in either case.
    fn within(&self, end: usize, limits: HeadLimits) -> Result<Option<HeadSpan>, HeadFault> {
        if self.lines == 0 && end - self.line > limits.first_line + 2 {
            return Err(HeadFault::FirstLineTooLong);
        }
        if end - self.start > limits.head {
            return Err(HeadFault::TooLarge);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: HeadLimits = HeadLimits { first_line: 20, head: 60, fields: 3 };

    fn scan(text: &str) -> Result<Option<HeadSpan>, HeadFault> {
        Scan::default().advance(text.as_bytes(), LIMITS)
    }

    #[test]
    fn a_head_ends_with_its_empty_line_and_what_follows_is_not_looked_at() {
        assert_eq!(
            scan("GET / HTTP/1.1\r\nHost: a\r\n\r\nb\n\r"),
            Ok(Some(HeadSpan { start: 0, end: 27 }))
        );
        assert_eq!(scan("\r\nGET / HTTP/1.1\r\n\r\n"), Ok(Some(HeadSpan { start: 2, end: 20 })));
        assert_eq!(scan("GET / HTTP/1.1\r\nHost: a\r\n\r"), Ok(None));
        assert_eq!(scan(""), Ok(None));
    }

    #[test]
    fn what_two_servers_could_read_differently_is_refused_at_once() {
        for text in ["GET / HTTP/1.1\n", "GET /\r ", "\r\n\r\n", "A / B\r\nC: d\r\n e\r\n", "\n"] {
            assert!(matches!(scan(text), Err(HeadFault::Malformed(_))), "{text:?}");
        }
    }

    #[test]
    fn who_speaks_tls_is_told_at_once() {
        let hello = "\u{16}\u{3}\u{1}\0x";
        assert!(matches!(scan(hello), Err(HeadFault::Malformed(why)) if why.contains("https://")));
        assert!(matches!(scan("GET / HTTP/1.1\r\nA: \u{16}"), Ok(None)));
    }

    #[test]
    fn each_limit_holds_before_the_head_is_complete() {
        assert_eq!(scan(&"a".repeat(23)), Err(HeadFault::FirstLineTooLong));
        assert_eq!(scan(&format!("{}\r\n", "a".repeat(21))), Err(HeadFault::FirstLineTooLong));
        assert_eq!(scan(&format!("a\r\n{}", "b".repeat(60))), Err(HeadFault::TooLarge));
        assert_eq!(scan("a\r\nb\r\nc\r\nd\r\ne\r\n"), Err(HeadFault::TooManyFields));
        assert!(scan("a\r\nb\r\nc\r\nd\r\n\r\n").unwrap().is_some());
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_which_pieces_a_head_arrives(
            bytes in "[ab:\r\n ]{0,80}", cuts in proptest::collection::vec(0usize..80, 0..6)
        ) {
            let bytes = bytes.as_bytes();
            let whole = Scan::default().advance(bytes, LIMITS);
            let mut cuts: Vec<_> = cuts.into_iter().map(|it| it.min(bytes.len())).collect();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            let mut scan = Scan::default();
            let mut result = Ok(None);
            for cut in cuts {
                result = scan.advance(&bytes[..cut], LIMITS);
                if result != Ok(None) {
                    break;
                }
            }
            // A later fault may be a different one where the limits come first in pieces.
            prop_assert_eq!(result.is_err(), whole.is_err());
            if let Ok(span) = whole {
                prop_assert_eq!(result, Ok(span));
            }
        }
    }
}
