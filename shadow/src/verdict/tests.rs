//! What a verdict says, and of what.

use super::*;
use crate::{Share, Unknown, report::bucket, sampling::Level};

pub(super) fn budget(critical: f64) -> Budget {
    Budget { critical: Share::new(critical).unwrap(), cosmetic: Share::new(0.5).unwrap() }
}

/// 95 %, and no minimum of time.
pub(super) fn proof() -> Proof {
    Proof { time: Duration::ZERO, ..Proof::default() }
}

fn stratum(name: &str) -> Stratum {
    name.parse().unwrap()
}

fn tally(compared: u64, critical: u64) -> Tally {
    Tally { compared, critical, cosmetic: 0 }
}

pub(super) fn evidence(compared: u64, critical: u64) -> Evidence {
    divided(&[("a", compared, critical)])
}

fn divided(strata: &[(&str, u64, u64)]) -> Evidence {
    let compared = strata.iter().map(|it| it.1).sum();
    let strata = strata.iter().map(|it| (stratum(it.0), kind(tally(it.1, it.2)))).collect();
    Evidence { strata, coverage: coverage(compared, 0), ..Evidence::default() }
}

fn kind(distinct: Tally) -> KindEvidence {
    KindEvidence { distinct, never: 0, coverage: coverage(distinct.compared, 0) }
}

fn coverage(compared: u64, timed_out: u64) -> Coverage {
    let unknowns = BTreeMap::from([(Unknown::TimedOut, timed_out)]);
    Coverage { compared, unknowns: unknowns.into_iter().filter(|it| it.1 > 0).collect() }
}

/// The same, where this many distinct requests of a kind timed out, each once.
fn with_unknowns(mut evidence: Evidence, name: &str, timed_out: u64) -> Evidence {
    let kind = evidence.strata.entry(stratum(name)).or_default();
    kind.never += timed_out;
    *kind.coverage.unknowns.entry(Unknown::TimedOut).or_default() += timed_out;
    *evidence.coverage.unknowns.entry(Unknown::TimedOut).or_default() += timed_out;
    evidence
}

fn judge(evidence: &Evidence, critical: f64) -> Verdict {
    Verdict::of(evidence, budget(critical), proof())
}

fn missing(evidence: &Evidence, critical: f64) -> u64 {
    let verdict = judge(evidence, critical);
    assert_eq!(verdict.state, State::Undecided, "{verdict:?}");
    verdict.more_requests
}

fn state(evidence: &Evidence, critical: f64) -> State {
    judge(evidence, critical).state
}

#[test]
fn a_budget_of_one_percent_takes_363_clean_requests_and_254_more_for_each_mismatch() {
    assert_eq!(missing(&Evidence::default(), 0.01), 363);
    assert_eq!(missing(&evidence(362, 0), 0.01), 1);
    assert_eq!(state(&evidence(363, 0), 0.01), State::Ready);
    assert_eq!(missing(&evidence(363, 1), 0.01), 256, "254, the mismatch's own, and a fraction");
}

#[test]
fn a_budget_of_a_thousandth_takes_3647_and_2557_more() {
    assert_eq!(missing(&Evidence::default(), 0.001), 3_647);
    assert_eq!(state(&evidence(3_647, 0), 0.001), State::Ready);
    assert_eq!(missing(&evidence(3_647, 1), 0.001), 2_558);
}

#[test]
fn more_confidence_takes_more_requests() {
    let sure = Proof { confidence: Share::new(0.999).unwrap(), ..proof() };
    let verdict = Verdict::of(&evidence(363, 0), budget(0.01), sure);
    assert_eq!((verdict.state, verdict.more_requests), (State::Undecided, 433));
}

#[test]
fn every_request_wrong_is_soon_not_ready_and_still_says_what_is_missing() {
    let verdict = judge(&evidence(2, 2), 0.01);
    assert_eq!(verdict.state, State::NotReady);
    assert!(verdict.why.contains("critical differences in 2 of 2"), "{verdict:?}");
    assert_eq!(verdict.more_requests, 363 + 2 * 254 + 1);
}

