//! To which build a route's verdict is bound while several count, and when their processes are gone.

use std::time::Instant;

use shadow::RouteReport;
use sqlx::{Connection as _, Row as _};

use crate::{
    bench::{LONG, Place, Process, report},
    on_each_store,
    servers::{connect, execute},
};

const ROUTE: &str = "catalog.show";

const HISTORY: &str = "banyan_store_superseded_total{kept=\"history\"}";
const NOWHERE: &str = "banyan_store_superseded_total{kept=\"nowhere\"}";

on_each_store! {
    a_process_with_nothing_to_count_says_that_it_lives,
    a_canary_that_lives_holds_the_verdict_and_one_that_is_gone_does_not,
    a_verdict_that_was_bound_in_the_future_is_bound_anew,
}

fn offer(process: &Process, target: &str) {
    process.offer(ROUTE, target, ["1", "1"]);
}

/// Waits until the verdict is bound to this build.
async fn until_bound(process: &Process, build: &str) -> RouteReport {
    let start = Instant::now();
    loop {
        let report = report(&process.store, ROUTE).await;
        if report.build == build {
            return report;
        }
        assert!(start.elapsed() < LONG, "waited in vain for {build}: {report:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn a_process_with_nothing_to_count_says_that_it_lives(place: Place) {
    Process::new(&place.url).await.end().await;
    let mut connection = connect(&place.url).await;
    let writers = sqlx::query("SELECT COUNT(*) FROM writers").fetch_one(&mut connection).await;
    assert_eq!(writers.unwrap().get::<i64, _>(0), 1);
    connection.close().await.unwrap();
}

async fn a_canary_that_lives_holds_the_verdict_and_one_that_is_gone_does_not(place: Place) {
    let [fleet, other] = [Process::of(&place.url, "a").await, Process::of(&place.url, "c").await];
    offer(&fleet, "/1");
    fleet.until_stored(ROUTE, 1).await;
    let canary = Process::of(&place.url, "b").await;
    offer(&canary, "/1");
    until_bound(&canary, "b").await;
    canary.end().await;

    offer(&fleet, "/2");
    fleet.until("it is in the history", |it| it.series(HISTORY) == 1).await;
    offer(&other, "/2");
    other.until("it has no place", |it| it.series(NOWHERE) == 1).await;
    assert_eq!(report(&fleet.store, ROUTE).await.build, "b");

    execute(&place.url, "UPDATE writers SET at = at - 200000").await;
    offer(&fleet, "/3");
    let report = until_bound(&fleet, "a").await;
    let expected = "the build changed from b to a, and nobody counts for what it was before";
    assert_eq!((report.matched, report.reason.as_deref()), (1, Some(expected)));
    let earlier: Vec<_> = report.earlier.iter().map(|it| (&*it.build, it.matched)).collect();
    assert_eq!(earlier, [("b", 1), ("a", 2)]);
}

/// By a host whose clock was a year ahead.
async fn a_verdict_that_was_bound_in_the_future_is_bound_anew(place: Place) {
    let ahead = Process::of(&place.url, "a").await;
    offer(&ahead, "/1");
    ahead.end().await;
    execute(&place.url, "UPDATE routes SET bound_at = bound_at + 31536000000").await;
    let restarted = Process::of(&place.url, "b").await;
    offer(&restarted, "/1");
    let report = until_bound(&restarted, "b").await;
    assert_eq!(report.reason.as_deref(), Some("the build changed from a to b"));
}
