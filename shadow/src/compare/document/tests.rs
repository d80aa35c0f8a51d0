//! Documents that differ in one known way.

use proptest::prelude::*;
use time::macros::date;

use super::*;
use crate::compare::{
    Excuse, Matcher, PathPattern, Rule, Rules,
    json::{Document, parse, parse_beside},
    path::Root,
};

/// The differences as `kind path`, those that rules excuse in brackets.
fn under(rules: &Rules, control: &str, candidate: &str) -> Vec<String> {
    let [control, candidate] = [control, candidate].map(|it| parse(it.as_bytes()).unwrap());
    found(rules, &control, &candidate)
}

fn found(rules: &Rules, control: &Document<'_>, candidate: &Document<'_>) -> Vec<String> {
    let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
    Walk::new(&mut collector, Path::at(Root::Document)).answers(
        false,
        control.root(),
        candidate.root(),
    );
    let comparison = collector.finish();
    let show = |it: &crate::compare::Finding<'_>| {
        let text = format!("{} {}", it.difference.kind, it.difference.path);
        match it.judgement {
            crate::compare::Judgement::Excused(_) => format!("({text})"),
            _ => text,
        }
    };
    comparison.findings.iter().map(show).collect()
}

fn differences(control: &str, candidate: &str) -> Vec<String> {
    under(&Rules::default(), control, candidate)
}

fn rules(rules: &[(&str, Excuse)]) -> Rules {
    let rule = |(at, excuse): &(&str, Excuse)| Rule {
        at: PathPattern::parse(at).unwrap(),
        excuse: excuse.clone(),
        why: "test".to_owned(),
        until: None,
    };
    Rules::new(rules.iter().map(rule).collect())
}

