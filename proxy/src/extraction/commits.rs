//! Commits whose outcome can be found out: a row of `banyan_commits` is written in each transaction,
//! and asked for when the answer to COMMIT was lost.
//!
//! To ask, the same row is inserted once more, over a new connection. If that succeeds, the
//! transaction was not committed and never will be, since its own row would be in the way. If it is
//! refused as a duplicate, the transaction was committed. If it has to wait, the transaction is
//! still open on a connection that nobody holds any more: that one is killed.

use std::time::{Duration, Instant};

use extracted::{HandlerError, Job, Tx};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, MySqlConnection, MySqlPool,
};
use tokio::{
    sync::OnceCell,
    time::{sleep, timeout, timeout_at},
};
use uuid::Uuid;

use super::{
    failure::{Failure, NoReply},
    transactions::CHECK,
};
use crate::metrics::{Commit, ExtractionMetrics};

/// How long a commit may take until its outcome is asked for.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);

/// How long the outcome of a commit is asked for until it counts as unknown.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);

/// Between two questions for the outcome of a commit.
const SETTLE_PAUSE: Duration = Duration::from_millis(50);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS banyan_commits ( \
     id BINARY(16) NOT NULL PRIMARY KEY, \
     at DATETIME(6) NOT NULL, \
     state TINYINT UNSIGNED NOT NULL, \
     connection BIGINT UNSIGNED NOT NULL, \
     jobs MEDIUMTEXT CHARACTER SET utf8mb4 NULL, \
     KEY index_banyan_commits_on_state_and_at (state, at) \
     ) ENGINE = InnoDB";

/// What a row says: the transaction was committed.
const COMMITTED: u8 = 0;
/// It was committed, and jobs of it may not have been pushed yet.
pub(super) const WAITING: u8 = 1;
/// It was not committed; the row keeps it from it.
const UNDONE: u8 = 2;

const DUPLICATE_KEY: u16 = 1062;
const NO_SUCH_TABLE: u16 = 1146;
const LOCK_WAIT_TIMEOUT: u16 = 1205;

/// The table of commits in the monolith's database.
#[derive(Debug)]
pub(super) struct Commits {
    pub(super) database: MySqlPool,
    pub(super) metrics: ExtractionMetrics,
    /// Set once the table is known to be there.
    ready: OnceCell<()>,
}

/// What has become of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    NotCommitted,
    /// It still holds its row.
    Open,
}

impl Commits {
    pub(super) fn new(database: MySqlPool, metrics: ExtractionMetrics) -> Self {
        Self { database, metrics, ready: OnceCell::new() }
    }

    /// Sees to it that the table is there; asks the database the first time only.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        self.ready.get_or_try_init(|| self.create()).await.map(drop)
    }

    /// Creates the table where it is missing, and asks for no more rights than that needs.
    async fn create(&self) -> Result<(), Failure> {
        let options = self.database.connect_options();
        let mut connection = options.connect().await.map_err(Failure::Database)?;
        match connection.execute("SELECT 1 FROM banyan_commits LIMIT 0").await {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => {
                connection.execute(TABLE).await.map(drop).map_err(Failure::NoTable)
            }
            Err(error) => Err(Failure::Database(error)),
        }
    }

    /// Commits what nobody misses if it is lost.
    pub(super) async fn commit_counters(&self, tx: Tx) -> Option<MySqlConnection> {
        let connection = timeout(COMMIT_LIMIT, tx.commit()).await.ok().and_then(Result::ok);
        let outcome = if connection.is_some() { Commit::Ok } else { Commit::Unknown };
        self.metrics.committed(outcome);
        connection
    }

    /// Commits, and returns when that is certain, with the row's id. The connection comes with it
    /// unless it was lost.
    ///
    /// # Errors
    /// [`NoReply::Failed`] when it is certain that nothing was committed.
    pub(super) async fn commit(
        &self,
        mut tx: Tx,
        jobs: &[Job],
    ) -> Result<(Uuid, Option<MySqlConnection>), NoReply> {
        let id = Uuid::new_v4();
        let recorded = timeout(COMMIT_LIMIT, record(&mut tx, id, jobs)).await;
        recorded.unwrap_or(Err(Failure::Deadline(COMMIT_LIMIT))).map_err(NoReply::Failed)?;
        let error = match timeout(COMMIT_LIMIT, tx.commit()).await {
            Ok(Ok(connection)) => {
                self.metrics.committed(Commit::Ok);
                return Ok((id, Some(connection)));
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        self.settle(id, error).await.map(|()| (id, None))
    }

    /// Finds out what has become of a transaction whose COMMIT was not confirmed.
    async fn settle(&self, id: Uuid, cause: Option<sqlx::Error>) -> Result<(), NoReply> {
        let until = Instant::now() + SETTLE_LIMIT;
        loop {
            let fate = match timeout_at(until.into(), self.fate(id)).await {
                Ok(Ok(fate)) => fate,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "the outcome of a commit could not be asked for");
                    Fate::Open
                }
                Err(_) => {
                    self.metrics.committed(Commit::Unknown);
                    return Err(NoReply::CommitUnknown(cause));
                }
            };
            match fate {
                Fate::Committed => {
                    self.metrics.committed(Commit::Found);
                    return Ok(());
                }
                Fate::NotCommitted => {
                    self.metrics.committed(Commit::Undone);
                    return Err(NoReply::Failed(Failure::NotCommitted(cause)));
                }
                Fate::Open => sleep(SETTLE_PAUSE).await,
            }
        }
    }

    /// Asks once, over a connection of its own: those of the pool may be as dead as the one that was
    /// lost, and their settings are the handlers'.
    async fn fate(&self, id: Uuid) -> Result<Fate, sqlx::Error> {
        let options = self.database.connect_options();
        let mut connection = options.connect().await?;
        let fate = ask(&mut connection, id).await?;
        // What is known stays known if the goodbye is lost.
        let _ = connection.close().await;
        Ok(fate)
    }
}

