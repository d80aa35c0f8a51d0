//! Heads as bytes → heads as types, strictly: RFC 9112 §3, §4 and §5, without what it lets a
//! recipient tolerate.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};

use super::scan::HeadFault;

/// Reads a request's head, `head` being all of it with its empty line. The target is checked for
/// its characters, not for its form.
///
/// # Errors
/// [`HeadFault::Malformed`] says what is wrong.
pub fn request(head: &Bytes) -> Result<Request<()>, HeadFault> {
    let (line, fields) = first_line(head);
    let mut parts = line.split(|it| *it == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return malformed("a request line that is not `METHOD TARGET VERSION`");
    };
    let mut request = Request::new(());
    *request.version_mut() = self::version(version)?;
    *request.method_mut() =
        Method::from_bytes(method).or_else(|_| malformed("a method that is no token"))?;
    if !target.iter().all(|it| matches!(it, b'!'..=b'~') && *it != b'#') {
        return malformed("a target with characters that must be escaped");
    }
    *request.uri_mut() = Uri::from_maybe_shared(head.slice_ref(target))
        .or_else(|_| malformed("a target that is no URI"))?;
    *request.headers_mut() = self::fields(head, fields)?;
    Ok(request)
}

/// Reads an answer's head.
///
/// # Errors
/// [`HeadFault::Malformed`] says what is wrong.
pub fn response(head: &Bytes) -> Result<Response<()>, HeadFault> {
    let (line, fields) = first_line(head);
    let (version, rest) = line.split_at(line.len().min(8));
    let mut response = Response::new(());
    *response.version_mut() = self::version(version)?;
    // The reason may be missing, with or without its blank.
    let [b' ', a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', reason @ ..] = rest else {
        return malformed("a status line that is not `VERSION STATUS REASON`");
    };
    if !reason.is_empty() && reason[0] != b' ' || !reason.iter().all(|it| is_text(*it)) {
        return malformed("a status line that is not `VERSION STATUS REASON`");
    }
    *response.status_mut() = StatusCode::from_bytes(&[*a, *b, *c])
        .or_else(|_| malformed("a status that is no number"))?;
    *response.headers_mut() = self::fields(head, fields)?;
    Ok(response)
}

/// Reads trailers: field lines without a first line, `lines` being all of them with the empty line.
///
/// # Errors
/// [`HeadFault::Malformed`] says what is wrong.
pub fn trailers(lines: &Bytes) -> Result<HeaderMap, HeadFault> {
    fields(lines, lines)
}

/// The first line, and the lines below it. The scan has made sure that there are such.
fn first_line(head: &Bytes) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\r', head).unwrap_or(head.len());
    (&head[..end], head.get(end + 2..).unwrap_or_default())
}

fn version(text: &[u8]) -> Result<Version, HeadFault> {
    match text {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        b"HTTP/1.0" => Ok(Version::HTTP_10),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(HeadFault::Version),
        _ => malformed("a version that is none"),
    }
}

/// Values are slices of `head`: nothing is copied but names that are not known.
fn fields(head: &Bytes, mut lines: &[u8]) -> Result<HeaderMap, HeadFault> {
    let mut fields = HeaderMap::with_capacity(24);
    while let Some(end) = memchr::memchr(b'\r', lines).filter(|it| *it > 0) {
        let line = &lines[..end];
        lines = lines.get(end + 2..).unwrap_or_default();
        let Some(colon) = memchr::memchr(b':', line) else {
            return malformed("a field without a colon");
        };
        let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
        // `http` takes exactly the characters of a token in a name, and in a value what is visible,
        // blanks, tabs and what is not ASCII: looking at them here as well would cost a tenth.
        let name = HeaderName::from_bytes(name)
            .or_else(|_| malformed("an empty field name, or a character that no name has"))?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(value))
            .or_else(|_| malformed("a field value with a control character"))?;
        if fields.try_append(name, value).is_err() {
            return Err(HeadFault::TooManyFields);
        }
    }
    Ok(fields)
}

/// Without the blanks around it that are none of the value (`OWS`, RFC 9110 §5.6.3).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `tchar` of RFC 9110 §5.6.2.
pub const fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let symbols = b"!#$%&'*+-.^_`|~";
    let mut index = 0;
    while index < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "index is below 256")]
        let byte = index as u8;
        table[index] = byte.is_ascii_alphanumeric();
        index += 1;
    }
    index = 0;
    while index < symbols.len() {
        table[symbols[index] as usize] = true;
        index += 1;
    }
    table
};

/// What a field value or a reason may hold: visible characters, blanks, tabs, and bytes that are
/// not ASCII.
const fn is_text(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || byte == b'\t'
}

fn malformed<T>(why: &'static str) -> Result<T, HeadFault> {
    Err(HeadFault::Malformed(why))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Request<()>, HeadFault> {
        request(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_request_is_read_with_its_fields_trimmed_and_in_order() {
        let text =
            "GET /cart?x=1 HTTP/1.1\r\nHost: \t shop.test \r\nX: 1\r\nX: 2\r\nEmpty:\r\n\r\n";
        let request = read(text).unwrap();
        assert_eq!(
            (request.method(), request.uri().to_string().as_str()),
            (&Method::GET, "/cart?x=1")
        );
        assert_eq!(request.headers()["host"], "shop.test");
        assert_eq!(request.headers().get_all("x").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.headers()["empty"], "");
    }

    #[test]
    fn request_lines_that_are_not_three_words_are_refused() {
        for line in [
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET\t/ HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET /é HTTP/1.1",
            "GET /#top HTTP/1.1",
            "GET /\u{7f} HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1.10",
            "GET / HTTP/11",
        ] {
            let result = read(&format!("{line}\r\nHost: a\r\n\r\n"));
            assert!(matches!(result, Err(HeadFault::Malformed(_))), "{line}: {result:?}");
        }
        assert_eq!(read("GET / HTTP/2.0\r\n\r\n").unwrap_err(), HeadFault::Version);
    }

    #[test]
    fn fields_with_odd_names_or_values_are_refused() {
        for field in [
            "a b: c", "a : c", "a\t: c", ": c", "nocolon", "a\"b: c", "a: \u{0}", "a: \u{8}",
            "a: \u{c}", "é: a",
        ] {
            let result = read(&format!("GET / HTTP/1.1\r\n{field}\r\n\r\n"));
            assert!(matches!(result, Err(HeadFault::Malformed(_))), "{field:?}");
        }
        assert!(read("GET / HTTP/1.1\r\na: caf\u{e9} \t x\r\n\r\n").is_ok());
    }

    #[test]
    fn a_status_line_may_lack_its_reason_but_nothing_else() {
        let read = |line: &str| response(&Bytes::from(format!("{line}\r\nA: b\r\n\r\n")));
        for line in ["HTTP/1.1 200 OK", "HTTP/1.1 404 ", "HTTP/1.0 304", "HTTP/1.1 599 No, really"]
        {
            assert!(read(line).is_ok(), "{line}");
        }
        for line in [
            "HTTP/1.1  200 OK",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000",
            "HTTP/1.1",
            "HTTP/1.1 600 A",
            "HTTP/1.1 200OK",
            "ICY 200 OK",
            "HTTP/1.1 099 A",
            "HTTP/1.1\t200 OK",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = Bytes::from(bytes);
            let _ = (request(&bytes), response(&bytes), trailers(&bytes));
        }
    }
}
