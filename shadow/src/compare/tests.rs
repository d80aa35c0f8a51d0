//! Whole answers: what is read of them, and what a comparison comes to.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

fn answer(status: u16, content_type: &'static str, body: &'static str) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    Observation {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.into(),
        trailers: HeaderMap::new(),
        took: Duration::from_millis(1),
    }
}

/// Why two answers cannot be compared.
fn unknown(control: &Observation, candidate: &Observation) -> Option<Unknown> {
    match Pair::new(control.clone(), candidate.clone()) {
        Ok(pair) => Answers::read(&pair).err(),
        Err(why) => Some(why),
    }
}

fn json(body: &'static str) -> Observation {
    answer(200, "application/json; charset=utf-8", body)
}

/// The outcome, and the differences as `kind path`.
fn judge(control: &Observation, candidate: &Observation, rules: &Rules) -> (Outcome, Vec<String>) {
    let pair = Pair::new(control.clone(), candidate.clone()).unwrap();
    let answers = Answers::read(&pair).unwrap();
    let comparison = answers.compare(rules, NOW);
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
    assert_eq!(unknown(&bad, &good), Some(Unknown::Unparsable));
    assert_eq!(judge(&bad, &bad, &Rules::default()).0, Outcome::Matched);
}

#[test]
fn encoded_bodies_are_decoded_unless_they_are_the_same() {
    let encoded = |encoding: &'static str, body: &[u8]| {
        let mut it = json("");
        it.headers.insert("content-encoding", HeaderValue::from_static(encoding));
        it.body = Bytes::copy_from_slice(body).into();
        it
    };
    let brotli = encoded("br", b"\x0b\x03\x80{\"a\":1}\x03");
    let plain = json("{\"a\":1}");
    let differences = judge(&plain, &brotli, &Rules::default()).1;
    assert_eq!(differences, ["extra headers.content-encoding"]);
    let differences = judge(&json("{\"a\":2}"), &brotli, &Rules::default()).1;
    assert_eq!(differences, ["extra headers.content-encoding", "changed $.a"]);
    let unread = encoded("zip", b"PK");
    assert_eq!(unknown(&unread, &plain), Some(Unknown::Unparsable));
    let differences = judge(&plain, &unread, &Rules::default()).1;
    assert_eq!(differences, ["extra headers.content-encoding", "changed body"]);
    let differences = judge(&plain, &encoded("gzip", b"{\"a\":1}"), &Rules::default()).1;
    assert_eq!(differences, ["extra headers.content-encoding", "changed body"], "in name alone");
    assert_eq!(judge(&unread, &unread, &Rules::default()).0, Outcome::Matched);
    let mut mislabelled = unread.clone();
    mislabelled.headers.remove("content-encoding");
    assert_eq!(unknown(&unread, &mislabelled), Some(Unknown::Unparsable));
}

/// A page with a script of a nonce, under a policy.
fn page(policy: &str, head: &str, nonce: &str) -> Observation {
    let mut it = answer(200, "text/html", "");
    if !policy.is_empty() {
        it.headers.insert("content-security-policy", HeaderValue::from_str(policy).unwrap());
    }
    let script = format!("<script nonce=\"{nonce}\">x()</script>");
    it.body = format!("<!DOCTYPE html><head>{head}</head><body>{script}").into();
    it
}

#[test]
fn a_page_has_the_nonce_of_its_own_policy() {
    let [a, b] = ["script-src 'nonce-a'", "script-src 'nonce-b'"];
    let meta = |it: &str| format!("<meta http-equiv=Content-Security-Policy content=\"{it}\">");
    let rails = |it: &str| format!("<meta name=csp-nonce content={it}>");
    let script = "changed :root > body > script[nonce]";
    let tag = "changed :root > head > meta[content]";
    for (control, candidate, expected) in [
        (page(a, "", "a"), page(b, "", "b"), &[][..]),
        (page("", "", "a"), page("", "", "b"), &[]),
        (page("", &meta(a), "a"), page("", &meta(b), "b"), &[]),
        (page(a, &rails("a"), "a"), page(b, &rails("b"), "b"), &[]),
        (page(a, "", "a"), page(b, "", "a"), &[script]),
        (page(a, "", "a"), page(b, "", "c"), &[script]),
        (page("", &meta(a), "a"), page("", &meta(b), "c"), &[script]),
        (page(a, &rails("a"), "a"), page(b, &rails("a"), "b"), &[tag]),
        (page(a, "", "a"), page(b, "", ""), &[script]),
        (
            page(a, "", "a"),
            page("script-src 'nonce-'", "", ""),
            &["changed headers.content-security-policy", script],
        ),
    ] {
        for (one, other) in [(&control, &candidate), (&candidate, &control)] {
            assert_eq!(judge(one, other, &Rules::default()).1, expected, "{one:?} {other:?}");
        }
    }
    let (mut one, mut other) = (page(a, "", "a"), page(b, "", "a"));
    for it in [&mut one, &mut other] {
        let Captured::Whole(body) = &it.body else { panic!("{it:?}") };
        let lower = str::from_utf8(body).unwrap().replace("nonce", "class").into();
        it.body = lower;
    }
    assert_eq!(judge(&one, &other, &Rules::default()).0, Outcome::Matched);
}

