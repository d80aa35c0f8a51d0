//! Two answers, prepared for the comparison: their content encodings taken off, pages parsed.

use bytes::Bytes;
use http::HeaderMap;

use super::{
    charset::Charset,
    encoding,
    format::Format,
    headers::{self, Nonces},
    markup::Page,
};
use crate::{Captured, Observation, Unknown};

/// Two answers to one request.
#[derive(Debug)]
pub struct Pair {
    pub(super) control: Observation,
    pub(super) candidate: Observation,
    pub(super) kind: Kind,
}

/// What the bodies are.
#[derive(Debug)]
pub(super) enum Kind {
    /// The same byte for byte: what they are matters only where ids are in them, and for pages with
    /// nonces. Either both still have the content encoding that their headers name, or none has.
    Same { is_encoded: bool },
    /// Two HTML pages.
    Pages(Page, Page),
    /// To be read in this format.
    Text(Format, Bytes, Bytes),
    /// One is empty, or they are of different formats, or of one that is not read any further; they were
    /// not kept; the candidate's cannot be decoded; or one page is not in its character set.
    Opaque,
}

impl Pair {
    /// Takes the content encodings off the bodies, unless they are the same byte for byte, or one was
    /// not kept.
    ///
    /// # Errors
    /// [`Unknown::TooLarge`] when a body is too long, a page too deep or too intricate to be
    /// compared in bounded time; and when two bodies of which one was not kept have other bytes in a
    /// content encoding, which says nothing of what they hold. [`Unknown::Unparsable`] when the
    /// control's is not in the content encoding that its headers name, or in one that is not known. A
    /// candidate's that cannot be read so differs: clients cannot read it either.
    pub fn new(mut control: Observation, mut candidate: Observation) -> Result<Self, Unknown> {
        let [one, other] = [&control, &candidate].map(|it| headers::encodings(&it.headers));
        let by_nonces = differ_by_nonces(&control, &candidate);
        if control.body == candidate.body && one == other && !by_nonces {
            let kind = Kind::Same { is_encoded: !one.is_empty() };
            return Ok(Self { control, candidate, kind });
        }
        let (Captured::Whole(before), Captured::Whole(after)) = (&control.body, &candidate.body)
        else {
            let is_plain = one.is_empty() && other.is_empty();
            let kind = is_plain.then_some(Kind::Opaque).ok_or(Unknown::TooLarge)?;
            return Ok(Self { control, candidate, kind });
        };
        let before = encoding::decode(&control.headers, before)?;
        let after = match encoding::decode(&candidate.headers, after) {
            Err(Unknown::Unparsable) => {
                control.body = Captured::Whole(before);
                return Ok(Self { control, candidate, kind: Kind::Opaque });
            }
            after => after?,
        };
        let headers = [&control, &candidate].map(|it| &it.headers);
        let kind = if before == after && !(by_nonces && has_nonce(&before)) {
            Kind::Same { is_encoded: false }
        } else {
            Kind::of(headers, &before, &after)?
        };
        (control.body, candidate.body) = (Captured::Whole(before), Captured::Whole(after));
        Ok(Self { control, candidate, kind })
    }

    /// The monolith's answer and the extraction's. Their bodies are without content encoding,
    /// unless they are the same.
    pub const fn sides(&self) -> [&Observation; 2] {
        [&self.control, &self.candidate]
    }
}

/// Whether two pages may differ though they are the same, since their nonces are those of one answer's
/// policy and not of the other's.
fn differ_by_nonces(control: &Observation, candidate: &Observation) -> bool {
    let is_page =
        |it: &Observation| it.body.whole().is_some() && Format::of(&it.headers) == Format::Html;
    is_page(control)
        && is_page(candidate)
        && Nonces::of(&control.headers) != Nonces::of(&candidate.headers)
}

fn has_nonce(page: &[u8]) -> bool {
    const NAME: &[u8] = b"nonce";
    page.windows(NAME.len()).any(|it| it.eq_ignore_ascii_case(NAME))
}

impl Kind {
    /// Of bodies that are not the same.
    fn of(headers: [&HeaderMap; 2], control: &Bytes, candidate: &Bytes) -> Result<Self, Unknown> {
        let [format, other] = headers.map(Format::of);
        if format != other || control.is_empty() || candidate.is_empty() {
            return Ok(Self::Opaque);
        }
        Ok(match format {
            Format::Bytes => Self::Opaque,
            Format::Html => Self::pages(headers, control, candidate)?,
            format => Self::Text(format, control.clone(), candidate.clone()),
        })
    }

    /// Where one is not in the character set that its headers name, and the other is, a browser shows
    /// other signs, whatever they say.
    fn pages(headers: [&HeaderMap; 2], one: &[u8], other: &[u8]) -> Result<Self, Unknown> {
        let (one, other) = match [(headers[0], one), (headers[1], other)]
            .map(|(headers, body)| Charset::read_page(headers, body))
        {
            [Some(one), Some(other)] => (one, other),
            [None, None] => (Charset::latin_1(one), Charset::latin_1(other)),
            _ => return Ok(Self::Opaque),
        };
        Ok(Self::Pages(Page::parse(&one)?, Page::parse(&other)?))
    }
}
