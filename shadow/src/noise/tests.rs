//! What is noise, and what is not though something there always is.

use std::{fmt::Write as _, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode};
use time::macros::datetime;

use super::{range::PAIRS, *};
use crate::{
    Class, DifferenceKind, Observation,
    compare::{Answers, Fragment, Pair, Path, Root, Rules, Value},
};

fn signature(path: &str, kind: DifferenceKind) -> Signature {
    Signature { path: path.into(), kind, class: Class::Critical }
}

fn numbers<'a>(one: Value<'a>, other: Value<'a>) -> Difference<'a> {
    Difference {
        path: Path::at(Root::Document),
        kind: DifferenceKind::Changed,
        class: Class::Critical,
        control: Some(Fragment::Json(one)),
        candidate: Some(Fragment::Json(other)),
    }
}

const ONE: Value<'static> = Value::Number("1");

fn at<'a>(signature: &Signature, difference: &'a Difference<'a>) -> Vec<Place<'a>> {
    vec![Place { signature: signature.clone(), difference, index: 0 }]
}

fn is_noise(noise: &mut Noise, candidate: &[Place<'_>], itself: Option<&[Place<'_>]>) -> bool {
    noise.judge(candidate, itself).noise.contains(&0)
}

#[test]
fn a_place_is_noise_when_the_monolith_differs_there_too_and_another_kind_is_not() {
    let difference = numbers(ONE, ONE);
    let changed = at(&signature("$.views", DifferenceKind::Changed), &difference);
    let retyped = at(&signature("$.views", DifferenceKind::Retyped), &difference);
    let mut noise = Noise::default();
    assert!(!is_noise(&mut noise, &changed, None));
    assert!(!is_noise(&mut noise, &retyped, Some(&changed[..])));
    assert!(!is_noise(&mut noise, &changed, None), "one pair is too few for others");
    assert!(is_noise(&mut noise, &changed, Some(&changed[..])));
    assert!(is_noise(&mut noise, &changed, Some(&changed[..])));
    assert!(is_noise(&mut noise, &changed, None));
    assert!(!is_noise(&mut noise, &retyped, None));
}

#[test]
fn where_the_extraction_differs_more_often_it_is_no_noise() {
    let difference = numbers(ONE, ONE);
    let changed = at(&signature("$.related", DifferenceKind::Changed), &difference);
    let mut noise = Noise::default();
    for _ in 0..3 {
        noise.learn(&changed, &changed);
    }
    for pairs in 1..=5 {
        let excused = is_noise(&mut noise, &changed, Some(&[]));
        assert_eq!(excused, pairs < 5, "four of four may be chance, five are not: {pairs}");
    }
}

/// Where the third answer differs from the others: nowhere, or as everything does.
fn third(candidate: bool, itself: bool, is_race: bool) -> Third<'static> {
    const DIFFERENCE: &Difference<'static> = &Difference {
        path: Path::at(Root::Document),
        kind: DifferenceKind::Changed,
        class: Class::Critical,
        control: Some(Fragment::Json(ONE)),
        candidate: Some(Fragment::Json(ONE)),
    };
    let stock = signature("$.stock", DifferenceKind::Changed);
    let [candidate, itself] =
        [candidate, itself].map(|it| if it { at(&stock, DIFFERENCE) } else { Vec::new() });
    Third { candidate, itself: Some(itself), is_race }
}

#[test]
fn what_the_monolith_says_too_a_moment_later_is_not_held_against_the_extraction() {
    let difference = numbers(ONE, ONE);
    let changed = at(&signature("$.stock", DifferenceKind::Changed), &difference);
    // Whether the monolith says something else by now, and after how many requests that is no noise.
    for (differs, fault_after) in [(false, None), (true, Some(5))] {
        let mut noise = Noise::default();
        for _ in 0..3 {
            noise.learn(&changed, &changed);
        }
        let mut found = None;
        for pairs in 1..=100 {
            let weight = noise.judge(&changed, Some(&[]));
            if weight.noise.is_empty() {
                found.get_or_insert(pairs);
            }
            assert!(weight.is_discordant());
            noise.learn_third(&changed, &weight, &third(differs, true, false));
        }
        assert_eq!(found, fault_after);
    }
}