#[test]
fn every_format_is_read_as_what_it_is() {
    for (content_type, one, other, expected) in [
        ("text/plain", "a\nb\n", "a\nc\n", "changed body[1]"),
        ("text/css", "a{}\nb{}", "b{}", "missing body[0]"),
        ("text/csv", "a,b\r\n1,2\r\n", "a,b\n\"1\",3\n", "changed body[1][1]"),
        ("application/x-www-form-urlencoded", "a=1&b=%20", "b=+&a=2", "changed body.a"),
        ("text/html; charset=utf-8", "<p>1", "<p>2</p>", "changed :root > body > p::text"),
        ("application/rss+xml", "<a><b/></a>", "<a><c/></a>", "retyped :root > b"),
        ("application/xml", "<a/>", "<a>", "changed body"),
        ("image/png", "a", "b", "changed body"),
        ("application/octet-stream", "\n", "\n\n", "changed body"),
    ] {
        let [one, other] = [one, other].map(|it| answer(200, content_type, it));
        assert_eq!(judge(&one, &other, &Rules::default()).1, [expected], "{content_type}");
    }
    let [one, other] = ["<a>", "<a/>"].map(|it| answer(200, "text/xml", it));
    assert_eq!(unknown(&one, &other), Some(Unknown::Unparsable));
}

#[test]
fn other_bodies_are_compared_byte_for_byte() {
    let text = |body| answer(200, "image/png", body);
    let kinds = |one, other| judge(&text(one), &text(other), &Rules::default()).1;
    assert_eq!(kinds("a", "b"), ["changed body"]);
    assert_eq!(kinds("a", ""), ["missing body"]);
    assert_eq!(kinds("", "b"), ["extra body"]);
    let (_, differences) = judge(&json("{}"), &json(""), &Rules::default());
    assert_eq!(differences, ["missing body"]);
}

/// A list of orders, each with the id of another one.
fn orders(ids: &[(u32, u32)]) -> Observation {
    let orders: Vec<_> = (0..)
        .zip(ids)
        .map(|(at, (id, other))| format!("{{\"at\":{at},\"id\":{id},\"after\":\"{other}\"}}"))
        .collect();
    Observation { body: format!("[{}]", orders.join(",")).into(), ..json("") }
}

proptest! {
    #[test]
    fn ids_are_excused_when_they_stand_for_one_another_and_only_then(
        ids in prop::collection::vec((0_u32..6, 0_u32..6), 1..12),
        pick: prop::sample::Index,
    ) {
        let rule = |at| Rule {
            at: PathPattern::parse(at).unwrap(),
            excuse: Excuse::Tolerate(Matcher::Id { of: String::new() }),
            why: "numbered anew".to_owned(),
            until: None,
        };
        let rules = Rules::new(vec![rule("$[*].id"), rule("$[*].after")]);
        // One of them stands for itself.
        let renumbered = |id: u32| if id == 3 { 3 } else { id * 7 + 100 };
        let control = orders(&ids);
        let mut numbers: Vec<_> =
            ids.iter().map(|(id, other)| (renumbered(*id), renumbered(*other))).collect();
        let outcome = |numbers: &[(u32, u32)]| judge(&control, &orders(numbers), &rules).0;
        prop_assert_ne!(outcome(&numbers), Outcome::Mismatched);

        let picked = pick.index(ids.len());
        numbers[picked].1 = 999;
        let is_wrong = |it: &u32| *it == ids[picked].1;
        let times = ids.iter().flat_map(|(id, other)| [id, other]).filter(|it| is_wrong(it)).count();
        let expected = if times > 1 { Outcome::Mismatched } else { Outcome::Ignored };
        prop_assert_eq!(outcome(&numbers), expected, "it stands for 999 and for another");
    }
}

