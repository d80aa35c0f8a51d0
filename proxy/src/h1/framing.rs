//! How long a message's body is: RFC 9112 §6.3, without the cases in which two servers could come to
//! different lengths.

use http::{HeaderMap, Method, StatusCode, Version, header};

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    Empty,
    /// After so many bytes; never 0.
    Length(u64),
    /// With the chunk of length 0.
    Chunked,
    /// When the connection is closed: answers only.
    UntilClose,
}

/// Why a body's length is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FramingFault {
    /// `Content-Length` and `Transfer-Encoding` together.
    #[error("both Content-Length and Transfer-Encoding")]
    Both,
    /// `Content-Length` more than once, or not a number.
    #[error("a Content-Length that is not one number")]
    Length,
    /// `Transfer-Encoding` that is not exactly `chunked`, or in HTTP/1.0.
    #[error("a Transfer-Encoding that is not `chunked`")]
    Coding,
    /// A well-formed transfer coding that this proxy does not do.
    #[error("a transfer coding other than `chunked`")]
    UnknownCoding,
}

/// How a request's body is framed.
///
/// # Errors
/// [`FramingFault`]; the connection cannot be used any further then.
pub fn of_request(version: Version, headers: &HeaderMap) -> Result<Framing, FramingFault> {
    Ok(stated(version, headers)?.unwrap_or(Framing::Empty))
}

/// How the body of an answer to a request with `method` is framed.
///
/// # Errors
/// [`FramingFault`]; the answer must not be passed on then.
pub fn of_response(
    method: &Method,
    status: StatusCode,
    version: Version,
    headers: &HeaderMap,
) -> Result<Framing, FramingFault> {
    let stated = stated(version, headers)?;
    let bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || method == Method::HEAD;
    Ok(if bodiless { Framing::Empty } else { stated.unwrap_or(Framing::UntilClose) })
}

/// What the fields say; `None` if they say nothing.
fn stated(version: Version, headers: &HeaderMap) -> Result<Option<Framing>, FramingFault> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let length = length(headers)?;
    let Some(coding) = codings.next() else {
        return Ok(length.map(|it| if it == 0 { Framing::Empty } else { Framing::Length(it) }));
    };
    if codings.next().is_some() || version < Version::HTTP_11 {
        return Err(FramingFault::Coding);
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        return Err(FramingFault::Both);
    }
    if coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Ok(Some(Framing::Chunked));
    }
    Err(if are_known_codings(coding.as_bytes()) {
        FramingFault::UnknownCoding
    } else {
        FramingFault::Coding
    })
}

fn length(headers: &HeaderMap) -> Result<Option<u64>, FramingFault> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Ok(None) };
    let digits = length.as_bytes();
    // 19 digits are below 2^64, and 10^19 bytes are more than anybody has.
    if lengths.next().is_some()
        || !(1..=19).contains(&digits.len())
        || !digits.iter().all(u8::is_ascii_digit)
    {
        return Err(FramingFault::Length);
    }
    Ok(Some(digits.iter().fold(0, |sum, it| sum * 10 + u64::from(it - b'0'))))
}

/// Codings that are registered, in a list in which `chunked` is at most the last: an honest client's
/// wish that we cannot fulfil, and no attempt to be read in two ways.
fn are_known_codings(value: &[u8]) -> bool {
    let mut codings = value.split(|it| *it == b',').map(<[u8]>::trim_ascii).peekable();
    let mut known = 0;
    while let Some(coding) = codings.next() {
        let is_last = codings.peek().is_none();
        let is = |name: &[u8]| coding.eq_ignore_ascii_case(name);
        let other = is(b"gzip") || is(b"deflate") || is(b"compress") || is(b"br");
        if !(other || is_last && is(b"chunked")) {
            return false;
        }
        known += usize::from(other);
    }
    known > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&'static str, &str)]) -> Result<Framing, FramingFault> {
        of_request(Version::HTTP_11, &headers(fields))
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_request_without_either_field_has_no_body() {
        assert_eq!(request(&[]), Ok(Framing::Empty));
        assert_eq!(request(&[("content-length", "0")]), Ok(Framing::Empty));
        assert_eq!(request(&[("content-length", "0042")]), Ok(Framing::Length(42)));
        assert_eq!(request(&[("transfer-encoding", "Chunked")]), Ok(Framing::Chunked));
    }

    #[test]
    fn what_leads_to_two_lengths_is_refused() {
        let (length, coding) = ("content-length", "transfer-encoding");
        assert_eq!(request(&[(length, "3"), (coding, "chunked")]), Err(FramingFault::Both));
        assert_eq!(request(&[(coding, "chunked"), (length, "3")]), Err(FramingFault::Both));
        assert_eq!(request(&[(length, "3"), (length, "3")]), Err(FramingFault::Length));
        for odd in ["+5", "-1", "5,5", "5 5", "0x5", "", "18446744073709551616", "5.0"] {
            assert_eq!(request(&[(length, odd)]), Err(FramingFault::Length), "{odd}");
        }
        for odd in [
            "",
            "chunked, chunked",
            "chunked;q=1",
            "xchunked",
            "chunked,",
            "identity",
            "\"chunked\"",
        ] {
            assert_eq!(request(&[(coding, odd)]), Err(FramingFault::Coding), "{odd}");
        }
        for other in ["gzip", "gzip, chunked"] {
            assert_eq!(request(&[(coding, other)]), Err(FramingFault::UnknownCoding), "{other}");
        }
        let old = of_request(Version::HTTP_10, &headers(&[(coding, "chunked")]));
        assert_eq!(old, Err(FramingFault::Coding));
    }

    #[test]
    fn an_answers_body_depends_on_the_question_and_the_status() {
        let read = |method: Method, status: u16, fields: &[(&'static str, &str)]| {
            let status = StatusCode::from_u16(status).unwrap();
            of_response(&method, status, Version::HTTP_11, &headers(fields))
        };
        assert_eq!(read(Method::GET, 200, &[]), Ok(Framing::UntilClose));
        assert_eq!(read(Method::HEAD, 200, &[("content-length", "9")]), Ok(Framing::Empty));
        assert_eq!(read(Method::GET, 304, &[("content-length", "9")]), Ok(Framing::Empty));
        assert_eq!(read(Method::GET, 204, &[]), Ok(Framing::Empty));
        assert_eq!(read(Method::GET, 200, &[("content-length", "9")]), Ok(Framing::Length(9)));
        assert!(read(Method::HEAD, 200, &[("content-length", "x")]).is_err());
    }
}
