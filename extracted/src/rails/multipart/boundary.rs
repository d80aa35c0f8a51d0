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
    let mut boundaries = parameters.split(';').filter_map(|it| {
        let (name, value) = it.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    });
    let boundary = boundaries.next().ok_or(UNUSUAL)?;
    let quoted = boundary.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let boundary = quoted.unwrap_or(boundary);
    let plain = |it: u8| it.is_ascii_graphic() && !b"\",\\".contains(&it);
    // RFC 2046 allows 70; the word must not come up again, not even in another parameter's value.
    let once = parameters.to_ascii_lowercase().matches("boundary").count() == 1
        || boundary.to_ascii_lowercase().contains("boundary");
    if boundaries.next().is_some()
        || !(1..=70).contains(&boundary.len())
        || !boundary.bytes().all(plain)
        || !once
    {
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
