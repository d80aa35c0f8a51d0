//! What is shown of documents, and what is not.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use time::OffsetDateTime;

use super::*;
use crate::compare::{Answers, Difference, Pair, Rules};

fn answer(body: impl Into<Bytes>) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Observation {
        status: StatusCode::OK,
        headers,
        body: body.into().into(),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    }
}

fn redactor() -> Redactor {
    Redactor::new([7; 32])
}

#[test]
fn values_become_shapes_and_revealed_ones_stay() {
    let body = r#"{"email":"a@b.test","price":"19.9","n":42,"ok":true,"none":null,"list":["x"]}"#;
    let reveal = [PathPattern::parse("$.price").unwrap()];
    let text = redactor().body(&answer(body), &reveal);
    for gone in ["a@b.test", "42", "\"x\""] {
        assert!(!text.contains(gone), "{gone} is in {text}");
    }
    for kept in [
        "email: ‹text of 1–8 #",
        "price: \"19.9\"",
        "n: ‹number of 1–8 #",
        "ok: true",
        "none: null",
    ] {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
}

#[test]
fn what_is_revealed_by_mistake_is_hidden_all_the_same() {
    let body = r#"{"note":"a@b.test","card_number":1,"title":"4242 4242 4242 4242","price":2}"#;
    let reveal = [PathPattern::parse("$.*").unwrap()];
    let text = redactor().body(&answer(body), &reveal);
    for gone in ["a@b.test", "card_number: 1", "4242"] {
        assert!(!text.contains(gone), "{gone} is in {text}");
    }
    assert!(text.contains("price: 2"), "{text}");
}

#[test]
fn names_that_look_like_data_are_redacted_too() {
    let text = redactor().body(&answer(r#"{"a@b.test":1}"#), &[]);
    assert!(!text.contains("a@b.test"), "{text}");
}

#[test]
fn a_path_that_is_printed_has_no_name_that_may_be_data() {
    let mut path = Path::at(Root::Document);
    for name in ["by_buyer", "jane@shop.test", "total"] {
        path.push(Step::Member(name));
    }
    assert_eq!(printable_path(&path), "$.by_buyer[\"‹name›\"].total");
    let mut path = Path::at(Root::Document);
    path.push(Step::Member("lines"));
    path.push(Step::Element(2));
    path.push(Step::Member("unit_price"));
    assert_eq!(printable_path(&path), "$.lines[2].unit_price");
}

#[test]
fn a_long_body_is_cut_and_says_so_and_other_bodies_are_only_measured() {
    let long = format!("[{}0]", "1,".repeat(20_000));
    let text = redactor().body(&answer(long), &[]);
    assert!(text.len() < BODY_LIMIT + 100 && text.ends_with("cut after 16 KiB"));
    let text = redactor().body(&answer("no json"), &[]);
    assert!(text.starts_with("‹body of up to 1 KiB #"), "{text}");
}

#[test]
fn a_secret_changes_every_hash_and_is_needed_for_each() {
    let shown = |it: &Redactor| it.body(&answer(r#"{"name":"Ada"}"#), &[]);
    let [plain, one, other] =
        [redactor(), redactor().keyed_with("one"), redactor().keyed_with("other")];
    assert_eq!(shown(&one), shown(&redactor().keyed_with("one")));
    assert!(shown(&one) != shown(&plain) && shown(&one) != shown(&other));
    assert_ne!(one.fingerprint(&[b"a"]), plain.fingerprint(&[b"a"]));
}

#[test]
fn a_cookies_value_is_never_shown_signed_or_not() {
    // 4711 and "Beeblebrox", signed for the cookie `user_id`.
    let signed = |base64: &str| format!("{base64}--{}", "0beec7b5".repeat(5));
    let (number, name) = (signed("NDcxMQ=="), signed("IkJlZWJsZWJyb3gi"));
    let with = |cookie: &str| {
        let mut it = answer("1");
        let line = HeaderValue::from_str(&format!("user_id={cookie}; path=/beeblebrox")).unwrap();
        it.headers.insert(header::SET_COOKIE, line);
        it
    };
    let pair = Pair::new(with(&number), with(&name)).unwrap();
    let answers = Answers::read(&pair).unwrap();
    let rules = Rules::default();
    let findings = answers.compare(&rules, OffsetDateTime::UNIX_EPOCH).findings;
    let paths: Vec<_> = findings.iter().map(|it| it.difference.path.to_string()).collect();
    assert_eq!(paths, ["headers.set-cookie.user_id", "headers.set-cookie.user_id.value"]);
    let reveal: Vec<_> = paths.iter().map(|it| PathPattern::parse(it).unwrap()).collect();
    for Difference { path, control, candidate, .. } in findings.iter().map(|it| &it.difference) {
        for fragment in control.iter().chain(candidate) {
            let shown = redactor().fragment(fragment, path, &reveal);
            let hidden = ["4711", "beeblebrox", "Beeblebrox", "NDcx"];
            assert!(
                shown.starts_with('‹') && !hidden.iter().any(|it| shown.contains(it)),
                "{shown}"
            );
        }
    }
}
