//! What both values of a difference must look like for it to be excused.

use std::time::Duration;

use super::{
    Ids, Pattern,
    forms::{is_masked_token, is_uuid, parse_time},
};
use crate::compare::{Decimal, Difference, DifferenceKind, Fragment, Value, path::Root};

/// What both values of a difference must look like for it to be excused.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Two numbers that are no further apart.
    Number {
        /// The greatest distance that is excused.
        within: Decimal,
    },
    /// Two RFC 3339 times that are no further apart.
    Time {
        /// The greatest distance that is excused.
        within: Duration,
    },
    /// Two UUIDs, in the usual form of 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// Two CSRF tokens as Rails masks them for each response: 64 bytes in base64, either unpadded
    /// and URL-safe (86 characters) or padded (88).
    MaskedToken,
    /// Two JSON numbers, or two texts with a number, of the same amount: `19.90` and `19.9`.
    Money,
    /// Two texts or numbers that a pattern matches as a whole.
    Regex(Pattern),
    /// An id that stands for another one wherever it stands: the same of the control always for the
    /// same of the candidate, and back.
    Id {
        /// What has these ids. Places with the same name share them, over the answers of all routes;
        /// if it is empty, those of one answer.
        of: String,
    },
    /// The same elements in another order, or words of a header.
    AnyOrder,
    /// The same elements in another order, each known by a member that it has: what has changed in
    /// an element is looked for in the one with the same value there.
    Keyed {
        /// The member's name.
        by: String,
    },
}

impl Matcher {
    pub(super) fn excuses(&self, difference: &Difference<'_>, ids: &Ids) -> bool {
        if difference.kind == DifferenceKind::Moved {
            return matches!(self, Self::AnyOrder | Self::Keyed { .. });
        }
        let (Some(control), Some(candidate)) = (&difference.control, &difference.candidate) else {
            return false;
        };
        if difference.kind != DifferenceKind::Changed {
            return false;
        }
        match (control, candidate) {
            (Fragment::Json(Value::Number(control)), Fragment::Json(Value::Number(candidate))) => {
                self.excuses_number(control, candidate, ids)
            }
            (Fragment::Json(Value::String(control)), Fragment::Json(Value::String(candidate))) => {
                // In cells and lines, as in markup, numbers are texts that read like one.
                let is_untyped = difference.path.root() == Root::Body;
                self.excuses_text(control, candidate, ids)
                    || is_untyped && self.excuses_number(control, candidate, ids)
            }
            (Fragment::Text(control), Fragment::Text(candidate)) => {
                self.excuses_number(control, candidate, ids)
                    || self.excuses_text(control, candidate, ids)
            }
            (Fragment::Header(control), Fragment::Header(candidate)) => match self {
                Self::AnyOrder => same_words(control, candidate),
                _ => {
                    self.excuses_number(control, candidate, ids)
                        || self.excuses_text(control, candidate, ids)
                }
            },
            _ => false,
        }
    }

    fn excuses_number(&self, control: &str, candidate: &str, ids: &Ids) -> bool {
        match self {
            Self::Number { within } => are_near(*within, control, candidate),
            Self::Money => are_near(Decimal::ZERO, control, candidate),
            Self::Regex(pattern) => pattern.fits(control) && pattern.fits(candidate),
            Self::Id { of } => ids.agree(of, control, candidate),
            _ => false,
        }
    }

    fn excuses_text(&self, control: &str, candidate: &str, ids: &Ids) -> bool {
        match self {
            Self::Time { within } => are_close(*within, control, candidate),
            Self::Uuid => is_uuid(control) && is_uuid(candidate),
            Self::MaskedToken => is_masked_token(control) && is_masked_token(candidate),
            Self::Money => are_near(Decimal::ZERO, control, candidate),
            Self::Regex(pattern) => pattern.fits(control) && pattern.fits(candidate),
            Self::Id { of } => ids.agree(of, control, candidate),
            Self::Number { .. } | Self::AnyOrder | Self::Keyed { .. } => false,
        }
    }
}

fn are_near(within: Decimal, control: &str, candidate: &str) -> bool {
    let (Some(control), Some(candidate)) = (Decimal::parse(control), Decimal::parse(candidate))
    else {
        return false;
    };
    within.spans(control, candidate)
}

fn are_close(within: Duration, control: &str, candidate: &str) -> bool {
    let (Some(control), Some(candidate)) = (parse_time(control), parse_time(candidate)) else {
        return false;
    };
    (control - candidate).unsigned_abs() <= within
}

/// Whether two lists with commas have the same members, each as often.
fn same_words(control: &str, candidate: &str) -> bool {
    let sorted = |text: &str| {
        let mut words: Vec<_> = text.split(',').map(|it| it.trim().to_owned()).collect();
        words.sort_unstable();
        words
    };
    sorted(control) == sorted(candidate)
}
