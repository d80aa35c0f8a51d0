//! What `ActiveRecord` would do to a row beside what one asks for, done from Rust on the real MariaDB.

use extracted::rails::{
    database,
    record::{StaleObject, one_row, touch, truncated, update_counter},
};
use sqlx::{Connection as _, MySqlConnection, Row as _};
use time::{OffsetDateTime, macros::datetime};

use crate::support::shop;

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00:59.999_999_9 UTC);

/// A table of this connection's own.
async fn products() -> MySqlConnection {
    let pool = database::pool(&shop().await.database_url, 1).unwrap();
    let mut connection = pool.acquire().await.unwrap().detach();
    for statement in [
        "CREATE TEMPORARY TABLE owners (id BIGINT PRIMARY KEY, rows_count INT NULL, name VARCHAR(9), \
         seen_at DATETIME(6), updated_at DATETIME(6), old_at DATETIME, lock_version INT NOT NULL DEFAULT 0)",
        "INSERT INTO owners (id) VALUES (1), (2)",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    connection
}

async fn shown(connection: &mut MySqlConnection, column: &'static str) -> Vec<Option<String>> {
    let statement = format!("SELECT CAST({column} AS CHAR) FROM owners ORDER BY id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(connection).await.unwrap();
    rows.iter().map(|it| it.get(0)).collect()
}

fn one(text: &str) -> Vec<Option<String>> {
    vec![Some(text.to_owned()), None]
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_count_from_nothing() {
    let mut connection = products().await;
    update_counter(&mut connection, "owners", 1, "rows_count", 2).await.unwrap();
    update_counter(&mut connection, "owners", 1, "rows_count", -1).await.unwrap();
    assert_eq!(shown(&mut connection, "rows_count").await, one("1"));
    assert_eq!(shown(&mut connection, "updated_at").await, [None, None]);
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn touching_changes_times_and_the_version() {
    let mut connection = products().await;
    touch(&mut connection, "owners", 1, &["seen_at"], true, NOW).await.unwrap();
    let time = one("2026-03-01 12:00:59.999999");
    assert_eq!(shown(&mut connection, "updated_at").await, time);
    assert_eq!(shown(&mut connection, "seen_at").await, time);
    let versions = shown(&mut connection, "lock_version").await;
    assert_eq!(versions, [Some("1".to_owned()), Some("0".to_owned())]);
    touch(&mut connection, "owners", 1, &[], false, NOW).await.unwrap();
    assert_eq!(shown(&mut connection, "lock_version").await, versions);
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_stored_cut_where_the_database_would_round_it() {
    let mut connection = products().await;
    for (time, stored) in
        [(truncated(NOW, 0), "2026-03-01 12:00:59"), (truncated(NOW, 6), "2026-03-01 12:01:00")]
    {
        // MySQL rounds by itself, MariaDB when it is told to.
        sqlx::query(
            "SET time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',TIME_ROUND_FRACTIONAL')",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        let update = sqlx::query("UPDATE owners SET old_at = ? WHERE id = 1").bind(time);
        update.execute(&mut connection).await.unwrap();
        assert_eq!(shown(&mut connection, "old_at").await, one(stored));
    }
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_else_changed_is_stale() {
    const RENAME: &str = "UPDATE owners SET name = ?, lock_version = lock_version + 1 \
                          WHERE id = 1 AND lock_version = ?";
    let mut connection = products().await;
    for (name, version, expected) in
        [("first", 0, Ok(())), ("late", 0, Err(StaleObject)), ("next", 1, Ok(()))]
    {
        let rename = sqlx::query(RENAME).bind(name).bind(version);
        let result = rename.execute(&mut connection).await.unwrap();
        assert_eq!(one_row(&result), expected, "{name}");
    }
    assert_eq!(shown(&mut connection, "name").await, one("next"));
    connection.close().await.unwrap();
}
