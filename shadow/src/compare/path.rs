//! Where a difference is, and patterns over such places.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

/// An exact place in an answer: `status`, `headers.content-type`, `headers.set-cookie._session`,
/// `body`, `$.lines[2].price`. A member whose name is not made of ASCII letters, digits, `_` and
/// `-` is quoted as in JSON: `$["unit price"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a> {
    root: Root,
    steps: Vec<Step<'a>>,
}

/// The part of an answer that a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Status,
    Headers,
    /// The body as a whole.
    Body,
    /// The body as a JSON document.
    Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

/// One place, or many: a [`Path`] in which `*` stands for any name and `[*]` for any index, such
/// as `$.lines[*].price` or `$.prices.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    root: Root,
    steps: Vec<PatternStep>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternStep {
    Member(String),
    AnyMember,
    Element(usize),
    AnyElement,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at character {at})")]
pub struct PathError {
    /// The character at which reading stopped, counted from 1.
    pub at: usize,
    /// What it must be.
    pub reason: &'static str,
}

// === impl Path ===

impl<'a> Path<'a> {
    pub(crate) const fn at(root: Root) -> Self {
        Self { root, steps: Vec::new() }
    }

    pub(crate) fn push(&mut self, step: Step<'a>) {
        self.steps.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.steps.pop();
    }

    /// The path with every index as `[*]`: what the same difference in another element shares.
    pub fn grouped(&self) -> impl fmt::Display {
        Grouped(self)
    }

    /// The names on the path, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.steps.iter().filter_map(|it| match it {
            Step::Member(name) => Some(*name),
            Step::Element(_) => None,
        })
    }

    /// The path with other names, as many as it has.
    pub(crate) fn renamed<'b>(&self, names: &'b [String]) -> Path<'b> {
        let mut names = names.iter();
        let steps = self.steps.iter().map(|it| match it {
            Step::Member(_) => Step::Member(names.next().map_or("", String::as_str)),
            Step::Element(index) => Step::Element(*index),
        });
        Path { root: self.root, steps: steps.collect() }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, grouped: bool) -> fmt::Result {
        write!(f, "{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Member(name) => write_member(f, name)?,
                Step::Element(_) if grouped => f.write_str("[*]")?,
                Step::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

struct Grouped<'p>(&'p Path<'p>);

impl fmt::Display for Grouped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, true)
    }
}

// === impl Root ===

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Document => "$",
        })
    }
}

// === impl PathPattern ===

impl PathPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (root, rest) = split_root(text)?;
        let mut reader = Reader { text, rest };
        let mut steps = Vec::new();
        while !reader.rest.is_empty() {
            steps.push(reader.step()?);
        }
        match (root, &mut steps[..]) {
            (Root::Headers, [PatternStep::Member(name), more @ ..]) if more.len() <= 1 => {
                name.make_ascii_lowercase();
            }
            (Root::Headers, _) => {
                return Err(fault(text, "", "name one header, such as `headers.content-type`"));
            }
            (Root::Status | Root::Body, [_, ..]) => {
                return Err(fault(text, "", "nothing can follow `status` and `body`"));
            }
            _ => {}
        }
        Ok(Self { root, steps })
    }

    /// Whether the pattern is for this very place.
    pub(crate) fn matches(&self, path: &Path<'_>) -> bool {
        self.steps.len() == path.steps.len() && self.covers(path)
    }

    /// Whether the pattern is for this place or for one above it.
    pub(crate) fn covers(&self, path: &Path<'_>) -> bool {
        self.root == path.root
            && self.steps.len() <= path.steps.len()
            && self.steps.iter().zip(&path.steps).all(|(pattern, step)| pattern.matches(step))
    }

    pub(crate) const fn root(&self) -> Root {
        self.root
    }
}

