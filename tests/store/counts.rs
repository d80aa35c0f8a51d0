//! What is written is what is read, whoever wrote it.

use std::collections::BTreeMap;

use shadow::{Class, DifferenceKind, Settings, Unknown};

use crate::{
    bench::{Place, Process, differences, report},
    on_each_store,
    servers::execute,
};

const ROUTE: &str = "catalog.show";

on_each_store! {
    everything_that_was_counted_is_reported,
    texts_are_kept_as_they_are,
    another_build_counts_anew_and_the_old_counts_stay_to_be_read,
    processes_that_write_at_the_same_time_add_up,
    a_difference_keeps_its_first_samples_its_newest_and_the_rare_ones,
    more_than_one_statement_can_take_is_written_whole,
    the_longest_ids_are_told_apart,
    what_could_not_be_compared_is_counted_by_kind,
    what_matched_by_digest_alone_is_counted,
    races_keep_samples_of_their_own,
    a_request_that_was_never_compared_counts_once_until_it_is,
    of_more_distinct_requests_than_can_be_remembered_a_sample_counts,
}

async fn everything_that_was_counted_is_reported(place: Place) {
    let process = Process::new(&place.url).await;
    process.offer(ROUTE, "/products/1", ["{\"a\":1}", "{\"a\":1}"]);
    process.offer(ROUTE, "/products/2", ["{\"a\":1}", "{\"a\":2}"]);
    process.offer(ROUTE, "/products/2", ["{\"a\":1}", "{\"a\":2,\"b\":3}"]);
    process.offer_as(ROUTE, "/products/3", ["{\"a\":1}", "{\"a\":\"1\"}"], 404);
    process.discard(ROUTE);
    process.offer("cart.show", "/cart", ["1", "1"]);
    let store = process.end().await;

    let routes = store.reports().routes().await.unwrap();
    let routes: Vec<_> = routes.iter().map(|it| (&*it.route, it.matched)).collect();
    assert_eq!(routes, [("cart.show", 1), (ROUTE, 1)]);
    let report = report(&store, ROUTE).await;
    assert_eq!((report.matched, report.mismatched, report.critical), (1, 3, 3));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Declined, 1)]));
    assert!(report.control.p50.is_some_and(|it| (0.012..0.014).contains(&it)), "{report:?}");
    let strata: Vec<_> = report
        .strata
        .iter()
        .map(|it| (it.stratum.as_str(), it.requests.compared, it.distinct.compared))
        .collect();
    let [ok, absent] = ["2xx", "4xx"].map(|class| format!("{class} signed-out application/json"));
    assert_eq!(strata, [(&*ok, 3, 2), (&*absent, 1, 1)]);

    let found = differences(&store, ROUTE).await;
    let seen: Vec<_> = found.iter().map(|it| (&*it.path, it.kind, it.class, it.requests)).collect();
    assert_eq!(
        seen,
        [
            ("$.a", DifferenceKind::Changed, Class::Critical, 2),
            ("$.a", DifferenceKind::Retyped, Class::Critical, 1),
            ("$.b", DifferenceKind::Extra, Class::Critical, 1),
        ]
    );
    let samples = store.reports().samples(ROUTE, &found[1].id).await.unwrap();
    assert_eq!((samples.len(), &*samples[0].stratum), (1, &*absent));
    assert_eq!((samples[0].control.status, &*samples[0].request_id), (404, "0f6d2c1e"));
}

async fn texts_are_kept_as_they_are(place: Place) {
    let process = Process::new(&place.url).await;
    let texts = ["{\"revealed\":\"żółć 🦀 ' \\\" \\\\ $1 ?\"}", "{\"revealed\":\"a\\u0000b\"}"];
    for route in ["Cart.show", "cart.show", "cart.shöw"] {
        process.offer(route, "/cart", texts);
    }
    let store = process.end().await;
    assert_eq!(store.reports().routes().await.unwrap().len(), 3, "letters are told apart");
    let found = differences(&store, "cart.show").await;
    let samples = store.reports().samples("cart.show", &found[0].id).await.unwrap();
    let value = samples[0].control.value.as_deref().unwrap();
    assert!(value.contains("żółć 🦀 ' ") && value.contains("$1 ?"), "{value}");
    assert!(samples[0].candidate.value.as_deref().unwrap().contains('b'));
}

