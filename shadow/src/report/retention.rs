//! What the store forgets, so that it stays as large as it is useful.

use std::time::Duration;

use sqlx::Row as _;

use super::{
    StoreError,
    clock::{Now, milliseconds},
    counts::COUNTS,
    database::{Tx, integers, rows},
    store::{Found, Store},
    value::Value,
    writers,
};

/// How long, and how much, the store remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Samples go when they are so old; differences, earlier counts and whole routes when they were
    /// not seen for so long.
    pub age: Duration,
    /// Bytes of all samples together; the oldest go first.
    pub samples: u64,
}

impl Default for Retention {
    /// 30 days and 256 MiB.
    fn default() -> Self {
        Self { age: Duration::from_hours(30 * 24), samples: 256 * 1024 * 1024 }
    }
}

/// Rows of one table that one run takes away: what is written must not wait for long.
const ROWS: i64 = 1_000;

/// Processes that wrote nothing for so long have ended, or have nothing under way.
const WRITERS: Duration = Duration::from_hours(7 * 24);

/// A clock that is ahead of what was seen of it by less than this, or by less than half of what is
/// kept, takes nothing away that must not go soon anyway.
const AHEAD: Duration = Duration::from_hours(7 * 24);

impl Store {
    /// Takes away what is too old or too much, for a bounded time: what is left is for the next run.
    /// And says so that this process lives.
    pub(crate) async fn expire(&self, retention: Retention) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let now = Now::of(&mut tx).await?;
        writers::live(&mut tx, self.writer(), now).await?;
        let at = now.at.min(self.found().map_or(now.at, |it| seen(it, now, retention.age)));
        if at < now.at {
            let days = (now.at - at) / milliseconds(Duration::from_hours(24));
            tracing::warn!(
                days,
                "the report store's clock is ahead by so many days of what was seen of it: what is \
                 old by no more than that is kept. If the clock is right, since nobody wrote to the \
                 store for long, the next start of `banyan serve` removes it"
            );
        }
        let before = |age: Duration| Value::from(at.saturating_sub(milliseconds(age)));
        expire_samples(&mut tx, before(retention.age)).await?;
        expire_differences(&mut tx, before(retention.age)).await?;
        expire_route(&mut tx, before(retention.age)).await?;
        tx.execute("DELETE FROM epochs WHERE last_at < $1", &[before(retention.age)]).await?;
        tx.execute("DELETE FROM writers WHERE at < $1", &[before(WRITERS)]).await?;
        let ended = "DELETE FROM holders WHERE writer NOT IN (SELECT writer FROM writers)";
        tx.execute(ended, &[]).await?;
        bound_samples(&mut tx, retention.samples).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The latest time that can be, as far as this process knows: the store was written then, so much has
/// passed since it was opened, and it may have lain for a while before. A clock alone, which may be
/// wrong, is not asked: all there is would be old by one that is a year ahead.
fn seen(found: Found, now: Now, age: Duration) -> i64 {
    let Some(written) = found.written else { return now.at };
    let passed = now.since(found.now) + AHEAD.min(age / 2);
    written.saturating_add(milliseconds(passed))
}

async fn expire_samples(tx: &mut Tx, before: Value<'_>) -> Result<(), sqlx::Error> {
    let old = "SELECT id FROM samples WHERE at < $1 ORDER BY at LIMIT $2";
    let old = integers(&tx.fetch(old, &[before, ROWS.into()]).await?)?;
    delete_samples(tx, old).await
}

async fn delete_samples(tx: &mut Tx, ids: Vec<i64>) -> Result<(), sqlx::Error> {
    let ids: Vec<Value<'_>> = ids.into_iter().map(Value::from).collect();
    tx.execute_in("DELETE FROM samples WHERE id", &ids).await.map(drop)
}

async fn expire_differences(tx: &mut Tx, before: Value<'_>) -> Result<(), sqlx::Error> {
    let old = "SELECT id FROM differences WHERE last_seen < $1 ORDER BY last_seen LIMIT $2";
    let old = tx.fetch(old, &[before, ROWS.into()]).await?;
    let old = rows(&old, |it| it.try_get::<String, _>(0))?;
    let old: Vec<Value<'_>> = old.iter().map(|it| it.as_str().into()).collect();
    tx.execute_in("DELETE FROM samples WHERE difference", &old).await?;
    tx.execute_in("DELETE FROM differences WHERE id", &old).await.map(drop)
}

/// A route that nobody compares any more: what it was counted on proves nothing of today's.
async fn expire_route(tx: &mut Tx, before: Value<'_>) -> Result<(), sqlx::Error> {
    let old = "SELECT route FROM routes WHERE last_at < $1 ORDER BY last_at LIMIT 1";
    let old = rows(&tx.fetch(old, &[before]).await?, |it| it.try_get::<String, _>(0))?;
    for route in &old {
        for table in COUNTS.iter().chain(&["noise"]) {
            let statement = format!("DELETE FROM {table} WHERE route = $1");
            tx.execute(&statement, &[route.as_str().into()]).await?;
        }
    }
    Ok(())
}

async fn bound_samples(tx: &mut Tx, limit: u64) -> Result<(), sqlx::Error> {
    let integer = tx.dialect.integer();
    let sum = format!("SELECT CAST(COALESCE(SUM(bytes), 0) AS {integer}) FROM samples");
    let sum: i64 = integers(&tx.fetch(&sum, &[]).await?)?.iter().sum();
    let mut surplus = sum.saturating_sub_unsigned(limit);
    if surplus <= 0 {
        return Ok(());
    }
    let oldest = "SELECT id, bytes FROM samples ORDER BY at, id LIMIT $1";
    let oldest = rows(&tx.fetch(oldest, &[ROWS.into()]).await?, |it| {
        Ok::<(i64, i64), _>((it.try_get(0)?, it.try_get(1)?))
    })?;
    let mut ids = Vec::new();
    for (id, bytes) in oldest {
        if surplus <= 0 {
            break;
        }
        surplus -= bytes;
        ids.push(id);
    }
    delete_samples(tx, ids).await
}
