//! What each matcher excuses, and what it must not.

use std::time::Duration;

use time::macros::date;

use super::*;
use crate::compare::{Class, Decimal, DifferenceKind, Fragment, Value, json::parse, path::Step};

fn difference<'a>(
    kind: DifferenceKind,
    control: Option<Value<'a>>,
    candidate: Option<Value<'a>>,
) -> Difference<'a> {
    let mut path = Path::at(Root::Document);
    path.push(Step::Member("x"));
    let [control, candidate] = [control, candidate].map(|it| it.map(Fragment::Json));
    Difference { path, kind, class: Class::Critical, control, candidate }
}

/// Whether the matcher excuses the difference between two JSON texts.
fn excuses(matcher: &Matcher, control: &str, candidate: &str) -> bool {
    let [control, candidate] = [control, candidate].map(|it| parse(it.as_bytes()).unwrap());
    let [control, candidate] = [control.root(), candidate.root()];
    let kind = if std::mem::discriminant(&control) == std::mem::discriminant(&candidate) {
        DifferenceKind::Changed
    } else {
        DifferenceKind::Retyped
    };
    matcher.excuses(&difference(kind, Some(control), Some(candidate)), &Ids::default())
}

fn rule(at: &str, excuse: Excuse, until: Option<Date>) -> Rule {
    Rule { at: PathPattern::parse(at).unwrap(), excuse, why: "clock".to_owned(), until }
}

fn all() -> [Matcher; 9] {
    [
        Matcher::Number { within: Decimal::parse("1e9").unwrap() },
        Matcher::Time { within: Duration::from_secs(1_000_000) },
        Matcher::Uuid,
        Matcher::MaskedToken,
        Matcher::Money,
        Matcher::Regex(Pattern::parse(".*").unwrap()),
        Matcher::Id { of: String::new() },
        Matcher::AnyOrder,
        Matcher::Keyed { by: "sku".to_owned() },
    ]
}

#[test]
fn a_number_is_excused_near_a_number() {
    let matcher = Matcher::Number { within: Decimal::parse("50").unwrap() };
    assert!(excuses(&matcher, "100", "150"));
    assert!(excuses(&matcher, "100.0", "50"));
    assert!(!excuses(&matcher, "100", "151"));
    assert!(!excuses(&matcher, "100", "\"101\""));
    assert!(!excuses(&matcher, "\"100\"", "\"101\""));
    assert!(!excuses(&matcher, "100", "null"));
}

#[test]
fn money_is_excused_for_the_same_amount() {
    for (control, candidate) in [("19.90", "19.9"), ("\"19.90\"", "\"19.9\""), ("1e1", "10.0")] {
        assert!(excuses(&Matcher::Money, control, candidate));
    }
    for (control, candidate) in
        [("19.90", "19.91"), ("\"19.90\"", "19.9"), ("\"19.90 EUR\"", "\"19.9 EUR\""), ("1", "-1")]
    {
        assert!(!excuses(&Matcher::Money, control, candidate), "{control} {candidate}");
    }
}

#[test]
fn a_time_is_excused_near_a_time() {
    let matcher = Matcher::Time { within: Duration::from_secs(5) };
    let control = "\"2026-11-24T12:00:00.000Z\"";
    assert!(excuses(&matcher, control, "\"2026-11-24T12:00:05Z\""));
    assert!(excuses(&matcher, control, "\"2026-11-24T11:59:55Z\""));
    assert!(excuses(&matcher, control, "\"2026-11-24T13:00:00+01:00\""));
    assert!(!excuses(&matcher, control, "\"2026-11-24T12:00:05.001Z\""));
    assert!(!excuses(&matcher, control, "\"2026-11-24\""));
    assert!(!excuses(&matcher, "\"soon\"", "\"later\""), "no time is near no time");
    assert!(!excuses(&matcher, "1", "2"));
}

#[test]
fn a_uuid_is_excused_for_a_uuid() {
    let control = "\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\"";
    assert!(excuses(&Matcher::Uuid, control, "\"FFFFFFFF-C3D4-7E5F-8A9B-0C1D2E3F4A5B\""));
    assert!(!excuses(&Matcher::Uuid, control, "\"0190a1b2c3d47e5f8a9b0c1d2e3f4a5b\""));
    assert!(!excuses(&Matcher::Uuid, control, "\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5x\""));
    assert!(!excuses(&Matcher::Uuid, control, "\"\""));
    assert!(!excuses(&Matcher::Uuid, "\"a\"", "\"b\""));
}

