//! What is old or too much goes, and what is recent stays.

use std::time::Duration;

use shadow::{Retention, Settings};
use sqlx::{Connection as _, Row as _};

use crate::{
    bench::{Place, Process, differences, report},
    on_each_store,
    servers::{connect, execute},
};

on_each_store! {
    what_is_old_goes,
    a_clock_that_jumps_ahead_takes_nothing_away_at_once,
    samples_beyond_their_bound_go_the_oldest_first,
}

/// Each process begins with it.
async fn expire(place: &Place, retention: Retention) {
    let settings = Settings { build: "b".to_owned(), retention, ..Settings::default() };
    Process::with(&place.url, settings).await.end().await;
}

async fn count(place: &Place, table: &str) -> i64 {
    let mut connection = connect(&place.url).await;
    let statement = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    let count = sqlx::query(statement).fetch_one(&mut connection).await.unwrap().get(0);
    connection.close().await.unwrap();
    count
}

const DAYS_40: i64 = 40 * 86_400_000;

async fn what_is_old_goes(place: Place) {
    for build in ["a", "b"] {
        let process = Process::of(&place.url, build).await;
        for route in ["old", "new"] {
            process.offer(route, "/1", ["{\"a\":1}", "{\"a\":2}"]);
            process.offer(route, "/2", ["{\"b\":1}", "{\"b\":2}"]);
            process.discard(route);
        }
        process.end().await;
    }
    for (table, column, which) in [
        ("samples", "at", "difference IN (SELECT id FROM differences WHERE route = 'old')"),
        ("routes", "last_at", "route = 'old'"),
        ("epochs", "last_at", "route = 'old'"),
        ("differences", "last_seen", "route = 'old' OR path = '$.a'"),
    ] {
        let statement = format!("UPDATE {table} SET {column} = {column} - {DAYS_40} WHERE {which}");
        execute(&place.url, &statement).await;
    }
    let kept = Retention { age: Duration::from_hours(50 * 24), ..Retention::default() };
    expire(&place, kept).await;
    assert_eq!((count(&place, "differences").await, count(&place, "samples").await), (4, 8));

    expire(&place, Retention::default()).await;
    let store = Process::of(&place.url, "b").await.end().await;
    assert!(store.reports().route("old").await.unwrap().is_none());
    let report = report(&store, "new").await;
    assert_eq!((report.mismatched, report.earlier.len(), report.unknowns.len()), (2, 1, 1));
    let found = differences(&store, "new").await;
    assert_eq!(found.iter().map(|it| &*it.path).collect::<Vec<_>>(), ["$.b"]);
    for (table, left) in
        [("epochs", 1), ("strata", 1), ("fingerprints", 2), ("unknowns", 1), ("samples", 2)]
    {
        assert_eq!(count(&place, table).await, left, "{table}");
    }
}

/// To who looks for the first time, a clock that is ahead and a store that has lain for long are one.
async fn a_clock_that_jumps_ahead_takes_nothing_away_at_once(place: Place) {
    let process = Process::of(&place.url, "b").await;
    process.offer("a", "/1", ["{\"a\":1}", "{\"a\":2}"]);
    process.end().await;
    for (table, column) in
        [("writers", "at"), ("samples", "at"), ("routes", "last_at"), ("differences", "last_seen")]
    {
        let statement = format!("UPDATE {table} SET {column} = {column} - {DAYS_40}");
        execute(&place.url, &statement).await;
    }
    expire(&place, Retention::default()).await;
    for table in ["samples", "routes", "differences"] {
        assert_eq!(count(&place, table).await, 1, "{table} stays for now");
    }
    expire(&place, Retention::default()).await;
    for table in ["samples", "routes", "differences"] {
        assert_eq!(count(&place, table).await, 0, "{table} goes once somebody has seen the time");
    }
}

async fn samples_beyond_their_bound_go_the_oldest_first(place: Place) {
    for round in 0..10 {
        let process = Process::of(&place.url, "b").await;
        let long = "x".repeat(1_000);
        let answers = [1, 2].map(|it| format!("{{\"a{round}\":{it},\"revealed\":\"{long}\"}}"));
        process.offer("a", &format!("/{round}"), [&answers[0], &answers[1]]);
        process.end().await;
    }
    assert_eq!(count(&place, "samples").await, 10);
    expire(&place, Retention { samples: 9_000, ..Retention::default() }).await;
    let store = Process::of(&place.url, "b").await.end().await;
    let (mut kept, found) = (Vec::new(), differences(&store, "a").await);
    assert_eq!(found.len(), 10, "the differences stay");
    for difference in found {
        for sample in store.reports().samples("a", &difference.id).await.unwrap() {
            kept.push(sample.request);
        }
    }
    kept.sort();
    let newest: Vec<_> = (10 - kept.len()..10).map(|it| format!("GET /{it}")).collect();
    assert!((2..=5).contains(&kept.len()), "{kept:?}");
    assert_eq!(kept, newest);
}