/// What comes of two answers that have a rule for ids, after those before them.
fn linked(links: &mut Links, at: &str, [control, candidate]: [Observation; 2]) -> Outcome {
    let rules = Rules::new(vec![Rule {
        at: PathPattern::parse(at).unwrap(),
        excuse: Excuse::Tolerate(Matcher::Id { of: "order".to_owned() }),
        why: "numbered anew".to_owned(),
        until: None,
    }]);
    let pair = Pair::new(control, candidate).unwrap();
    let answers = Answers::read(&pair).unwrap();
    answers.compare_linked(&rules, NOW, |it| links.link(it)).outcome()
}

#[test]
fn ids_in_bodies_that_are_the_same_stand_for_themselves() {
    let gzip = |body: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, body).unwrap();
        let mut it = json("");
        it.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        Observation { body: packed.finish().unwrap().into(), ..it }
    };
    let pair = |content_type, one, other| [one, other].map(|it| answer(200, content_type, it));
    let [encoded, plain] = [gzip(b"{\"id\":7}"), json("{\"id\":7}")];
    let wrong = || [json("{\"id\":7}"), json("{\"id\":9}")];
    for (at, same, wrong) in [
        ("$.id", [plain.clone(), plain.clone()], wrong()),
        ("$.id", [encoded.clone(), encoded.clone()], wrong()),
        ("$.id", [encoded, plain], wrong()),
        (
            ":root > body > p::text",
            pair("text/html", "<p>7", "<p>7"),
            pair("text/html", "<p>7", "<p>9"),
        ),
        (
            ":root::text",
            pair("text/xml", "<a>7</a>", "<a>7</a>"),
            pair("text/xml", "<a>7</a>", "<a>9</a>"),
        ),
        ("body[1][0]", pair("text/csv", "id\n7", "id\n7"), pair("text/csv", "id\n7", "id\n9")),
    ] {
        let mut links = Links::default();
        assert_eq!(linked(&mut links, at, wrong.clone()), Outcome::Ignored, "nothing is known");
        let mut links = Links::default();
        linked(&mut links, at, same);
        assert_eq!(linked(&mut links, at, wrong), Outcome::Mismatched, "7 is 7, at {at}");
    }
}

#[test]
fn a_body_that_is_the_same_and_cannot_be_read_has_no_ids() {
    for body in ["{", ""] {
        let same = [json(body), json(body)];
        assert_eq!(linked(&mut Links::default(), "$.id", same), Outcome::Matched, "{body}");
    }
}

#[test]
fn ids_in_header_fields_and_cookies_stand_for_one_another() {
    for (at, field, value) in [
        ("headers.x-order-id", "x-order-id", ["7", "12", "13"]),
        ("headers.set-cookie.order.value", "set-cookie", ["order=7", "order=12", "order=13"]),
    ] {
        let with = |value| {
            let mut it = json("{}");
            it.headers.insert(field, HeaderValue::from_static(value));
            it
        };
        let [seven, twelve, thirteen] = value.map(with);
        let mut links = Links::default();
        let pair = [seven.clone(), twelve.clone()];
        assert_eq!(linked(&mut links, at, pair.clone()), Outcome::Ignored, "{at}");
        assert_eq!(linked(&mut links, at, pair), Outcome::Ignored, "{at}, again");
        assert_eq!(linked(&mut links, at, [seven, thirteen]), Outcome::Mismatched, "{at}");
    }
}