#[test]
fn too_many_unknowns_are_not_ready_and_few_of_them_are_undecided() {
    let unknowns = |compared, unknown| Evidence {
        coverage: coverage(compared, unknown),
        ..evidence(compared, 0)
    };
    let verdict = judge(&unknowns(10_000, 500), 0.01);
    assert!(
        verdict.state == State::NotReady && verdict.why.contains("timed_out 500"),
        "{verdict:?}"
    );
    assert_eq!(missing(&unknowns(400, 5), 0.01), 95);
    assert_eq!(state(&unknowns(1_000, 5), 0.01), State::Ready);
}

#[test]
fn a_kind_that_could_not_be_compared_is_not_hidden_by_the_others() {
    let good = || divided(&[("2xx signed-out", 4_500, 0)]);
    let verdict = judge(&with_unknowns(good(), "2xx signed-in", 10), 0.01);
    assert_eq!(verdict.state, State::NotReady, "0.2 % of all, and all of a kind");
    assert_eq!(
        verdict.why,
        "in 2xx signed-in: 100.0 % of the distinct requests could not be compared (timed_out 10), \
         at most 1 % may be"
    );
    assert_eq!(state(&with_unknowns(good(), "2xx signed-in", 9), 0.01), State::Ready, "chance");
    let large = divided(&[("2xx signed-out", 4_500, 0), ("2xx signed-in", 1_000, 0)]);
    assert_eq!(state(&with_unknowns(large.clone(), "2xx signed-in", 10), 0.01), State::Ready);
    assert_eq!(state(&with_unknowns(large, "2xx signed-in", 11), 0.01), State::NotReady);
}

#[test]
fn the_unknowns_of_a_kind_are_brought_down_by_requests_of_that_kind() {
    let both = divided(&[("2xx", 4_500, 0), ("4xx", 491, 0)]);
    let verdict = judge(&with_unknowns(both, "4xx", 9), 0.01);
    // 400 more of 4xx, which are a tenth.
    assert_eq!((verdict.state, verdict.more_requests), (State::Undecided, 4_000));
    assert_eq!(verdict.why, "in 4xx: 400 more requests to bring the unknowns below 1 %");
    let rare = divided(&[("2xx", 10_000, 0), ("4xx", 20, 0)]);
    assert_eq!(state(&with_unknowns(rare, "4xx", 9), 0.01), State::Ready);
}

#[test]
fn a_kind_that_speaks_against_the_route_says_what_it_needs_until_it_does_not() {
    let rare = divided(&[("2xx", 2_000, 0), ("4xx", 30, 0)]);
    let verdict = judge(&with_unknowns(rare, "4xx", 10), 0.01);
    // 960 more of 4xx, of which 40 came among 2,040.
    assert_eq!((verdict.state, verdict.more_requests), (State::NotReady, 48_960));
}

#[test]
fn what_is_declined_is_no_unknown_and_no_evidence() {
    let declining = |mut evidence: Evidence, times| {
        let kind = evidence.strata.entry(stratum("4xx")).or_default();
        kind.coverage.unknowns.insert(Unknown::Declined, times);
        evidence.coverage.unknowns.insert(Unknown::Declined, times);
        evidence
    };
    let some = declining(divided(&[("2xx", 4_500, 0)]), 4_500);
    assert_eq!(state(&some, 0.01), State::Ready);
    assert!((some.coverage.declined_share() - 0.5).abs() < 1e-9);
    let verdict = judge(&with_unknowns(some, "4xx", 10), 0.01);
    assert_eq!(verdict.state, State::NotReady);
    assert!(verdict.why.contains("(timed_out 10)"), "{verdict:?}");
    assert_eq!(missing(&declining(Evidence::default(), 10_000), 0.01), 363, "nothing was compared");
}

