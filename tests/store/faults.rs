//! What becomes of counts while the store cannot take them: they wait, and arrive once.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use shadow::{Store, StoreError, Unknown};
use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::{
    bench::{LONG, Place, Process, differences},
    on_each_store,
    servers::{Kind, Server, connect, execute},
};

const ROUTE: &str = "catalog.show";

const ANSWERS: [&str; 2] = ["{\"a\":1}", "{\"a\":2}"];

on_each_store! {
    a_locked_store_loses_nothing,
    a_store_that_is_locked_at_the_start_is_opened_later,
    a_newer_store_at_the_start_is_opened_when_it_is_ours_again,
    a_store_whose_tables_go_begins_anew,
}

/// Takes the lock of everybody who writes, as another process does that hangs.
async fn lock(url: &str) -> AnyConnection {
    let mut other = connect(url).await;
    let lock = match url {
        url if url.starts_with("sqlite") => "BEGIN IMMEDIATE",
        url if url.starts_with("mysql") => "BEGIN; SELECT * FROM settings FOR UPDATE",
        _ => "BEGIN; LOCK TABLE settings IN EXCLUSIVE MODE",
    };
    other.execute(sqlx::raw_sql(lock)).await.unwrap();
    other
}

async fn unlock(mut other: AnyConnection) {
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
}

/// What comes before a store is opened is dropped, and that is counted.
async fn opened_late(process: Process) {
    let flushed = "banyan_store_flushes_total{result=\"ok\"}";
    process.until("the store was opened", |it| it.series(flushed) > 0).await;
    process.offer(ROUTE, "/2", ANSWERS);
    let report = process.until_stored(ROUTE, 1).await;
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Dropped, 1)]));
}

async fn a_store_that_is_locked_at_the_start_is_opened_later(place: Place) {
    drop(Store::open(&place.url).await.unwrap());
    let other = lock(&place.url).await;
    let process = Process::waiting(&place.url).await;
    process.offer(ROUTE, "/1", ANSWERS);
    process.until("a flush has failed", |it| it.failed() > 0).await;
    assert!(!process.judge.has_room(), "nothing is copied for nothing");
    unlock(other).await;
    opened_late(process).await;
}

/// A rollback in the middle of an incident.
async fn a_newer_store_at_the_start_is_opened_when_it_is_ours_again(place: Place) {
    drop(Store::open(&place.url).await.unwrap());
    let newer = "INSERT INTO _sqlx_migrations \
                 (version, description, success, checksum, execution_time) \
                 VALUES (9000, 'from the future', true, 'x', 0)";
    execute(&place.url, newer).await;
    let process = Process::waiting(&place.url).await;
    process.offer(ROUTE, "/1", ANSWERS);
    process.until("a flush has failed", |it| it.failed() > 0).await;
    let unread = process.store.reports().routes().await.unwrap_err();
    assert!(matches!(unread, StoreError::Newer), "{unread:?}");
    execute(&place.url, "DELETE FROM _sqlx_migrations WHERE version = 9000").await;
    opened_late(process).await;
}

async fn a_locked_store_loses_nothing(place: Place) {
    let process = Process::new(&place.url).await;
    process.offer(ROUTE, "/1", ANSWERS);
    process.until_stored(ROUTE, 1).await;
    let other = lock(&place.url).await;
    process.offer(ROUTE, "/2", ANSWERS);
    process.discard(ROUTE);
    process.until("a flush has failed", |it| it.failed() > 0).await;
    let report = process.until_stored(ROUTE, 1).await;
    assert_eq!(report.unknowns.len(), 0, "readers are not locked out");
    process.offer(ROUTE, "/3", ANSWERS);
    unlock(other).await;

    let report = process.until_stored(ROUTE, 3).await;
    assert_eq!((report.strata[0].distinct.compared, report.unknowns.len()), (3, 1));
    assert_eq!(differences(&process.store, ROUTE).await[0].requests, 3);
}

