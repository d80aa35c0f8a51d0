//! Which part of a file a request asks for: ranges and conditions, RFC 9110 §13 and §14.

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_range_header::RangeUnsatisfiableError;

const FIELDS: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// What a request asks of a file, kept while the request itself is with the monolith.
#[derive(Debug, Default)]
pub struct Asked {
    method: Method,
    /// [`FIELDS`] only, and none for methods other than GET and HEAD, where they do not count:
    /// what those ask for has been done by the time that the file is named.
    fields: HeaderMap,
}

/// What identifies the state of a file; an answer's own.
#[derive(Debug)]
pub(super) struct Validators {
    tag: Option<HeaderValue>,
    modified: Option<SystemTime>,
}

/// What of a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// Both ends are sent, as in `Content-Range`.
    Range {
        first: u64,
        last: u64,
    },
    /// Nothing, and this status instead.
    None(StatusCode),
}

impl Asked {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let mut fields = HeaderMap::new();
        if matches!(*method, Method::GET | Method::HEAD) {
            for name in &FIELDS {
                for value in headers.get_all(name) {
                    fields.append(name, value.clone());
                }
            }
        }
        Self { method: method.clone(), fields }
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Decides in the order of RFC 9110 §13.2.2, for a file of `length` bytes.
    pub(super) fn part(&self, now: &Validators, length: u64, accepts_ranges: bool) -> Part {
        if !self.expects(now) {
            Part::None(StatusCode::PRECONDITION_FAILED)
        } else if self.has(now) {
            Part::None(StatusCode::NOT_MODIFIED)
        } else if accepts_ranges && self.method == Method::GET && self.continues(now) {
            self.range(length)
        } else {
            Part::Whole
        }
    }

    /// `If-Match`, or else `If-Unmodified-Since`.
    fn expects(&self, now: &Validators) -> bool {
        if self.fields.contains_key(header::IF_MATCH) {
            return self.names(&header::IF_MATCH, now, strongly_equal);
        }
        let since = self.date(&header::IF_UNMODIFIED_SINCE);
        since.zip(now.modified).is_none_or(|(since, modified)| modified <= since)
    }

    /// `If-None-Match`, or else `If-Modified-Since`.
    fn has(&self, now: &Validators) -> bool {
        if self.fields.contains_key(header::IF_NONE_MATCH) {
            return self.names(&header::IF_NONE_MATCH, now, weakly_equal);
        }
        let since = self.date(&header::IF_MODIFIED_SINCE);
        since.zip(now.modified).is_some_and(|(since, modified)| modified <= since)
    }

    /// `If-Range`: whether the buyer's first part is of the same state. A later date is not enough,
    /// since a file that was put back from a backup is older.
    fn continues(&self, now: &Validators) -> bool {
        if !self.fields.contains_key(header::IF_RANGE) {
            return true;
        }
        if let Some(date) = self.date(&header::IF_RANGE) {
            return now.modified == Some(date);
        }
        let tags = self.single(&header::IF_RANGE).zip(now.tag.as_ref());
        tags.is_some_and(|(it, tag)| strongly_equal(it.as_bytes(), tag.as_bytes()))
    }

    /// One range that is there. Several would need a multipart answer, and a server may ignore
    /// them, as it may what it does not understand (RFC 9110 §14.2).
    fn range(&self, length: u64) -> Part {
        let value = self.single(&header::RANGE).and_then(|it| it.to_str().ok());
        let ranges = value.and_then(|it| http_range_header::parse_range_header(it).ok());
        let Some(ranges) = ranges else { return Part::Whole };
        match ranges.validate(length).as_deref() {
            Ok([range]) => Part::Range { first: *range.start(), last: *range.end() },
            Err(RangeUnsatisfiableError::Unsatisfiable) => {
                Part::None(StatusCode::RANGE_NOT_SATISFIABLE)
            }
            // Several, or the end of an empty file, which is the whole of it.
            _ => Part::Whole,
        }
    }

    /// Whether a list of entity tags has the file's.
    fn names(&self, field: &HeaderName, now: &Validators, equal: fn(&[u8], &[u8]) -> bool) -> bool {
        let tag = now.tag.as_ref().map(HeaderValue::as_bytes);
        let has = |list: &HeaderValue| {
            let list = list.as_bytes();
            list == b"*" || tag.is_some_and(|tag| tags(list).any(|it| equal(it, tag)))
        };
        self.fields.get_all(field).iter().any(has)
    }

    fn single(&self, field: &HeaderName) -> Option<&HeaderValue> {
        let mut values = self.fields.get_all(field).iter();
        values.next().filter(|_| values.next().is_none())
    }

    /// A date that is none counts as absent.
    fn date(&self, field: &HeaderName) -> Option<SystemTime> {
        date(self.single(field)?)
    }
}

impl Validators {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let modified = headers.get(header::LAST_MODIFIED).and_then(date);
        Self { tag: headers.get(header::ETAG).cloned(), modified }
    }
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// The entity tags of a list, up to the first that is none: `W/"a", "b"`. A tag may contain a comma.
fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|it| !matches!(it, b' ' | b'\t' | b','))?;
        rest = &rest[start..];
        let open = if rest.starts_with(b"W/") { 2 } else { 0 };
        let inner = rest.get(open..)?.strip_prefix(b"\"")?;
        let close = inner.iter().position(|it| *it == b'"')?;
        let (tag, behind) = rest.split_at(open + 1 + close + 1);
        rest = behind;
        Some(tag)
    })
}

fn weakly_equal(one: &[u8], other: &[u8]) -> bool {
    let opaque = |it| <[u8]>::strip_prefix(it, b"W/").unwrap_or(it);
    opaque(one) == opaque(other)
}

fn strongly_equal(one: &[u8], other: &[u8]) -> bool {
    !one.starts_with(b"W/") && one.starts_with(b"\"") && one == other
}
