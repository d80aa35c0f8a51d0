//! What may be opened, by whom, and what that changes.

use shadow::{Reports, Store, StoreError};

use crate::{
    bench::{Place, Process, report},
    on_each_store,
    servers::{connect, execute},
};
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection, migrate::Migrator};

/// The tables as each released version of this program made them; those of the two servers begin with
/// this one.
static OLDER: Migrator = sqlx::migrate!("../shadow/migrations/sqlite");

/// What is in a route's tables, by the version that brought them.
const ROWS: [&str; 3] = [
    "INSERT INTO routes VALUES ('catalog.show', 4000, 5, 6, 6, 0, 0.001, 0.01, 1, 9000); \
     INSERT INTO unknowns VALUES ('catalog.show', 'timed_out', 7); \
     INSERT INTO latencies VALUES ('catalog.show', 'control', 100, 4011); \
     INSERT INTO differences VALUES ('d1', 'catalog.show', '$.a', 'changed', 'critical', 6, 0, \
     NULL, NULL, 0, 1, 9000); \
     INSERT INTO samples VALUES (1, 'd1', 9000, 'GET /', 'r1', '$.a', 0, 200, 'x', 'abc', 200, 'y', \
     'abcd')",
    "UPDATE routes SET build = 'a', rules = 'r', seconds = 60; \
     INSERT INTO strata VALUES ('catalog.show', '2xx', 4011, 6, 0, 3, 1, 0); \
     INSERT INTO fingerprints VALUES ('catalog.show', -5, 1, 0)",
    "UPDATE routes SET noise = 2",
];

#[tokio::test]
async fn a_store_of_each_older_version_is_brought_up_to_date_and_nothing_is_lost() {
    for version in 1..=3 {
        let place = Place::sqlite().await;
        let made = format!("{}?mode=rwc", place.url);
        let mut connection = SqliteConnection::connect(&made).await.unwrap();
        for (step, rows) in (1..=version).zip(ROWS) {
            OLDER.run_to(step, &mut connection).await.unwrap();
            connection.execute(rows).await.unwrap();
        }
        connection.close().await.unwrap();
        let file = std::fs::read(place.folder.path().join("banyan.db")).unwrap();
        let error = Reports::open_read_only(&place.url).await.unwrap_err();
        assert!(matches!(error, StoreError::Older), "{version}: {error:?}");
        let unread = std::fs::read(place.folder.path().join("banyan.db")).unwrap();
        assert!(file == unread, "reading changes nothing");

        let store = Store::open(&place.url).await.unwrap();
        let found = report(&store, "catalog.show").await;
        assert_eq!(
            (found.matched, found.mismatched, found.compared()),
            match version {
                3 => (4_000, 6, 4_013),
                _ => (4_000, 6, 4_011),
            }
        );
        assert_eq!(found.strata.len(), usize::from(version > 1));
        let samples = store.reports().samples("catalog.show", "d1").await.unwrap();
        assert_eq!(
            (samples.len(), &*samples[0].control.body, &*samples[0].stratum),
            (1, "abc", "")
        );
        let mut connection = connect(&place.url).await;
        let bytes = sqlx::query("SELECT bytes FROM samples").fetch_one(&mut connection).await;
        assert_eq!(bytes.unwrap().get::<i64, _>(0), 5 + 3 + 3 + 4);
        connection.close().await.unwrap();
    }
}

on_each_store! {
    many_that_open_a_new_store_at_once_agree,
    what_holds_something_else_is_refused_and_left_alone,
    a_newer_store_is_refused,
    an_older_store_is_not_read_before_it_is_brought_up_to_date,
    reading_changes_nothing_and_is_kept_from_writing,
    a_store_without_the_newest_table_is_brought_up_to_date_and_nothing_is_lost,
}

async fn many_that_open_a_new_store_at_once_agree(place: Place) {
    let opening = (0..6).map(|_| {
        let url = place.url.clone();
        tokio::spawn(async move { Store::open(&url).await.unwrap() })
    });
    futures_util::future::join_all(opening).await.into_iter().for_each(|it| drop(it.unwrap()));
    let mut connection = connect(&place.url).await;
    let keys = sqlx::query("SELECT COUNT(*) FROM settings").fetch_one(&mut connection).await;
    assert_eq!(keys.unwrap().get::<i64, _>(0), 1);
    connection.close().await.unwrap();
}

async fn a_store_without_the_newest_table_is_brought_up_to_date_and_nothing_is_lost(place: Place) {
    let process = Process::new(&place.url).await;
    process.offer("a", "/", ["1", "1"]);
    process.end().await;
    execute(&place.url, "DROP TABLE kind_counts").await;
    let newest = if place.url.starts_with("sqlite") { 6 } else { 2 };
    let statement = format!("DELETE FROM _sqlx_migrations WHERE version = {newest}");
    execute(&place.url, &statement).await;
    let process = Process::new(&place.url).await;
    process.fail("a", "/");
    let found = report(&process.end().await, "a").await;
    assert_eq!((found.matched, found.strata[0].unknowns.len()), (1, 1));
}

/// A file that is not there yet is made.
fn made(place: &Place) -> String {
    if place.url.starts_with("sqlite") {
        format!("{}?mode=rwc", place.url)
    } else {
        place.url.clone()
    }
}

async fn what_holds_something_else_is_refused_and_left_alone(place: Place) {
    execute(&made(&place), "CREATE TABLE orders (id INTEGER PRIMARY KEY)").await;
    let error = Store::open(&place.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign), "{error:?}");
    let error = Reports::open_read_only(&place.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign), "{error:?}");
    execute(&place.url, "CREATE TABLE settings (id INTEGER PRIMARY KEY)").await;
}

async fn a_newer_store_is_refused(place: Place) {
    drop(Store::open(&place.url).await.unwrap());
    execute(
        &place.url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9000, 'from the future', true, 'x', 0)",
    )
    .await;
    let error = Store::open(&place.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer), "{error:?}");
    assert!(error.to_string().contains("name another one with --store"), "{error}");
    let error = Reports::open_read_only(&place.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer), "{error:?}");
}

async fn an_older_store_is_not_read_before_it_is_brought_up_to_date(place: Place) {
    drop(Store::open(&place.url).await.unwrap());
    execute(&place.url, "DELETE FROM _sqlx_migrations").await;
    let error = Reports::open_read_only(&place.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Older), "{error:?}");
}

async fn reading_changes_nothing_and_is_kept_from_writing(place: Place) {
    let process = Process::new(&place.url).await;
    process.offer("a", "/", ["1", "2"]);
    let store = process.end().await;
    let reports = Reports::open_read_only(&place.url).await.unwrap();
    let read = reports.route("a").await.unwrap().unwrap();
    assert_eq!(read.mismatched, report(&store, "a").await.mismatched);
    assert!(reports.route("b").await.unwrap().is_none());
}
