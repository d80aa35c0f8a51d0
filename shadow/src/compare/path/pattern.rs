//! Patterns over places, as rules have them.

use std::{fmt, str::FromStr};

use http::header::SET_COOKIE;

use super::{Path, Root, Step, TEXT, is_plain, write_attribute, write_child, write_member};

/// One place, or many: a [`Path`] in which `*` stands for any name and `[*]` for any index, such
/// as `$.lines[*].price` or `$.prices.*`. In HTML and XML it is a CSS selector, in which a tag without
/// `:nth-of-type(…)` stands for every sibling with that tag, and `*` for every sibling.
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
    /// An element with this tag, or with any; of its type the nth, or any.
    Child {
        tag: Option<String>,
        nth: Option<usize>,
    },
    Attribute(String),
    Text,
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

/// The one field that has places in it which have places in them: `headers.set-cookie.locale.value`.
fn is_set_cookie(name: &str) -> bool {
    SET_COOKIE.as_str().eq_ignore_ascii_case(name)
}

// === impl PathPattern ===

impl PathPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (root, rest) = split_root(text)?;
        let mut reader = Reader { text, rest };
        let mut steps = Vec::new();
        // Behind an attribute or a text come the steps into the JSON that it is.
        let mut in_markup = root == Root::Markup;
        while !reader.rest.is_empty() {
            let step = if in_markup { reader.selector()? } else { reader.step()? };
            in_markup &= matches!(step, PatternStep::Child { .. });
            steps.push(step);
        }
        match (root, &mut steps[..]) {
            (Root::Headers | Root::Trailers, [PatternStep::Member(name), more @ ..])
                if more.len() <= 1 || (more.len() == 2 && is_set_cookie(name)) =>
            {
                name.make_ascii_lowercase();
            }
            (Root::Headers, _) => {
                return Err(fault(text, "", "name one header, such as `headers.content-type`"));
            }
            (Root::Trailers, _) => {
                return Err(fault(text, "", "name one field, such as `trailers.server-timing`"));
            }
            (Root::Status, [_, ..]) => {
                return Err(fault(text, "", "nothing can follow `status`"));
            }
            _ => {}
        }
        Ok(Self { root, steps })
    }

    /// Reads what a route reveals: a pattern over its answers, or a value of its requests, as
    /// `request.path.id` or `request.query.*`.
    pub fn parse_revealed(text: &str) -> Result<Self, PathError> {
        let Some(rest) = text.strip_prefix("request.") else { return Self::parse(text) };
        let mut steps = Vec::new();
        let mut reader = Reader { text, rest: &text[text.len() - rest.len() - 1..] };
        while !reader.rest.is_empty() {
            steps.push(reader.step()?);
        }
        match &steps[..] {
            [PatternStep::Member(part), PatternStep::Member(_) | PatternStep::AnyMember]
                if matches!(&**part, "path" | "query") =>
            {
                Ok(Self { root: Root::Request, steps })
            }
            _ => Err(fault(text, "", "name `request.path.NAME` or `request.query.NAME`")),
        }
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
                PatternStep::Child { tag: None, .. } => f.write_str(" > *")?,
                PatternStep::Child { tag: Some(tag), nth } => write_child(f, tag, *nth)?,
                PatternStep::Attribute(name) => write_attribute(f, name)?,
                PatternStep::Text => f.write_str(TEXT)?,
            }
        }
        Ok(())
    }
}

impl PatternStep {
    fn matches(&self, step: &Step<'_>) -> bool {
        match (self, step) {
            (Self::Member(pattern), Step::Member(name))
            | (Self::Attribute(pattern), Step::Attribute(name)) => pattern == name,
            (Self::Element(pattern), Step::Element(index)) => pattern == index,
            (Self::AnyMember, Step::Member(_))
            | (Self::AnyElement, Step::Element(_))
            | (Self::Text, Step::Text) => true,
            (Self::Child { tag, nth }, Step::Child(child)) => {
                tag.as_deref().is_none_or(|it| it == child.tag)
                    && nth.is_none_or(|it| it == child.nth.unwrap_or(1))
            }
            _ => false,
        }
    }
}

const ROOTS: [Root; 6] =
    [Root::Status, Root::Headers, Root::Body, Root::Document, Root::Markup, Root::Trailers];

fn split_root(text: &str) -> Result<(Root, &str), PathError> {
    for root in ROOTS {
        if let Some(rest) = text.strip_prefix(&root.to_string())
            && (rest.is_empty() || root == Root::Markup || rest.starts_with(['.', '[']))
        {
            return Ok((root, rest));
        }
    }
    let must = "a path starts with `$`, `:root`, `headers.`, `trailers.`, `status` or `body`";
    Err(fault(text, text, must))
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

    /// ` > tag`, ` > tag:nth-of-type(2)`, ` > *`, `[attribute]` or `::text`
    fn selector(&mut self) -> Result<PatternStep, PathError> {
        if let Some(rest) = self.rest.strip_prefix(" > *") {
            self.rest = rest;
            Ok(PatternStep::Child { tag: None, nth: None })
        } else if let Some(rest) = self.rest.strip_prefix(" > ") {
            self.rest = rest;
            let tag = Some(self.identifier()?);
            let Some(rest) = self.rest.strip_prefix(":nth-of-type(") else {
                return Ok(PatternStep::Child { tag, nth: None });
            };
            self.rest = rest;
            let must = "an index is a number from 1 on";
            let at = self.rest;
            let nth = self.take(|it| it.is_ascii_digit(), must)?.parse().ok();
            let nth = nth.filter(|it| *it > 0).ok_or_else(|| fault(self.text, at, must))?;
            self.expect(')')?;
            Ok(PatternStep::Child { tag, nth: Some(nth) })
        } else if let Some(rest) = self.rest.strip_prefix(TEXT) {
            self.rest = rest;
            Ok(PatternStep::Text)
        } else if let Some(rest) = self.rest.strip_prefix('[') {
            self.rest = rest;
            let name = self.identifier()?;
            self.expect(']')?;
            Ok(PatternStep::Attribute(name))
        } else {
            Err(self.fault("` > `, `[attribute]` or `::text` must follow"))
        }
    }

    fn identifier(&mut self) -> Result<String, PathError> {
        let mut name = String::new();
        let mut signs = self.rest.chars();
        loop {
            let rest = signs.as_str();
            match signs.next() {
                Some('\\') => name.extend(signs.next()),
                Some(it) if is_plain(it) || !it.is_ascii() => name.push(it),
                _ if name.is_empty() => return Err(self.fault("a name is letters, digits, `_` and `-`, other ASCII characters with a backslash")),
                _ => {
                    self.rest = rest;
                    return Ok(name);
                }
            }
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
        let must = match sign {
            ']' => "`]` must follow",
            ')' => "`)` must follow",
            _ => "`.` or `[` must follow",
        };
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
