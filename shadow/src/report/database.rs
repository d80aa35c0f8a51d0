//! Connections to the store, whichever database it is, and for how long each is waited for.

use std::{path::PathBuf, str::FromStr as _, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use sqlx::{
    Any, AnyPool, Connection as _, Row as _,
    any::{AnyArguments, AnyConnectOptions, AnyPoolOptions, AnyRow},
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    query::Query,
};

use super::{
    StoreError,
    dialect::Dialect,
    file::{self, Watched},
    resume::resume,
    table::Table,
    unreachable::{files, unreachable},
    value::Value,
};

/// A connection is waited for so long.
const CONNECTION: Duration = Duration::from_secs(5);

/// And the answer to one statement so long. It is longer than the server waits for a lock, so that it
/// is the server which says that it was one.
const STATEMENT: Duration = Duration::from_secs(10);

/// And another process's migration so long.
const MIGRATION: Duration = Duration::from_mins(1);

/// Held by the process that migrates; the name is at most 64 characters long. 0 where another has it.
const MYSQL_LOCK: &str = "SELECT GET_LOCK(LEFT(CONCAT('banyan ', DATABASE()), 64), 30)";
const MYSQL_UNLOCK: &str = "DO RELEASE_LOCK(LEFT(CONCAT('banyan ', DATABASE()), 64))";

/// Parameters of one statement; SQLite has the fewest, 32,766.
const PARAMETERS: usize = 1_000;

/// A store that is connected to when it is needed. Cloning is cheap and shares the connections.
#[derive(Debug, Clone)]
pub(super) struct Database {
    pool: AnyPool,
    pub(super) dialect: Dialect,
    /// Certificates and keys that its URL names.
    files: Arc<[PathBuf]>,
}

/// A connection that is in use. It goes back when what was asked is answered; one that is given up in
/// the middle is closed, since nobody could tell what its next answer belongs to.
struct Lease(Option<PoolConnection<Any>>);

/// A transaction. Dropped before it is committed it is rolled back, with its connection.
pub(super) struct Tx {
    lease: Lease,
    pub(super) dialect: Dialect,
}

impl Database {
    /// For writing; makes an SQLite file that is not there. It is connected to when it is needed.
    pub(super) fn writable(url: &str) -> Result<Self, StoreError> {
        let dialect = Dialect::of(url)?;
        Self::new(url, "rwc", dialect, dialect.setup(), 4)
    }

    /// For reading only.
    pub(super) fn read_only(url: &str) -> Result<Self, StoreError> {
        let dialect = Dialect::of(url)?;
        Self::new(url, "ro", dialect, dialect.setup_reader(), 2)
    }

    fn new(
        url: &str,
        mode: &str,
        dialect: Dialect,
        setup: &'static str,
        connections: u32,
    ) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let mut options = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(CONNECTION)
            .after_connect(move |it, _| {
                Box::pin(async move { sqlx::raw_sql(setup).execute(it).await.map(drop) })
            });
        let at = if dialect == Dialect::Sqlite {
            let file = file::named(url)?;
            let watched = Watched::new(file.clone());
            options = options.before_acquire(move |_, it| {
                let is_same = watched.is_same_since(it.age);
                Box::pin(async move { Ok(is_same) })
            });
            AnyConnectOptions::from_str(&file::url(&file, mode))
        } else {
            AnyConnectOptions::from_str(url)
        };
        let pool = options.connect_lazy_with(at.map_err(StoreError::Url)?);
        Ok(Self { pool, dialect, files: files(url).into() })
    }

    /// Whether it can be reached.
    pub(super) async fn reach(&self) -> Result<(), StoreError> {
        let lease = self.lease().await.map_err(|it| unreachable(it, &self.files))?;
        lease.give_back();
        Ok(())
    }

    async fn lease(&self) -> Result<Lease, sqlx::Error> {
        Ok(Lease(Some(self.pool.acquire().await?)))
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        let mut tx = Tx { lease: self.lease().await?, dialect: self.dialect };
        tx.lease.run(self.dialect.begin()).await?;
        Ok(tx)
    }

    /// The rows that a statement finds.
    pub(super) async fn fetch(
        &self,
        statement: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut lease = self.lease().await?;
        let rows = lease.fetch(self.dialect, statement, values).await?;
        lease.give_back();
        Ok(rows)
    }

    /// Brings the tables up to date; processes that do so at the same time wait for one another.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        let connection = lease.connection()?;
        let migrations = self.dialect.migrations();
        let migrating = async {
            match self.dialect {
                Dialect::Sqlite => {
                    let mut tx = connection.begin_with(self.dialect.begin()).await?;
                    migrations.run_direct(None, &mut *tx, false).await?;
                    tx.commit().await?;
                }
                Dialect::MySql => {
                    // sqlx waits for its lock in a way that MariaDB takes for not waiting at all.
                    let lock = sqlx::query(MYSQL_LOCK).fetch_one(&mut **connection).await?;
                    if lock.try_get::<Option<i64>, _>(0)? == Some(0) {
                        return Err(slow().into());
                    }
                    resume(connection, migrations).await?;
                    migrations.run_direct(None, &mut **connection, false).await?;
                    sqlx::raw_sql(MYSQL_UNLOCK).execute(&mut **connection).await?;
                }
                Dialect::Postgres => {
                    migrations.run_direct(None, &mut **connection, false).await?;
                }
            }
            Ok(())
        }
        .boxed();
        let migrated = tokio::time::timeout(MIGRATION, migrating).await;
        migrated.unwrap_or_else(|_| Err(slow().into())).map_err(|it| unmigrated(it, migrations))?;
        lease.give_back();
        Ok(())
    }
}

