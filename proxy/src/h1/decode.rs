//! Takes a body out of the bytes of a connection: RFC 9112 §7.1 for chunks, strictly.

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;

use super::{
    framing::Framing,
    head,
    scan::{HeadFault, HeadLimits, Scan},
};

/// The longest chunk-size line, extensions included.
const CHUNK_LINE: usize = 256;

/// A piece is copied out of a buffer of which more than so many times its length is empty: whoever keeps
/// the piece would keep that too.
const EMPTY: usize = 3;

/// What trailers may be.
const TRAILERS: HeadLimits = HeadLimits { first_line: 8 * 1024, head: 16 * 1024, fields: 32 };

/// Why a chunked body is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunked body is malformed: {0}")]
pub struct ChunkFault(pub &'static str);

/// What has been found.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the body.
    Data(Bytes),
    /// Fields after the last chunk; the body has ended with them.
    Trailers(HeaderMap),
    /// The body has ended.
    End,
    /// More bytes are needed.
    More,
}

/// Where in a body the next byte stands.
#[derive(Debug)]
pub struct Decoder {
    state: State,
}

#[derive(Debug)]
enum State {
    Length(u64),
    /// A chunk-size line is next.
    Size,
    /// So many bytes of the chunk are left.
    Chunk(u64),
    /// The line end after a chunk is next.
    ChunkEnd,
    Trailers(Scan),
    UntilClose,
    Ended,
}

impl Decoder {
    /// A decoder at the start of a body.
    pub fn new(framing: Framing) -> Self {
        Self {
            state: match framing {
                Framing::Empty => State::Ended,
                Framing::Length(length) => State::Length(length),
                Framing::Chunked => State::Size,
                Framing::UntilClose => State::UntilClose,
            },
        }
    }

    /// Whether the body's last byte has been taken.
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// How many bytes are left, where that is known.
    pub const fn left(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::Ended => Some(0),
            _ => None,
        }
    }

    /// The sender has closed the connection. Whether that is a proper end of the body.
    pub const fn closed(&mut self) -> bool {
        if matches!(self.state, State::UntilClose) {
            self.state = State::Ended;
        }
        self.is_ended()
    }

    /// Takes the next piece out of `buffer`. Nothing beyond the body's end is taken.
    ///
    /// # Errors
    /// [`ChunkFault`]; the connection cannot be used any further then.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Piece, ChunkFault> {
        loop {
            match &mut self.state {
                State::Ended => return Ok(Piece::End),
                State::UntilClose if buffer.is_empty() => return Ok(Piece::More),
                State::UntilClose => return Ok(Piece::Data(split(buffer, buffer.len()))),
                State::Length(left) => {
                    let Some(data) = take(buffer, left) else { return Ok(Piece::More) };
                    if *left == 0 {
                        self.state = State::Ended;
                    }
                    return Ok(Piece::Data(data));
                }
                State::Chunk(left) => {
                    let Some(data) = take(buffer, left) else { return Ok(Piece::More) };
                    if *left == 0 {
                        self.state = State::ChunkEnd;
                    }
                    return Ok(Piece::Data(data));
                }
                State::Size => match size_line(buffer)? {
                    None => return Ok(Piece::More),
                    Some(0) => self.state = State::Trailers(Scan::trailers()),
                    Some(size) => self.state = State::Chunk(size),
                },
                State::ChunkEnd => {
                    if buffer.is_empty() || **buffer == *b"\r" {
                        return Ok(Piece::More);
                    }
                    if !buffer.starts_with(b"\r\n") {
                        return Err(ChunkFault("a chunk is longer than its size says"));
                    }
                    buffer.advance(2);
                    self.state = State::Size;
                }
                State::Trailers(scan) => {
                    let Some(lines) = trailer_lines(scan, buffer)? else { return Ok(Piece::More) };
                    self.state = State::Ended;
                    if lines.len() == 2 {
                        return Ok(Piece::End);
                    }
                    let fields = head::trailers(&lines).map_err(trailer_fault)?;
                    return Ok(Piece::Trailers(fields));
                }
            }
        }
    }
}

/// Up to `left` bytes; `None` when there is none.
fn take(buffer: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    if buffer.is_empty() {
        return None;
    }
    let size = usize::try_from(*left).map_or(buffer.len(), |it| it.min(buffer.len()));
    *left -= size as u64;
    Some(split(buffer, size))
}

/// The next `size` bytes.
fn split(buffer: &mut BytesMut, size: usize) -> Bytes {
    let empty = buffer.capacity() - buffer.len();
    if empty / EMPTY > size {
        let piece = Bytes::copy_from_slice(&buffer[..size]);
        buffer.advance(size);
        return piece;
    }
    buffer.split_to(size).freeze()
}

/// Takes a `chunk-size [ chunk-ext ] CRLF` line. Extensions are dropped, but must be text.
fn size_line(buffer: &mut BytesMut) -> Result<Option<u64>, ChunkFault> {
    let Some(end) = memchr::memchr2(b'\r', b'\n', buffer) else {
        if buffer.len() > CHUNK_LINE {
            return Err(ChunkFault("a chunk-size line is too long"));
        }
        return Ok(None);
    };
    if end > CHUNK_LINE {
        return Err(ChunkFault("a chunk-size line is too long"));
    }
    match buffer.get(end..end + 2) {
        Some(b"\r\n") => {}
        None if buffer[end] == b'\r' => return Ok(None),
        _ => return Err(ChunkFault("a chunk-size line does not end with CRLF")),
    }
    let line = &buffer[..end];
    let digits = line.iter().take_while(|it| it.is_ascii_hexdigit()).count();
    let extension = &line[digits..];
    let is_text = |it: &u8| *it >= b' ' && *it < 0x7f || *it == b'\t';
    let clean = extension.is_empty() || extension[0] == b';' && extension.iter().all(is_text);
    if !(1..=15).contains(&digits) || !clean {
        return Err(ChunkFault("a chunk size that is no hexadecimal number"));
    }
    let digit = |it: &u8| char::from(*it).to_digit(16).unwrap_or(0);
    let size = line[..digits].iter().fold(0, |sum, it| sum << 4 | u64::from(digit(it)));
    buffer.advance(end + 2);
    Ok(Some(size))
}

