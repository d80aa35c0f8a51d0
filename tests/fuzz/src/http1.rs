//! HTTP/1.1 as it arrives: heads and chunked bodies.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use proxy::h1::{
    decode::{Decoder, Piece},
    framing::{self, Framing},
    head,
    scan::{HeadFault, HeadLimits, HeadSpan, Scan},
};

const LIMITS: HeadLimits = HeadLimits { first_line: 200, head: 1000, fields: 16 };

/// A head is found wherever its bytes are divided, and what we accept hyper's parser reads alike.
pub(crate) fn request_head(input: &[u8]) {
    let Some((_, head)) = found(input) else { return };
    let Ok(request) = head::request(&head) else { return };
    let mut fields = [httparse::EMPTY_HEADER; LIMITS.fields];
    let mut theirs = httparse::Request::new(&mut fields);
    let read = theirs.parse(&head);
    assert_eq!(read, Ok(httparse::Status::Complete(head.len())), "accepted by us alone");
    assert_eq!(theirs.method, Some(request.method().as_str()));
    assert_eq!(theirs.version, Some(u8::from(request.version() == http::Version::HTTP_11)));
    assert_same_fields(request.headers(), theirs.headers);
    // Its parts as they are taken further on; an absolute target's path may be empty.
    let _ = (request.uri().path(), request.uri().query(), request.uri().authority());
    let _ = framing::of_request(request.version(), request.headers());
}

/// As [`request_head`], for the monolith's side.
pub(crate) fn response_head(input: &[u8]) {
    let Some((_, head)) = found(input) else { return };
    let Ok(response) = head::response(&head) else { return };
    let mut fields = [httparse::EMPTY_HEADER; LIMITS.fields];
    let mut theirs = httparse::Response::new(&mut fields);
    let read = theirs.parse(&head);
    assert_eq!(read, Ok(httparse::Status::Complete(head.len())), "accepted by us alone");
    assert_eq!(theirs.code, Some(response.status().as_u16()));
    assert_same_fields(response.headers(), theirs.headers);
    for method in [Method::GET, Method::HEAD] {
        let (status, version) = (response.status(), response.version());
        let _ = framing::of_response(&method, status, version, response.headers());
    }
}

/// The head at the beginning of `input`, which must be the same one in whatever pieces it arrives.
fn found(input: &[u8]) -> Option<(HeadSpan, Bytes)> {
    let whole = scan(input, input.len());
    for step in [1, 2, 3, 7] {
        let pieces = scan(input, step);
        assert_eq!(pieces.is_err(), whole.is_err(), "in pieces of {step}: {pieces:?}, {whole:?}");
        if whole.is_ok() {
            assert_eq!(pieces, whole, "in pieces of {step}");
        }
    }
    let span = whole.ok()??;
    Some((span, Bytes::copy_from_slice(&input[span.start..span.end])))
}

/// As a connection does: with everything that has arrived so far, until there is an answer.
fn scan(input: &[u8], step: usize) -> Result<Option<HeadSpan>, HeadFault> {
    let mut scan = Scan::default();
    let mut arrived = 0;
    while arrived < input.len() {
        arrived = input.len().min(arrived + step);
        if let Some(span) = scan.advance(&input[..arrived], LIMITS)? {
            return Ok(Some(span));
        }
    }
    Ok(None)
}

fn assert_same_fields(ours: &HeaderMap, theirs: &[httparse::Header<'_>]) {
    assert_eq!(ours.len(), theirs.len());
    for name in ours.keys() {
        let same = theirs.iter().filter(|it| it.name.eq_ignore_ascii_case(name.as_str()));
        assert!(
            ours.get_all(name).iter().map(http::HeaderValue::as_bytes).eq(same.map(|it| it.value)),
            "{name} is read in two ways"
        );
    }
}

/// A body is the same in whatever pieces it arrives, and nothing behind it is taken. A fault may be
/// seen sooner in one way than in another, but not in a body that another way has to its end.
pub(crate) fn chunked(input: &[u8]) {
    let whole = decode(input, input.len().max(1));
    for step in [1, 2, 3, 7] {
        match (&whole, decode(input, step)) {
            (Ok(whole), Ok(pieces)) => assert_eq!(*whole, pieces, "in pieces of {step}"),
            (Err(_), Err(_)) => {}
            (Ok(body), Err(fault)) => assert!(!body.ended, "{fault} in pieces of {step}"),
            (Err(fault), Ok(body)) => assert!(!body.ended, "{fault}, but not in pieces of {step}"),
        }
    }
    if let Ok(Body { ended: true, rest, data, trailers }) = whole {
        let used = &input[..input.len() - rest];
        let again = decode(used, used.len());
        assert_eq!(again, Ok(Body { ended: true, rest: 0, data, trailers }), "without the rest");
    }
}

#[derive(Debug, PartialEq)]
struct Body {
    data: Vec<u8>,
    trailers: HeaderMap,
    ended: bool,
    /// Bytes that were not taken.
    rest: usize,
}

fn decode(input: &[u8], step: usize) -> Result<Body, proxy::h1::decode::ChunkFault> {
    let (mut decoder, mut buffer) = (Decoder::new(Framing::Chunked), BytesMut::new());
    let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
    for piece in input.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer)? {
                Piece::Data(bytes) => {
                    assert!(!bytes.is_empty(), "a piece without data");
                    data.extend_from_slice(&bytes);
                }
                Piece::Trailers(fields) => trailers = fields,
                Piece::End | Piece::More => break,
            }
        }
    }
    let ended = decoder.is_ended();
    // What is kept of a line that is not complete is not said to be left over.
    Ok(Body { data, trailers, ended, rest: if ended { buffer.len() } else { 0 } })
}