async fn another_build_counts_anew_and_the_old_counts_stay_to_be_read(place: Place) {
    for build in ["a", "b"] {
        let process = Process::of(&place.url, build).await;
        for target in 0..30 {
            process.offer(ROUTE, &format!("/products/{target}"), ["1", "1"]);
        }
        process.discard(ROUTE);
        process.end().await;
    }
    // An old process that still counts changes nothing of the new one's counts.
    let (old, new) = (Process::of(&place.url, "c").await, Process::of(&place.url, "d").await);
    new.offer(ROUTE, "/products/1", ["1", "1"]);
    new.end().await;
    old.offer(ROUTE, "/products/1", ["1", "1"]);
    let store = old.end().await;
    let report = report(&store, ROUTE).await;
    assert_eq!((&*report.build, report.matched, report.unknowns.len()), ("d", 1, 0));
    assert_eq!(report.reason.as_deref(), Some("the build changed from b to d"));
    let earlier: Vec<_> =
        report.earlier.iter().map(|it| (&*it.build, it.matched, it.unknown)).collect();
    assert_eq!(earlier, [("b", 30, 1), ("a", 30, 1)]);
}

async fn processes_that_write_at_the_same_time_add_up(place: Place) {
    let mut processes = Vec::new();
    for _ in 0..4 {
        processes.push(Process::new(&place.url).await);
    }
    for round in 0..5 {
        for (number, process) in processes.iter().enumerate() {
            for route in ["a", "b", "c"] {
                // Each request comes in two processes.
                let target = format!("/{}", round * 2 + number / 2);
                process.offer(route, &target, ["{\"a\":1}", "{\"a\":2}"]);
            }
        }
    }
    let ending = processes.into_iter().map(Process::end);
    let stores = futures_util::future::join_all(ending).await;
    for route in ["a", "b", "c"] {
        let report = report(&stores[0], route).await;
        assert_eq!((report.mismatched, report.earlier.len()), (20, 0), "{report:?}");
        let distinct = report.strata[0].distinct;
        assert_eq!((distinct.compared, distinct.critical), (10, 10), "each counts once");
        let found = differences(&stores[0], route).await;
        assert_eq!((found.len(), found[0].requests), (1, 20));
    }
}

async fn a_difference_keeps_its_first_samples_its_newest_and_the_rare_ones(place: Place) {
    for round in 1..=4 {
        let process = Process::new(&place.url).await;
        for _ in 0..8 {
            process.offer(ROUTE, &format!("/round{round}"), ["{\"a\":1}", "{\"a\":2}"]);
        }
        if round == 2 {
            process.offer_as(ROUTE, "/rare", ["{\"a\":1}", "{\"a\":2}"], 404);
        }
        process.end().await;
    }
    let store = Process::new(&place.url).await.end().await;
    let found = differences(&store, ROUTE).await;
    assert_eq!((found.len(), found[0].requests), (1, 33));
    let samples = store.reports().samples(ROUTE, &found[0].id).await.unwrap();
    assert_eq!(samples.len(), 10);
    let rare = samples.iter().filter(|it| it.stratum.starts_with("4xx")).count();
    assert_eq!(rare, 1, "the only one of its kind stays: {samples:#?}");
    let of = |round: &str| samples.iter().filter(|it| it.request.ends_with(round)).count();
    assert!(of("round1") >= 4 && of("round4") >= 4, "{samples:#?}");
}