#[test]
fn a_masked_token_is_excused_for_a_masked_token() {
    let urlsafe = format!("\"{}Q\"", "a-_9Z".repeat(17));
    let padded = format!("\"{}w==\"", "a+/9Z".repeat(17));
    let unmasked = format!("\"{}A=\"", "a".repeat(42));
    let loose_bits = format!("\"{}B\"", "a-_9Z".repeat(17));
    let mixed = format!("\"{}Q\"", "a+_9Z".repeat(17));
    assert!(excuses(&Matcher::MaskedToken, &urlsafe, &padded));
    for other in [&unmasked, &loose_bits, &mixed, &"\"\"".to_owned()] {
        assert!(!excuses(&Matcher::MaskedToken, &urlsafe, other), "{other}");
        assert!(!excuses(&Matcher::MaskedToken, other, other), "{other}");
    }
}

#[test]
fn a_pattern_excuses_what_it_matches_on_both_sides() {
    let matcher = Matcher::Regex(Pattern::parse("ord_[0-9a-z]{4}|[0-9]{3}").unwrap());
    assert!(excuses(&matcher, "\"ord_17ab\"", "\"ord_x9y0\""));
    assert!(excuses(&matcher, "123", "456"), "a number as it is written");
    for other in ["\"ord_17AB\"", "\"ord_17\"", "\"\"", "\"xord_17ab\"", "null"] {
        assert!(!excuses(&matcher, "\"ord_17ab\"", other), "{other}");
        assert!(!excuses(&matcher, other, "\"ord_17ab\""), "{other}");
    }
}

#[test]
fn an_id_is_excused_when_it_stands_for_the_other_alone() {
    let mut ids = Ids::default();
    ids.add("", "7", "12");
    let [control, candidate] = [Value::Number("7"), Value::Number("12")];
    let number = difference(DifferenceKind::Changed, Some(control), Some(candidate));
    let matcher = Matcher::Id { of: String::new() };
    assert!(matcher.excuses(&number, &ids));
    assert!(!Matcher::Id { of: "order".to_owned() }.excuses(&number, &ids));
    ids.add("", "8", "12");
    assert!(!matcher.excuses(&number, &ids));
}

#[test]
fn fields_are_excused_like_texts_and_their_words_in_any_order() {
    let excuses = |matcher: &Matcher, control: &'static str, candidate: &'static str| {
        let mut path = Path::at(Root::Headers);
        path.push(Step::Member("x-tags"));
        let [control, candidate] = [control, candidate].map(|it| Some(Fragment::Header(it.into())));
        let (kind, class) = (DifferenceKind::Changed, Class::Cosmetic);
        let difference = Difference { path, kind, class, control, candidate };
        matcher.excuses(&difference, &Ids::default())
    };
    assert!(excuses(&Matcher::AnyOrder, "a, b,c", "c, a, b"));
    assert!(!excuses(&Matcher::AnyOrder, "a, b", "a, b, b"));
    assert!(!excuses(&Matcher::AnyOrder, "a, b", "a, c"));
    let within = Decimal::parse("2").unwrap();
    assert!(excuses(&Matcher::Number { within }, "10", "12"));
    assert!(!excuses(&Matcher::Number { within }, "10", "13"));
    assert!(!excuses(&Matcher::Uuid, "a", "b"));
}

#[test]
fn any_order_excuses_moved_elements_only() {
    let [control, candidate] = ["[1, 2]", "[2, 1]"].map(|it| parse(it.as_bytes()).unwrap());
    let [control, candidate] = [control.root(), candidate.root()];
    let moved = difference(DifferenceKind::Moved, Some(control), Some(candidate));
    assert!(Matcher::AnyOrder.excuses(&moved, &Ids::default()));
    assert!(Matcher::Keyed { by: "sku".to_owned() }.excuses(&moved, &Ids::default()));
    for matcher in &all()[..7] {
        assert!(!matcher.excuses(&moved, &Ids::default()), "{matcher:?}");
    }
    assert!(!excuses(&Matcher::AnyOrder, "\"a\"", "\"b\""));
    assert!(!excuses(&Matcher::AnyOrder, "1", "2"));
}

