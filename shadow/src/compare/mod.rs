//! Two answers in, their differences out. Pure: nothing here waits, stores or looks at a clock.

mod charset;
mod collector;
mod decimal;
mod difference;
mod document;
mod encoding;
mod fingerprint;
mod format;
mod headers;
mod json;
mod lines;
mod markup;
mod pair;
mod path;
mod rule;
mod same;
mod sequence;
mod serialize;
mod unreadable;

use std::sync::OnceLock;

use bytes::Bytes;
use time::{OffsetDateTime, UtcOffset};

use self::{
    charset::Charset,
    collector::Collector,
    document::Walk,
    format::{Format, is_graphql},
    headers::Nonces,
    json::{Document, parse, parse_beside},
    pair::Kind,
};
pub use self::{
    decimal::Decimal,
    difference::{Class, Difference, DifferenceKind, Finding, Fragment, Judgement},
    json::{Elements, Members, Value},
    markup::Element,
    pair::Pair,
    path::{Path, PathError, PathPattern},
    rule::{Excuse, Ids, Matcher, Pattern, Rule, Rules},
};
pub(crate) use self::{
    path::{Root, Step},
    rule::{Links, is_masked_token, is_uuid, parse_time},
    unreadable::Unreadable,
};
use crate::{Captured, Observation, Unknown};

/// Two answers, read as far as a comparison needs it.
#[derive(Debug)]
pub struct Answers<'a> {
    pair: &'a Pair,
    bodies: Bodies<'a>,
}

#[derive(Debug)]
enum Bodies<'a> {
    /// Byte for byte the same: what they are matters only where ids are in them.
    Same {
        is_encoded: bool,
    },
    Json(Json<'a>),
    /// What is read into the form of a JSON document: lines of text, cells of CSV, fields of a form.
    Values(Root, Document<'a>, Document<'a>),
    Markup(Element<'a>, Element<'a>),
    Opaque,
}

/// Both claim to be JSON, and the control's is.
#[derive(Debug)]
struct Json<'a> {
    control: Document<'a>,
    text: &'a Bytes,
    /// Whether the control's content type is that of GraphQL's answers.
    is_graphql: bool,
    /// The candidate's, without what it says again; `None` if it is no JSON.
    beside: OnceLock<Option<Document<'a>>>,
    /// All of the candidate's, once a rule needs it.
    whole: OnceLock<Option<Document<'a>>>,
}

/// What two answers differ in.
#[derive(Debug, Clone, Default)]
pub struct Comparison<'a> {
    /// The differences, in the order status, headers, body, trailers; at most 100 that count and 100 that do
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
    /// Reads the bodies, each as what its content type says.
    ///
    /// # Errors
    /// [`Unknown::Unparsable`] when the control's body is not what its content type says, and, of XML, the
    /// candidate's is; [`Unknown::TooLarge`] when it is nested too deeply, or there is too much in it.
    pub fn read(pair: &'a Pair) -> Result<Self, Unknown> {
        Ok(Self { pair, bodies: Bodies::read(pair)? })
    }

    /// Compares the answers under a route's rules, as they stand on the day (UTC) that it is `now`. By
    /// the same clock cookies end, where no answer says when it was made.
    pub fn compare(&'a self, rules: &'a Rules, now: OffsetDateTime) -> Comparison<'a> {
        self.compare_linked(rules, now, |_| {})
    }

    /// The same, where what is known of ids from other answers is held against those of these.
    pub fn compare_linked(
        &'a self,
        rules: &'a Rules,
        now: OffsetDateTime,
        link: impl FnOnce(&mut Ids),
    ) -> Comparison<'a> {
        let today = now.to_offset(UtcOffset::UTC).date();
        let mut excuses = rules.on(today);
        if excuses.concern_ids() {
            let mut collector = Collector::of_ids(excuses, Ids::default());
            self.walk(&mut collector, now);
            let (mut ids, gathered) = collector.into_ids();
            if let Bodies::Same { is_encoded } = self.bodies {
                ids = same::with_ids(&self.pair.control, is_encoded, rules.on(today), ids);
            }
            link(&mut ids);
            excuses = gathered.knowing(ids);
        }
        let mut collector = Collector::new(excuses);
        self.walk(&mut collector, now);
        collector.finish()
    }

    fn walk(&'a self, collector: &mut Collector<'a>, now: OffsetDateTime) {
        let [control, candidate] = self.pair.sides();
        if control.status != candidate.status {
            let [one, other] = [control, candidate].map(|it| Some(Fragment::Status(it.status)));
            let path = Path::at(Root::Status);
            collector.found(&path, DifferenceKind::Changed, Class::Critical, one, other);
        }
        let both = [&control.headers, &candidate.headers];
        headers::compare(Root::Headers, both, now, collector);
        match &self.bodies {
            Bodies::Same { .. } => {}
            Bodies::Values(root, control, candidate) => {
                Walk::new(collector, Path::at(*root)).values(control.root(), candidate.root());
            }
            Bodies::Markup(control, candidate) => {
                markup::compare(control, candidate, collector);
            }
            Bodies::Json(json) => json.compare(collector),
            Bodies::Opaque => self.compare_bytes(collector),
        }
        let both = [&control.trailers, &candidate.trailers];
        headers::compare(Root::Trailers, both, now, collector);
    }

    fn compare_bytes(&'a self, collector: &mut Collector<'a>) {
        let sides = self.pair.sides();
        let [control, candidate] = sides.map(|it| match &it.body {
            Captured::Whole(body) => (!body.is_empty()).then_some(Fragment::Body(body)),
            Captured::Digested(digest) => Some(Fragment::Digest(*digest)),
        });
        let kind = match (&control, &candidate) {
            (Some(_), None) => DifferenceKind::Missing,
            (None, Some(_)) => DifferenceKind::Extra,
            _ => DifferenceKind::Changed,
        };
        collector.found(&Path::at(Root::Body), kind, Class::Critical, control, candidate);
    }
}

