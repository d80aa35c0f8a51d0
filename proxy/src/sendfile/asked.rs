//! Which part of a file a request asks for: ranges and conditions, RFC 9110 §13 and §14.

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
#[derive(Debug, PartialEq, Eq)]
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

    /// One range. Several would need a multipart answer, and a server may ignore them, as it may
    /// what it does not understand (RFC 9110 §14.2).
    fn range(&self, length: u64) -> Part {
        let value = self.single(&header::RANGE).and_then(|it| it.to_str().ok());
        let ranges = value.and_then(|it| http_range_header::parse_range_header(it).ok());
        let Some(ranges) = ranges.filter(|it| it.len() == 1) else { return Part::Whole };
        match ranges.validate(length).as_deref() {
            Ok([range]) => Part::Range { first: *range.start(), last: *range.end() },
            Err(RangeUnsatisfiableError::Unsatisfiable) => {
                Part::None(StatusCode::RANGE_NOT_SATISFIABLE)
            }
            // The end of an empty file, which is the whole of it.
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    const TAG: &str = "\"a,b\"";
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const NOT_MODIFIED: Part = Part::None(StatusCode::NOT_MODIFIED);
    const FAILED: Part = Part::None(StatusCode::PRECONDITION_FAILED);
    const UNSATISFIABLE: Part = Part::None(StatusCode::RANGE_NOT_SATISFIABLE);

    fn asked(method: &Method, fields: &[(&str, &str)]) -> Asked {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        Asked::of(method, &headers)
    }

    fn now(tag: &str) -> Validators {
        let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
        Validators { tag: Some(tag.parse().unwrap()), modified: Some(modified) }
    }

    fn range(first: u64, last: u64) -> Part {
        Part::Range { first, last }
    }

    #[test]
    fn one_range_is_understood_and_others_are_ignored() {
        for (value, part) in [
            ("bytes=0-0", range(0, 0)),
            ("bytes=0-9", range(0, 9)),
            ("bytes=2-", range(2, 9)),
            ("bytes=-3", range(7, 9)),
            ("bytes=-99", range(0, 9)),
            ("bytes=8-99", range(8, 9)),
            ("bytes=9-18446744073709551616", range(9, 9)),
            ("BYTES=1-2", range(1, 2)),
            ("bytes=10-", UNSATISFIABLE),
            ("bytes=10-11", UNSATISFIABLE),
            ("bytes=-0", UNSATISFIABLE),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=5-2", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=--1", Part::Whole),
            ("bytes=", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("", Part::Whole),
        ] {
            let asked = asked(&Method::GET, &[("range", value)]);
            assert_eq!(asked.part(&now(TAG), 10, true), part, "{value}");
            assert_eq!(asked.part(&now(TAG), 10, false), Part::Whole, "{value}");
        }
    }

    #[test]
    fn an_empty_file_has_no_ranges_but_its_end() {
        for (value, part) in
            [("bytes=0-", UNSATISFIABLE), ("bytes=0-0", UNSATISFIABLE), ("bytes=-5", Part::Whole)]
        {
            let asked = asked(&Method::GET, &[("range", value)]);
            assert_eq!(asked.part(&now(TAG), 0, true), part, "{value}");
        }
    }

    #[test]
    fn two_ranges_fields_are_ignored() {
        let asked = asked(&Method::GET, &[("range", "bytes=0-1"), ("range", "bytes=0-2")]);
        assert_eq!(asked.part(&now(TAG), 10, true), Part::Whole);
    }

    #[test]
    fn conditions_are_decided_in_order() {
        for (fields, part) in [
            (&[("if-none-match", TAG)][..], NOT_MODIFIED),
            (&[("if-none-match", "W/\"a,b\"")], NOT_MODIFIED),
            (&[("if-none-match", "\"x\", W/\"y,\" ,,\"a,b\"")], NOT_MODIFIED),
            (&[("if-none-match", "\"x\""), ("if-none-match", TAG)], NOT_MODIFIED),
            (&[("if-none-match", "*")], NOT_MODIFIED),
            (&[("if-none-match", "\"a\"")], Part::Whole),
            (&[("if-none-match", "a,b")], Part::Whole),
            (&[("if-none-match", "")], Part::Whole),
            (&[("if-none-match", "\"x\""), ("if-modified-since", DATE)], Part::Whole),
            (&[("if-modified-since", DATE)], NOT_MODIFIED),
            (&[("if-modified-since", AFTER)], NOT_MODIFIED),
            (&[("if-modified-since", BEFORE)], Part::Whole),
            (&[("if-modified-since", "yesterday")], Part::Whole),
            (&[("if-match", TAG)], Part::Whole),
            (&[("if-match", "*")], Part::Whole),
            (&[("if-match", "W/\"a,b\"")], FAILED),
            (&[("if-match", "\"x\""), ("if-none-match", TAG)], FAILED),
            (&[("if-match", TAG), ("if-unmodified-since", BEFORE)], Part::Whole),
            (&[("if-unmodified-since", DATE)], Part::Whole),
            (&[("if-unmodified-since", BEFORE)], FAILED),
            (&[("if-none-match", TAG), ("range", "bytes=0-1")], NOT_MODIFIED),
            (&[("if-match", TAG), ("range", "bytes=0-1")], range(0, 1)),
        ] {
            let asked = asked(&Method::GET, fields);
            assert_eq!(asked.part(&now(TAG), 10, true), part, "{fields:?}");
        }
    }

    #[test]
    fn a_download_continues_only_in_the_same_state() {
        for (tag, condition, continues) in [
            (TAG, TAG, true),
            (TAG, DATE, true),
            (TAG, "\"x\"", false),
            (TAG, AFTER, false),
            (TAG, BEFORE, false),
            (TAG, "W/\"a,b\"", false),
            ("W/\"a,b\"", "W/\"a,b\"", false),
            (TAG, "nonsense", false),
            ("nonsense", "nonsense", false),
        ] {
            let asked = asked(&Method::GET, &[("range", "bytes=4-"), ("if-range", condition)]);
            let part = if continues { range(4, 9) } else { Part::Whole };
            assert_eq!(asked.part(&now(tag), 10, true), part, "{tag} {condition}");
        }
        let twice = [("range", "bytes=4-"), ("if-range", TAG), ("if-range", TAG)];
        assert_eq!(asked(&Method::GET, &twice).part(&now(TAG), 10, true), Part::Whole);
    }

    #[test]
    fn ranges_are_for_get_and_conditions_for_get_and_head() {
        for (method, field, part) in [
            (Method::HEAD, ("range", "bytes=0-1"), Part::Whole),
            (Method::HEAD, ("if-none-match", TAG), NOT_MODIFIED),
            (Method::POST, ("range", "bytes=0-1"), Part::Whole),
            (Method::POST, ("if-none-match", TAG), Part::Whole),
            (Method::POST, ("if-match", "\"x\""), Part::Whole),
        ] {
            assert_eq!(asked(&method, &[field]).part(&now(TAG), 10, true), part, "{method}");
        }
    }

    #[test]
    fn a_file_without_validators_fulfils_no_condition_that_needs_them() {
        let none = Validators { tag: None, modified: None };
        for (field, part) in [
            (("if-none-match", TAG), Part::Whole),
            (("if-modified-since", DATE), Part::Whole),
            (("if-match", TAG), FAILED),
            (("if-range", TAG), Part::Whole),
            (("if-range", DATE), Part::Whole),
        ] {
            let asked = asked(&Method::GET, &[field, ("range", "bytes=11-")]);
            let part =
                if part == Part::Whole && field.0 != "if-range" { UNSATISFIABLE } else { part };
            assert_eq!(asked.part(&none, 10, true), part, "{field:?}");
        }
    }

    proptest! {
        #[test]
        fn a_list_of_tags_is_read_as_it_was_written(
            written in prop::collection::vec("(W/)?\"[!#-~]{0,8}\"", 0..6),
            between in "[ \t]{0,2},[ ,\t]{0,3}",
        ) {
            let list = written.join(&between);
            let read: Vec<_> = tags(list.as_bytes()).collect();
            prop_assert_eq!(read, written.iter().map(String::as_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_can_be_read_as_tags(list in prop::collection::vec(any::<u8>(), 0..64)) {
            for tag in tags(&list) {
                prop_assert!(tag.ends_with(b"\""));
            }
        }

        #[test]
        fn a_range_lies_in_its_file(value in "bytes=[0-9]{0,3}-[0-9]{0,3}", length in 0_u64..2000) {
            let asked = asked(&Method::GET, &[("range", &value)]);
            if let Part::Range { first, last } = asked.part(&now(TAG), length, true) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
