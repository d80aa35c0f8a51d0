//! What is suggested for which values, and what such a rule excuses.

use std::time::Duration as Time;

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use time::{OffsetDateTime, macros::datetime};

use super::*;
use crate::{
    DifferenceKind, Observation,
    compare::{
        Answers, Decimal, Excuse, Fragment, Outcome, Pair, Path, Pattern, Root, Rule, Rules, Value,
    },
};

const TODAY: Date = NOW.date();

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

fn answer(body: String) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let (body, trailers) = (body.into(), HeaderMap::new());
    Observation { status: StatusCode::OK, headers, body, trailers, took: Time::ZERO }
}

fn pair(control: &str, candidate: &str) -> Pair {
    let [control, candidate] = [control, candidate].map(|it| answer(format!("{{\"x\":{it}}}")));
    Pair::new(control, candidate).unwrap()
}

/// What two JSON values, each the member `x` of a document, have in common.
fn form(control: &str, candidate: &str) -> Option<Form> {
    let pair = pair(control, candidate);
    let answers = Answers::read(&pair).unwrap();
    let rules = Rules::default();
    let comparison = answers.compare(&rules, NOW);
    let place = |it: &Difference<'_>| it.path.grouped().to_string();
    forms(&comparison, place).remove("$.x").flatten()
}

/// What two such documents come to under one rule.
fn under(matcher: &Matcher, control: &str, candidate: &str) -> Outcome {
    let at = PathPattern::parse("$.x").unwrap();
    let excuse = Excuse::Tolerate(matcher.clone());
    let rules = Rules::new(vec![Rule { at, excuse, why: "noise".to_owned(), until: None }]);
    let pair = pair(control, candidate);
    let answers = Answers::read(&pair).unwrap();
    answers.compare(&rules, NOW).outcome()
}

fn suggestion(pairs: &[(&str, &str)], noise: u64) -> Option<Suggestion> {
    let mut all = Forms::default();
    for (control, candidate) in pairs {
        all.add(Forms::one(form(control, candidate)));
    }
    Suggestion::of("$.x", Class::Critical, &all, noise, TODAY)
}

fn suggested(pairs: &[(&str, &str)]) -> Option<String> {
    suggestion(pairs, 0).map(|it| it.rule)
}

fn uuids() -> [String; 3] {
    ['a', 'b', 'c'].map(|it| format!("\"0190{it}1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\""))
}

/// The golden file `suggested-rules.toml` of the proxy has each with a reason.
#[test]
fn each_form_has_its_rule() {
    let [one, other, _] = uuids();
    let tokens = ["a-_9Z", "b-_9Z"].map(|it| format!("\"{}Q\"", it.repeat(17)));
    for (control, candidate, rule) in [
        (&*one, &*other, "as = \"uuid\", "),
        (&tokens[0], &tokens[1], "as = \"masked-token\", "),
        ("\"19.90\"", "\"19.9\"", "as = \"money\", "),
        ("19.90", "19.9", "as = \"money\", "),
        ("1000", "1004", "as = \"number\", within = 4, "),
        ("471100", "475811", "as = \"number\", within = 4800, "),
        ("0.3", "0.30000000000000004", "as = \"number\", within = 0.00000000000000004, "),
        ("[1, 2, 3]", "[3, 1, 2]", "as = \"any-order\", "),
        (
            "\"2026-11-24T12:00:00Z\"",
            "\"2026-11-24T12:00:02Z\"",
            "as = \"time\", within = \"2s\", ",
        ),
        (
            "\"2026-11-24T12:00:00.000Z\"",
            "\"2026-11-24T12:00:00.0071Z\"",
            "as = \"time\", within = \"8ms\", ",
        ),
        (
            "\"ord.8fk2q9\"",
            "\"ord.x91z02\"",
            "as = \"regex\", pattern = '[a-z]{3}\\.[0-9a-z]{6}', ",
        ),
    ] {
        let expected = format!("{{ at = \"$.x\", {rule}why = \"\", until = 2027-02-22 }}");
        assert_eq!(suggested(&[(control, candidate)]), Some(expected), "{control} {candidate}");
    }
}

