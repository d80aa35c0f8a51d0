//! Path templates, and the normal form in which paths are matched.
//!
//! The normal form is how Rails' router reads a path (actionpack 6.1, `journey/router/utils.rb`):
//! `//` is `/`, one trailing `/` is dropped, escapes are upper-cased. `..` is not resolved, and
//! nothing is decoded: `/%63art` is no `/cart` to Rails either. Only the match uses it: what is
//! forwarded is raw.

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a literal may be written with, though a request's path never has it unescaped.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

/// `/api/products/{id}`: literal segments, `{name}` segments, and perhaps a last `{rest...}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    pub(super) segments: Vec<Segment>,
}

/// One element of a template between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// Exactly this, in normal form.
    Literal(String),
    /// `{name}` or `{name}.json`: one segment without a dot, and then the suffix. As in Rails, a
    /// format is not part of a parameter: it must be named.
    Param { name: String, suffix: String },
    /// `{name...}`: what is left, one segment or more.
    Rest { name: String },
}

impl PathPattern {
    /// Reads a template.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("must start with `/`".into());
        }
        if let Some(bad) = ["//", "/./", "/../", "?", "#"].iter().find(|it| text.contains(**it)) {
            return Err(format!("must not contain `{bad}`"));
        }
        if text.len() > 1 && text.ends_with('/') {
            return Err("must not end with `/`: a trailing slash is ignored in matching".into());
        }
        let segments = segments(text).map(Segment::parse).collect::<Result<Vec<_>, _>>()?;
        let is_rest = |it: &Segment| matches!(it, Segment::Rest { .. });
        if segments.iter().rev().skip(1).any(is_rest) {
            return Err("may have `{name...}` only as its last segment".into());
        }
        let mut names: Vec<_> = segments.iter().filter_map(Segment::name).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[one, other]| one == other) {
            return Err(format!("names `{{{name}}}` twice"));
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// The template of every path there is.
    pub(super) fn everything() -> Self {
        Self { text: "*".into(), segments: vec![Segment::Rest { name: "path".into() }] }
    }

    /// The template as it is written; `*` for every path there is.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The template without its names: two of one shape match the same paths.
    pub(super) fn shape(&self) -> String {
        let mut shape = String::new();
        for segment in &self.segments {
            shape.push('/');
            match segment {
                Segment::Literal(text) => shape.push_str(text),
                Segment::Param { suffix, .. } => {
                    shape.push_str("{}");
                    shape.push_str(suffix);
                }
                Segment::Rest { .. } => shape.push_str("{...}"),
            }
        }
        shape
    }

    /// The values of the template's names in `path`, decoded. `None` when the path does not match,
    /// or when a value is not UTF-8.
    pub fn params(&self, path: &str) -> Option<Vec<(String, String)>> {
        let path = normalised(path);
        let mut found = Vec::new();
        let mut rest = path.strip_prefix('/')?;
        for segment in &self.segments {
            if let Segment::Rest { name } = segment {
                let decoded = percent_decode_str(rest).decode_utf8().ok()?;
                found.push((name.clone(), decoded.into_owned()));
                return Some(found);
            }
            let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
            let value = segment.value(head)?;
            if let Some(name) = segment.name() {
                let decoded = percent_decode_str(value).decode_utf8().ok()?;
                found.push((name.to_owned(), decoded.into_owned()));
            }
            rest = tail;
        }
        rest.is_empty().then_some(found)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(inner) = text.strip_prefix('{') else {
            if text.contains(['{', '}']) {
                return Err(format!("has `{text}`: a parameter is a whole segment, `{{name}}`"));
            }
            let escaped: Cow<'_, str> = utf8_percent_encode(text, ESCAPED).into();
            let literal = normalised(&escaped).into_owned();
            return Ok(Self::Literal(literal));
        };
        let (name, suffix) =
            inner.split_once('}').ok_or_else(|| format!("has `{text}`, without its `}}`"))?;
        let (name, is_rest) = name.strip_suffix("...").map_or((name, false), |it| (it, true));
        let word = |it: char| it.is_ascii_alphanumeric() || it == '_';
        if name.is_empty() || !name.chars().all(word) {
            return Err(format!("has `{text}`: a name is letters, digits and `_`"));
        }
        let name = name.to_owned();
        match (is_rest, suffix) {
            (true, "") => Ok(Self::Rest { name }),
            (false, "") => Ok(Self::Param { name, suffix: String::new() }),
            (false, _) if suffix.starts_with('.') && !suffix.contains(['{', '}']) => {
                Ok(Self::Param { name, suffix: suffix.to_owned() })
            }
            _ => Err(format!(
                "has `{text}`: after `{{name}}` only a format such as `.json` may stand"
            )),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param { name, .. } | Self::Rest { name } => Some(name),
        }
    }

    /// The part of one path segment that the template's segment stands for, if it matches.
    fn value<'a>(&self, segment: &'a str) -> Option<&'a str> {
        match self {
            Self::Literal(literal) => (literal == segment).then_some(segment),
            Self::Param { suffix, .. } => param(segment, suffix),
            Self::Rest { .. } => Some(segment),
        }
    }
}

