//! Content encodings (RFC 9110 §8.4), taken off a body before it is read.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use ruzstd::decoding::StreamingDecoder;

use super::headers;
use crate::Unknown;

/// The bytes that a body may come to. A few KiB can hold gigabytes.
const LIMIT: usize = 8 * 1024 * 1024;

/// Encodings on top of one another; one is usual, two are rare.
const LAYERS: usize = 3;

/// The body without the content encodings that the headers name.
///
/// # Errors
/// [`Unknown::TooLarge`] when it would come to more than 8 MiB, [`Unknown::Unparsable`] when an
/// encoding is not known, or is not what the body has.
pub(super) fn decode(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Unknown> {
    let encodings = headers::encodings(headers);
    if encodings.len() > LAYERS {
        return Err(Unknown::Unparsable);
    }
    let mut decoded = body.clone();
    for encoding in encodings.iter().rev() {
        if !decoded.is_empty() {
            // Answers to HEAD and 304s name the encoding of a body that they do not have.
            decoded = take_off(encoding, &decoded)?;
        }
    }
    Ok(decoded)
}

fn take_off(encoding: &str, body: &[u8]) -> Result<Bytes, Unknown> {
    match encoding {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(body)),
        "deflate" if is_zlib(body) => used_up(body, |it| read(ZlibDecoder::new(it))),
        // RFC 9110 means zlib's format; some servers send it without zlib's header.
        "deflate" => used_up(body, |it| read(DeflateDecoder::new(it))),
        "br" => used_up(body, brotli),
        "zstd" => zstd(body),
        _ => Err(Unknown::Unparsable),
    }
}

/// RFC 1950 §2.2: the method is deflate, and the two bytes are a multiple of 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [cmf, flg, ..]
        if cmf & 0xf == 8 && (u16::from(*cmf) * 256 + u16::from(*flg)).is_multiple_of(31))
}

/// Of a stream that says where it ends, and has none of its kind behind it.
fn used_up(
    mut body: &[u8],
    read: impl FnOnce(&mut &[u8]) -> Result<Bytes, Unknown>,
) -> Result<Bytes, Unknown> {
    let decoded = read(&mut body)?;
    if body.is_empty() { Ok(decoded) } else { Err(Unknown::Unparsable) }
}

fn brotli(body: &mut &[u8]) -> Result<Bytes, Unknown> {
    let mut reader = Decompressor::new(body, 4096);
    let mut decoded = Vec::new();
    append(&mut reader, &mut decoded)?;
    // That it has taken up bytes behind the end it says to who asks once more.
    match reader.read(&mut [0]) {
        Ok(0) => Ok(decoded.into()),
        _ => Err(Unknown::Unparsable),
    }
}

/// One frame after the other, as RFC 8878 §3 has them.
fn zstd(mut body: &[u8]) -> Result<Bytes, Unknown> {
    let mut decoded = Vec::new();
    while !body.is_empty() {
        let frame = StreamingDecoder::new(&mut body).map_err(|_| Unknown::Unparsable)?;
        append(frame, &mut decoded)?;
    }
    Ok(decoded.into())
}

fn read(reader: impl Read) -> Result<Bytes, Unknown> {
    let mut decoded = Vec::new();
    append(reader, &mut decoded)?;
    Ok(decoded.into())
}

fn append(reader: impl Read, decoded: &mut Vec<u8>) -> Result<(), Unknown> {
    let room = LIMIT - decoded.len();
    let read: io::Result<usize> = reader.take(room as u64 + 1).read_to_end(decoded);
    match read {
        Ok(length) if length > room => Err(Unknown::TooLarge),
        Ok(_) => Ok(()),
        Err(_) => Err(Unknown::Unparsable),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use http::{HeaderValue, header::CONTENT_ENCODING};
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    /// "plain" by `brotli -c`, which has no encoder among our dependencies.
    const BROTLI: &[u8] = b"\x0b\x02\x80plain\x03";

    fn decoded(encoding: &'static str, body: &[u8]) -> Result<Bytes, Unknown> {
        let encoding = HeaderValue::from_static(encoding);
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, encoding)]);
        decode(&headers, &Bytes::copy_from_slice(body))
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(body: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(body: &[u8]) -> Vec<u8> {
        compress_to_vec(body, CompressionLevel::Fastest)
    }

    #[test]
    fn every_encoding_is_taken_off() {
        let plain = Ok(Bytes::from_static(b"plain"));
        for (encoding, body) in [
            ("gzip", gzip(b"plain")),
            ("X-GZip", gzip(b"plain")),
            ("gzip", [gzip(b"pl"), gzip(b"ain")].concat()),
            ("deflate", zlib(b"plain")),
            ("deflate", deflate(b"plain")),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd(b"plain")),
            ("zstd", [zstd(b"pl"), zstd(b"ain")].concat()),
            ("identity", b"plain".to_vec()),
            ("deflate, gzip", gzip(&zlib(b"plain"))),
        ] {
            assert_eq!(decoded(encoding, &body), plain, "{encoding}");
        }
        assert_eq!(decoded("gzip", b""), Ok(Bytes::new()), "an answer to HEAD");
    }

    #[test]
    fn a_bomb_is_too_large() {
        let bomb = vec![0; LIMIT + 1];
        for (encoding, body) in [("gzip", gzip(&bomb)), ("deflate", zlib(&bomb))] {
            assert!(body.len() < LIMIT / 100);
            assert_eq!(decoded(encoding, &body), Err(Unknown::TooLarge), "{encoding}");
        }
        let halves = zstd(&bomb[..=LIMIT / 2]).repeat(2);
        assert_eq!(decoded("zstd", &halves), Err(Unknown::TooLarge));
        assert_eq!(decoded("gzip", &gzip(&bomb[1..])).map(|it| it.len()), Ok(LIMIT));
    }

    #[test]
    fn what_is_not_what_it_claims_to_be_is_unparsable() {
        let cut = gzip(b"plain");
        for (encoding, body) in [
            ("gzip", &cut[..cut.len() - 1]),
            ("gzip", b"plain"),
            ("zstd", b"plain"),
            ("br", b"\xff\xff\xff\xff"),
            ("compress", b"plain"),
            ("gzip, gzip, gzip, gzip", b"plain"),
        ] {
            assert_eq!(decoded(encoding, body), Err(Unknown::Unparsable), "{encoding}");
        }
    }

    #[test]
    fn what_stands_behind_the_end_is_seen() {
        for tail in [&b"x"[..], &[0; 5_000]] {
            for (encoding, body) in [
                ("gzip", gzip(b"plain")),
                ("deflate", zlib(b"plain")),
                ("deflate", deflate(b"plain")),
                ("br", BROTLI.to_vec()),
                ("zstd", zstd(b"plain")),
            ] {
                let found = decoded(encoding, &[&body, tail].concat());
                assert_eq!(found, Err(Unknown::Unparsable), "{encoding}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_a_decoder(
            body in prop::collection::vec(any::<u8>(), 0..200),
            encoding in prop::sample::select(&["gzip", "deflate", "br", "zstd"][..]),
        ) {
            let _ = decoded(encoding, &body);
        }

        #[test]
        fn no_changed_byte_breaks_a_decoder(at: prop::sample::Index, byte: u8) {
            let text = b"some text, some text, and some text again".repeat(9);
            for (encoding, mut body) in
                [("gzip", gzip(&text)), ("deflate", zlib(&text)), ("zstd", zstd(&text))]
            {
                *at.get_mut(&mut body) = byte;
                let _ = decoded(encoding, &body);
            }
        }
    }
}
