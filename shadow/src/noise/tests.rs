//! What is noise, and what is not though something there always is.

use std::{fmt::Write as _, sync::LazyLock, time::Duration};

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

/// Nobody was asked a third time.
static NOTHING: LazyLock<Settled> = LazyLock::new(Settled::default);

fn at<'a>(signature: &Signature, difference: &'a Difference<'a>) -> Vec<Place<'a>> {
    vec![Place { signature: signature.clone(), difference, index: 0 }]
}

fn is_noise(noise: &mut Noise, candidate: &[Place<'_>], itself: Option<&[Place<'_>]>) -> bool {
    noise.judge(candidate, itself, &NOTHING).excused.0.contains(&0)
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
        noise.learn(&changed, &changed, &NOTHING);
    }
    for pairs in 1..=5 {
        let excused = is_noise(&mut noise, &changed, Some(&[]));
        assert_eq!(excused, pairs < 5, "four of four may be chance, five are not: {pairs}");
    }
}

#[test]
fn what_only_one_side_differs_in_is_told_of_each_request_that_is_asked_twice() {
    let (stock, difference) = (signature("$.stock", DifferenceKind::Changed), numbers(ONE, ONE));
    let changed = at(&stock, &difference);
    let mut noise = Noise::default();
    let mut told = |candidate: &[Place<'_>], itself: Option<&[Place<'_>]>, settled: &Settled| {
        let tallies = noise.judge(candidate, itself, settled).tallies;
        let it = tallies.get(&Class::Critical).copied().unwrap_or_default();
        [it.excused, it.asked_twice, it.candidate_only, it.control_only]
    };
    assert_eq!(told(&[], Some(&changed), &NOTHING), [0, 1, 0, 0], "not noise yet");
    for _ in 0..3 {
        assert_eq!(told(&changed, Some(&changed), &NOTHING), [1, 1, 0, 0]);
    }
    assert_eq!(told(&changed, None, &NOTHING), [1, 0, 0, 0]);
    assert_eq!(told(&[], None, &NOTHING), [0; 4]);
    assert_eq!(told(&[], Some(&[]), &NOTHING), [0, 1, 0, 0]);
    assert_eq!(told(&changed, Some(&[]), &NOTHING), [1, 1, 1, 0]);
    assert_eq!(told(&[], Some(&changed), &NOTHING), [0, 1, 0, 1]);
    for (pair, alone) in [((&changed[..], &[][..]), 1), ((&[][..], &changed[..]), 0)] {
        let excused = u64::from(!pair.0.is_empty());
        assert_eq!(told(pair.0, Some(pair.1), &settled(&stock)), [excused, 1, 0, 0]);
        let unasked = Settled { unasked: true, ..settled(&stock) };
        assert_eq!(told(pair.0, Some(pair.1), &unasked), [excused, 1, alone, 0], "worst case");
    }
}

/// A place at which a further answer has shown that the world had changed.
fn settled(place: &Signature) -> Settled {
    let places = HashSet::from([place.clone()]);
    Settled { candidate: places.clone(), control: places, unasked: false }
}

#[test]
fn what_the_monolith_says_too_a_moment_later_is_not_held_against_the_extraction() {
    let (stock, difference) = (signature("$.stock", DifferenceKind::Changed), numbers(ONE, ONE));
    let changed = at(&stock, &difference);
    // What a further answer has shown, and after how many requests that is no noise.
    for (settled, fault_after) in [(settled(&stock), None), (Settled::default(), Some(5))] {
        let mut noise = Noise::default();
        for _ in 0..3 {
            noise.learn(&changed, &changed, &NOTHING);
        }
        let is_fault = |_: &u32| noise.judge(&changed, Some(&[]), &settled).excused.0.is_empty();
        assert_eq!((1..=100).find(is_fault), fault_after);
    }
}

/// Otherwise a thousand sales that only the monolith's second answer has seen would excuse as many
/// faults.
#[test]
fn what_the_monolith_says_again_a_moment_later_does_not_speak_for_the_extraction() {
    let (stock, difference) = (signature("$.stock", DifferenceKind::Changed), numbers(ONE, ONE));
    let changed = at(&stock, &difference);
    for (settled, fault_after) in [(settled(&stock), Some(5)), (Settled::default(), None)] {
        let mut noise = Noise::default();
        for _ in 0..1_000 {
            noise.judge(&[], Some(&changed), &settled);
        }
        let is_fault = |_: &u32| noise.judge(&changed, Some(&[]), &NOTHING).excused.0.is_empty();
        assert_eq!((1..=100).find(is_fault), fault_after);
    }
}

/// A route that is new, and of which one request in many is asked twice, has differences of the
/// monolith's own long before it has pairs.
#[test]
fn a_monolith_that_was_asked_again_about_a_difference_shows_what_is_noise() {
    let (stock, difference) = (signature("$.stock", DifferenceKind::Changed), numbers(ONE, ONE));
    let changed = at(&stock, &difference);
    let mut noise = Noise::default();
    for _ in 0..FEW {
        assert!(!is_noise(&mut noise, &changed, None));
        assert!(
            noise.reconsider(&changed, &[]).excused.0.is_empty(),
            "it does not differ from itself"
        );
        assert!(noise.reconsider(&changed, &changed).excused.0.contains(&0));
    }
    assert!(is_noise(&mut noise, &changed, None));
    // What is asked because of a difference says nothing of how often there is one.
    let pairs = &noise.places[&stock];
    assert_eq!((pairs.both, pairs.candidate_only, pairs.control_only), (FEW, 0, 0));
}

#[test]
fn a_number_outside_of_what_noise_does_counts() {
    let [three, nine] = ["3", "9"].map(Value::Number);
    let (near, far) = (numbers(ONE, three), numbers(ONE, nine));
    let changed = signature("$.views", DifferenceKind::Changed);
    let (near, far) = (at(&changed, &near), at(&changed, &far));
    let mut noise = Noise::default();
    for _ in 0..PAIRS {
        noise.learn(&far, &near, &NOTHING);
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
        noise.learn(&at(&signature, &difference), &[], &NOTHING);
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
        let judged = noise.judge(&candidate, itself.as_deref(), &NOTHING);
        counted += usize::from(request >= 300 && !judged.excused.left(&one).is_clean());
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
