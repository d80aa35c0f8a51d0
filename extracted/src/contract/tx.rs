//! A transaction that owns its connection.

use std::ops::{Deref, DerefMut};

use sqlx::{AssertSqlSafe, Database, MySql, MySqlConnection, SqlSafeStr as _};
use sqlx_core::transaction::TransactionManager;

type Manager = <MySql as Database>::TransactionManager;

/// A transaction, and the connection that it is on. Whoever ends it gets that back; dropping it closes
/// the connection, whereupon the server rolls back.
///
/// [`sqlx::Transaction`] gives its connection to a pool instead, which asks the server of each that
/// comes back whether it is alive: a round trip for every request.
#[derive(Debug)]
pub struct Tx(MySqlConnection);

impl Tx {
    /// Begins by this statement.
    ///
    /// # Errors
    /// When the statement fails, or leaves no transaction open.
    pub async fn begin(
        mut connection: MySqlConnection,
        begin: String,
    ) -> Result<Self, sqlx::Error> {
        Manager::begin(&mut connection, Some(AssertSqlSafe(begin).into_sql_str())).await?;
        Ok(Self(connection))
    }

    /// Commits.
    ///
    /// # Errors
    /// When COMMIT was refused, or its answer did not come: whether it was done is then unknown.
    pub async fn commit(mut self) -> Result<MySqlConnection, sqlx::Error> {
        Manager::commit(&mut self.0).await?;
        self.ended()
    }

    /// Rolls back.
    ///
    /// # Errors
    /// When the connection is broken; the server rolls back by itself.
    pub async fn roll_back(mut self) -> Result<MySqlConnection, sqlx::Error> {
        Manager::rollback(&mut self.0).await?;
        self.ended()
    }

    /// A transaction inside this one that was not ended is not what the next one should begin in.
    fn ended(self) -> Result<MySqlConnection, sqlx::Error> {
        match Manager::get_transaction_depth(&self.0) {
            0 => Ok(self.0),
            _ => Err(sqlx::Error::Protocol("a nested transaction was left open".to_owned())),
        }
    }
}

impl Deref for Tx {
    type Target = MySqlConnection;

    fn deref(&self) -> &MySqlConnection {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut MySqlConnection {
        &mut self.0
    }
}