/// Otherwise a thousand sales that only the monolith's second answer has seen would excuse as many
/// faults.
#[test]
fn what_the_monolith_says_again_a_moment_later_does_not_speak_for_the_extraction() {
    let difference = numbers(ONE, ONE);
    let changed = at(&signature("$.stock", DifferenceKind::Changed), &difference);
    // Whether the monolith says a third thing, and after how many faults that is no noise.
    for (differs, fault_after) in [(false, Some(5)), (true, None)] {
        let mut noise = Noise::default();
        for _ in 0..1_000 {
            let weight = noise.judge(&[], Some(&changed));
            assert!(weight.is_discordant());
            noise.learn_third(&[], &weight, &third(false, differs, true));
        }
        let faults = (1..=100).find(|_| noise.judge(&changed, Some(&[])).noise.is_empty());
        assert_eq!(faults, fault_after);
    }
}

#[test]
fn races_show_noise_only_where_the_monolith_is_asked_twice() {
    let difference = numbers(ONE, ONE);
    let changed = at(&signature("$.stock", DifferenceKind::Changed), &difference);
    for is_paired in [true, false] {
        let mut noise = Noise::default();
        if is_paired {
            noise.learn(&[], &[]);
        }
        let mut race = || {
            let weight = noise.judge(&changed, None);
            assert!(!weight.is_discordant());
            noise.learn_third(&changed, &weight, &third(false, false, true));
            weight.noise.contains(&0)
        };
        let seen: Vec<_> = (0..4).map(|_| race()).collect();
        assert_eq!(seen, [false, false, false, is_paired]);
    }
}

#[test]
fn a_number_outside_of_what_noise_does_counts() {
    let [three, nine] = ["3", "9"].map(Value::Number);
    let (near, far) = (numbers(ONE, three), numbers(ONE, nine));
    let changed = signature("$.views", DifferenceKind::Changed);
    let (near, far) = (at(&changed, &near), at(&changed, &far));
    let mut noise = Noise::default();
    for _ in 0..PAIRS {
        noise.learn(&far, &near);
    }
    assert!(is_noise(&mut noise, &near, Some(&near[..])));
    assert!(!is_noise(&mut noise, &far, Some(&near[..])));
}

#[test]
fn endless_places_are_bounded() {
    let difference = numbers(ONE, ONE);
    let mut noise = Noise::default();
    for index in 0..2_000 {
        let signature = signature(&format!("$.m{index}"), DifferenceKind::Changed);
        noise.learn(&at(&signature, &difference), &[]);
    }
    assert_eq!(noise.places.len(), PLACES);
}

fn json(body: &str) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let (status, took) = (StatusCode::OK, Duration::ZERO);
    let (body, trailers) = (body.to_owned().into(), HeaderMap::new());
    Observation { status, headers, body, trailers, took }
}

/// Numbers that look drawn, the same in each run.
fn drawn(seed: u64) -> u64 {
    let mut it = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// How many of the last hundred of 400 requests count as different, when on every fifth the monolith
/// is asked twice. Both sides get the number of the request and one that is theirs, and give the
/// value of the member `x`.
fn counted(
    monolith: impl Fn(u64, u64) -> String,
    extraction: impl Fn(u64, u64) -> String,
) -> usize {
    let (mut noise, rules) = (Noise::default(), Rules::default());
    let now = datetime!(2026-11-24 12:00 UTC);
    let by_place = |it: &Difference<'_>| {
        let (path, kind, class) = (it.path.grouped().to_string(), it.kind, it.class);
        Signature { path, kind, class }
    };
    let document = |x: String| {
        let x = if x.is_empty() { String::new() } else { format!(",\"x\":{x}") };
        json(&format!("{{\"a\":1{x}}}"))
    };
    let mut counted = 0;
    for request in 0..400 {
        let control = document(monolith(request, drawn(3 * request)));
        let again = document(monolith(request, drawn(3 * request + 1)));
        let candidate = document(extraction(request, drawn(3 * request + 2)));
        let pairs = [candidate, again].map(|it| Pair::new(control.clone(), it).unwrap());
        let [one, two] = [&pairs[0], &pairs[1]].map(|it| Answers::read(it).unwrap());
        let [one, two] = [&one, &two].map(|it| it.compare(&rules, now));
        let candidate = places(&one, by_place);
        let itself = (request % 5 == 0).then(|| places(&two, by_place));
        let excused = noise.judge(&candidate, itself.as_deref());
        counted += usize::from(request >= 300 && !excused.left(&one).is_clean());
    }
    counted
}

