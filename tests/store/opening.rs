//! What may be opened, by whom, and what that changes.

use shadow::{Reports, Store, StoreError};

use crate::{
    bench::{Place, Process, report},
    on_each_store,
    servers::{connect, execute},
};
use sqlx::{Connection as _, Row as _};

on_each_store! {
    many_that_open_a_new_store_at_once_agree,
    what_holds_something_else_is_refused_and_left_alone,
    a_newer_store_is_refused,
    an_older_store_is_not_read_before_it_is_brought_up_to_date,
    reading_changes_nothing_and_is_kept_from_writing,
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
    assert!(matches!(error, StoreError::Migrate(_)), "{error:?}");
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
