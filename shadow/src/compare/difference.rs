//! One difference, and whether it counts.

use std::{borrow::Cow, fmt};

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    Digest,
    compare::{Element, Path, Rule, Value},
};

/// A place at which two answers differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference<'a> {
    /// Where. Indices are those of the control's lists; of the candidate's for an extra element.
    pub path: Path<'a>,
    /// How.
    pub kind: DifferenceKind,
    /// Who would notice.
    pub class: Class,
    /// What the control has there.
    pub control: Option<Fragment<'a>>,
    /// What the candidate has there.
    pub candidate: Option<Fragment<'a>>,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fragment<'a> {
    /// The status code.
    Status(StatusCode),
    /// A header's value, or the attributes of a cookie, in the form in which they are compared.
    Header(Cow<'a, str>),
    /// A part of a JSON document.
    Json(Value<'a>),
    /// An element of an HTML or XML document.
    Element(&'a Element<'a>),
    /// A text in such a document, or the value of an attribute.
    Text(&'a str),
    /// A body that is not read any further.
    Body(&'a [u8]),
    /// A body that was not kept.
    Digest(Digest),
}

/// How two values differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DifferenceKind {
    /// Only the control has it.
    Missing,
    /// Only the candidate has it.
    Extra,
    /// Both have it, with the same type and another value.
    Changed,
    /// Both have it, with another type.
    Retyped,
    /// Both lists have elements in common, in another order. Reported once, at the list.
    Moved,
}

/// Who would notice a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Nobody, or only an operator: most headers.
    Cosmetic,
    /// A buyer or a program: status, body, and the headers that a client acts on.
    Critical,
}

/// A difference, judged by the rules.
#[derive(Debug, Clone)]
pub struct Finding<'a> {
    /// The difference.
    pub difference: Difference<'a>,
    /// Whether it counts.
    pub judgement: Judgement<'a>,
}

/// What the rules say of a difference.
#[derive(Debug, Clone, Copy)]
pub enum Judgement<'a> {
    /// No rule excuses it: it counts.
    Counts,
    /// It counts, in the class that a rule gives it.
    Classed(&'a Rule),
    /// A rule excuses it.
    Excused(&'a Rule),
    /// It counts as it does because the rule that excused it, or gave it another class, has expired.
    Expired(&'a Rule),
}

impl DifferenceKind {
    const ALL: [Self; 5] = [Self::Missing, Self::Extra, Self::Changed, Self::Retyped, Self::Moved];

    /// The name in the store and in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
            Self::Retyped => "retyped",
            Self::Moved => "moved",
        }
    }

    /// The kind with this label.
    pub fn parse(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.label() == label)
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl Class {
    /// The name in the store and in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Cosmetic => "cosmetic",
        }
    }

    /// The class with this label.
    pub fn parse(label: &str) -> Option<Self> {
        [Self::Critical, Self::Cosmetic].into_iter().find(|it| it.label() == label)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
