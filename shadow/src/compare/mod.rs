//! Two answers in, their differences out. Pure: nothing here waits, stores or looks at a clock.

mod collector;
mod decimal;
mod difference;
mod document;
mod headers;
mod json;
mod path;
mod rule;
mod sequence;

use time::Date;

use self::{collector::Collector, document::Walk, json::parse};
pub use self::{
    decimal::Decimal,
    difference::{Class, Difference, DifferenceKind, Finding, Fragment, Judgement},
    json::Value,
    path::{Path, PathError, PathPattern},
    rule::{Excuse, Matcher, Rule, Rules},
};
pub(crate) use self::{
    path::{Root, Step},
    rule::{is_uuid, parse_time},
};
use crate::{Observation, Unknown};

/// Two answers, read as far as a comparison needs it.
#[derive(Debug)]
pub struct Answers<'a> {
    control: &'a Observation,
    candidate: &'a Observation,
    bodies: Bodies<'a>,
}

#[derive(Debug)]
enum Bodies<'a> {
    /// Byte for byte the same: what they are does not matter.
    Same,
    Documents(Value<'a>, Value<'a>),
    /// Both claim to be JSON, and the candidate's is not.
    NoDocument(Value<'a>),
    Opaque,
}

/// What two answers differ in.
#[derive(Debug, Clone, Default)]
pub struct Comparison<'a> {
    /// The differences, in the order status, headers, body; at most 100 that count and 100 that do
    /// not.
    pub findings: Vec<Finding<'a>>,
    /// How many more there are.
    pub omitted: usize,
    /// How many critical differences count, listed or not.
    pub critical: usize,
    /// How many cosmetic differences count, listed or not.
    pub cosmetic: usize,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Equal.
    Matched,
    /// Different, and every difference is excused.
    Ignored,
    /// Different.
    Mismatched,
}

impl<'a> Answers<'a> {
    /// Reads the bodies. JSON is recognised by the content type.
    ///
    /// # Errors
    /// [`Unknown::Unparsable`] when a body has a content encoding (such bodies are not decoded), or
    /// the control's is not the JSON that it claims to be; unless both are the same, byte for byte.
    pub fn read(control: &'a Observation, candidate: &'a Observation) -> Result<Self, Unknown> {
        Ok(Self { control, candidate, bodies: Bodies::read(control, candidate)? })
    }

    /// Compares the answers under a route's rules, as they stand on that day (UTC).
    pub fn compare(&'a self, rules: &'a Rules, today: Date) -> Comparison<'a> {
        let mut collector = Collector::new(rules.on(today));
        let [one, other] = [self.control, self.candidate].map(|it| it.status);
        if one != other {
            let [one, other] = [one, other].map(|it| Some(Fragment::Status(it)));
            let path = Path::at(Root::Status);
            collector.found(&path, DifferenceKind::Changed, Class::Critical, one, other);
        }
        headers::compare(&self.control.headers, &self.candidate.headers, &mut collector);
        match &self.bodies {
            Bodies::Same => {}
            Bodies::Documents(control, candidate) => {
                Walk::new(&mut collector).values(control, candidate);
            }
            Bodies::NoDocument(control) => {
                let control = Some(Fragment::Json(control));
                let candidate = Some(Fragment::Body(&self.candidate.body));
                let path = Path::at(Root::Document);
                collector.found(
                    &path,
                    DifferenceKind::Retyped,
                    Class::Critical,
                    control,
                    candidate,
                );
            }
            Bodies::Opaque => self.compare_bytes(&mut collector),
        }
        collector.finish()
    }

    fn compare_bytes(&'a self, collector: &mut Collector<'a>) {
        let [control, candidate] = [self.control, self.candidate]
            .map(|it| (!it.body.is_empty()).then_some(Fragment::Body(&it.body)));
        let kind = match (&control, &candidate) {
            (Some(_), None) => DifferenceKind::Missing,
            (None, Some(_)) => DifferenceKind::Extra,
            _ => DifferenceKind::Changed,
        };
        collector.found(&Path::at(Root::Body), kind, Class::Critical, control, candidate);
    }
}

impl<'a> Bodies<'a> {
    fn read(control: &'a Observation, candidate: &'a Observation) -> Result<Self, Unknown> {
        let encodings = [control, candidate].map(|it| headers::encoding(&it.headers));
        if control.body == candidate.body && encodings[0] == encodings[1] {
            return Ok(Self::Same);
        }
        if encodings.iter().any(Option::is_some) {
            return Err(Unknown::Unparsable);
        }
        let both_json = [control, candidate].iter().all(|it| headers::is_json(&it.headers));
        if !both_json || control.body.is_empty() || candidate.body.is_empty() {
            return Ok(Self::Opaque);
        }
        let control = parse(&control.body).map_err(|_| Unknown::Unparsable)?;
        Ok(match parse(&candidate.body) {
            Ok(candidate) => Self::Documents(control, candidate),
            Err(_) => Self::NoDocument(control),
        })
    }
}

impl Comparison<'_> {
    /// What the comparison comes to.
    pub fn outcome(&self) -> Outcome {
        match (self.findings.len(), self.critical + self.cosmetic) {
            (0, _) => Outcome::Matched,
            (_, 0) => Outcome::Ignored,
            _ => Outcome::Mismatched,
        }
    }
}

impl Outcome {
    /// The value of the `outcome` label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Ignored => "ignored",
            Self::Mismatched => "mismatched",
        }
    }
}

/// A JSON document of an answer, if that is what its body is.
pub(crate) fn document(observation: &Observation) -> Option<Value<'_>> {
    let readable =
        headers::is_json(&observation.headers) && headers::encoding(&observation.headers).is_none();
    readable.then(|| parse(&observation.body).ok()).flatten()
}

#[cfg(test)]
mod tests;
