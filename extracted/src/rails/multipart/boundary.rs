//! Boundaries: which one the content type names, and what stands behind one.

use super::super::params::ParamsError;

/// The boundary of `multipart/form-data; boundary=…`.
///
/// Source: rack 2.2, `multipart.rb` (`MULTIPART`).
pub(super) fn of(content_type: &str) -> Result<&str, ParamsError> {
    const UNUSUAL: ParamsError = ParamsError::Unusual("the content type names no plain boundary");
    let (media_type, parameters) = content_type.split_once(';').ok_or(UNUSUAL)?;
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(UNUSUAL);
    }
    let value = |it: &'_ str| it.trim_start().to_ascii_lowercase().starts_with("boundary=");
    let boundary = parameters.split(';').find(|it| value(it)).ok_or(UNUSUAL)?;
    let boundary = boundary.split_once('=').map_or("", |it| it.1);
    let quoted = boundary.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let boundary = quoted.unwrap_or(boundary);
    let plain = |it: u8| it.is_ascii_graphic() && !b"\",\\".contains(&it);
    // RFC 2046 allows 70.
    if !(1..=70).contains(&boundary.len()) || !boundary.bytes().all(plain) {
        return Err(UNUSUAL);
    }
    // Rack takes the first that it finds, be it the end of another word, and refuses a second.
    let parameters = parameters.to_ascii_lowercase();
    let words = parameters.split("boundary").skip(1);
    if words.filter(|it| it.trim_start().starts_with('=')).count() != 1 {
        return Err(UNUSUAL);
    }
    Ok(boundary)
}

/// What the bytes behind the text of a boundary make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A line end: a part follows.
    Next,
    /// `--` and a line end: no part follows.
    Last,
    /// They have not come.
    Undecided,
    /// Neither.
    Nothing,
}

pub(super) fn after(bytes: &[u8]) -> Found {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(one, other)| one == other);
    match bytes {
        _ if bytes.starts_with(b"\r\n") => Found::Next,
        _ if bytes.starts_with(b"--\r\n") => Found::Last,
        _ if bytes.len() < 2 && begins(b"\r\n") || bytes.len() < 4 && begins(b"--\r\n") => {
            Found::Undecided
        }
        _ => Found::Nothing,
    }
}
