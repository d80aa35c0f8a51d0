//! The comparison of two answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::value::RawValue;
use shadow::{
    Class, Observation,
    compare::{Answers, Excuse, Matcher, Outcome, Pair, Rule, Rules},
};
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

/// As in the golden files: the control, the candidate and the rules are divided by it.
const DIVIDER: &str = "----------\n";

/// Every answer equals itself, and two that differ do so from both sides.
pub(crate) fn comparison(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let sections: Vec<_> = text.splitn(4, DIVIDER).collect();
    let [control, candidate, rules, ..] = sections[..] else { return };
    let (Some(control), Some(candidate)) = (answer(control), answer(candidate)) else { return };
    let is_stricter = rules.lines().any(|it| it.starts_with("order "));
    let rules = Rules::new(rules.lines().filter_map(rule).collect());
    for side in [&control, &candidate] {
        assert_eq!(outcome(side, &side.clone(), &rules), Some(Outcome::Matched), "with itself");
    }
    let there = outcome(&control, &candidate, &rules);
    let back = outcome(&candidate, &control, &rules);
    if let (Some(there), Some(back)) = (there, back) {
        assert_eq!(there, back, "there and back");
    }
    let unruled = outcome(&control, &candidate, &Rules::default());
    let is_matched = |it| it == Some(Outcome::Matched);
    assert!(is_matched(unruled) == is_matched(there) || is_stricter, "by rules");
}

/// We read exactly what `serde_json` reads, and white space means nothing.
pub(crate) fn json(input: &[u8]) {
    if input.is_empty() {
        return; // no body, which is no document either
    }
    let control = document(Bytes::copy_from_slice(input));
    let other = document([input, b" "].concat().into());
    let ours = Pair::new(control.clone(), other).is_ok_and(|it| Answers::read(&it).is_ok());
    assert_eq!(ours, serde_json_reads(input));
    if ours {
        let packed = document(packed(input));
        assert_eq!(outcome(&control, &packed, &Rules::default()), Some(Outcome::Matched));
    }
}

/// Into a tree of values, were there numbers of any size: raw values are checked for all but what
/// their strings decode to and how deep they are.
fn serde_json_reads(document: &[u8]) -> bool {
    let (mut depth, mut deepest) = (0, 0);
    let mut strings = true;
    for token in tokens(document) {
        match token {
            b"[" | b"{" => depth += 1,
            b"]" | b"}" => depth -= 1,
            [b'"', ..] => strings &= serde_json::from_slice::<String>(token).is_ok(),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    strings && deepest <= 127 && serde_json::from_slice::<&RawValue>(document).is_ok()
}

fn outcome(control: &Observation, candidate: &Observation, rules: &Rules) -> Option<Outcome> {
    let pair = Pair::new(control.clone(), candidate.clone()).ok()?;
    let answers = Answers::read(&pair).ok()?;
    let comparison = answers.compare(rules, NOW);
    for finding in &comparison.findings {
        let _ = finding.difference.path.to_string();
    }
    Some(comparison.outcome())
}

/// A status, header lines, an empty line and the body.
fn answer(section: &str) -> Option<Observation> {
    let (head, body) = section.split_once("\n\n").unwrap_or((section, ""));
    let mut lines = head.lines();
    let status = lines.next()?.parse::<StatusCode>().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|it| it.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    let body = Bytes::copy_from_slice(body.strip_suffix('\n').unwrap_or(body).as_bytes());
    Some(Observation {
        status,
        headers,
        body: body.into(),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    })
}

fn document(body: Bytes) -> Observation {
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
    Observation {
        status: StatusCode::OK,
        headers,
        body: body.into(),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    }
}

/// `ignore PATH`, `id PATH`, `order PATH` or `cosmetic PATH`
fn rule(line: &str) -> Option<Rule> {
    let (kind, at) = line.split_once(' ')?;
    let excuse = match kind {
        "ignore" => Excuse::Ignore,
        "id" => Excuse::Tolerate(Matcher::Id { of: String::new() }),
        "order" => Excuse::Order,
        "cosmetic" => Excuse::Classify(Class::Cosmetic),
        _ => return None,
    };
    Some(Rule { at: at.parse().ok()?, excuse, why: line.to_owned(), until: None })
}

/// Without the white space between its tokens, and with some at its end, so that the bytes differ.
fn packed(document: &[u8]) -> Bytes {
    let mut packed: Vec<u8> = tokens(document).flatten().copied().collect();
    packed.extend_from_slice(b"\n \n");
    packed.into()
}

/// Strings, and every other byte that is not white space.
fn tokens(document: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = document;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let length = match rest.first()? {
            b'"' => string_length(rest),
            _ => 1,
        };
        let (token, behind) = rest.split_at(length);
        rest = behind;
        Some(token)
    })
}

/// Up to the quote that no backslash stands before, or all.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        match text.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
}
