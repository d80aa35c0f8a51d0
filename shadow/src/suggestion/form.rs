//! What two values that differ have in common, as a matcher would ask for it.

use std::{mem, time::Duration};

use serde::{Deserialize, Serialize};

use super::shape::Shape;
use crate::{
    compare::{
        Decimal, Difference, DifferenceKind, Fragment, Matcher, Path, Pattern, Value,
        is_masked_token, is_uuid, parse_time,
    },
    sensitive::is_sensitive,
};

/// Times further apart than a rule may say, in milliseconds.
const HOUR: u64 = 3_600_000;

/// Numbers that are further apart than this share of the larger look like a fault, unless the
/// monolith differs from itself there.
const NEAR: f64 = 0.01;

/// Where a distance is a larger share of the larger number, it is nearly that number.
const HALF: f64 = 0.5;

/// What two values that differ have in common. Of one that is [kept](Self::kept) the values cannot be
/// told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    AnyOrder,
    MaskedToken,
    /// Texts with numbers of the same amount.
    Money,
    /// Numbers: how far apart at most, and what that says.
    Number(Decimal, Distance),
    /// Numbers of which it is not kept how far apart they are.
    Numbers,
    Shape(Shape),
    /// Times: how many milliseconds apart at most.
    Time(u64),
    Uuid,
}

/// What it says of numbers how far apart they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Distance {
    /// Next to nothing.
    Near,
    /// Little.
    Wide,
    /// What they are: it is more than half of the larger one, or one of them is somebody's.
    Telling,
}

impl Form {
    /// The narrowest that a matcher can ask for.
    pub(crate) fn of(difference: &Difference<'_>) -> Option<Self> {
        match (difference.kind, &difference.control, &difference.candidate) {
            (DifferenceKind::Moved, ..) => Some(Self::AnyOrder),
            (DifferenceKind::Changed, Some(control), Some(candidate)) => {
                Self::of_fragments(&difference.path, control, candidate)
            }
            _ => None,
        }
    }

    fn of_fragments(
        path: &Path<'_>,
        control: &Fragment<'_>,
        candidate: &Fragment<'_>,
    ) -> Option<Self> {
        match (control, candidate) {
            (Fragment::Json(Value::Number(one)), Fragment::Json(Value::Number(other))) => {
                Self::of_numbers(path, one, other)
            }
            (Fragment::Json(Value::String(one)), Fragment::Json(Value::String(other))) => {
                Self::of_texts(one, other)
            }
            (Fragment::Text(one), Fragment::Text(other)) => {
                Self::of_numbers(path, one, other).or_else(|| Self::of_texts(one, other))
            }
            (Fragment::Header(one), Fragment::Header(other)) => {
                Self::of_numbers(path, one, other).or_else(|| Self::of_texts(one, other))
            }
            _ => None,
        }
    }

    fn of_numbers(path: &Path<'_>, control: &str, candidate: &str) -> Option<Self> {
        let apart = Decimal::parse(control)?.distance(Decimal::parse(candidate)?)?;
        if apart.is_zero() {
            return Some(Self::Number(apart, Distance::Near));
        }
        let [one, other] = [control, candidate].map(|it| it.parse::<f64>().map(f64::abs));
        let (larger, distance) = (one.ok()?.max(other.ok()?), apart.to_string().parse::<f64>());
        let is_sensitive = |it: &str| is_sensitive(path.names(), it);
        let distance = match distance.ok()? / larger {
            _ if is_sensitive(control) || is_sensitive(candidate) => Distance::Telling,
            share if share <= NEAR => Distance::Near,
            share if share <= HALF => Distance::Wide,
            _ => Distance::Telling,
        };
        Some(Self::Number(apart, distance))
    }

    fn of_texts(control: &str, candidate: &str) -> Option<Self> {
        let both = |is: fn(&str) -> bool| is(control) && is(candidate);
        if both(is_uuid) {
            return Some(Self::Uuid);
        }
        if both(is_masked_token) {
            return Some(Self::MaskedToken);
        }
        if let (Some(one), Some(other)) = (parse_time(control), parse_time(candidate)) {
            let apart = (one - other).unsigned_abs();
            let milliseconds = apart.as_micros().div_ceil(1_000).max(1);
            return u64::try_from(milliseconds).ok().filter(|it| *it <= HOUR).map(Self::Time);
        }
        if let (Some(one), Some(other)) = (Decimal::parse(control), Decimal::parse(candidate)) {
            return Decimal::ZERO.spans(one, other).then_some(Self::Money);
        }
        Shape::of(control)?.joined(&Shape::of(candidate)?).map(Self::Shape)
    }

    /// What has the form of either; `None` for forms of different kinds.
    pub(crate) fn joined(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::AnyOrder, Self::AnyOrder) => Self::AnyOrder,
            (Self::MaskedToken, Self::MaskedToken) => Self::MaskedToken,
            (Self::Money, Self::Money) => Self::Money,
            (Self::Uuid, Self::Uuid) => Self::Uuid,
            (Self::Time(one), Self::Time(other)) => Self::Time(*one.max(other)),
            (Self::Number(one, distance), Self::Number(other, further)) => {
                let apart = if one.spans(Decimal::ZERO, *other) { one } else { other };
                Self::Number(*apart, *distance.max(further))
            }
            (Self::Number(..) | Self::Numbers, Self::Number(..) | Self::Numbers) => Self::Numbers,
            (Self::Shape(one), Self::Shape(other)) => Self::Shape(one.joined(other)?),
            _ => return None,
        })
    }

    /// As it is kept. What has this form has that one too.
    pub(crate) fn kept(self) -> Self {
        match self {
            Self::Number(_, Distance::Telling) => Self::Numbers,
            Self::Number(apart, distance) => Self::Number(apart.rounded_up(), distance),
            it => it,
        }
    }

    /// Whether values of the other form would be taken for such ones: they are of the same kind, and,
    /// `within` its limits, at most twice as far apart or as long.
    pub(crate) fn spans_twice(&self, other: &Self, within: bool) -> bool {
        match (self, other) {
            (Self::Number(one, _), Self::Number(other, _)) => {
                !within || one.doubled().spans(Decimal::ZERO, *other)
            }
            // Clocks that are a second further apart are those of a machine that was busy.
            (Self::Time(one), Self::Time(other)) => !within || *other <= 2 * one + 1_000,
            (Self::Shape(one), Self::Shape(other)) => {
                one.joined(other).is_some() && (!within || one.spans_twice(other))
            }
            _ => mem::discriminant(self) == mem::discriminant(other),
        }
    }

    /// The matcher that excuses what has this form, and as little else as can be.
    pub(crate) fn matcher(&self) -> Option<Matcher> {
        Some(match self {
            Self::AnyOrder => Matcher::AnyOrder,
            Self::MaskedToken => Matcher::MaskedToken,
            Self::Money => Matcher::Money,
            Self::Number(apart, _) if apart.is_zero() => Matcher::Money,
            Self::Number(apart, _) => Matcher::Number { within: *apart },
            Self::Numbers => return None,
            Self::Shape(shape) => Matcher::Regex(Pattern::parse(&shape.pattern()).ok()?),
            Self::Time(apart) => Matcher::Time { within: Duration::from_millis(*apart) },
            Self::Uuid => Matcher::Uuid,
        })
    }
}
