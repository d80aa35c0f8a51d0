//! What is counted of each request, and what a report says of it.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, future};
use prometheus::TextEncoder;
use shadow::{
    Budget, DifferenceKind, Experiment, Leg, OnMismatch, PathPattern, Prepared, Proof, Settings,
    Subject, Unknown,
    compare::{Excuse, Matcher, Rule, Rules},
};
use tokio::sync::oneshot;

use super::bench::*;

#[tokio::test]
async fn what_was_compared_is_counted_and_reported() {
    let bench = Bench::new(Settings::default()).await;
    bench.offer(json("{\"a\":1}"), json("{ \"a\": 1 }"));
    bench.offer(json("{\"at\":1}"), json("{\"at\":2}"));
    bench.offer(json("{\"at\":1,\"a\":1}"), json("{\"at\":2,\"a\":2}"));
    bench.offer(json("[{\"b\":1},{\"b\":2}]"), json("[{\"b\":3},{\"b\":4}]"));
    bench.offer(json("1"), Leg::Ask(Box::pin(async { Ok(observation("1")) })));
    bench.drain().await;

    let report = bench.report().await;
    assert_eq!(counts(&report), (2, 1, 2));
    assert_eq!((report.critical, report.cosmetic, report.compared()), (2, 0, 5));
    assert_eq!(report.unknowns, BTreeMap::new());
    assert!(report.control.p50.is_some_and(|it| (0.012..0.014).contains(&it)), "{report:?}");
    let series = |outcome| {
        bench.series(&format!(
            "banyan_shadow_comparisons_total{{outcome=\"{outcome}\",route=\"{ROUTE}\"}}"
        ))
    };
    assert_eq!(["matched", "ignored", "mismatched", "unknown"].map(series), [2, 1, 2, 0]);
    let labels = |class| format!("{{class=\"{class}\",route=\"{ROUTE}\"}}");
    let differing =
        |class| bench.series(&format!("banyan_shadow_differing_total{}", labels(class)));
    assert_eq!(["critical", "cosmetic"].map(differing), [2, 0]);
    let scraped = TextEncoder::new().encode_to_string(&bench.registry.gather()).unwrap();
    for (class, share) in [("critical", 0.001), ("cosmetic", 0.01)] {
        let budget = format!("banyan_shadow_budget_ratio{} {share}\n", labels(class));
        assert!(scraped.contains(&budget), "{budget}");
    }

    let found: Vec<_> = bench.differences().await;
    let found: Vec<_> =
        found.iter().map(|it| (&*it.path, it.kind, it.requests, it.excused)).collect();
    let changed = DifferenceKind::Changed;
    assert_eq!(
        found,
        [("$.a", changed, 1, 0), ("$[*].b", changed, 1, 0), ("$.at", changed, 2, 2)],
        "two elements of one request are one request"
    );
}

#[tokio::test]
async fn a_request_is_kept_where_a_difference_counts_and_not_for_what_is_excused_or_noise() {
    let bench = Bench::new(Settings::default()).await;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let offer = |name, answers: [&str; 3]| {
        let [control, candidate, again] = answers.map(json);
        let kept = Arc::clone(&kept);
        let keep: OnMismatch = Box::new(move || kept.lock().unwrap().push(name));
        let experiment = Experiment { again: Some(again), ..experiment(control, candidate) };
        let prepared = Prepared { experiment, on_mismatch: Some(keep) };
        bench.judge.offer_later(&subject(), 0, Box::new(|| future::ready(prepared).boxed()));
    };
    offer("the same", ["{\"views\":1}", "{\"views\":1}", "{\"views\":1}"]);
    offer("excused", ["{\"at\":1}", "{\"at\":2}", "{\"at\":1}"]);
    offer("noise", ["{\"views\":1}", "{\"views\":2}", "{\"views\":3}"]);
    offer("a fault", ["{\"price\":1}", "{\"price\":2}", "{\"price\":1}"]);
    bench.drain().await;
    let report = bench.report().await;
    assert_eq!((counts(&report), report.noise), ((1, 1, 1), 1));
    assert_eq!(*kept.lock().unwrap(), ["a fault"]);
}

