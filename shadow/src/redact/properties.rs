//! Whatever a document holds: no value of it is in what the redactor makes of it.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use proptest::prelude::*;
use time::OffsetDateTime;

use super::*;
use crate::compare::{Answers, Pair, Rules};

/// Longer than near-linear work takes in any build, and shorter than quadratic work does.
const PATIENCE: Duration = Duration::from_secs(20);

fn answer(content_type: &'static str, body: impl Into<bytes::Bytes>) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Observation {
        status: StatusCode::OK,
        headers,
        body: body.into().into(),
        trailers: HeaderMap::new(),
        took: Duration::ZERO,
    }
}

/// How the value at a place is written into a body.
type Write = fn(usize, &str) -> String;

/// All that is stored of two answers.
fn stored(control: &Observation, candidate: &Observation) -> String {
    let redactor = Redactor::new([7; 32]);
    let mut text = redactor.body(control, &[]) + &redactor.body(candidate, &[]);
    let Ok(pair) = Pair::new(control.clone(), candidate.clone()) else { return text };
    let Ok(answers) = Answers::read(&pair) else { return text };
    let rules = Rules::default();
    for finding in answers.compare(&rules, OffsetDateTime::UNIX_EPOCH).findings {
        let difference = &finding.difference;
        text += &redactor.path(&difference.path, |it| format!("{it} {}", it.grouped()));
        for fragment in difference.control.iter().chain(&difference.candidate) {
            text += &redactor.fragment(fragment, &difference.path, &[]);
        }
    }
    text
}

/// What nobody would write but a buyer: long enough not to be in a hash or in our own words.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-z]{3,9} [A-Z][a-z]{5,9}",
        "[a-z]{6,9}@[a-z]{4,8}\\.test",
        "[1-9][0-9]{9,15}"
    ]
}

/// A document in which every value is one of these, and what it is built of.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = value().prop_map(serde_json::Value::from);
    leaf.prop_recursive(4, 30, 5, |inner| {
        let name = prop_oneof!["[a-z_]{1,8}", value()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec((name, inner), 0..5)
                .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
        ]
    })
}

fn values(json: &serde_json::Value, found: &mut Vec<String>) {
    match json {
        serde_json::Value::String(it) => found.push(it.clone()),
        serde_json::Value::Array(it) => it.iter().for_each(|it| values(it, found)),
        serde_json::Value::Object(it) => it.iter().for_each(|(name, it)| {
            found.extend(Some(name.clone()).filter(|it| it.len() > 8));
            values(it, found);
        }),
        _ => {}
    }
}

fn assert_hidden(values: &[String], text: &str) -> Result<(), TestCaseError> {
    for value in values {
        prop_assert!(!text.contains(&**value), "{value} is in {text}");
    }
    Ok(())
}

fn joined(values: &[String], write: impl Fn(usize, &str) -> String) -> String {
    values.iter().enumerate().map(|(at, it)| write(at, it)).collect()
}

proptest! {
    #[test]
    fn no_value_of_a_json_document_survives(one in json(), other in json()) {
        let mut all = Vec::new();
        values(&one, &mut all);
        values(&other, &mut all);
        let [one, other] = [one, other].map(|it| answer("application/json", it.to_string()));
        assert_hidden(&all, &stored(&one, &other))?;
    }

    #[test]
    fn no_value_of_a_page_survives(
        ones in prop::collection::vec(value(), 1..8),
        others in prop::collection::vec(value(), 1..8),
    ) {
        let page = |values: &[String]| {
            // Quoted, unquoted and unescaped, as a template may have it.
            let body = joined(values, |at, it| match at % 4 {
                0 => format!("<p id=\"{it}\" class=\"{it}\">{it}</p>"),
                1 => format!("<input value={it}>"),
                2 => format!("<{it}>"),
                _ => format!("<script type=application/json>{{\"{it}\":\"{it}\"}}</script><!--{it}-->"),
            });
            answer("text/html; charset=utf-8", format!("<title>{}</title>{body}", values[0]))
        };
        let words = |it: &String| it.split(' ').map(str::to_ascii_lowercase).collect::<Vec<_>>();
        let mut all: Vec<_> = ones.iter().chain(&others).flat_map(words).collect();
        // A tag or an attribute that was not escaped ends at a sign that a name cannot have.
        all.retain(|it| it.len() > 5);
        let text = stored(&page(&ones), &page(&others)).to_ascii_lowercase();
        assert_hidden(&all, &text)?;
    }

    #[test]
    fn no_value_of_a_form_a_table_or_a_text_survives(
        ones in prop::collection::vec(value(), 1..8),
        others in prop::collection::vec(value(), 1..8),
    ) {
        let all: Vec<_> = ones.iter().chain(&others).cloned().collect();
        let formats: [(&str, Write); 4] = [
            ("application/x-www-form-urlencoded", |at, it| {
                let escaped = it.replace(' ', "+");
                if at % 2 == 0 { format!("name{at}={escaped}&") } else { format!("{escaped}=1&") }
            }),
            ("text/csv", |at, it| format!("{at},\"{it}\"\r\n")),
            ("text/plain", |_, it| format!("Dear {it},\n")),
            ("application/octet-stream", |_, it| it.to_owned()),
        ];
        for (content_type, write) in formats {
            let [one, other] = [&ones, &others].map(|it| answer(content_type, joined(it, write)));
            assert_hidden(&all, &stored(&one, &other))?;
        }
    }

    #[test]
    fn no_value_of_a_target_survives(
        segment in value(), name in value(), value in value(), template in "/[a-z]{1,5}/\\{id\\}|\\*|/",
    ) {
        let escaped = |it: &str| it.replace(' ', "%20");
        let target = format!("/a/{}?{}={}&q={1}", escaped(&segment), escaped(&name), escaped(&value));
        let text = Redactor::new([7; 32]).target(&template, &target, &[]);
        let all = [segment, name, value].map(|it| escaped(&it));
        assert_hidden(&all, &text)?;
    }

    #[test]
    fn no_text_breaks_the_redactor(target in "\\PC{0,60}", template in "\\PC{0,30}", text in "\\PC{0,80}") {
        let redactor = Redactor::new([7; 32]);
        let _ = redactor.target(&template, &target, &[]);
        let _ = crate::sensitive::is_personal(&text);
    }
}

#[test]
fn long_documents_take_time_in_proportion_to_their_length() {
    const LENGTH: usize = 1 << 17;
    let begin = Instant::now();
    for pattern in ["1 ", "+1 ", "a@", "DE89 ", "%", "0-", "straße 1,", "\"", "/", "Aa1+"] {
        let text = pattern.repeat(LENGTH / pattern.len());
        let _ = crate::sensitive::is_personal(&text);
        let _ = Redactor::new([7; 32]).target("/{id}", &text, &[]);
        let body = serde_json::json!([text, vec![1; LENGTH / 4]]).to_string();
        let reveal = [PathPattern::parse("$[*]").unwrap()];
        let text = Redactor::new([7; 32]).body(&answer("application/json", body), &reveal);
        assert!(text.len() < BODY_LIMIT + 100);
    }
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}