/// The value of a `{name}` before `suffix`: not empty, and without a dot.
pub(super) fn param<'a>(segment: &'a str, suffix: &str) -> Option<&'a str> {
    segment.strip_suffix(suffix).filter(|it| !it.is_empty() && !it.contains('.'))
}

/// The segments of a path in normal form; the root has none.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').filter(|it| !it.is_empty())
}

/// A path in normal form; allocates only where it is not in normal form already.
pub(super) fn normalised(path: &str) -> Cow<'_, str> {
    let plain = !path.contains("//") && !path.contains('%');
    if plain && (path.len() <= 1 || !path.ends_with('/')) {
        return Cow::Borrowed(path);
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(character) = rest.chars().next() {
        match escape(rest) {
            Some(escaped) => normal.push_str(&escaped.to_ascii_uppercase()),
            None if character == '/' && normal.ends_with('/') => {}
            None => normal.push(character),
        }
        let taken = escape(rest).map_or(character.len_utf8(), str::len);
        rest = &rest[taken..];
    }
    if normal.len() > 1 && normal.ends_with('/') {
        normal.pop();
    }
    Cow::Owned(normal)
}

/// A leading `%XX`.
fn escape(text: &str) -> Option<&str> {
    let escaped = text.get(..3).filter(|it| it.starts_with('%'))?;
    escaped[1..].bytes().all(|it| it.is_ascii_hexdigit()).then_some(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        PathPattern::parse(pattern).unwrap().params(path)
    }

    fn named(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.into(), value.into())]
    }

    #[test]
    fn a_path_is_read_as_rails_reads_it() {
        for (path, normal) in [
            ("/cart", "/cart"),
            ("//cart", "/cart"),
            ("/cart/", "/cart"),
            ("/cart///", "/cart"),
            ("/%63art", "/%63art"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/a%2fb", "/a%2Fb"),
            ("/", "/"),
            ("//", "/"),
            ("/a/../b", "/a/../b"),
            ("/100%", "/100%"),
            ("/%zz", "/%zz"),
            ("", ""),
            ("*", "*"),
        ] {
            assert_eq!(normalised(path), normal, "{path}");
        }
    }

    #[test]
    fn a_path_in_normal_form_is_not_copied() {
        assert!(matches!(normalised("/api/products/42"), Cow::Borrowed(_)));
    }

    #[test]
    fn names_take_one_segment_without_a_dot() {
        assert_eq!(params("/products/{id}", "/products/42"), Some(named("id", "42")));
        assert_eq!(params("/products/{id}", "//products/42/"), Some(named("id", "42")));
        assert_eq!(
            params("/products/{id}", "/products/caf%C3%A9%20x"),
            Some(named("id", "café x"))
        );
        for path in
            ["/products", "/products/", "/products/1.json", "/products/1/x", "/products/%ff"]
        {
            assert_eq!(params("/products/{id}", path), None, "{path}");
        }
        assert_eq!(params("/products/{id}.json", "/products/1.json"), Some(named("id", "1")));
        assert_eq!(params("/files/{path...}", "/files/a/b.txt"), Some(named("path", "a/b.txt")));
        assert_eq!(params("/", "/"), Some(vec![]));
    }

    #[test]
    fn a_malformed_template_says_what_is_wrong() {
        for (text, says) in [
            ("cart", "start with"),
            ("/a//b", "//"),
            ("/a/", "end with"),
            ("/{id", "`}`"),
            ("/x{id}", "whole segment"),
            ("/{}", "letters"),
            ("/{a}/{a}", "twice"),
            ("/{r...}/x", "last"),
            ("/{id}x", "format"),
            ("/a?b", "?"),
        ] {
            let error = PathPattern::parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn normal_form_is_stable(path in "/[a-z%/.0-9é]{0,20}") {
            let once = normalised(&path).into_owned();
            prop_assert_eq!(normalised(&once), once.as_str());
        }

        #[test]
        fn no_template_and_no_path_panics(pattern in "\\PC*", path in "\\PC*") {
            if let Ok(pattern) = PathPattern::parse(&pattern) {
                let _ = pattern.params(&path);
            }
            let _ = normalised(&path);
        }
    }
}