#[tokio::test]
async fn a_rule_is_suggested_for_what_looks_like_noise_until_there_is_one() {
    let bench = Bench::new(Settings::default()).await;
    let uuid = |end| format!("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5{end}");
    let offer = |at: &str, one: &str, other: &str| {
        let [one, other] = [one, other].map(|it| format!("{{\"{at}\":\"{it}\"}}"));
        bench.offer(json(one), json(other));
    };
    offer("request", &uuid('a'), &uuid('b'));
    bench.until_stored(1).await;
    offer("request", &uuid('c'), &uuid('d'));
    offer("request", &uuid('c'), "none");
    offer("at", &uuid('a'), &uuid('b'));
    bench.drain().await;

    let found = bench.differences().await;
    let suggested: Vec<_> =
        found.iter().map(|it| (&*it.path, it.suggestion.as_ref().map(|it| it.excuses))).collect();
    assert_eq!(suggested, [("$.request", Some(2)), ("$.at", None)], "over two flushes");
    let suggestion = found[0].suggestion.as_ref().unwrap();
    assert!(
        suggestion.rule.starts_with("{ at = \"$.request\", as = \"uuid\", why = \"\", until = ")
    );
    assert_eq!((suggestion.of, suggestion.critical), (3, true));
}

#[tokio::test]
async fn ids_with_a_name_are_linked_from_answer_to_answer() {
    let bench = Bench::new(Settings::default()).await;
    let linked = |of: &str| Rule {
        at: PathPattern::parse("$.id").unwrap(),
        excuse: Excuse::Tolerate(Matcher::Id { of: of.to_owned() }),
        why: "numbered anew".to_owned(),
        until: None,
    };
    let answers = [
        ("order", 7, 12, false),
        ("order", 7, 12, false),
        ("order", 8, 12, true),
        ("order", 7, 13, true),
        ("product", 7, 13, false),
        ("", 7, 1, false),
        ("", 7, 2, false),
    ];
    for (judged, (of, id, other, counts)) in (1..).zip(answers) {
        let rules = Rules::new(vec![linked(of)]);
        let (budget, proof) = (Budget::default(), Proof::default());
        let route = format!("{of}.{id}.{other}");
        let subject = Arc::new(Subject::new(route.as_str(), rules, budget, proof, Vec::new()));
        let [id, other] = [id, other].map(|it: u32| json(format!("{{\"id\":{it}}}")));
        bench.judge.offer(Experiment { subject, ..experiment(id, other) });
        bench.until("it is judged", |it| it.judged() == judged).await;
        let counted = bench.counted(&route);
        assert_eq!(counted, counts, "{route}");
    }
}

#[tokio::test]
async fn a_side_that_gives_no_answer_is_an_unknown_with_its_reason() {
    let bench = Bench::new(Settings::default()).await;
    let failing = |why| Leg::Ask(Box::pin(async move { Err(why) }));
    let panicking = || Leg::Ask(Box::pin(async { panic!("a panic that the test asked for") }));
    bench.offer(json("1"), panicking());
    bench.offer(panicking(), json("1"));
    bench.offer(json("1"), failing(Unknown::Declined));
    bench.offer(failing(Unknown::ControlFailed), json("1"));
    bench.offer(json("no json"), json("1"));
    bench.judge.discard(&subject(), Unknown::ClientGone);

    let (hold, gone) = oneshot::channel::<()>();
    let late = Leg::Ask(Box::pin(async move {
        let _hold = hold;
        pending().await
    }));
    let deadline = Duration::from_millis(1);
    bench.judge.offer(Experiment { deadline, ..experiment(json("1"), late) });
    assert!(soon(gone).await.is_err(), "at the deadline the side is dropped");

    bench.drain().await;
    let report = bench.report().await;
    assert_eq!(counts(&report), (0, 0, 0));
    let expected = [
        (Unknown::TimedOut, 1),
        (Unknown::Panicked, 2),
        (Unknown::ControlFailed, 1),
        (Unknown::Declined, 1),
        (Unknown::ClientGone, 1),
        (Unknown::Unparsable, 1),
    ];
    assert_eq!(report.unknowns, BTreeMap::from(expected));
}
