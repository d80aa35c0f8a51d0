//! The head of a part: its name, file name and content type, by Rack's rules.
//!
//! Source: rack 2.2, `multipart/parser.rb` (`handle_mime_head`, `get_filename`).

use super::super::params::ParamsError;

/// What a part says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Decoded, as bytes: whether it is UTF-8 is asked with all other names.
    pub(super) name: Vec<u8>,
    /// As Rack reads it, before it is cut to what stands behind the last slash; empty when no file
    /// was chosen, `None` when the part is no file.
    pub(super) filename: Option<String>,
    /// `Content-Type`, to the letter.
    pub(super) content_type: Option<String>,
    /// All of it, with its line ends.
    pub(super) text: String,
}

fn unusual<T>(why: &'static str) -> Result<T, ParamsError> {
    Err(ParamsError::Unusual(why))
}

impl Head {
    /// The lines without the end of the last.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ParamsError> {
        let Ok(text) = str::from_utf8(bytes) else { return unusual("a part's head is not UTF-8") };
        let (mut disposition, mut content_type) = (None, None);
        for line in text.split("\r\n") {
            let Some((name, value)) = line.split_once(':') else {
                return unusual("a part's head has a line without a colon");
            };
            if line.contains(['\r', '\n', '\0']) || name.contains(char::is_whitespace) {
                return unusual("a part's head is folded");
            }
            let place = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => &mut disposition,
                "content-type" => &mut content_type,
                // Rack looks for these words in all of the head.
                _ if line.to_ascii_lowercase().contains("content-") && !is_known(name) => {
                    return unusual("a part's head has a field that Rack might mistake");
                }
                _ => continue,
            };
            if place.replace(value).is_some() {
                return unusual("a part's head has a field twice");
            }
        }
        let Some(disposition) = disposition else { return unusual("a part has no name") };
        let content_type = content_type.map(type_of).transpose()?;
        let (name, filename) = names(disposition)?;
        if filename.is_none() {
            is_utf8(content_type.as_deref())?;
        }
        Ok(Self { name, filename, content_type, text: format!("{text}\r\n") })
    }
}

fn is_known(name: &str) -> bool {
    ["content-length", "content-transfer-encoding"].contains(&name.to_ascii_lowercase().as_str())
}

/// Rack wants exactly one blank before it, and keeps those behind it.
fn type_of(value: &str) -> Result<String, ParamsError> {
    let value = value.strip_prefix(' ').filter(|it| !it.contains("name"));
    match value {
        Some(value) => Ok(value.to_owned()),
        None => unusual("a part's content type is written unusually"),
    }
}

/// Whether a text is what it is to everybody else: Rack obeys a `charset`.
fn is_utf8(content_type: Option<&str>) -> Result<(), ParamsError> {
    let Some((_, parameters)) = content_type.and_then(|it| it.split_once(';')) else {
        return Ok(());
    };
    let parameters = parameters.trim().to_ascii_lowercase();
    if ["charset=utf-8", "charset=\"utf-8\""].contains(&parameters.as_str()) {
        return Ok(());
    }
    unusual("a part has a character set of its own")
}

/// `form-data; name="…"; filename="…"`.
fn names(disposition: &str) -> Result<(Vec<u8>, Option<String>), ParamsError> {
    let (mut name, mut filename, mut extended) = (None, None, None);
    let Some(mut rest) = disposition.trim().strip_prefix("form-data") else {
        return unusual("a part is no form data");
    };
    while let Some(parameter) = rest.trim_start().strip_prefix(';') {
        let Some((key, behind)) = parameter.trim_start().split_once('=') else {
            return unusual("a part's parameter has no value");
        };
        let (value, left) = value(behind)?;
        rest = left;
        let place = match key {
            "name" => &mut name,
            "filename" => &mut filename,
            "filename*" => &mut extended,
            _ => return unusual("a part has a parameter of another name"),
        };
        if place.replace(value).is_some() {
            return unusual("a part has a parameter twice");
        }
    }
    if !rest.trim().is_empty() {
        return unusual("a part has something behind its parameters");
    }
    let Some(name) = name.filter(|it| !it.is_empty()) else { return unusual("a part has no name") };
    let filename = match (filename, extended) {
        (Some(filename), _) => Some(unescaped(filename)?),
        (None, Some(extended)) => Some(unescaped(utf8(extended)?)?),
        (None, None) => None,
    };
    Ok((without_backslashes(name).into_bytes(), filename))
}

/// A quoted text without its quotes, or a word; and what stands behind it.
fn value(text: &str) -> Result<(&str, &str), ParamsError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let word = |it: char| !it.is_whitespace() && !"()<>,;:\\\"/[]?=".contains(it);
        let end = text.find(|it| !word(it)).unwrap_or(text.len());
        return Ok(text.split_at(end));
    };
    match quoted.split_once('"') {
        // Where such a text ends, Rack finds by trying.
        Some((value, _)) if value.ends_with('\\') => {
            unusual("a part's parameter has a quote in it")
        }
        Some(found) => Ok(found),
        None => unusual("a part's parameter does not end"),
    }
}

/// The value of `filename*=utf-8''%e2%82%ac`.
fn utf8(extended: &str) -> Result<&str, ParamsError> {
    let mut pieces = extended.splitn(3, '\'');
    match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(charset), Some(_), Some(value)) if charset.eq_ignore_ascii_case("utf-8") => Ok(value),
        _ => unusual("a file's name has a character set of its own"),
    }
}

/// Percent-encoding is undone where it is whole; backslashes are, unless they look like a path of
/// Windows.
fn unescaped(filename: &str) -> Result<String, ParamsError> {
    let escaped = |it: &str| it.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let decoded = if filename.split('%').skip(1).all(escaped) {
        let bytes = percent_encoding::percent_decode_str(filename);
        match bytes.decode_utf8() {
            Ok(text) => text.into_owned(),
            Err(_) => return unusual("a file's name is not UTF-8"),
        }
    } else {
        filename.to_owned()
    };
    let mut behind = decoded.split('\\').skip(1);
    let path = behind.any(|it| !it.is_empty() && !it.starts_with('"'));
    Ok(if path { decoded } else { without_backslashes(&decoded) })
}

/// `gsub(/\\(.)/, '\1')`
fn without_backslashes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let next = if character == '\\' { characters.next() } else { None };
        plain.push(next.unwrap_or(character));
    }
    plain
}