/// A restored server, or a person who cleans up.
async fn a_store_whose_tables_go_begins_anew(place: Place) {
    let process = Process::new(&place.url).await;
    process.offer(ROUTE, "/1", ANSWERS);
    process.until_stored(ROUTE, 1).await;
    let before = differences(&process.store, ROUTE).await;
    let sample = |found: String| {
        let reports = process.store.reports();
        async move { reports.samples(ROUTE, &found).await.unwrap().remove(0).control }
    };
    let before = sample(before[0].id.clone()).await;
    if place.url.starts_with("sqlite") {
        for file in ["banyan.db", "banyan.db-wal", "banyan.db-shm"] {
            let _ = fs::remove_file(place.folder.path().join(file));
        }
    } else {
        for table in [
            "_sqlx_migrations",
            "noise",
            "settings",
            "writers",
            "routes",
            "holders",
            "intervals",
            "spans",
            "pairs",
            "unknowns",
            "latencies",
            "strata",
            "kind_counts",
            "fingerprints",
            "samplings",
            "epochs",
            "differences",
            "samples",
        ] {
            execute(&place.url, &format!("DROP TABLE {table}")).await;
        }
    }
    process.offer(ROUTE, "/2", ANSWERS);
    process.until_stored(ROUTE, 1).await;
    let after = differences(&process.store, ROUTE).await;
    assert_eq!(sample(after[0].id.clone()).await, before, "its hashes are comparable still");
}

#[tokio::test]
async fn a_mariadb_that_stops_and_dies_costs_nothing() {
    a_server_that_stops_and_dies_costs_nothing(Kind::MariaDb).await;
}

#[cfg(feature = "mysql")]
#[tokio::test]
async fn a_mysql_that_stops_and_dies_costs_nothing() {
    a_server_that_stops_and_dies_costs_nothing(Kind::MySql).await;
}

#[tokio::test]
async fn a_postgresql_that_stops_and_dies_costs_nothing() {
    a_server_that_stops_and_dies_costs_nothing(Kind::Postgres).await;
}

#[tokio::test]
async fn a_server_that_comes_later_than_the_proxy_is_opened_then() {
    let server = tokio::task::spawn_blocking(|| Server::start(Kind::Postgres)).await.unwrap();
    let url = server.database().await;
    server.kill();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Open(_)), "{error:?}");
    let process = Process::waiting(&url).await;
    process.offer(ROUTE, "/1", ANSWERS);
    process.until("a flush has failed", |it| it.failed() > 0).await;
    let _server = up_again(server).await;
    opened_late(process).await;
}

async fn up_again(mut server: Server) -> Server {
    let restart = move || {
        server.restart();
        assert!(server.is_up());
        server
    };
    tokio::task::spawn_blocking(restart).await.unwrap()
}

/// Whoever offers never waits; nothing is lost, nothing is counted twice.
async fn a_server_that_stops_and_dies_costs_nothing(kind: Kind) {
    let mut server = tokio::task::spawn_blocking(move || Server::start(kind)).await.unwrap();
    let url = server.database().await;
    let process = Process::new(&url).await;
    let mut offered = 0;
    let mut offer = |count: u64| {
        let begin = Instant::now();
        for target in offered..offered + count {
            process.offer(ROUTE, &format!("/{target}"), ANSWERS);
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "nobody waits for the store");
        offered += count;
        offered
    };
    let stored = offer(10);
    process.until_stored(ROUTE, stored).await;

    server.pause();
    let failed = process.failed();
    offer(10);
    process.until("a flush was given up", |it| it.failed() > failed).await;
    let waiting = offer(10);
    server.resume();
    process.until_stored(ROUTE, waiting).await;

    for _ in 0..4 {
        offer(10);
        server.kill();
        let failed = process.failed();
        let waiting = offer(10);
        process.until("a flush has failed", |it| it.failed() > failed).await;
        server = up_again(server).await;
        let report = process.until_stored(ROUTE, waiting).await;
        assert_eq!(report.strata[0].distinct.compared, waiting);
    }
    tokio::time::timeout(LONG, process.end()).await.unwrap();
}
