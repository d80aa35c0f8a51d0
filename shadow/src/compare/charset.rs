//! Which signs the bytes of a markup are: as the answer says, or else the markup itself.

use std::borrow::Cow;

use http::HeaderMap;

use super::format::charset;

/// What an answer or a document says of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    /// ISO 8859-1, or any other: that is read as if it were this one, in which bytes that differ are
    /// different signs.
    Latin1,
}

impl Charset {
    /// What the headers say, if they say anything.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        charset(headers).map(Self::named)
    }

    /// With this name, in any case.
    pub(super) fn named(name: &str) -> Self {
        let utf_8 = ["utf-8", "utf8", "us-ascii", "ascii"];
        let is_utf_8 = utf_8.iter().any(|it| it.eq_ignore_ascii_case(name));
        if is_utf_8 { Self::Utf8 } else { Self::Latin1 }
    }

    /// `None` if the body is not what this says.
    pub(super) fn read(self, body: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => str::from_utf8(body).ok().map(Cow::Borrowed),
            Self::Latin1 => Some(Self::latin_1(body)),
        }
    }

    /// A page, which is in UTF-8 where its headers say nothing.
    pub(super) fn read_page<'b>(headers: &HeaderMap, body: &'b [u8]) -> Option<Cow<'b, str>> {
        Self::of(headers).unwrap_or(Self::Utf8).read(body)
    }

    /// Whatever the bytes are, as signs of which different bytes are different ones.
    pub(super) fn latin_1(body: &[u8]) -> Cow<'_, str> {
        body.iter().copied().map(char::from).collect::<String>().into()
    }
}