/// Takes the lines after the last chunk, with the empty line that ends them.
fn trailer_lines(scan: &mut Scan, buffer: &mut BytesMut) -> Result<Option<Bytes>, ChunkFault> {
    let found = scan.advance(buffer, TRAILERS).map_err(trailer_fault)?;
    Ok(found.map(|lines| buffer.split_to(lines.end).freeze()))
}

const fn trailer_fault(fault: HeadFault) -> ChunkFault {
    match fault {
        HeadFault::Malformed(why) => ChunkFault(why),
        _ => ChunkFault("the trailers are too large"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The data, the trailers' number, and what is left over, when `bytes` arrive in these pieces.
    fn decode(framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<u8>, usize, Vec<u8>), ChunkFault> {
        let (mut decoder, mut buffer) = (Decoder::new(framing), BytesMut::new());
        let (mut data, mut trailers) = (Vec::new(), 0);
        for piece in pieces {
            buffer.extend_from_slice(piece);
            loop {
                match decoder.decode(&mut buffer)? {
                    Piece::Data(bytes) => data.extend_from_slice(&bytes),
                    Piece::Trailers(fields) => trailers = fields.len(),
                    Piece::End | Piece::More => break,
                }
            }
        }
        Ok((data, trailers, buffer.to_vec()))
    }

    fn chunked(text: &str) -> Result<(Vec<u8>, usize, Vec<u8>), ChunkFault> {
        decode(Framing::Chunked, &[text.as_bytes()])
    }

    #[test]
    fn a_body_ends_where_its_framing_says_and_the_rest_is_left() {
        assert_eq!(
            decode(Framing::Length(3), &[b"ab", b"cd"]),
            Ok((b"abc".into(), 0, b"d".into()))
        );
        let text = "3\r\nabc\r\n00A;x=1\r\n0123456789\r\n0\r\nSum: 1\r\n\r\nGET";
        assert_eq!(chunked(text), Ok((b"abc0123456789".into(), 1, b"GET".into())));
        assert_eq!(chunked("0\r\n\r\n"), Ok((Vec::new(), 0, Vec::new())));
        assert_eq!(decode(Framing::UntilClose, &[b"a", b"b"]), Ok((b"ab".into(), 0, Vec::new())));
    }

    #[test]
    fn a_piece_holds_no_buffer_that_is_mostly_empty_and_is_not_copied_out_of_another() {
        const BUFFER: usize = 64 * 1024;
        let small = format!("2f\r\n{}", "a".repeat(0x2f));
        let large = format!("8000\r\n{}", "a".repeat(0x8000));
        for (text, is_copied) in [(small, true), (large, false)] {
            for framing in [Framing::Chunked, Framing::UntilClose, Framing::Length(1 << 20)] {
                let mut buffer = BytesMut::with_capacity(BUFFER);
                buffer.extend_from_slice(text.as_bytes());
                let piece = Decoder::new(framing).decode(&mut buffer);
                assert!(matches!(piece, Ok(Piece::Data(_))), "{framing:?}");
                // All of the buffer can be used again if nobody holds it any more.
                assert_eq!(buffer.try_reclaim(BUFFER), is_copied, "{framing:?}");
            }
        }
    }

    #[test]
    fn odd_chunks_are_refused() {
        for text in [
            "\r\n",
            "+1\r\na\r\n",
            "0x1\r\na\r\n",
            " 1\r\na\r\n",
            "1 \r\na\r\n",
            "1\na\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1;\0\r\na\r\n",
            "1;a\nb\r\n",
            "1000000000000000\r\n",
            "0\r\na b: c\r\n\r\n",
            "0\r\n\n",
            "g\r\n",
            "1\rx",
        ] {
            assert!(chunked(text).is_err(), "{text:?}");
        }
        assert!(chunked(&"1".repeat(300)).is_err());
        assert!(chunked(&("1".repeat(300) + "\r")).is_err());
        assert!(chunked(&format!("0\r\nA: {}\r\n", "b".repeat(20_000))).is_err());
    }

    #[test]
    fn only_a_body_that_ends_with_the_connection_may_end_so() {
        assert!(Decoder::new(Framing::UntilClose).closed());
        assert!(!Decoder::new(Framing::Length(1)).closed());
        assert!(!Decoder::new(Framing::Chunked).closed());
        assert!(Decoder::new(Framing::Empty).closed());
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_which_pieces_a_body_arrives(
            text in "[0-2a;\r\n ]{0,24}0?(\r\n){0,2}", cut in 0usize..30
        ) {
            let cut = cut.min(text.len());
            let (head, tail) = text.as_bytes().split_at(cut);
            let pieces = decode(Framing::Chunked, &[head, tail]);
            prop_assert_eq!(pieces.is_err(), chunked(&text).is_err());
            if let Ok(whole) = chunked(&text) {
                prop_assert_eq!(pieces, Ok(whole));
            }
        }
    }
}