/// The row, in the transaction that it tells of, if that is still the one that was begun.
async fn record(tx: &mut Tx, id: Uuid, jobs: &[Job]) -> Result<(), Failure> {
    tx.execute(CHECK).await.map_err(Failure::Ended)?;
    let (state, jobs) = match jobs {
        [] => (COMMITTED, None),
        jobs => (WAITING, Some(encode(jobs)?)),
    };
    let insert = "INSERT INTO banyan_commits (id, at, state, connection, jobs) \
                  VALUES (?, UTC_TIMESTAMP(6), ?, CONNECTION_ID(), ?)";
    let insert = sqlx::query(insert).bind(&id.as_bytes()[..]).bind(state).bind(jobs);
    insert.execute(&mut **tx).await.map(drop).map_err(Failure::Database)
}

fn encode(jobs: &[Job]) -> Result<String, Failure> {
    serde_json::to_string(jobs).map_err(|it| Failure::Handler(HandlerError::Json(it)))
}

async fn ask(connection: &mut MySqlConnection, id: Uuid) -> Result<Fate, sqlx::Error> {
    connection.execute("SET SESSION innodb_lock_wait_timeout = 1").await?;
    let insert = "INSERT INTO banyan_commits (id, at, state, connection) \
                  VALUES (?, UTC_TIMESTAMP(6), ?, CONNECTION_ID())";
    let insert = sqlx::query(insert).bind(&id.as_bytes()[..]).bind(UNDONE);
    match insert.execute(&mut *connection).await {
        Ok(_) => Ok(Fate::NotCommitted),
        Err(error) if number(&error) == Some(DUPLICATE_KEY) => {
            let state = sqlx::query_scalar("SELECT state FROM banyan_commits WHERE id = ?");
            // The row in the way may be our own, of a question whose answer was lost.
            let state: u8 = state.bind(&id.as_bytes()[..]).fetch_one(connection).await?;
            Ok(if state == UNDONE { Fate::NotCommitted } else { Fate::Committed })
        }
        Err(error) if number(&error) == Some(LOCK_WAIT_TIMEOUT) => {
            kill(connection, id).await?;
            Ok(Fate::Open)
        }
        Err(error) => Err(error),
    }
}

/// Ends the connection that holds the row. Only a dirty read sees whose it is.
async fn kill(connection: &mut MySqlConnection, id: Uuid) -> Result<(), sqlx::Error> {
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED").await?;
    let holder = sqlx::query_scalar("SELECT connection FROM banyan_commits WHERE id = ?");
    let holder: Option<u64> =
        holder.bind(&id.as_bytes()[..]).fetch_optional(&mut *connection).await?;
    if let Some(holder) = holder {
        // It may have ended by itself by now.
        let _ = connection.execute(AssertSqlSafe(format!("KILL CONNECTION {holder}"))).await;
    }
    Ok(())
}

/// MySQL's number of an error.
pub(super) fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    let error = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?;
    Some(error.number())
}

/// Whether the table is missing, so that nothing was ever recorded.
pub(crate) fn is_missing(error: &sqlx::Error) -> bool {
    number(error) == Some(NO_SUCH_TABLE)
}
