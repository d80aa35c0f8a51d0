//! The statements that `ActiveRecord` makes beside those that one asks for.
//!
//! Names of tables and columns are the handler's own, never a request's.
//!
//! Source: activerecord 6.1, `persistence.rb` (`touch`), `relation.rb` (`update_counters`) and
//! `locking/optimistic.rb`.

use sqlx::{AssertSqlSafe, MySqlConnection, mysql::MySqlQueryResult};
use time::OffsetDateTime;

use super::truncated;

/// `StaleObjectError`: somebody else has changed or removed the row since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row was changed by somebody else in the meantime; read it again")]
pub struct StaleObject;

/// Optimistic locking. The handler's own statement says
/// `SET …, lock_version = lock_version + 1 WHERE id = ? AND lock_version = ?`, with the version that it
/// read; this looks whether it found the row.
///
/// # Errors
/// When it did not.
pub fn one_row(result: &MySqlQueryResult) -> Result<(), StaleObject> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(StaleObject) }
}

/// `record.touch(*columns)`: sets `updated_at` and these columns (all with six digits of the second)
/// to `now`. `belongs_to touch: true` does it to the owner of whatever is written, which is also what
/// makes the owner's cache entries void. With `locked` the table has a `lock_version`, which goes up.
///
/// # Errors
/// When the statement fails.
pub async fn touch(
    connection: &mut MySqlConnection,
    table: &'static str,
    id: u64,
    columns: &[&'static str],
    locked: bool,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let now = truncated(now, 6);
    let times = ["updated_at"].iter().chain(columns);
    let mut set: Vec<_> = times.map(|it| format!("`{it}` = ?")).collect();
    if locked {
        set.push("`lock_version` = COALESCE(`lock_version`, 0) + 1".to_owned());
    }
    let statement = format!("UPDATE `{table}` SET {} WHERE `id` = ?", set.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(statement)).bind(now);
    for _ in columns {
        query = query.bind(now);
    }
    query.bind(id).execute(connection).await.map(drop)
}

/// `update_counters(id, column => by)`: what `counter_cache: true` does to the owner when a row comes
/// (1) or goes (-1). A counter that is NULL counts from 0. Neither `updated_at` nor `lock_version`
/// change.
///
/// # Errors
/// When the statement fails.
pub async fn update_counter(
    connection: &mut MySqlConnection,
    table: &'static str,
    id: u64,
    column: &'static str,
    by: i64,
) -> sqlx::Result<()> {
    let statement =
        format!("UPDATE `{table}` SET `{column}` = COALESCE(`{column}`, 0) + ? WHERE `id` = ?");
    sqlx::query(AssertSqlSafe(statement)).bind(by).bind(id).execute(connection).await.map(drop)
}