/// Each counts once, however often it is asked for.
#[test]
fn a_health_checker_does_not_hide_requests_that_are_never_compared() {
    let mut diluted = with_unknowns(divided(&[("2xx", 451, 0)]), "2xx", 110);
    diluted.coverage.compared = 11_451;
    diluted.strata.values_mut().for_each(|it| it.coverage.compared = 11_451);
    let verdict = judge(&diluted, 0.01);
    assert_eq!(verdict.state, State::NotReady);
    assert_eq!(
        verdict.why,
        "19.6 % of the distinct requests could not be compared (timed_out 110), at most 1 % may be"
    );
    assert_eq!(verdict.more_requests, 11_000 - 561);
}

#[test]
fn what_fails_whenever_it_is_asked_is_no_chance_though_it_is_one_request() {
    let mut always = with_unknowns(divided(&[("2xx", 20, 0)]), "4xx", 1);
    assert_eq!(state(&always, 0.01), State::Undecided);
    for coverage in
        [&mut always.coverage, &mut always.strata.values_mut().next_back().unwrap().coverage]
    {
        coverage.unknowns.insert(Unknown::TimedOut, 10);
    }
    assert_eq!(state(&always, 0.01), State::NotReady);
}

#[test]
fn what_fails_now_and_then_and_was_compared_before_is_compared() {
    let mut races = divided(&[("2xx", 400, 0)]);
    for coverage in [&mut races.coverage, &mut races.strata.values_mut().next().unwrap().coverage] {
        coverage.unknowns.insert(Unknown::Raced, 200);
    }
    assert_eq!(state(&races, 0.01), State::Ready);
}

#[test]
fn where_only_some_are_counted_the_more_requests_it_takes() {
    let sampling = |level, kept| Sampling { level: Level(level), kept };
    let of = |sampling, evidence: Evidence| judge(&Evidence { sampling, ..evidence }, 0.01);
    let verdict = of(sampling(2, 60_000), evidence(300, 0));
    assert_eq!((verdict.state, verdict.more_requests), (State::Undecided, 4 * 63));
    let verdict = of(sampling(1, 99_990), divided(&[("2xx", 4_500, 0), ("4xx", 500, 1)]));
    // 1,190 of all that are counted: ten at one in two, the others at one in four.
    assert_eq!(verdict.more_requests, 2 * 10 + 4 * 1_180);
    assert!(verdict.why.starts_with("in 4xx: 474 more distinct requests"), "{verdict:?}");
    let hour = clocked(evidence(300, 0), Duration::from_hours(1));
    let verdict = of(sampling(2, 63_000), hour);
    assert_eq!(verdict.more_seconds, Some(4), "252,000 an hour");
}

#[test]
fn a_budget_that_can_never_be_shown_to_be_kept_is_told() {
    let verdict = judge(&clocked(evidence(1_000, 0), Duration::from_hours(1)), 1e-6);
    assert_eq!((verdict.state, verdict.more_seconds), (State::Undecided, None));
    assert_eq!(
        verdict.why,
        "it can never be shown: that takes more than 1000000000 distinct requests"
    );
    assert!(!budget(1e-6).can_be_shown(proof()) && budget(1e-5).can_be_shown(proof()));
}

#[test]
fn cosmetic_differences_have_a_budget_of_their_own() {
    let differ = kind(Tally { cosmetic: 400, ..tally(4_000, 0) });
    let strata = BTreeMap::from([(stratum("a"), differ)]);
    let evidence = Evidence { strata, ..Evidence::default() };
    let verdict = Verdict::of(&evidence, Budget::default(), proof());
    assert!(verdict.state == State::NotReady && verdict.why.contains("cosmetic"), "{verdict:?}");
}

#[test]
fn each_kind_of_requests_must_be_ready_and_its_share_says_how_long_that_takes() {
    let verdict = judge(&divided(&[("2xx", 4_500, 0), ("4xx", 500, 1)]), 0.01);
    assert_eq!((verdict.state, verdict.more_requests), (State::Undecided, 1_190));
    assert_eq!(
        verdict.why,
        "in 4xx: 119 more distinct requests without a difference (1 of 500 differ so far)"
    );
    assert_eq!(state(&divided(&[("2xx", 4_500, 0), ("4xx", 500, 0)]), 0.01), State::Ready);
}