async fn more_than_one_statement_can_take_is_written_whole(place: Place) {
    let settings = Settings { queue: 5_000, build: "build".to_owned(), ..Settings::default() };
    let process = Process::with(&place.url, settings).await;
    for target in 0..3_000 {
        process.offer(ROUTE, &format!("/products/{target}"), ["1", "1"]);
    }
    let store = process.end().await;
    assert_eq!(report(&store, ROUTE).await.strata[0].distinct.compared, 3_000);
    // They are known again.
    let process = Process::new(&place.url).await;
    for target in 0..500 {
        process.offer(ROUTE, &format!("/products/{target}"), ["1", "2"]);
    }
    process.end().await;
    let distinct = report(&store, ROUTE).await.strata[0].distinct;
    assert_eq!((distinct.compared, distinct.critical), (3_000, 500));
}

/// A route file takes ids of 100 letters, and keys of some databases are bounded.
async fn the_longest_ids_are_told_apart(place: Place) {
    let process = Process::new(&place.url).await;
    let routes = ["a", "b"].map(|last| "x".repeat(99) + last);
    for (route, times) in routes.iter().zip(1..) {
        for _ in 0..times {
            process.offer(route, "/1", ["{\"a\":1}", "{\"a\":2}"]);
            process.discard(route);
        }
    }
    let store = process.end().await;
    for (route, times) in routes.iter().zip(1..) {
        let report = report(&store, route).await;
        assert_eq!((report.mismatched, report.strata[0].requests.compared), (times, times));
        assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Declined, times)]));
        assert_eq!(differences(&store, route).await[0].requests, times);
    }
}

async fn what_could_not_be_compared_is_counted_by_kind(place: Place) {
    for round in 1..=2 {
        let process = Process::new(&place.url).await;
        process.offer_as(ROUTE, "/1", ["1", "1"], 404);
        for target in ["/1", "/2", "/3"] {
            process.fail(ROUTE, target);
        }
        process.discard(ROUTE);
        let report = report(&process.end().await, ROUTE).await;
        let failed = BTreeMap::from([(Unknown::Failed, 3 * round)]);
        let kinds: Vec<_> = report
            .strata
            .iter()
            .map(|it| (&it.stratum.as_str()[..3], it.requests.compared, it.unknowns.clone()))
            .collect();
        assert_eq!(kinds, [("4xx", round, BTreeMap::new()), ("2xx", 0, failed)]);
        assert_eq!(report.unplaced, BTreeMap::from([(Unknown::Declined, round)]));
        assert_eq!(report.unknowns.values().sum::<u64>(), 4 * round);
    }
    let process = Process::of(&place.url, "another build").await;
    process.offer(ROUTE, "/1", ["1", "1"]);
    let report = report(&process.end().await, ROUTE).await;
    assert_eq!((report.strata.len(), report.strata[0].unknowns.len()), (1, 0));
}

async fn what_matched_by_digest_alone_is_counted(place: Place) {
    let process = Process::new(&place.url).await;
    let [long, other] = ["a", "b"].map(|it| format!("\"{}\"", it.repeat(1024 * 1024)));
    process.offer(ROUTE, "/1", [&long, &long]);
    process.offer(ROUTE, "/2", [&long, &other]);
    process.offer_as(ROUTE, "/3", ["1", "1"], 404);
    let report = report(&process.end().await, ROUTE).await;
    assert_eq!((report.matched, report.matched_by_digest, report.mismatched), (2, 1, 1));
    let kinds = report.strata.iter().map(|it| it.matched_by_digest);
    assert_eq!(kinds.collect::<Vec<_>>(), [1, 0]);
}

