//! Jobs after their commit: pushed at once, and by a sweeper where that failed or the process was
//! gone. Until one is pushed it waits in the row of its transaction.

use std::time::Duration;

use extracted::{Job, rails::cable::Broadcast};
use sqlx::{ConnectOptions as _, MySqlConnection, MySqlPool};
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use super::{
    commits::{WAITING, is_missing},
    redis_queue::RedisQueue,
};
use crate::{
    error::Chain,
    metrics::{ExtractionMetrics, Pushed},
};

/// A buyer waits so long at most for the push of the jobs; the sweeper has them after that.
pub(super) const PUSH_PATIENCE: Duration = Duration::from_millis(250);

/// How long one push may take.
const PUSH_LIMIT: Duration = Duration::from_secs(5);

/// How often the sweeper looks.
const SWEEP: Duration = Duration::from_secs(1);

/// What a sweep of the table may take.
const SWEEP_LIMIT: Duration = Duration::from_mins(1);

/// Why jobs were not pushed. They may have been; to push them again does not push them twice.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Redis cannot be reached, or refused.
    #[error("the jobs could not be pushed to Redis; they wait in banyan_commits")]
    Redis(#[source] redis::RedisError),
    /// Redis does not answer.
    #[error("Redis took too long to take the jobs; they wait in banyan_commits")]
    Slow,
    /// The stored jobs cannot be read.
    #[error("the jobs stored in banyan_commits cannot be read; look at the row")]
    Unreadable(#[source] serde_json::Error),
}

/// Pushes what was committed, and what was left behind.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    pub(super) database: MySqlPool,
    pub(super) queue: RedisQueue,
    pub(super) metrics: ExtractionMetrics,
}

impl Outbox {
    /// Pushes the jobs of a commit, and forgets them. Broadcasts go first, as in Rails, and are lost
    /// where Redis does not take them: who watches has to ask for the state anyway when it begins to.
    pub(super) async fn deliver(self, id: Uuid, jobs: Vec<Job>, broadcasts: Vec<Broadcast>) {
        if let Err(error) = self.queue.publish(&broadcasts).await {
            tracing::warn!(error = %Chain(&error), "broadcasts are lost");
        }
        if jobs.is_empty() {
            return;
        }
        if let Err(error) = self.push(id, &jobs).await {
            self.metrics.pushed(Pushed::Failed, jobs.len());
            tracing::warn!(error = %Chain(&error), "jobs wait to be pushed again");
            return;
        }
        self.metrics.pushed(Pushed::AtOnce, jobs.len());
        let forgotten = async {
            let mut tx = self.database.begin().await?;
            let delete = sqlx::query("DELETE FROM banyan_commits WHERE id = ?");
            delete.bind(&id.as_bytes()[..]).execute(&mut *tx).await?;
            tx.commit().await
        };
        if let Err(error) = forgotten.await {
            // The sweeper pushes them again, which the queue recognises.
            tracing::debug!(%error, "pushed jobs are not forgotten yet");
        }
    }

    /// Pushes what was left behind, and removes rows that nobody asks for any more, for ever.
    pub(super) async fn sweep_regularly(self) {
        let mut ticks = interval(SWEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = None;
        loop {
            ticks.tick().await;
            let swept = timeout(SWEEP_LIMIT, self.sweep(connection.take())).await;
            match swept {
                Ok(Ok(kept)) => connection = Some(kept),
                // Nothing was ever recorded.
                Ok(Err(error)) if is_missing(&error) => {}
                Ok(Err(error)) => tracing::debug!(%error, "the table of commits was not swept"),
                Err(_) => tracing::debug!("the table of commits was not swept in time"),
            }
        }
    }

    /// One proxy at a time sweeps: who holds the database's lock.
    async fn sweep(&self, kept: Option<MySqlConnection>) -> Result<MySqlConnection, sqlx::Error> {
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.database.connect_options().connect().await?,
        };
        let lock = "SELECT GET_LOCK(CONCAT('banyan_commits ', DATABASE()), 0)";
        let ours: Option<i64> = sqlx::query_scalar(lock).fetch_one(&mut connection).await?;
        if ours == Some(1) {
            self.push_waiting(&mut connection).await?;
            purge(&mut connection).await?;
            let release = "SELECT RELEASE_LOCK(CONCAT('banyan_commits ', DATABASE()))";
            sqlx::query(release).execute(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Of transactions that are older than a push may take.
    async fn push_waiting(&self, connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let waiting = "SELECT id, jobs FROM banyan_commits \
                       WHERE state = ? AND at < UTC_TIMESTAMP(6) - INTERVAL 5 SECOND \
                       ORDER BY at LIMIT 100";
        let waiting: Vec<(Vec<u8>, String)> =
            sqlx::query_as(waiting).bind(WAITING).fetch_all(&mut *connection).await?;
        self.metrics.waiting(waiting.len());
        for (id, jobs) in waiting {
            let read = serde_json::from_str(&jobs).map_err(PushError::Unreadable);
            let pushed = match (read, Uuid::from_slice(&id)) {
                (Ok(jobs), Ok(uuid)) => {
                    let jobs: Vec<Job> = jobs;
                    self.push(uuid, &jobs).await.map(|()| jobs.len())
                }
                (Err(error), _) => Err(error),
                (_, Err(_)) => continue,
            };
            match pushed {
                Ok(count) => {
                    self.metrics.pushed(Pushed::Later, count);
                    let delete = sqlx::query("DELETE FROM banyan_commits WHERE id = ?");
                    delete.bind(id).execute(&mut *connection).await?;
                }
                Err(error @ PushError::Unreadable(_)) => {
                    tracing::error!(error = %Chain(&error), "a job cannot be pushed");
                }
                // The others would wait as long.
                Err(_) => break,
            }
        }
        Ok(())
    }

    async fn push(&self, id: Uuid, jobs: &[Job]) -> Result<(), PushError> {
        timeout(PUSH_LIMIT, self.queue.push(id, jobs)).await.unwrap_or(Err(PushError::Slow))
    }
}

/// Nobody asks for the outcome of a commit an hour later.
async fn purge(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let purge = "DELETE FROM banyan_commits \
                 WHERE state <> ? AND at < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR LIMIT 1000";
    sqlx::query(purge).bind(WAITING).execute(&mut *connection).await.map(drop)
}
