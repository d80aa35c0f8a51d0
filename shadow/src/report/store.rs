//! The store that is written: counts as deltas in one transaction, samples bounded per difference.

use std::{str::FromStr as _, time::Duration};

use sha2::{Digest as _, Sha256};
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use time::OffsetDateTime;

use super::{
    Pending, Reports, Signature, counts,
    pending::{DifferenceDelta, NewSample},
};
use crate::redact::Redactor;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_secs(2);

/// Differences that a route may have: a document whose member names are data would have no end of
/// them.
const DIFFERENCES: i64 = 1_000;

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not named in a way that is understood.
    #[error("a store is named sqlite://PATH")]
    Url(#[source] sqlx::Error),
    /// It is not there, or cannot be created.
    #[error("it cannot be opened: is the directory there and writable?")]
    Open(#[source] sqlx::Error),
    /// It was made by a newer build, or is no report store.
    #[error("its tables are not those of this build")]
    Migrate(#[source] MigrateError),
    /// An older build wrote it last, and reading must not change it.
    #[error("it is of an older version: `banyan serve` on it brings it up to date")]
    Older,
    /// The system gave no randomness for the store's key.
    #[error("the system gives no randomness")]
    Key(#[source] getrandom::Error),
    /// A statement failed.
    #[error("a statement failed")]
    Statement(#[from] sqlx::Error),
}

/// Where reports are kept. Cloning is cheap and shares the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
    redactor: Redactor,
}

impl Store {
    /// Opens the store named `sqlite://PATH`, makes it if it is not there, and brings its tables up
    /// to date.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed, unless a migration failed half-way.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With a write-ahead log this loses at most the last second, and corrupts nothing.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await;
        let pool = pool.map_err(StoreError::Open)?;
        MIGRATIONS.run(&pool).await.map_err(StoreError::Migrate)?;
        let redactor = Redactor::new(key(&pool).await?);
        Ok(Self { pool, redactor })
    }

    /// The same store, in which values are hashed under a secret too that is not in it.
    #[must_use]
    pub fn keyed_with(mut self, secret: &str) -> Self {
        self.redactor = self.redactor.keyed_with(secret);
        self
    }

    /// Reads what this store holds.
    pub fn reports(&self) -> Reports {
        Reports::of(self.pool.clone())
    }

    pub(crate) const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Adds all of it, or nothing.
    pub(crate) async fn write(&self, pending: &Pending) -> Result<(), StoreError> {
        // It reads before it writes: begun as a reader, it would fail at once when another process
        // has written in between, instead of waiting for it.
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut pending: Vec<_> = pending.0.iter().collect();
        // The youngest binding is what holds in the end.
        pending.sort_by_key(|((_, binding), _)| binding.at);
        for ((route, binding), delta) in pending {
            counts::write(&mut tx, route, binding, delta).await?;
            for (signature, difference) in &delta.differences {
                write_difference(&mut tx, route, signature, difference).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The version of the tables that this build reads.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|it| it.version).max().unwrap_or_default()
}

/// Reads `sqlite://PATH`. Anything else would be taken for the name of a file.
pub(super) fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    if !url.starts_with("sqlite:") {
        let error = sqlx::Error::Configuration("it does not start with `sqlite:`".into());
        return Err(StoreError::Url(error));
    }
    SqliteConnectOptions::from_str(url).map_err(StoreError::Url)
}

/// The key of the redaction: made once, so that hashes stay comparable across restarts.
async fn key(pool: &SqlitePool) -> Result<[u8; 32], StoreError> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).map_err(StoreError::Key)?;
    sqlx::query("INSERT OR IGNORE INTO settings (name, value) VALUES ('redaction key', ?)")
        .bind(fresh.as_slice())
        .execute(pool)
        .await?;
    let kept: Vec<u8> =
        sqlx::query_scalar("SELECT value FROM settings WHERE name = 'redaction key'")
            .fetch_one(pool)
            .await?;
    <[u8; 32]>::try_from(kept).map_err(|_| {
        StoreError::Statement(sqlx::Error::Decode("the redaction key is not 32 bytes".into()))
    })
}

async fn write_difference(
    tx: &mut Transaction<'_, Sqlite>,
    route: &str,
    signature: &Signature,
    delta: &DifferenceDelta,
) -> Result<(), sqlx::Error> {
    let id = id(route, signature);
    let written = sqlx::query(
        "INSERT INTO differences (id, route, path, kind, class, requests, excused, why, until, \
         expired, first_seen, last_seen, noise) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?14 \
         WHERE (SELECT COUNT(*) FROM differences WHERE route = ?2) < ?13 \
         OR EXISTS (SELECT 1 FROM differences WHERE id = ?1) \
         ON CONFLICT (id) DO UPDATE SET requests = requests + ?6, excused = excused + ?7, \
         why = ?8, until = ?9, expired = ?10, last_seen = ?12, noise = noise + ?14",
    )
    .bind(&id)
    .bind(route)
    .bind(&signature.path)
    .bind(signature.kind.label())
    .bind(signature.class.label())
    .bind(signed(delta.requests))
    .bind(signed(delta.excused))
    .bind(delta.rule.as_ref().map(|it| it.why.as_str()))
    .bind(delta.rule.as_ref().and_then(|it| it.until.as_deref()))
    .bind(delta.rule.as_ref().is_some_and(|it| it.expired))
    .bind(milliseconds(delta.first_seen))
    .bind(milliseconds(delta.last_seen))
    .bind(DIFFERENCES)
    .bind(signed(delta.noise))
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(());
    }
    for sample in &delta.samples {
        write_sample(tx, &id, sample).await?;
    }
    // The first five show how it began, the newest five how it is now.
    sqlx::query(
        "DELETE FROM samples WHERE difference = ?1 \
         AND id NOT IN (SELECT id FROM samples WHERE difference = ?1 ORDER BY id ASC LIMIT 5) \
         AND id NOT IN (SELECT id FROM samples WHERE difference = ?1 ORDER BY id DESC LIMIT 5)",
    )
    .bind(&id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn write_sample(
    tx: &mut Transaction<'_, Sqlite>,
    difference: &str,
    sample: &NewSample,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO samples (difference, at, request, request_id, path, omitted, control_status, \
         control_value, control_body, candidate_status, candidate_value, candidate_body) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(difference)
    .bind(milliseconds(sample.at))
    .bind(&sample.request)
    .bind(&sample.request_id)
    .bind(&sample.path)
    .bind(signed(sample.omitted))
    .bind(sample.control.status)
    .bind(&sample.control.value)
    .bind(&sample.control.body)
    .bind(sample.candidate.status)
    .bind(&sample.candidate.value)
    .bind(&sample.candidate.body)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The same difference has the same id in every process and for ever.
fn id(route: &str, signature: &Signature) -> String {
    let Signature { path, kind, class } = signature;
    let digest = Sha256::digest(format!("{route}\n{path}\n{kind}\n{class}"));
    hex::encode(&digest[..8])
}

/// SQLite's integers are signed; a count that large cannot be reached.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