async fn races_keep_samples_of_their_own(place: Place) {
    let process = Process::new(&place.url).await;
    process.offer(ROUTE, "/1", ["{\"b\":1}", "{\"b\":2}"]);
    for round in 1..=3 {
        for number in 1..=5 {
            let now = format!("{{\"stock\":{number},\"at\":{number}}}");
            process.race(ROUTE, &format!("/{round}/{number}"), ["{\"stock\":0,\"at\":0}", &now]);
        }
        process.race("other", "/", ["1", "2"]);
        let flushed = process.series("banyan_store_flushes_total{result=\"ok\"}");
        let is_flushed =
            |it: &Process| it.series("banyan_store_flushes_total{result=\"ok\"}") > flushed + 1;
        process.until("they are written", is_flushed).await;
    }
    let store = process.end().await;
    let report = report(&store, ROUTE).await;
    assert_eq!(report.strata[0].unknowns, BTreeMap::from([(Unknown::Raced, 15)]));
    assert_eq!((report.mismatched, report.unplaced.len()), (1, 0));
    assert_eq!(differences(&store, ROUTE).await.len(), 1, "what raced is no difference");

    let samples = store.reports().races(ROUTE).await.unwrap();
    assert_eq!((samples.len(), store.reports().races("other").await.unwrap().len()), (10, 3));
    let newest = &samples[0];
    assert!(newest.request.starts_with("GET /3/"), "{newest:?}");
    assert_eq!((&*newest.path, newest.omitted), ("$.stock", 1));
    let values = [&newest.control, &newest.candidate].map(|it| it.value.as_deref().unwrap());
    assert!(values.iter().all(|it| it.starts_with("‹number of 1–8 #")), "{values:?}");
    assert_ne!(values[0], values[1]);
}

async fn a_request_that_was_never_compared_counts_once_until_it_is(place: Place) {
    let share = async |process: Process| {
        let report = report(&process.end().await, ROUTE).await;
        let why = report.verdict.why.split_once(" % of the distinct");
        let why = why.map(|it| it.0.rsplit_once(": ").map_or(it.0, |it| it.1).to_owned());
        (report.strata[0].distinct.compared, why)
    };
    let process = Process::new(&place.url).await;
    for target in 0..5 {
        process.offer(ROUTE, &format!("/good/{target}"), ["1", "1"]);
        for _ in 0..3 {
            process.fail(ROUTE, &format!("/bad/{target}"));
        }
    }
    assert_eq!(share(process).await, (5, Some("50.0".to_owned())));
    let process = Process::new(&place.url).await;
    for target in 0..4 {
        process.offer(ROUTE, &format!("/bad/{target}"), ["1", "1"]);
        process.fail(ROUTE, &format!("/good/{target}"));
    }
    assert_eq!(share(process).await, (9, Some("10.0".to_owned())));
    let process = Process::new(&place.url).await;
    process.offer(ROUTE, "/bad/4", ["1", "1"]);
    assert_eq!(share(process).await, (10, None));
}

async fn of_more_distinct_requests_than_can_be_remembered_a_sample_counts(place: Place) {
    let ask = async |targets: std::ops::Range<u32>| {
        let process = Process::new(&place.url).await;
        for target in targets {
            process.offer(ROUTE, &format!("/{target}"), ["1", "1"]);
        }
        let report = report(&process.end().await, ROUTE).await;
        (report.strata[0].distinct.compared, report.distinct_one_in)
    };
    assert_eq!(ask(0..200).await, (200, 1));
    // As if they were many.
    execute(&place.url, "UPDATE samplings SET kept = 100000").await;
    assert_eq!(ask(200..201).await, (201, 2));
    assert_eq!(ask(0..201).await, (201, 2), "none is counted again, forgotten or not");
    let (counted, one_in) = ask(201..401).await;
    assert!(
        (260..345).contains(&counted),
        "half of 200 more, six deviations either way: {counted}"
    );
    assert_eq!(one_in, 2);
    // Another build counts all of its own.
    let process = Process::of(&place.url, "another").await;
    for target in 0..20 {
        process.offer(ROUTE, &format!("/{target}"), ["1", "1"]);
    }
    let report = report(&process.end().await, ROUTE).await;
    assert_eq!((report.strata[0].distinct.compared, report.distinct_one_in), (20, 1));
}
