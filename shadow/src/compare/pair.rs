//! Two answers, prepared for the comparison: their content encodings taken off, pages parsed.

use super::{encoding, format::Format, headers, markup::Page};
use crate::{Observation, Unknown};

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
    /// The same, byte for byte and in the same encoding: what they are does not matter.
    Same,
    /// Two HTML pages.
    Pages(Page, Page),
    /// To be read in this format.
    Text(Format),
    /// One is empty, or they are of different formats, or of one that is not read any further; or
    /// the candidate's cannot be decoded.
    Opaque,
}

impl Pair {
    /// Takes the content encodings off the bodies, unless they are the same byte for byte.
    ///
    /// # Errors
    /// [`Unknown::TooLarge`] when a body is too long, a page too deep or too intricate to be
    /// compared in bounded time; [`Unknown::Unparsable`] when the control's is not in the content
    /// encoding that its headers name, or in one that is not known. A candidate's that cannot be
    /// read so differs: clients cannot read it either.
    pub fn new(mut control: Observation, mut candidate: Observation) -> Result<Self, Unknown> {
        let [one, other] = [&control, &candidate].map(|it| headers::encodings(&it.headers));
        if control.body == candidate.body && one == other {
            return Ok(Self { control, candidate, kind: Kind::Same });
        }
        control.body = encoding::decode(&control.headers, &control.body)?;
        match encoding::decode(&candidate.headers, &candidate.body) {
            Ok(body) => candidate.body = body,
            Err(Unknown::Unparsable) => {
                return Ok(Self { control, candidate, kind: Kind::Opaque });
            }
            Err(why) => return Err(why),
        }
        let kind = Kind::of(&control, &candidate)?;
        Ok(Self { control, candidate, kind })
    }

    /// The monolith's answer and the extraction's. Their bodies are without content encoding,
    /// unless they are the same.
    pub const fn sides(&self) -> [&Observation; 2] {
        [&self.control, &self.candidate]
    }
}

impl Kind {
    fn of(control: &Observation, candidate: &Observation) -> Result<Self, Unknown> {
        if control.body == candidate.body {
            return Ok(Self::Same);
        }
        let [one, other] = [control, candidate].map(|it| Format::of(&it.headers));
        if one != other || control.body.is_empty() || candidate.body.is_empty() {
            return Ok(Self::Opaque);
        }
        Ok(match one {
            Format::Bytes => Self::Opaque,
            Format::Html => Self::Pages(Page::parse(&control.body)?, Page::parse(&candidate.body)?),
            format => Self::Text(format),
        })
    }
}