fn uuid(drawn: u64) -> String {
    let digits = format!("{drawn:016x}{drawn:016x}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        write!(text, "{}{digit}", if matches!(at, 8 | 12 | 16 | 20) { "-" } else { "" }).unwrap();
    }
    format!("\"{text}\"")
}

#[test]
fn a_field_that_is_always_another_uuid_hides_nothing_but_uuids() {
    let monolith = |_, drawn| uuid(drawn);
    assert_eq!(counted(monolith, |_, drawn| uuid(drawn)), 0);
    let constant = uuid(7);
    for faulty in [
        &*constant,
        "\"\"",
        "null",
        "7",
        "\"00000000000000000000000000000000\"",
        "\"none\"",
        "[]",
        "",
    ] {
        assert_eq!(counted(monolith, |_, _| faulty.to_owned()), 100, "{faulty}");
    }
    let upper = |_, drawn| uuid(drawn).replace('-', "_");
    assert_eq!(counted(monolith, upper), 100, "joined by another sign");
}

#[test]
fn times_and_numbers_hide_nothing_that_is_out_of_their_range() {
    let time = |hour: u64, drawn: u64| format!("\"2026-11-24T{hour:02}:00:{:02}Z\"", drawn % 3);
    assert_eq!(counted(|_, drawn| time(12, drawn), |_, drawn| time(12, drawn)), 0);
    assert_eq!(counted(|_, drawn| time(12, drawn), |_, drawn| time(13, drawn)), 100);
    let bare = |_, drawn| time(12, drawn).replace('Z', "+00:00");
    assert_eq!(counted(|_, drawn| time(12, drawn), bare), 100, "written otherwise");
    let count = |request: u64, drawn: u64| (1_000 + request + drawn % 5).to_string();
    assert_eq!(counted(count, count), 0);
    assert_eq!(counted(count, |request, drawn| count(request + 500, drawn)), 100);
    assert_eq!(counted(count, |request, drawn| format!("\"{}\"", count(request, drawn))), 100);
    let cents = |request: u64, drawn: u64| format!("{}.50", count(request, drawn));
    assert_eq!(counted(cents, |request, drawn| format!("{}50.0", count(request, drawn))), 100);
}

#[test]
fn texts_hide_none_of_other_signs_or_another_length() {
    let words = ["red lamp", "blue table", "old chair", "green sofa"];
    let text = |_: u64, drawn: u64| format!("\"{}\"", words[(drawn % 4) as usize]);
    assert_eq!(counted(text, text), 0);
    // Now and then the monolith's second answer is another one, and the extraction's is not.
    for (faulty, least) in [
        ("\"&lt;b&gt;red lamp\"", 100),
        ("\"red lamp red lamp red lamp\"", 100),
        ("\"lämp lamp\"", 100),
        ("\"\"", 100),
        ("\"red lamp\"", 60),
    ] {
        assert!(counted(text, |_, _| faulty.to_owned()) >= least, "{faulty}");
    }
}

#[test]
fn a_rare_text_is_no_fault_and_many_are() {
    let name = |number| format!("\"chair {number}\"");
    let monolith = |_: u64, drawn: u64| name(drawn % 10);
    let rare = |request: u64, drawn: u64| {
        if request == 313 { "\"Stuhl\"".to_owned() } else { monolith(request, drawn) }
    };
    assert_eq!(counted(monolith, rare), 0);
    let often = |request: u64, drawn: u64| {
        if request % 10 == 3 { "\"Stuhl\"".to_owned() } else { monolith(request, drawn) }
    };
    assert_eq!(counted(monolith, often), 10);
}

#[test]
fn a_type_that_the_monolith_never_has_is_no_noise_though_it_changes_types() {
    let monolith =
        |_, drawn: u64| if drawn.is_multiple_of(2) { "null".to_owned() } else { uuid(drawn) };
    assert_eq!(counted(monolith, monolith), 0);
    assert_eq!(counted(monolith, |_, _| "7".to_owned()), 100);
}
