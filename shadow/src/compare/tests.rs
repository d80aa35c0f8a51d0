//! Whole answers: what is read of them, and what a comparison comes to.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use time::macros::date;

use super::*;

fn answer(status: u16, content_type: &'static str, body: &'static str) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    Observation {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.into(),
        took: Duration::from_millis(1),
    }
}

fn json(body: &'static str) -> Observation {
    answer(200, "application/json; charset=utf-8", body)
}

/// The outcome, and the differences as `kind path`.
fn judge(control: &Observation, candidate: &Observation, rules: &Rules) -> (Outcome, Vec<String>) {
    let answers = Answers::read(control, candidate).unwrap();
    let comparison = answers.compare(rules, date!(2026 - 11 - 24));
    let differences = comparison.findings.iter().map(|it| &it.difference);
    let differences = differences.map(|it| format!("{} {}", it.kind, it.path)).collect();
    (comparison.outcome(), differences)
}

#[test]
fn equal_answers_match() {
    let (outcome, differences) =
        judge(&json("{\"a\":1}"), &json("{ \"a\": 1 }"), &Rules::default());
    assert_eq!((outcome, differences), (Outcome::Matched, vec![]));
}

#[test]
fn another_status_is_a_mismatch_even_with_the_same_body() {
    let (control, candidate) = (answer(200, "text/html", "x"), answer(404, "text/html", "x"));
    let (outcome, differences) = judge(&control, &candidate, &Rules::default());
    assert_eq!((outcome, differences), (Outcome::Mismatched, vec!["changed status".to_owned()]));
}

#[test]
fn an_excused_difference_is_ignored_and_does_not_match() {
    let at = PathPattern::parse("$.a").unwrap();
    let rule = Rule { at, excuse: Excuse::Ignore, why: "clock".to_owned(), until: None };
    let rules = Rules::new(vec![rule]);
    let (outcome, differences) = judge(&json("{\"a\":1}"), &json("{\"a\":2}"), &rules);
    assert_eq!((outcome, differences), (Outcome::Ignored, vec!["changed $.a".to_owned()]));
    let (outcome, _) = judge(&json("{\"a\":1,\"b\":1}"), &json("{\"a\":2,\"b\":2}"), &rules);
    assert_eq!(outcome, Outcome::Mismatched);
}

#[test]
fn a_candidate_that_is_no_json_differs_and_a_control_that_is_none_is_unknown() {
    let (good, bad) = (json("{\"a\":1}"), json("{\"a\":1} x"));
    let (outcome, differences) = judge(&good, &bad, &Rules::default());
    assert_eq!((outcome, differences), (Outcome::Mismatched, vec!["retyped $".to_owned()]));
    assert_eq!(Answers::read(&bad, &good).unwrap_err(), Unknown::Unparsable);
    assert_eq!(judge(&bad, &bad, &Rules::default()).0, Outcome::Matched);
}

#[test]
fn encoded_bodies_are_not_compared_unless_they_are_the_same() {
    let (plain, mut encoded) = (json("{\"a\":1}"), json("{\"a\":2}"));
    encoded.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    assert_eq!(Answers::read(&plain, &encoded).unwrap_err(), Unknown::Unparsable);
    assert_eq!(Answers::read(&encoded, &plain).unwrap_err(), Unknown::Unparsable);
    assert_eq!(judge(&encoded, &encoded, &Rules::default()).0, Outcome::Matched);
    let mut mislabelled = encoded.clone();
    mislabelled.headers.remove("content-encoding");
    assert_eq!(Answers::read(&encoded, &mislabelled).unwrap_err(), Unknown::Unparsable);
}

#[test]
fn other_bodies_are_compared_byte_for_byte() {
    let text = |body| answer(200, "text/plain", body);
    let kinds = |one, other| judge(&text(one), &text(other), &Rules::default()).1;
    assert_eq!(kinds("a", "b"), ["changed body"]);
    assert_eq!(kinds("a", ""), ["missing body"]);
    assert_eq!(kinds("", "b"), ["extra body"]);
    let (_, differences) = judge(&json("{}"), &json(""), &Rules::default());
    assert_eq!(differences, ["missing body"]);
}