#[test]
fn long_bodies_are_compared_by_their_digests_unless_they_are_compressed() {
    const LONG: usize = 2 * 1024 * 1024;
    let long = |letter: u8, length: usize, encoding: Option<&'static str>| {
        let mut it = answer(200, "text/html", "");
        let value = encoding.map(HeaderValue::from_static);
        it.headers.extend(value.map(|it| (http::header::CONTENT_ENCODING, it)));
        it.body = vec![letter; length].into();
        it
    };
    let plain = |letter| long(letter, LONG, None);
    assert_eq!(judge(&plain(b'a'), &plain(b'a'), &Rules::default()).0, Outcome::Matched);
    for other in [plain(b'b'), long(b'a', LONG + 1, None), long(b'a', 1_000, None)] {
        for [one, other] in [[&plain(b'a'), &other], [&other, &plain(b'a')]] {
            assert_eq!(judge(one, other, &Rules::default()).1, ["changed body"]);
        }
    }
    let nothing = long(b'a', 0, None);
    assert_eq!(judge(&plain(b'a'), &nothing, &Rules::default()).1, ["missing body"]);
    let packed = |letter| long(letter, LONG, Some("gzip"));
    assert_eq!(judge(&packed(b'a'), &packed(b'a'), &Rules::default()).0, Outcome::Matched);
    for other in [packed(b'b'), plain(b'a'), long(b'a', 1_000, Some("gzip"))] {
        assert_eq!(unknown(&packed(b'a'), &other), Some(Unknown::TooLarge));
    }
}

#[test]
fn trailers_are_compared_under_a_root_of_their_own() {
    let with = |value| {
        let mut it = json("1");
        it.trailers.append("X-Checksum", HeaderValue::from_static(value));
        it
    };
    let differences = |other: Observation| judge(&with("1"), &other, &Rules::default()).1;
    assert!(differences(with("1")).is_empty());
    assert_eq!(differences(with("2")), ["changed trailers.x-checksum"]);
    assert_eq!(differences(json("1")), ["missing trailers.x-checksum"]);
    let at = PathPattern::parse("trailers.X-Checksum").unwrap();
    let rule = Rule { at, excuse: Excuse::Ignore, why: "new".to_owned(), until: None };
    let (outcome, _) = judge(&with("1"), &with("2"), &Rules::new(vec![rule]));
    assert_eq!(outcome, Outcome::Ignored);
}

fn of_bytes(content_type: &'static str, body: &'static [u8]) -> Observation {
    Observation { body: Bytes::from_static(body).into(), ..answer(200, content_type, "") }
}

#[test]
fn a_page_that_is_not_in_its_character_set_differs_from_one_that_is() {
    let differences =
        |one: &Observation, other: &Observation| judge(one, other, &Rules::default()).1;
    let latin_1 = of_bytes("text/html; charset=\"iso-8859-1\"", b"<p>caf\xe9</p>");
    for content_type in ["text/html", "text/html; Charset=UTF-8"] {
        let right = answer(200, content_type, "<p>café</p>");
        let wrong = of_bytes(content_type, b"<p>caf\xe9</p>");
        assert_eq!(differences(&right, &wrong), ["changed body"]);
        assert_eq!(differences(&wrong, &right), ["changed body"]);
        assert_eq!(differences(&right, &latin_1), ["changed headers.content-type"]);
        let neither = of_bytes(content_type, b"<p>caf\xe8</p>");
        assert_eq!(differences(&wrong, &neither), ["changed :root > body > p::text"]);
    }
}

#[test]
fn xml_that_one_side_alone_cannot_read_is_a_difference_or_the_monoliths_fault() {
    let differences =
        |one: &Observation, other: &Observation| judge(one, other, &Rules::default()).1;
    let xml = |body| of_bytes("application/xml; charset=utf-8", body);
    let (right, wrong, also_wrong) = (xml("<a>é</a>".as_bytes()), xml(b"<a>\xe9"), xml(b"<a>\xe8"));
    assert_eq!(differences(&right, &wrong), ["changed body"]);
    assert_eq!(unknown(&wrong, &right), Some(Unknown::Unparsable));
    assert_eq!(differences(&wrong, &also_wrong), ["changed body"], "which are no text either");
    assert_eq!(differences(&xml(b"<a>\n"), &xml(b"<a>\n\n")), ["extra body[2]"]);
    let deep = answer(200, "application/xml", "<a>".repeat(400).leak());
    assert_eq!(unknown(&deep, &right), Some(Unknown::TooLarge));
}

#[test]
fn what_has_too_much_in_it_is_too_large_whatever_it_is() {
    for (content_type, body) in [
        ("application/json", "[".repeat(1_000)),
        ("text/plain", "\n".repeat(1_048_576)),
        ("text/html", "<div>".repeat(1_000)),
    ] {
        let one = Observation { body: body.into(), ..answer(200, content_type, "") };
        assert_eq!(unknown(&one, &answer(200, content_type, "x")), Some(Unknown::TooLarge));
    }
}