impl<'a> Bodies<'a> {
    fn read(pair: &'a Pair) -> Result<Self, Unknown> {
        let (format, control, candidate) = match &pair.kind {
            Kind::Same { is_encoded } => return Ok(Self::Same { is_encoded: *is_encoded }),
            Kind::Opaque => return Ok(Self::Opaque),
            Kind::Pages(one, other) => {
                let [by_control, by_candidate] = pair.sides().map(|it| Nonces::of(&it.headers));
                return Ok(Self::Markup(one.element(by_control)?, other.element(by_candidate)?));
            }
            Kind::Text(format, control, candidate) => (*format, control, candidate),
        };
        Ok(match format {
            Format::Json => {
                let control = parse(control)?;
                let (beside, whole) = (OnceLock::new(), OnceLock::new());
                let is_graphql = is_graphql(&pair.control.headers);
                Self::Json(Json { control, text: candidate, is_graphql, beside, whole })
            }
            Format::Xml => Self::of_xml(pair.sides(), control, candidate)?,
            Format::Csv => Self::of_values(lines::csv, control, candidate)?,
            Format::Form => Self::of_values(lines::form, control, candidate)?,
            Format::Text => Self::of_values(lines::text, control, candidate)?,
            Format::Html | Format::Bytes => Self::Opaque,
        })
    }

    /// What neither side can read has lines all the same.
    fn of_xml(
        sides: [&Observation; 2],
        control: &'a [u8],
        candidate: &'a [u8],
    ) -> Result<Self, Unknown> {
        let [said, also_said] = sides.map(|it| Charset::of(&it.headers));
        let (one, other) =
            (markup::parse_xml(said, control), markup::parse_xml(also_said, candidate));
        match (one, other) {
            (Ok(one), Ok(other)) => Ok(Self::Markup(one, other)),
            (Ok(_), Err(Unreadable::Malformed)) => Ok(Self::Opaque),
            (Err(Unreadable::Malformed), Err(Unreadable::Malformed)) => {
                Self::of_values(lines::text, control, candidate)
            }
            (Err(why), _) | (_, Err(why)) => Err(why.into()),
        }
    }

    fn of_values(read: Read<'a>, control: &'a [u8], candidate: &'a [u8]) -> Result<Self, Unknown> {
        match (read(control), read(candidate)) {
            (Ok(one), Ok(other)) => Ok(Self::Values(Root::Body, one, other)),
            (Err(Unreadable::TooLarge), _) => Err(Unknown::TooLarge),
            // With more in it than the control may have a candidate differs, too.
            _ => Ok(Self::Opaque),
        }
    }
}

type Read<'a> = fn(&'a [u8]) -> Result<Document<'static>, Unreadable>;

impl<'a> Json<'a> {
    fn compare(&'a self, collector: &mut Collector<'a>) {
        let candidate = if collector.excuses().look_closely(Root::Document) {
            self.whole.get_or_init(|| parse(self.text).ok())
        } else {
            self.beside.get_or_init(|| parse_beside(self.text, &self.control).ok())
        };
        let path = Path::at(Root::Document);
        if let Some(candidate) = candidate {
            let (one, other) = (self.control.root(), candidate.root());
            return Walk::new(collector, path).answers(self.is_graphql, one, other);
        }
        let (one, other) = (Fragment::Json(self.control.root()), Fragment::Body(self.text));
        let (kind, class) = (DifferenceKind::Retyped, Class::Critical);
        collector.found(&path, kind, class, Some(one), Some(other));
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
pub(crate) fn document(observation: &Observation) -> Option<Document<'_>> {
    let is_json = Format::of(&observation.headers) == Format::Json;
    let body = observation.body.whole().filter(|_| is_json);
    body.and_then(|it| parse(it).ok())
}

#[cfg(test)]
mod tests;
