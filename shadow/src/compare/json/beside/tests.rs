//! A document that is read beside another one, held against both read alone.

use proptest::prelude::*;

use crate::compare::{
    Value,
    json::{parse, parse_beside},
};

/// Whether the whole of a text is found to say what another does.
fn is_same(control: &str, text: &str) -> bool {
    let control = parse(control.as_bytes()).unwrap();
    let Ok(document) = parse_beside(text.as_bytes(), &control) else { return false };
    match (control.root(), document.root()) {
        (Value::Array(one), Value::Array(other)) => one.place() == other.place(),
        (Value::Object(one), Value::Object(other)) => one.place() == other.place(),
        (one, other) => one == other,
    }
}

#[test]
fn what_is_written_otherwise_says_the_same() {
    for (one, other) in [
        (r#" { "b" : [ 1 , 2.50 , { } ] , "a" : null } "#, r#"{"a":null,"b":[1,2.50,{}]}"#),
        (r#"["\u003cb\u003e\ud83d\ude00\n","\/"]"#, "[\"<b>😀\\n\",\"/\"]"),
        (r#"{"\u0061":1}"#, r#"{"a":1}"#),
        (r#"{"a":1,"b":0,"a":2}"#, r#"{"b":0,"a":1,"a":2}"#),
        ("[]", " [ ] "),
    ] {
        assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
    }
}

#[test]
fn anything_else_does_not() {
    for (text, control) in [
        ("1", "1.0"),
        ("12", "1"),
        ("1", "12"),
        ("1 2", "1"),
        ("[1,2]", "[2,1]"),
        ("[1,]", "[1]"),
        ("[1", "[1]"),
        ("[1 2]", "[1,2]"),
        ("[1,2]", "[1]"),
        ("[1]", "[1,2]"),
        ("[[]]", "[[],[]]"),
        ("[]", "{}"),
        (r#"{"a":1,"b":0,"a":2}"#, r#"{"b":0,"a":2,"a":1}"#),
        (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
        (r#"{"b":2,"a":1,"c":3}"#, r#"{"a":1,"b":2}"#),
        (r#"{"b":2}"#, r#"{"a":1,"b":2}"#),
        (r#"{"a":1 "b":2}"#, r#"{"a":1,"b":2}"#),
        (r#"{"a":{"b":[]}}"#, r#"{"a":{"c":[]}}"#),
        (r#""a\u00e9""#, r#""ae""#),
        (r#""a"b"#, r#""a""#),
        (r#""ab\n""#, r#""ab""#),
        ("\"a", r#""a""#),
        ("\"\\\u{e9}\"", "\"\u{e9}\""),
        ("nulls", "null"),
        ("true", "false"),
        ("", "null"),
        ("1", r#""1""#),
    ] {
        assert!(!is_same(control, text), "{control} {text}");
    }
}

#[test]
fn many_members_are_known_in_their_order_and_few_in_any() {
    let object = |order: &mut dyn Iterator<Item = usize>| {
        let members: Vec<_> = order.map(|it| format!("\"{it}\":{it}")).collect();
        format!("{{{}}}", members.join(", "))
    };
    for (count, expected) in [(64, true), (65, false), (130, false)] {
        let [there, back] = [object(&mut (0..count)), object(&mut (0..count).rev())];
        assert_eq!(is_same(&there, &back), expected, "{count}");
        assert!(is_same(&there, &there.replace(' ', "")));
        // The first of those that are out of order are behind the 64th.
        let late = object(&mut (0..count - 2).chain([count - 1, count - 2]));
        assert_eq!(is_same(&there, &late), expected, "{count}");
    }
}

/// JSON with repeated names, numbers that are written in several ways, and all kinds of escapes.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "null|true|false|0|1|1\\.0|-1|10|1e1",
        r#""(a|b|é|\\n|\\u0061|\\u00e9|\\"|\\ud83d\\ude00|abcdefghijkl){0,3}""#,
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let space = || prop_oneof![3 => Just(""), 1 => Just(" "), 1 => Just("\n          ")];
        let member = (r#""(a|b|c|id|\\u0061)""#, inner.clone())
            .prop_map(|(name, value)| format!("{name}:{value}"));
        let list = |open: &'static str, close: &'static str| {
            move |(items, space): (Vec<String>, &str)| {
                let items = items.join(&format!(",{space}"));
                format!("{open}{space}{items}{space}{close}")
            }
        };
        prop_oneof![
            (prop::collection::vec(inner, 0..5), space()).prop_map(list("[", "]")),
            (prop::collection::vec(member, 0..5), space()).prop_map(list("{", "}")),
        ]
    })
}

/// The same values, with the members of each object in the order of their names and those of
/// repeated names in theirs: a reference that is simple.
fn sorted(value: Value<'_>) -> String {
    match value {
        Value::Array(it) => format!("[{}]", it.iter().map(sorted).collect::<Vec<_>>().join(",")),
        Value::Object(it) => {
            let mut members: Vec<_> = it.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let show = |(name, it): (&str, _)| format!("{name:?}:{}", sorted(it));
            format!("{{{}}}", members.into_iter().map(show).collect::<Vec<_>>().join(","))
        }
        scalar => format!("{scalar:?}"),
    }
}

/// Beside the control, a text says what it says alone; and that all of it is the control's exactly
/// when it is.
fn check(control: &str, text: &str) -> Result<(), TestCaseError> {
    let first = parse(control.as_bytes()).unwrap();
    let (alone, beside) = (parse(text.as_bytes()), parse_beside(text.as_bytes(), &first));
    let (Ok(alone), Ok(beside)) = (&alone, &beside) else {
        prop_assert_eq!(alone.is_ok(), beside.is_ok());
        return Ok(());
    };
    let says = sorted(alone.root());
    prop_assert_eq!(&sorted(beside.root()), &says);
    prop_assert_eq!(is_same(control, text), sorted(first.root()) == says);
    Ok(())
}

proptest! {
    #[test]
    fn two_documents_are_read_beside_each_other_as_alone(one in document(), other in document()) {
        check(&one, &other)?;
        check(&one, &one)?;
    }

    /// A piece of one in the place of a piece of itself: much stays the same, byte for byte.
    #[test]
    fn a_mutated_document_is_read_as_alone(
        one in document(),
        cuts: [prop::sample::Index; 3],
        put in "[\\[\\]{}:,\"1a \\\\]{0,3}",
    ) {
        let signs: Vec<_> = one.chars().collect();
        let mut cuts = cuts.map(|it| it.index(signs.len() + 1));
        cuts[..2].sort_unstable();
        let [from, to, piece] = cuts;
        let [before, behind, piece] = [&signs[..from], &signs[to..], &signs[piece.min(from)..from]]
            .map(|it| it.iter().collect::<String>());
        for middle in [put, piece] {
            check(&one, &format!("{before}{middle}{behind}"))?;
        }
    }
}