#[test]
fn what_looks_like_a_fault_has_no_rule() {
    for (control, candidate) in [
        ("\"lamp\"", "\"lump\""),
        ("\"2026-11-24\"", "\"2026-11-25\""),
        ("\"19.90\"", "\"19.91\""),
        ("19.90", "29.90"),
        ("1", "\"1\""),
        ("true", "false"),
        ("\"2026-11-24T12:00:00Z\"", "\"2026-11-24T14:00:00Z\""),
        ("\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\"", "\"\""),
        ("[1, 2]", "[1, 3]"),
        ("1", "null"),
    ] {
        assert_eq!(suggested(&[(control, candidate)]), None, "{control} {candidate}");
    }
    assert!(suggestion(&[("41", "42")], 0).is_none());
    assert!(suggestion(&[("41", "42")], 1).is_some(), "as the monolith does to itself");
    assert!(suggestion(&[("20", "42")], 1).is_none(), "further than half of the larger one");
}

/// What is stored of differences between values at the member `name`, one of a page's cells and one
/// cookie.
fn stored(name: &str, control: &str, candidate: &str) -> String {
    let answer = |value: &str, is_page: bool| {
        let mut it = answer(format!("{{\"{name}\":{value}}}"));
        let cookie = format!("seen={value}; path=/");
        it.headers.insert("set-cookie", HeaderValue::from_str(&cookie).unwrap());
        if is_page {
            it.headers.insert("content-type", HeaderValue::from_static("text/html"));
            it.body = format!("<table><tr><td>{value}</table>").into();
        }
        it
    };
    let mut all = Vec::new();
    for is_page in [false, true] {
        let [control, candidate] = [control, candidate].map(|it| answer(it, is_page));
        let pair = Pair::new(control, candidate).unwrap();
        let answers = Answers::read(&pair).unwrap();
        let rules = Rules::default();
        let comparison = answers.compare(&rules, NOW);
        let forms = forms(&comparison, |it| it.path.grouped().to_string());
        assert_eq!(forms.len(), 2, "{forms:?}");
        all.extend(forms.into_values().map(Forms::one));
    }
    serde_json::to_string(&all).unwrap()
}

#[test]
fn what_is_kept_does_not_tell_what_numbers_are() {
    const TELEPHONE: &str = "491701234567";
    const CARD: &str = "4242424242424242";
    for (name, control, candidate) in [
        ("phone", TELEPHONE, "0"),
        ("phone", TELEPHONE, "491701234566"),
        ("n", TELEPHONE, "0"),
        ("n", "1", TELEPHONE),
        ("n", "-1.5", TELEPHONE),
        ("n", CARD, "0"),
        ("n", CARD, "4242424242424241"),
    ] {
        let stored = stored(name, control, candidate);
        // The larger, of what is known of it: its first digits.
        for digits in ["4917", "4242"] {
            assert!(!stored.contains(digits), "{stored}");
        }
    }
    let count = |name, sign: &str| stored(name, "471100", "475811").matches(sign).count();
    let near = "{\"number\":[\"4800\",\"near\"]}";
    assert_eq!([count("n", near), count("n", "\"numbers\"")], [2, 2], "none of the cookies");
    assert_eq!([count("phone", near), count("phone", "\"numbers\"")], [1, 3], "the cell alone");
}

#[test]
fn what_was_kept_when_it_told_what_numbers_are_is_not_read() {
    let kept = r#"{"of":1,"had":[[{"number":["491701234567",1.0]},1]]}"#;
    assert!(serde_json::from_str::<Forms>(kept).is_err());
}