impl FromStr for PathPattern {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)?;
        for step in &self.steps {
            match step {
                PatternStep::Member(name) => write_member(f, name)?,
                PatternStep::AnyMember => f.write_str(".*")?,
                PatternStep::Element(index) => write!(f, "[{index}]")?,
                PatternStep::AnyElement => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl PatternStep {
    fn matches(&self, step: &Step<'_>) -> bool {
        match (self, step) {
            (Self::Member(pattern), Step::Member(name)) => pattern == name,
            (Self::Element(pattern), Step::Element(index)) => pattern == index,
            (Self::AnyMember, Step::Member(_)) | (Self::AnyElement, Step::Element(_)) => true,
            _ => false,
        }
    }
}

fn split_root(text: &str) -> Result<(Root, &str), PathError> {
    for root in [Root::Status, Root::Headers, Root::Body, Root::Document] {
        if let Some(rest) = text.strip_prefix(&root.to_string())
            && (rest.is_empty() || rest.starts_with(['.', '[']))
        {
            return Ok((root, rest));
        }
    }
    Err(fault(text, text, "a path starts with `$`, `headers.`, `status` or `body`"))
}

/// Reads the steps of a pattern one by one.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> Result<PatternStep, PathError> {
        if let Some(rest) = self.rest.strip_prefix("[*]") {
            self.rest = rest;
            Ok(PatternStep::AnyElement)
        } else if let Some(rest) = self.rest.strip_prefix(".*") {
            self.rest = rest;
            Ok(PatternStep::AnyMember)
        } else if self.rest.starts_with("[\"") {
            self.quoted()
        } else if let Some(rest) = self.rest.strip_prefix('[') {
            self.rest = rest;
            let index = self.take(|it| it.is_ascii_digit(), "an index is `[2]` or `[*]`")?;
            let index = index.parse().map_err(|_| self.fault("the index is too large"))?;
            self.expect(']')?;
            Ok(PatternStep::Element(index))
        } else {
            self.expect('.')?;
            let must = "a name is letters, digits, `_` and `-`, or quoted: `$[\"unit price\"]`";
            Ok(PatternStep::Member(self.take(is_plain, must)?.to_owned()))
        }
    }

    /// `["any JSON string"]`
    fn quoted(&mut self) -> Result<PatternStep, PathError> {
        let mut strings = serde_json::Deserializer::from_str(&self.rest[1..]).into_iter::<String>();
        let Some(Ok(name)) = strings.next() else {
            return Err(self.fault("a quoted name is a JSON string: `$[\"unit price\"]`"));
        };
        self.rest = &self.rest[1 + strings.byte_offset()..];
        self.expect(']')?;
        Ok(PatternStep::Member(name))
    }

    fn take(&mut self, of: fn(char) -> bool, must: &'static str) -> Result<&'a str, PathError> {
        let end = self.rest.find(|it| !of(it)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        if taken.is_empty() {
            return Err(self.fault(must));
        }
        self.rest = rest;
        Ok(taken)
    }

    fn expect(&mut self, sign: char) -> Result<(), PathError> {
        let must = if sign == ']' { "`]` must follow" } else { "`.` or `[` must follow" };
        self.rest = self.rest.strip_prefix(sign).ok_or_else(|| self.fault(must))?;
        Ok(())
    }

    fn fault(&self, reason: &'static str) -> PathError {
        fault(self.text, self.rest, reason)
    }
}

fn fault(text: &str, rest: &str, reason: &'static str) -> PathError {
    PathError { at: text.chars().count() - rest.chars().count() + 1, reason }
}

fn write_member(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if !name.is_empty() && name.chars().all(is_plain) {
        f.write_char('.')?;
        f.write_str(name)
    } else {
        write!(f, "[{}]", serde_json::Value::from(name))
    }
}

const fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '_' | '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path<'a>(root: Root, steps: &[Step<'a>]) -> Path<'a> {
        Path { root, steps: steps.to_vec() }
    }

    #[test]
    fn patterns_read_as_they_are_written() {
        for text in [
            "status",
            "body",
            "headers.content-type",
            "headers.set-cookie._shop_session",
            "$",
            "$.lines[*].price",
            "$.lines[2].price",
            "$.prices.*",
            "$[\"unit price\"].x",
            "$[\"a\\\"]\"][*]",
        ] {
            assert_eq!(PathPattern::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn header_names_ignore_case() {
        let pattern = PathPattern::parse("headers.Content-Type").unwrap();
        assert!(pattern.matches(&path(Root::Headers, &[Step::Member("content-type")])));
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        for (text, at, reason) in [
            ("", 1, "a path starts with"),
            ("lines", 1, "a path starts with"),
            ("statuses", 1, "a path starts with"),
            ("status.x", 9, "nothing can follow"),
            ("headers", 8, "name one header"),
            ("headers.a.b.c", 14, "name one header"),
            ("$lines", 1, "a path starts with"),
            ("$.", 3, "a name is"),
            ("$.lines[", 9, "an index is"),
            ("$.lines[x]", 9, "an index is"),
            ("$.lines[1", 10, "`]` must follow"),
            ("$.lines[1]x", 11, "`.` or `[` must follow"),
            ("$.a b", 4, "`.` or `[` must follow"),
            ("$[\"open", 2, "a quoted name"),
        ] {
            let error = PathPattern::parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.reason.starts_with(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_pattern_covers_what_is_below_it_and_matches_only_itself() {
        let pattern = PathPattern::parse("$.lines[*]").unwrap();
        let line = path(Root::Document, &[Step::Member("lines"), Step::Element(7)]);
        let mut price = line.clone();
        price.push(Step::Member("price"));
        assert!(pattern.matches(&line) && pattern.covers(&line) && pattern.covers(&price));
        assert!(!pattern.matches(&price));
        assert!(!pattern.covers(&path(Root::Document, &[Step::Member("lines")])));
        assert!(!pattern.covers(&path(Root::Body, &[Step::Member("lines"), Step::Element(7)])));
        let named = path(Root::Document, &[Step::Member("lines"), Step::Member("7")]);
        assert!(!pattern.covers(&named), "an index is not a name");
    }

    #[test]
    fn indices_are_grouped() {
        let price = path(Root::Document, &[Step::Element(3), Step::Member("a.b")]);
        assert_eq!(price.to_string(), "$[3][\"a.b\"]");
        assert_eq!(price.grouped().to_string(), "$[*][\"a.b\"]");
    }

    proptest! {
        #[test]
        fn any_path_is_a_pattern_for_itself(names in prop::collection::vec(".*", 0..4)) {
            let steps: Vec<_> = names.iter().map(|it| Step::Member(it)).collect();
            let path = path(Root::Document, &steps);
            let pattern = PathPattern::parse(&path.to_string()).unwrap();
            prop_assert!(pattern.matches(&path));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[$.\\[\\]*\"\\\\a-c0-9é ]{0,20}") {
            let _ = PathPattern::parse(&text);
        }
    }
}