#[test]
fn the_order_of_members_and_the_escaping_of_strings_mean_nothing() {
    let control = r#"{"a": "<", "b": [1, {"c": null}]}"#;
    assert!(differences(control, r#"{"b":[1,{"c":null}],"a":"\u003c"}"#).is_empty());
}

#[test]
fn every_kind_is_told_apart() {
    let control = r#"{"a": 19.90, "b": "", "c": 1, "d": true, "e": [1, 2]}"#;
    let candidate = r#"{"a": 19.9, "b": null, "x y": 1, "d": false, "e": [2, 1]}"#;
    assert_eq!(
        differences(control, candidate),
        [
            "changed $.a",
            "retyped $.b",
            "missing $.c",
            "changed $.d",
            "moved $.e",
            "extra $[\"x y\"]"
        ]
    );
}

#[test]
fn repeated_names_are_compared_in_order() {
    assert_eq!(differences(r#"{"a":1,"a":2}"#, r#"{"a":1}"#), ["missing $.a"]);
    assert_eq!(differences(r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#), ["changed $.a", "changed $.a"]);
    assert_eq!(differences(r#"{"a":1}"#, r#"{"b":0,"a":1,"a":1}"#), ["extra $.b", "extra $.a"]);
}

#[test]
fn an_element_more_does_not_shift_the_rest() {
    let control = r#"[{"id":1,"p":"1.0"},{"id":2,"p":"2.0"},{"id":3,"p":"3.0"}]"#;
    let candidate =
        r#"[{"id":9,"p":"0"},{"id":1,"p":"1.0"},{"id":2,"p":"2.1"},{"id":3,"p":"3.0"}]"#;
    assert_eq!(differences(control, candidate), ["changed $[1].p", "extra $[0]"]);
}

#[test]
fn elements_with_the_same_id_are_known_by_all_that_is_in_them() {
    let control = r#"[{"id":1,"n":1},{"id":1,"n":2}]"#;
    assert_eq!(differences(control, r#"[{"id":1,"n":2},{"id":1,"n":1}]"#), ["moved $"]);
}

#[test]
fn elements_are_recognised_whatever_rules_excuse_in_them() {
    let rules = rules(&[
        ("$[*].at", Excuse::Ignore),
        ("$", Excuse::Tolerate(Matcher::AnyOrder)),
        ("$[*].tags", Excuse::Tolerate(Matcher::AnyOrder)),
    ]);
    let control = r#"[{"n":1,"at":1,"tags":[1,2]},{"n":2,"at":1,"tags":[]}]"#;
    let candidate = r#"[{"n":2,"at":3,"tags":[]},{"n":1,"at":2,"tags":[2,1]}]"#;
    assert_eq!(
        under(&rules, control, candidate),
        ["(moved $)", "(changed $[0].at)", "(moved $[0].tags)", "(changed $[1].at)"]
    );
}

#[test]
fn elements_are_known_by_the_member_that_a_rule_names() {
    let control = r#"[{"sku":"a","n":1},{"sku":"b","n":2},{"sku":"c","n":3}]"#;
    let candidate = r#"[{"sku":"c","n":3},{"sku":"b","n":8},{"sku":"a","n":9}]"#;
    let keyed = rules(&[("$", Excuse::Tolerate(Matcher::Keyed { by: "sku".to_owned() }))]);
    assert_eq!(
        under(&keyed, control, candidate),
        ["(moved $)", "changed $[0].n", "changed $[1].n"]
    );
    let sets = rules(&[("$", Excuse::Tolerate(Matcher::AnyOrder))]);
    assert_eq!(under(&sets, control, candidate).len(), 4, "both members of two elements");
}

#[test]
fn errors_of_graphql_are_known_by_their_path_and_code() {
    let error = |message: &str, at: &str, code: &str| {
        format!(r#"{{"message":"{message}","path":["a","{at}"],"extensions":{{"code":"{code}"}}}}"#)
    };
    let answer = |errors: &[String]| format!(r#"{{"data":null,"errors":[{}]}}"#, errors.join(","));
    let control = answer(&[error("no", "b", "GONE"), error("never", "c", "DENIED")]);
    let candidate = answer(&[error("nie", "c", "DENIED"), error("no", "b", "GONE")]);
    let differences = differences(&control, &candidate);
    assert_eq!(differences, ["changed $.errors[1].message"]);
    let other = answer(&[error("no", "b", "GONE"), error("never", "c", "OTHER")]);
    assert_eq!(self::differences(&control, &other), ["changed $.errors[1].extensions.code"]);
    let [control, candidate] = [&control, &candidate].map(|it| parse(it.as_bytes()).unwrap());
    let rules = Rules::default();
    let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
    Walk::new(&mut collector, Path::at(Root::Document)).answers(
        false,
        control.root(),
        candidate.root(),
    );
    let comparison = collector.finish();
    assert_eq!((comparison.critical, comparison.cosmetic), (0, 1), "a message is for people");
}

#[test]
fn errors_of_other_apis_are_a_list() {
    let control = r#"{"errors":[{"detail":"a"},{"detail":"b"}]}"#;
    let candidate = r#"{"errors":[{"detail":"b"},{"detail":"a"}]}"#;
    assert_eq!(differences(control, candidate), ["moved $.errors"]);
    let errors = |texts: [&str; 2], more: &str, beside: &str| {
        let [one, other] = texts.map(|it| format!(r#"{{"message":"{it}"{more}}}"#));
        format!(r#"{{"errors":[{one},{other}]{beside}}}"#)
    };
    let (there, back) = (["blank", "taken"], ["taken", "blank"]);
    for (more, beside, is_graphql) in [
        ("", "", false),
        (r#","path":"name""#, "", false),
        ("", r#","extensions":{}"#, false),
        ("", r#","data":null"#, true),
        (r#","path":["name"]"#, "", true),
        (r#","locations":[]"#, "", true),
        (r#","extensions":{"code":"BLANK"}"#, "", true),
    ] {
        let [one, other] = [there, back].map(|it| errors(it, more, beside));
        let expected = if is_graphql { vec![] } else { vec!["moved $.errors"] };
        assert_eq!(differences(&one, &other), expected, "{one}");
    }
}

#[test]
fn a_list_with_changes_all_over_is_compared_in_place() {
    let list = |odd: u8| {
        let elements: Vec<_> =
            (0..9).map(|it| format!("{{\"n\":{}}}", if it % 3 == 1 { odd } else { 7 })).collect();
        format!("[{}]", elements.join(","))
    };
    assert_eq!(
        differences(&list(1), &list(2)),
        ["changed $[1].n", "changed $[4].n", "changed $[7].n"]
    );
}

#[test]
fn any_order_excuses_no_other_element() {
    let rules = rules(&[("$", Excuse::Tolerate(Matcher::AnyOrder))]);
    assert_eq!(under(&rules, "[1, 2, 3]", "[3, 2, 4]"), ["(moved $)", "changed $[0]"]);
    assert_eq!(under(&rules, "[1, 2, 2]", "[2, 1]"), ["(moved $)", "missing $[2]"]);
    assert_eq!(under(&rules, "[1, 2]", "[2, 2]"), ["changed $[0]"]);
}

#[test]
fn the_list_of_differences_is_bounded_and_says_so() {
    let list = |it: &str| format!("[{}]", [it; 250].join(","));
    let [control, candidate] = [list("1"), list("2")];
    let [control, candidate] = [&control, &candidate].map(|it| parse(it.as_bytes()).unwrap());
    let rules = Rules::default();
    let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
    Walk::new(&mut collector, Path::at(Root::Document)).answers(
        false,
        control.root(),
        candidate.root(),
    );
    let comparison = collector.finish();
    assert_eq!(
        (comparison.findings.len(), comparison.omitted, comparison.critical),
        (100, 150, 250)
    );
}

#[test]
fn excused_differences_leave_room_for_those_that_count() {
    let rules = rules(&[("$[*].at", Excuse::Ignore)]);
    let list = |at: u8, n: u8| {
        let elements: Vec<_> = (0..250).map(|i| format!(r#"{{"i":{i},"at":{at}}}"#)).collect();
        format!("[{},{n}]", elements.join(","))
    };
    let differences = under(&rules, &list(1, 1), &list(2, 2));
    assert_eq!(differences.len(), 101);
    assert_eq!(differences.last().unwrap(), "changed $[250]");
}

fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (0..4_u8).prop_map(Into::into),
        "[ab]{0,2}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map("id|[ab ]{1,2}", inner, 0..5)
                .prop_map(|it| it.into_iter().collect()),
        ]
    })
}

/// The pointers (RFC 6901) and paths of all scalars.
fn scalars(value: &serde_json::Value, pointer: &str, path: &str, all: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Array(elements) => {
            for (at, it) in elements.iter().enumerate() {
                scalars(it, &format!("{pointer}/{at}"), &format!("{path}[{at}]"), all);
            }
        }
        serde_json::Value::Object(members) => {
            for (name, it) in members {
                let step =
                    if name.contains(' ') { format!("[\"{name}\"]") } else { format!(".{name}") };
                scalars(it, &format!("{pointer}/{name}"), &format!("{path}{step}"), all);
            }
        }
        _ => all.push((pointer.to_owned(), path.to_owned())),
    }
}

proptest! {
    #[test]
    fn a_document_equals_itself(document in document()) {
        let compact = document.to_string();
        let pretty = serde_json::to_string_pretty(&document).unwrap();
        prop_assert!(differences(&compact, &pretty).is_empty());
    }

    #[test]
    fn one_mutation_is_found_at_its_place(
        document in document(),
        pick: prop::sample::Index,
        retype: bool,
    ) {
        let mut all = Vec::new();
        scalars(&document, "", "$", &mut all);
        prop_assume!(!all.is_empty());
        let (pointer, path) = pick.get(&all);
        let mut mutated = document.clone();
        let place = mutated.pointer_mut(pointer).unwrap();
        let number = place.is_number();
        *place = match retype {
            false if number => 99.into(),
            true if number => "99".into(),
            _ => 99.into(),
        };
        let kind = if number && !retype { "changed" } else { "retyped" };
        let expected = [format!("{kind} {path}")];
        prop_assert_eq!(differences(&document.to_string(), &mutated.to_string()), expected);
    }

    /// Also where elements have others' places: then what was left out is looked at again.
    #[test]
    fn a_candidate_that_is_read_beside_the_control_differs_as_alone(
        lists in prop::collection::vec(prop::collection::vec(document(), 0..5), 2),
        shared in prop::collection::vec(document(), 0..5),
        at: [prop::sample::Index; 2],
    ) {
        let [control, candidate] = [0, 1].map(|side| {
            let mut list = lists[side].clone();
            let at = at[side].index(list.len() + 1);
            list.splice(at..at, shared.iter().cloned());
            serde_json::Value::from(list).to_string()
        });
        let control = parse(control.as_bytes()).unwrap();
        let [alone, beside] =
            [parse(candidate.as_bytes()), parse_beside(candidate.as_bytes(), &control)]
                .map(Result::unwrap);
        let rules = Rules::default();
        prop_assert_eq!(found(&rules, &control, &beside), found(&rules, &control, &alone));
    }

    #[test]
    fn to_look_closely_at_one_place_changes_nothing_elsewhere(
        control in document(),
        candidate in document(),
    ) {
        let id = Excuse::Tolerate(Matcher::Id { of: String::new() });
        let rules = rules(&[("$.nowhere", Excuse::Order), ("$.nowhere.id", id)]);
        let [control, candidate] = [control, candidate].map(|it| it.to_string());
        let expected = differences(&control, &candidate);
        prop_assert_eq!(under(&rules, &control, &candidate), expected);
    }

    #[test]
    fn a_reordered_list_has_moved_and_nothing_else(
        order in Just((0..9).collect::<Vec<_>>()).prop_shuffle(),
        with_ids: bool,
    ) {
        let list = |order: &[i32]| {
            let key = if with_ids { "id" } else { "n" };
            let elements: Vec<_> = order.iter().map(|it| format!("{{\"{key}\":{it}}}")).collect();
            format!("{{\"list\":[{}]}}", elements.join(","))
        };
        let sorted: Vec<_> = (0..9).collect();
        let found = differences(&list(&sorted), &list(&order));
        if order == sorted {
            prop_assert!(found.is_empty());
        } else {
            prop_assert_eq!(found, ["moved $.list"]);
        }
    }
}

#[test]
fn lists_within_lists_are_looked_through_once() {
    const WIDE: usize = 10_000;
    let nested = |last: u8| {
        let [begin, end] = ["[", ",2]"].map(|it| it.repeat(120));
        format!("{begin}[{}{last}]{end}", "1,".repeat(WIDE))
    };
    let [one, other] = [nested(1), nested(2)];
    let [one, other] = [&one, &other].map(|it| parse(it.as_bytes()).unwrap());
    let by_id = rules(&[("$[*].id", Excuse::Tolerate(Matcher::Id { of: String::new() }))]);
    for rules in [&Rules::default(), &by_id] {
        let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
        let mut walk = Walk::new(&mut collector, Path::at(Root::Document));
        walk.values(one.root(), other.root());
        let looks = walk.sameness.looks;
        assert!(looks < 4 * WIDE, "{looks}");
        assert_eq!(collector.finish().critical, 1);
    }
}