#[test]
fn numbers_that_were_once_far_apart_have_no_rule() {
    let near = [("1000", "1004"), ("1000", "1001")];
    assert!(suggestion(&near, 1).is_some());
    let far = [near[0], near[1], ("1000", "4")];
    assert_eq!(suggestion(&far, 1), None);
    assert_eq!(suggestion(&[far[2], far[0], far[1]], 1), None);
}

#[test]
fn forms_of_numbers_widen_alike_before_and_after_they_are_kept() {
    let [near, wide, far] = [("1000", "1004"), ("1000", "1211"), ("1000", "4")];
    for pair in [[near, wide], [wide, near], [near, far], [far, wide], [far, far]] {
        let exact = |(control, candidate): (&'static str, &'static str)| {
            let [control, candidate] =
                [control, candidate].map(|it| Some(Fragment::Json(Value::Number(it))));
            let (path, kind) = (Path::at(Root::Document), DifferenceKind::Changed);
            let class = Class::Critical;
            Form::of(&Difference { path, kind, class, control, candidate }).unwrap()
        };
        let [one, other] = pair.map(exact);
        let before = one.joined(&other).unwrap().kept();
        let after = one.kept().joined(&other.kept()).unwrap();
        let [before, after] = [before, after].map(|it| serde_json::to_string(&it).unwrap());
        assert_eq!(before, after, "{pair:?}");
    }
}

#[test]
fn a_rule_widens_to_what_was_seen_and_counts_what_it_would_have_excused() {
    let [one, other, third] = uuids();
    let pairs = [(&*one, &*other), (&*one, &*third), (&*other, "\"\""), (&*other, &*third)];
    let it = suggestion(&pairs, 0).unwrap();
    assert_eq!((it.excuses, it.of, it.critical), (3, 4, true));
    assert_eq!(
        it.effect(),
        "A critical difference. Would have excused 3 of 4 requests that differ here, and nothing \
         else; 1 would still count."
    );
    let it = suggestion(&[("1000", "1004"), ("1000", "1001"), ("1000", "1000.5")], 0).unwrap();
    assert!(it.rule.contains("within = 4,") && (it.excuses, it.of) == (3, 3), "{it:?}");
    let pairs = [(&*one, &*other), (&*other, "\"\""), (&*other, "\"x\"")];
    assert_eq!(suggestion(&pairs, 9), None, "most of it has no form");
}

#[test]
fn all_elements_of_an_answer_must_have_the_form() {
    let [one, other, third] = uuids();
    let all = |last: &str| {
        let (control, candidate) = (format!("[{one}, {one}]"), format!("[{other}, {last}]"));
        let pair = pair(&control, &candidate);
        let answers = Answers::read(&pair).unwrap();
        let rules = Rules::default();
        let comparison = answers.compare(&rules, NOW);
        forms(&comparison, |it| (it.path.grouped().to_string(), it.kind))
            .remove(&("$.x[*]".to_owned(), DifferenceKind::Changed))
            .flatten()
            .is_some()
    };
    assert!(all(&third));
    assert!(!all("\"\""));
}

#[test]
fn nothing_is_suggested_for_status_session_and_what_has_no_place() {
    let [one, other, _] = uuids();
    let forms = Forms::one(form(&one, &other));
    let is_some = |path, class| Suggestion::of(path, class, &forms, 9, TODAY).is_some();
    for path in ["status", "headers.set-cookie._session", "headers.www-authenticate"] {
        assert!(!is_some(path, Class::Critical), "{path}");
        assert!(!is_some(path, Class::Cosmetic), "{path}, though a rule says so");
    }
    assert!(!is_some("headers.location", Class::Critical), "a client acts on it");
    assert!(!is_some("$[\"‹name of 50 #0a1b2c3d›\"]", Class::Critical));
    assert!(is_some("headers.x-trace", Class::Cosmetic));
    assert!(is_some("$[\"unit price\"]", Class::Critical));
}

