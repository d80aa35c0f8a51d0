//! What could not be compared, by the kind of its request: as far as the monolith's answer is known.

use std::{collections::BTreeMap, time::Duration};

use shadow::{Leg, RouteReport, Settings, Unknown};

use super::bench::*;

fn offer(bench: &Bench, operation: &str, control: Leg, candidate: Leg, deadline: Duration) {
    let mut experiment = experiment(control, candidate);
    experiment.request.signed_in = true;
    experiment.request.operation = Some(operation.to_owned());
    experiment.deadline = deadline;
    bench.judge.offer(experiment);
}

async fn report(bench: Bench) -> RouteReport {
    bench.drain().await;
    bench.report().await
}

/// A side that is still to be asked.
fn asked(body: &'static str) -> Leg {
    Leg::Ask(Box::pin(async move { Ok(observation(body)) }))
}

fn failing(why: Unknown) -> Leg {
    Leg::Ask(Box::pin(async move { Err(why) }))
}

/// Each kind with its unknowns, by the operation.
fn kinds(report: &RouteReport) -> BTreeMap<String, BTreeMap<Unknown, u64>> {
    let of = |it: &shadow::StratumReport| {
        let operation = it.stratum.as_str().strip_prefix("2xx signed-in application/json ");
        (operation.unwrap().to_owned(), it.unknowns.clone())
    };
    report.strata.iter().map(of).collect()
}

#[tokio::test]
async fn an_unknown_is_of_the_kind_that_the_monoliths_answer_makes_it() {
    let bench = Bench::new(Settings::default()).await;
    let soon = Duration::from_millis(1);
    offer(&bench, "Equal", json("1"), asked("1"), LONG);
    offer(&bench, "Failed", json("1"), failing(Unknown::Failed), LONG);
    offer(&bench, "TimedOut", json("1"), never(), soon);
    offer(&bench, "Unparsable", json("{"), json("1"), LONG);
    // Where the extraction answers the buyer the monolith is asked by the judge.
    offer(&bench, "AskedBack", asked("{"), json("1"), LONG);
    offer(&bench, "NoControl", failing(Unknown::ControlFailed), json("1"), LONG);
    offer(&bench, "LateControl", never(), json("1"), soon);
    bench.judge.discard(&subject(), Unknown::ClientGone);
    let report = report(bench).await;

    let one = |why| BTreeMap::from([(why, 1)]);
    let expected = [
        ("Equal", BTreeMap::new()),
        ("Failed", one(Unknown::Failed)),
        ("TimedOut", one(Unknown::TimedOut)),
        ("Unparsable", one(Unknown::Unparsable)),
        ("AskedBack", one(Unknown::Unparsable)),
    ];
    let expected = expected.map(|(name, unknowns)| (name.to_owned(), unknowns));
    assert_eq!(kinds(&report), BTreeMap::from(expected));
    let unplaced = [Unknown::TimedOut, Unknown::ControlFailed, Unknown::ClientGone];
    assert_eq!(report.unplaced, unplaced.into_iter().map(|it| (it, 1)).collect());
    assert_eq!(report.unknowns.values().sum::<u64>(), 7, "with those of no kind");
}

#[tokio::test]
async fn what_found_no_room_is_of_no_kind_since_nobody_looked_at_it() {
    let bench = Bench::new(Settings { queue: 1, concurrency: 1, ..Settings::default() }).await;
    let (leg, is_asked, open) = gated();
    offer(&bench, "First", json("1"), leg, LONG);
    is_asked.await.unwrap();
    for operation in ["Waits", "Dropped", "Dropped"] {
        offer(&bench, operation, json("1"), json("1"), LONG);
    }
    open.send(()).unwrap();
    let report = report(bench).await;
    let dropped = BTreeMap::from([(Unknown::Dropped, 2)]);
    assert_eq!((report.matched, report.strata.len(), &report.unplaced), (2, 2, &dropped));
    assert_eq!(report.unknowns, dropped);
}

