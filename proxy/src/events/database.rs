//! A connection to the monolith's database that never waits for long, and is not used again after
//! anything went wrong on it.

use std::{sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions as _, Executor as _, MySqlConnection, MySqlPool, mysql::MySqlConnectOptions,
};
use tokio::time::timeout;

/// How long a piece of work may take, with opening a connection. Much less than a lease lasts.
const LIMIT: Duration = Duration::from_secs(2);

/// A statement that is given up must not go on waiting in the server.
const SESSION: &str = "SET SESSION innodb_lock_wait_timeout = 1";

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseError {
    /// It refused, or is gone.
    #[error("the monolith's database refused; look whether --database can be reached")]
    Refused(#[source] sqlx::Error),
    /// It does not answer.
    #[error("the monolith's database took too long")]
    Slow,
}

/// A connection that is opened when it is needed.
pub(super) struct Link {
    options: Arc<MySqlConnectOptions>,
    kept: Option<MySqlConnection>,
}

impl Link {
    pub(super) fn new(database: &MySqlPool) -> Self {
        Self { options: database.connect_options(), kept: None }
    }

    /// Does some work, within its time. Dropping the future closes the connection.
    pub(super) async fn work<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DatabaseError> {
        let work = async {
            let mut connection = match self.kept.take() {
                Some(connection) => connection,
                None => open(&self.options).await?,
            };
            let done = work(&mut connection).await?;
            self.kept = Some(connection);
            Ok(done)
        };
        let done = timeout(LIMIT, work).await.map_err(|_| DatabaseError::Slow)?;
        done.map_err(DatabaseError::Refused)
    }
}

async fn open(options: &MySqlConnectOptions) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    connection.execute(SESSION).await?;
    Ok(connection)
}