#[test]
fn texts_are_quoted_as_toml_reads_them() {
    for (text, expected) in [
        ("$.a", "\"$.a\""),
        ("$[\"a b\"]", "'$[\"a b\"]'"),
        ("$[\"it's\"]", r#""$[\"it's\"]""#),
        ("a\u{7}'", "\"a\\u0007'\""),
    ] {
        assert_eq!(quoted(text), expected);
    }
}

/// A matcher that asks for a little less: of a number for a unit less of its second digit, to which
/// it is rounded.
fn narrower(form: &Form) -> Option<Matcher> {
    match form {
        Form::Number(apart, _) if !apart.is_zero() => {
            let text = apart.to_string();
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
            let places = i32::try_from(fraction.len()).ok()?;
            let (mut digits, mut exponent) = (digits * 10, -1 - places);
            while digits >= 100 && digits % 10 == 0 {
                (digits, exponent) = (digits / 10, exponent + 1);
            }
            assert!((10..100).contains(&digits), "{text} has two digits");
            let within = Decimal::parse(&format!("{}e{exponent}", digits - 1))?;
            Some(Matcher::Number { within })
        }
        Form::Time(apart) => Some(Matcher::Time { within: Time::from_millis(apart - 1) }),
        Form::Shape(shape) => {
            let pattern = shape.pattern();
            let shorter = pattern.rsplit_once('[').map(|(all, _)| all.to_owned())?;
            Some(Matcher::Regex(Pattern::parse(&shorter).ok()?))
        }
        _ => None,
    }
}

fn moment() -> impl Strategy<Value = String> {
    (0_u32..3_600, 0_u32..1_000).prop_map(|(second, millisecond)| {
        format!("\"2026-11-24T12:{:02}:{:02}.{millisecond:03}Z\"", second / 60, second % 60)
    })
}

fn noisy() -> impl Strategy<Value = (String, String)> {
    let uuid = || "\"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\"";
    let number = || "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,6})?";
    let token = || "\"ord_[a-z][0-9][a-z0-9]{4,9}\"";
    prop_oneof![
        (uuid(), uuid()),
        (number(), number()),
        (token(), token()),
        (moment(), moment()),
        (1_u32..1_000).prop_map(|it| (format!("\"{it}.50\""), format!("\"{it}.5\""))),
        Just((0..9).collect::<Vec<_>>())
            .prop_shuffle()
            .prop_map(|it| { ("[0, 1, 2, 3, 4, 5, 6, 7, 8]".to_owned(), format!("{it:?}")) }),
    ]
}

proptest! {
    #[test]
    fn a_rule_excuses_what_it_was_made_of_and_a_narrower_one_does_not(
        (control, candidate) in noisy()
    ) {
        prop_assume!(control != candidate && candidate != "[0, 1, 2, 3, 4, 5, 6, 7, 8]");
        let form = form(&control, &candidate);
        prop_assert!(form.is_some(), "{} {}", control, candidate);
        let form = form.unwrap();
        let Some(matcher) = form.matcher() else {
            prop_assert!(matches!(form, Form::Numbers), "{:?}", form);
            return Ok(());
        };
        prop_assert_eq!(under(&matcher, &control, &candidate), Outcome::Ignored);
        if let Some(narrower) = narrower(&form) {
            prop_assert_eq!(
                under(&narrower, &control, &candidate), Outcome::Mismatched, "{:?}", narrower
            );
        }
        for other in ["null", "\"\"", "{}", "true"] {
            prop_assert_eq!(under(&matcher, &control, other), Outcome::Mismatched, "{}", other);
        }
    }

    #[test]
    fn what_is_kept_can_be_read_again(pairs in prop::collection::vec(noisy(), 1..20)) {
        let mut forms = Forms::default();
        for (control, candidate) in &pairs {
            forms.add(Forms::one(form(control, candidate)));
        }
        let kept = serde_json::to_string(&forms).unwrap();
        let read: Forms = serde_json::from_str(&kept).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), kept);
        prop_assert!(read.had.len() <= FORMS);
    }
}