#[tokio::test]
async fn a_kind_that_always_fails_speaks_against_a_route_that_is_good_otherwise() {
    let settings = Settings { queue: 4_000, ..Settings::default() };
    let bench = Bench::new(settings).await;
    for number in 0..1_990 {
        let mut experiment = experiment(json("1"), json("1"));
        experiment.request.signed_in = true;
        experiment.request.operation = Some("Good".to_owned());
        experiment.request.variant = number;
        bench.judge.offer(experiment);
    }
    for _ in 0..10 {
        offer(&bench, "Bad", json("1"), failing(Unknown::TimedOut), LONG);
    }
    let report = report(bench).await;
    let why = "in 2xx signed-in application/json Bad: 100.0 % of the distinct requests could not be \
               compared (timed_out 10), at most 1 % may be";
    assert_eq!((report.verdict.state, &*report.verdict.why), (shadow::State::NotReady, why));
    let bad = report.strata.iter().find(|it| it.stratum.as_str().ends_with("Bad")).unwrap();
    assert_eq!((bad.requests.compared, bad.state), (0, shadow::State::NotReady));
}

/// A repetition proves no more here than where answers differ.
#[tokio::test]
async fn a_request_that_comes_again_and_again_does_not_hide_those_that_are_never_compared() {
    let bench = Bench::new(Settings { queue: 4_000, ..Settings::default() }).await;
    let offer = |target: String, candidate| {
        let mut experiment = experiment(json("1"), candidate);
        experiment.request.target = target;
        bench.judge.offer(experiment);
    };
    for number in 0..40 {
        offer(format!("/good/{number}"), json("1"));
    }
    for number in 0..10 {
        offer(format!("/bad/{number}"), failing(Unknown::Failed));
    }
    // Once it failed: that was chance.
    offer("/up".to_owned(), failing(Unknown::Failed));
    for _ in 0..2_000 {
        offer("/up".to_owned(), json("1"));
    }
    let report = report(bench).await;
    let why =
        "19.6 % of the distinct requests could not be compared (failed 11), at most 1 % may be";
    assert_eq!((report.verdict.state, &*report.verdict.why), (shadow::State::NotReady, why));
    assert_eq!((report.strata[0].distinct.compared, report.distinct_one_in), (41, 1));
}

/// Rails' own pages are the monolith's: a handler gives such requests back, in front of buyers too.
#[tokio::test]
async fn a_kind_that_is_declined_does_not_speak_against_the_route() {
    let bench = Bench::new(Settings::default()).await;
    for _ in 0..30 {
        offer(&bench, "Good", json("1"), json("1"), LONG);
        offer(&bench, "Odd", json("1"), failing(Unknown::Declined), LONG);
    }
    let report = report(bench).await;
    assert_eq!(report.verdict.state, shadow::State::Undecided, "{}", report.verdict.why);
    assert_eq!((report.declined_share, report.unknowns[&Unknown::Declined]), (0.5, 30));
    let odd = report.strata.iter().find(|it| it.stratum.as_str().ends_with("Odd")).unwrap();
    assert_eq!((odd.declined_share, odd.state), (1.0, shadow::State::Undecided));
}

/// A body beyond 1 MiB is digested as it passes.
#[tokio::test]
async fn a_match_by_digest_is_marked() {
    let bench = Bench::new(Settings::default()).await;
    let long = format!("\"{}\"", "a".repeat(1024 * 1024));
    for _ in 0..2 {
        offer(&bench, "Long", json(long.as_str()), json(long.as_str()), LONG);
    }
    offer(&bench, "Long", json(long.as_str()), json("1"), LONG);
    offer(&bench, "Short", json("1"), json("1"), LONG);
    let report = report(bench).await;
    assert_eq!((report.matched, report.matched_by_digest, report.mismatched), (3, 2, 1));
    let by_digest = report.strata.iter().map(|it| (it.stratum.as_str(), it.matched_by_digest));
    let by_digest: Vec<_> = by_digest.filter(|it| it.1 > 0).collect();
    assert_eq!(by_digest, [("2xx signed-in application/json Long", 2)]);
}