#[test]
fn no_matcher_excuses_what_is_missing_extra_or_retyped() {
    let token = format!("{}Q", "a".repeat(85));
    let token = Value::String(&token);
    for matcher in all() {
        let missing = difference(DifferenceKind::Missing, Some(token), None);
        let extra = difference(DifferenceKind::Extra, None, Some(token));
        let retyped = difference(DifferenceKind::Retyped, Some(token), Some(Value::Null));
        for difference in [missing, extra, retyped] {
            assert!(!matcher.excuses(&difference, &Ids::default()), "{matcher:?} {difference:?}");
        }
    }
}

#[test]
fn a_rule_excuses_at_its_place_only() {
    let [control, candidate] = [Value::Number("1"), Value::Number("2")];
    let difference = difference(DifferenceKind::Changed, Some(control), Some(candidate));
    let within = Decimal::parse("5").unwrap();
    let tolerate = || Excuse::Tolerate(Matcher::Number { within });
    assert!(rule("$.x", Excuse::Ignore, None).excuses(&difference, &Ids::default()));
    assert!(rule("$", Excuse::Ignore, None).excuses(&difference, &Ids::default()), "all below");
    assert!(!rule("$.y", Excuse::Ignore, None).excuses(&difference, &Ids::default()));
    assert!(!rule("$.x.y", Excuse::Ignore, None).excuses(&difference, &Ids::default()));
    assert!(rule("$.x", tolerate(), None).excuses(&difference, &Ids::default()));
    assert!(
        !rule("$", tolerate(), None).excuses(&difference, &Ids::default()),
        "a matcher is for its place"
    );
}

#[test]
fn an_expired_rule_is_named_and_excuses_no_more() {
    let rules = Rules::new(vec![rule("$.x", Excuse::Ignore, Some(date!(2027 - 03 - 31)))]);
    let [control, candidate] = [Value::Number("1"), Value::Number("2")];
    let difference = difference(DifferenceKind::Changed, Some(control), Some(candidate));
    let judge = |day| rules.on(day).judge(&difference);
    assert!(matches!(judge(date!(2027 - 03 - 31)), Judgement::Excused(_)));
    assert!(matches!(judge(date!(2027 - 04 - 01)), Judgement::Expired(_)));
    assert!(!rules.on(date!(2027 - 04 - 01)).blur(&difference.path));
}

#[test]
fn a_class_is_for_a_place_and_what_is_below_and_ends_with_its_rule() {
    let classify = |at, class, until| rule(at, Excuse::Classify(class), until);
    let rules = Rules::new(vec![
        classify("$.x", Class::Cosmetic, Some(date!(2027 - 03 - 31))),
        classify("headers.x-total", Class::Critical, None),
    ]);
    let mut path = Path::at(Root::Document);
    path.push(Step::Member("x"));
    path.push(Step::Element(0));
    let class = |day, path: &Path<'_>, class| {
        let (class, judgement) = rules.on(day).class(path, class);
        let said = match judgement {
            None => "",
            Some(Judgement::Expired(_)) => "expired",
            Some(_) => "classed",
        };
        (class, said)
    };
    let (day, later) = (date!(2027 - 03 - 31), date!(2027 - 04 - 01));
    assert_eq!(class(day, &path, Class::Critical), (Class::Cosmetic, "classed"));
    assert_eq!(class(day, &path, Class::Cosmetic), (Class::Cosmetic, ""), "as it would be anyway");
    assert_eq!(class(later, &path, Class::Critical), (Class::Critical, "expired"));
    let above = Path::at(Root::Document);
    assert_eq!(class(day, &above, Class::Critical), (Class::Critical, ""));
    let mut field = Path::at(Root::Headers);
    field.push(Step::Member("x-total"));
    assert_eq!(class(later, &field, Class::Cosmetic), (Class::Critical, "classed"));
    let rules = rules.on(day);
    assert!(!rules.blur(&path), "what is there still tells elements apart");
}