#[test]
fn a_rare_kind_holds_nothing_up_but_may_speak_against_the_route() {
    assert_eq!(state(&divided(&[("2xx", 4_500, 0), ("5xx", 3, 0)]), 0.01), State::Ready);
    let verdict = judge(&divided(&[("2xx", 4_500, 0), ("5xx", 3, 3)]), 0.01);
    assert_eq!(verdict.state, State::NotReady);
    assert!(verdict.why.starts_with("in 5xx: critical differences in 3 of 3"), "{verdict:?}");
}

/// Ten times as fast as the monolith.
fn clocked(mut evidence: Evidence, span: Duration) -> Evidence {
    let took = |milliseconds| {
        Buckets::from([(bucket(Duration::from_millis(milliseconds)), evidence.coverage.compared)])
    };
    evidence.watched = Some(Watched { span, control: took(50), candidate: took(5) });
    evidence
}

/// The more kinds there are, the more of them may seem bad by chance; the list of kinds says the same.
#[test]
fn many_kinds_share_the_error_of_what_speaks_against_a_route() {
    let kinds: Vec<_> = (0..8).map(|it| (format!("k{it}"), 500, 0)).collect();
    let mut kinds: Vec<_> = kinds.iter().map(|it| (it.0.as_str(), it.1, it.2)).collect();
    // Alone it is decisive: 4 ln 10 - 496 of 0.00905 each.
    kinds[0].2 = 4;
    assert_eq!(state(&divided(&kinds[..1]), 0.01), State::NotReady);
    let all = divided(&kinds);
    assert_eq!(state(&all, 0.01), State::Undecided);
    let of_kind = |all: &Evidence| {
        Verdict::of_kind(all, &all.strata[&stratum("k0")], budget(0.01), proof()).state
    };
    assert_eq!(of_kind(&all), State::Undecided);
    kinds[0].2 = 5;
    let all = divided(&kinds);
    assert_eq!((state(&all, 0.01), of_kind(&all)), (State::NotReady, State::NotReady));
}

#[test]
fn a_minimum_of_time_is_part_of_it() {
    let proof = Proof { time: Duration::from_hours(24), ..proof() };
    let soon = clocked(evidence(4_000, 0), Duration::from_hours(1));
    let verdict = Verdict::of(&soon, budget(0.01), proof);
    assert_eq!((verdict.state, verdict.more_requests), (State::Undecided, 0));
    assert_eq!(verdict.more_seconds, Some(23 * 3_600));
    assert_eq!(verdict.why, "watched for 1 h of 1 d");
    let later = clocked(evidence(4_000, 0), Duration::from_hours(24));
    assert_eq!(Verdict::of(&later, budget(0.01), proof).state, State::Ready);
}

#[test]
fn what_was_seen_before_a_change_is_waited_for_seven_times_as_long() {
    let proof = Proof { time: Duration::from_hours(24), ..proof() };
    let judge = |days: u64| {
        let span = Duration::from_hours(24 * days);
        let evidence =
            Evidence { unseen: vec![stratum("4xx")], ..clocked(evidence(4_000, 0), span) };
        Verdict::of(&evidence, budget(0.01), proof)
    };
    assert_eq!(judge(2).why, "watched for 2 d of 7 d, since the change without 4xx");
    assert_eq!(judge(7).state, State::Ready);
}

#[test]
fn what_is_missing_is_told_in_time_too() {
    let half = clocked(evidence(1_824, 0), Duration::from_hours(1));
    let verdict = judge(&half, 0.001);
    assert_eq!((verdict.more_requests, verdict.more_seconds), (1_823, Some(3_599)));
    assert_eq!(judge(&evidence(1_824, 0), 0.001).more_seconds, None, "without a clock");
}

#[test]
fn an_extraction_that_is_slower_is_not_ready() {
    let mut slow = clocked(evidence(4_000, 0), Duration::from_hours(1));
    let watched = slow.watched.as_mut().unwrap();
    std::mem::swap(&mut watched.control, &mut watched.candidate);
    let verdict = judge(&slow, 0.01);
    assert!(verdict.state == State::NotReady && verdict.why.contains("p50"), "{verdict:?}");
}
