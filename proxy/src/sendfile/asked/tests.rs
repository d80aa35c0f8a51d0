//! Ranges and conditions, one by one.

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
        ("bytes=0-5,4-8,5-9", Part::Whole),
        ("bytes=0-1,10-11", range(0, 1)),
        ("bytes=10-11,12-", UNSATISFIABLE),
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
        let part = if part == Part::Whole && field.0 != "if-range" { UNSATISFIABLE } else { part };
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
