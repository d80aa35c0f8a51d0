//! Excuses for differences: each with a place, a reason, and a last day.

use std::time::Duration;

use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::compare::{
    Decimal, Difference, DifferenceKind, Fragment, Judgement, Path, PathPattern, Value, path::Root,
};

/// The rules of one route.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Rule>);

/// One excuse, for one place. What it excuses is still counted, as `ignored`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where. [`Excuse::Ignore`] covers the place and everything below it, a matcher the place.
    pub at: PathPattern,
    /// What.
    pub excuse: Excuse,
    /// The reason, for people.
    pub why: String,
    /// The last day (UTC) on which the rule excuses. Afterwards the difference counts again, and
    /// its report names the rule that has expired.
    pub until: Option<Date>,
}

/// What a rule excuses.
#[derive(Debug, Clone)]
pub enum Excuse {
    /// Any difference.
    Ignore,
    /// A changed value, when both sides have the form that the matcher asks for.
    Tolerate(Matcher),
}

/// What both values of a difference must look like for it to be excused.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Two JSON numbers that are no further apart.
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
    /// The same elements in another order.
    AnyOrder,
    /// The same elements in another order, each known by a member that it has: what has changed in
    /// an element is looked for in the one with the same value there.
    Keyed {
        /// The member's name.
        by: String,
    },
}

/// The rules as they stand on one day.
#[derive(Debug)]
pub(super) struct Excuses<'a> {
    active: Vec<&'a Rule>,
    expired: Vec<&'a Rule>,
}

impl Rules {
    /// In the order in which they are tried: the first that excuses a difference is named.
    pub const fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    pub(super) fn on(&self, today: Date) -> Excuses<'_> {
        let (active, expired): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|it| it.until.is_none_or(|until| today <= until));
        Excuses { active, expired }
    }
}

impl<'a> Excuses<'a> {
    pub(super) fn judge(&self, difference: &Difference<'_>) -> Judgement<'a> {
        let excusing = |rules: &[&'a Rule]| rules.iter().copied().find(|it| it.excuses(difference));
        if let Some(rule) = excusing(&self.active) {
            Judgement::Excused(rule)
        } else if let Some(rule) = excusing(&self.expired) {
            Judgement::Expired(rule)
        } else {
            Judgement::Counts
        }
    }

    /// Whether any rule is for places that start from this root.
    pub(super) fn reach(&self, root: Root) -> bool {
        self.active.iter().any(|it| it.at.root() == root)
    }

    /// Whether a rule may excuse what the value at this place is: such a value says nothing of
    /// which elements of two lists belong together.
    pub(super) fn blur(&self, path: &Path<'_>) -> bool {
        self.active.iter().any(|rule| match rule.excuse {
            Excuse::Ignore => rule.at.covers(path),
            Excuse::Tolerate(Matcher::AnyOrder | Matcher::Keyed { .. }) => false,
            Excuse::Tolerate(_) => rule.at.matches(path),
        })
    }

    /// Whether the list at this place may have any order.
    pub(super) fn any_order(&self, path: &Path<'_>) -> bool {
        self.active.iter().any(|it| {
            matches!(it.excuse, Excuse::Tolerate(Matcher::AnyOrder | Matcher::Keyed { .. }))
                && it.at.matches(path)
        })
    }

    /// The member by which the elements of the list at this place are known.
    pub(super) fn key(&self, path: &Path<'_>) -> Option<&'a str> {
        self.active.iter().find_map(|it| match &it.excuse {
            Excuse::Tolerate(Matcher::Keyed { by }) if it.at.matches(path) => Some(&**by),
            _ => None,
        })
    }
}

impl Rule {
    fn excuses(&self, difference: &Difference<'_>) -> bool {
        match &self.excuse {
            Excuse::Ignore => self.at.covers(&difference.path),
            Excuse::Tolerate(matcher) => {
                self.at.matches(&difference.path) && matcher.excuses(difference)
            }
        }
    }
}

impl Matcher {
    fn excuses(&self, difference: &Difference<'_>) -> bool {
        let (control, candidate) = match (&difference.control, &difference.candidate) {
            (Some(Fragment::Json(control)), Some(Fragment::Json(candidate))) => {
                (control, candidate)
            }
            (Some(control), Some(candidate)) => {
                return self.excuses_markup(difference.kind, control, candidate);
            }
            _ => return false,
        };
        match (self, difference.kind, control, candidate) {
            (Self::AnyOrder | Self::Keyed { .. }, DifferenceKind::Moved, ..) => true,
            (
                Self::Number { within },
                DifferenceKind::Changed,
                Value::Number(control),
                Value::Number(candidate),
            ) => are_near(*within, control, candidate),
            (
                Self::Money,
                DifferenceKind::Changed,
                Value::Number(control),
                Value::Number(candidate),
            ) => are_near(Decimal::ZERO, control, candidate),
            (_, DifferenceKind::Changed, Value::String(control), Value::String(candidate)) => {
                self.excuses_text(control, candidate)
            }
            _ => false,
        }
    }

    /// Markup has no numbers but texts that read like one.
    fn excuses_markup(
        &self,
        kind: DifferenceKind,
        control: &Fragment<'_>,
        candidate: &Fragment<'_>,
    ) -> bool {
        match (self, kind, control, candidate) {
            (Self::AnyOrder | Self::Keyed { .. }, DifferenceKind::Moved, ..) => true,
            (
                Self::Number { within },
                DifferenceKind::Changed,
                Fragment::Text(control),
                Fragment::Text(candidate),
            ) => are_near(*within, control, candidate),
            (_, DifferenceKind::Changed, Fragment::Text(control), Fragment::Text(candidate)) => {
                self.excuses_text(control, candidate)
            }
            _ => false,
        }
    }

    fn excuses_text(&self, control: &str, candidate: &str) -> bool {
        match self {
            Self::Time { within } => are_close(*within, control, candidate),
            Self::Uuid => is_uuid(control) && is_uuid(candidate),
            Self::MaskedToken => is_masked_token(control) && is_masked_token(candidate),
            Self::Money => are_near(Decimal::ZERO, control, candidate),
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

/// A time of RFC 3339, as Rails writes it into JSON.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, it)| match at {
            8 | 13 | 18 | 23 => it == b'-',
            _ => it.is_ascii_hexdigit(),
        })
}

/// 64 bytes in base64: a one-time pad and the token under it, 32 bytes each. 85 characters hold
/// 510 of the 512 bits, so the last one has two bits to say, and must be `A`, `Q`, `g` or `w`.
/// (`masked_authenticity_token` in Rails' `request_forgery_protection.rb`.)
pub(super) fn is_masked_token(text: &str) -> bool {
    let (digits, others) = match text.strip_suffix("==") {
        Some(digits) => (digits, b"+/"),
        None => (text, b"-_"),
    };
    digits.len() == 86
        && digits.bytes().all(|it| it.is_ascii_alphanumeric() || others.contains(&it))
        && digits.ends_with(['A', 'Q', 'g', 'w'])
}

#[cfg(test)]
mod tests;