impl Tx {
    /// Returns the number of rows that were changed.
    pub(super) fn execute(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
        self.lease.execute(self.dialect, statement, values)
    }

    /// The rows that a statement finds.
    pub(super) fn fetch(
        &mut self,
        statement: &str,
        values: &[Value<'_>],
    ) -> BoxFuture<'_, Result<Vec<AnyRow>, sqlx::Error>> {
        self.lease.fetch(self.dialect, statement, values)
    }

    /// Adds rows to a table, in the order of its columns.
    pub(super) async fn upsert<const N: usize>(
        &mut self,
        table: &Table,
        rows: &[[Value<'_>; N]],
    ) -> Result<(), sqlx::Error> {
        for rows in rows.chunks(PARAMETERS / N) {
            let statement = self.dialect.upsert(table, rows.len());
            self.execute(&statement, rows.as_flattened()).await?;
        }
        Ok(())
    }

    /// Runs a statement that ends in ` IN ` for each chunk of a list, and returns what is found.
    pub(super) async fn fetch_in(
        &mut self,
        statement: &str,
        first: &[Value<'_>],
        list: &[Value<'_>],
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut found = Vec::new();
        for chunk in list.chunks(PARAMETERS - first.len()) {
            let (statement, values) = within(statement, first, chunk);
            found.extend(self.fetch(&statement, &values).await?);
        }
        Ok(found)
    }

    /// As [`Tx::fetch_in`], for what finds nothing; returns the number of rows that were changed.
    pub(super) async fn execute_in(
        &mut self,
        statement: &str,
        list: &[Value<'_>],
    ) -> Result<u64, sqlx::Error> {
        let mut changed = 0;
        for chunk in list.chunks(PARAMETERS) {
            let (statement, values) = within(statement, &[], chunk);
            changed += self.execute(&statement, &values).await?;
        }
        Ok(changed)
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.lease.run("COMMIT").await?;
        self.lease.give_back();
        Ok(())
    }
}

fn within<'a>(
    statement: &str,
    first: &[Value<'a>],
    list: &[Value<'a>],
) -> (String, Vec<Value<'a>>) {
    let values: Vec<_> = first.iter().chain(list).copied().collect();
    let places: Vec<_> = (first.len()..values.len()).map(|it| format!("${}", it + 1)).collect();
    (format!("{statement} IN ({})", places.join(", ")), values)
}

impl Lease {
    async fn run(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let connection = self.connection()?;
        limited(sqlx::raw_sql(statement).execute(&mut **connection)).await.map(drop)
    }

    // Boxed here and without the values, so that the compiler sees that what calls it may be sent.

    fn execute(
        &mut self,
        dialect: Dialect,
        statement: &str,
        values: &[Value<'_>],
    ) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
        let query = bound(dialect, statement, values);
        async move {
            let connection = self.connection()?;
            Ok(limited(query.execute(&mut **connection)).await?.rows_affected())
        }
        .boxed()
    }

    fn fetch(
        &mut self,
        dialect: Dialect,
        statement: &str,
        values: &[Value<'_>],
    ) -> BoxFuture<'_, Result<Vec<AnyRow>, sqlx::Error>> {
        let query = bound(dialect, statement, values);
        async move {
            let connection = self.connection()?;
            limited(query.fetch_all(&mut **connection)).await
        }
        .boxed()
    }

    fn connection(&mut self) -> Result<&mut PoolConnection<Any>, sqlx::Error> {
        self.0.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

async fn limited<T>(
    asking: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let answer = tokio::time::timeout(STATEMENT, asking).await;
    answer.unwrap_or_else(|_| Err(slow()))
}

/// Why tables could not be brought up to date. A lock, or a server that has gone, is no fault of
/// theirs.
fn unmigrated(error: MigrateError, migrations: &Migrator) -> StoreError {
    let is_known = |version| migrations.iter().any(|it| it.version == version);
    match error {
        MigrateError::Execute(error) => StoreError::Statement(error),
        MigrateError::VersionMissing(version) | MigrateError::Dirty(version)
            if !is_known(version) =>
        {
            StoreError::Newer
        }
        error => StoreError::Migrate(error),
    }
}

fn slow() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

fn bound<'q>(
    dialect: Dialect,
    statement: &str,
    values: &[Value<'_>],
) -> Query<'q, Any, AnyArguments> {
    let mut query = sqlx::query(dialect.sql(statement));
    for value in values {
        query = match *value {
            Value::Integer(it) => query.bind(it),
            Value::Real(it) => query.bind(it),
            // PostgreSQL's texts hold no NUL.
            Value::Text(it) => query.bind(it.map(|it| it.replace('\0', "\u{FFFD}"))),
            Value::Bytes(it) => query.bind(it.to_vec()),
        };
    }
    query
}

/// Reads a whole row.
pub(super) fn rows<T>(
    rows: &[AnyRow],
    read: impl Fn(&AnyRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    rows.iter().map(read).collect()
}

/// Reads the first column of each row.
pub(super) fn integers(found: &[AnyRow]) -> Result<Vec<i64>, sqlx::Error> {
    rows(found, |it| it.try_get(0))
}
