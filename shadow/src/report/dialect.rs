//! What SQL is called in each database: everything in which the three differ stands here.

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr, migrate::Migrator};

use super::{StoreError, table::Table};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static MYSQL: Migrator = sqlx::migrate!("migrations/mysql");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Which database a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    /// MariaDB too.
    MySql,
    Postgres,
}

impl Dialect {
    /// The database that a URL names.
    pub(super) fn of(url: &str) -> Result<Self, StoreError> {
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        match scheme {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("mysql" | "mariadb") => Ok(Self::MySql),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => {
                let what = "it does not start with `sqlite:`, `mysql:` or `postgres:`";
                Err(StoreError::Url(sqlx::Error::Configuration(what.into())))
            }
        }
    }

    /// Tables as this build wants them.
    pub(super) const fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE,
            Self::MySql => &MYSQL,
            Self::Postgres => &POSTGRES,
        }
    }

    /// The version of the tables that this build reads.
    pub(super) fn newest(self) -> i64 {
        self.migrations().iter().map(|it| it.version).max().unwrap_or_default()
    }

    /// What each connection is told first.
    pub(super) const fn setup(self) -> &'static str {
        match self {
            // With a write-ahead log, `NORMAL` loses at most the last second, and corrupts nothing.
            Self::Sqlite => {
                "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"
            }
            // As in the others, a statement sees what was committed before it; and nobody waits long
            // for the rows of a writer that hangs. Only MariaDB can be told to give such a one up.
            Self::MySql => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
                 SET SESSION innodb_lock_wait_timeout = 8 /*M!, SESSION idle_transaction_timeout = 20 */"
            }
            Self::Postgres => {
                "SET lock_timeout = '8s'; SET statement_timeout = '15s'; \
                 SET idle_in_transaction_session_timeout = '20s'"
            }
        }
    }

    /// What a connection that only reads is told first.
    pub(super) const fn setup_reader(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA busy_timeout = 2000",
            Self::MySql => "SET SESSION TRANSACTION READ ONLY",
            Self::Postgres => {
                "SET default_transaction_read_only = on; SET statement_timeout = '15s'"
            }
        }
    }

    /// Begins a transaction that writes.
    pub(super) const fn begin(self) -> &'static str {
        match self {
            // It reads before it writes: begun as a reader, it would fail at once when another process
            // has written in between, instead of waiting for it.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::MySql | Self::Postgres => "BEGIN",
        }
    }

    /// The end of a `SELECT` whose rows nobody else may lock until this transaction ends.
    pub(super) const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "", // the transaction has the whole file
            Self::MySql | Self::Postgres => " FOR UPDATE",
        }
    }

    /// What its clock says, in milliseconds since 1970, whatever the time zone.
    pub(super) const fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS BIGINT)",
            Self::MySql => {
                "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000"
            }
            Self::Postgres => "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// The tables in the place that the URL names, as one column.
    pub(super) const fn tables(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Self::MySql => {
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
                 WHERE table_schema = DATABASE()"
            }
            Self::Postgres => {
                "SELECT table_name::text FROM information_schema.tables \
                 WHERE table_schema = current_schema()"
            }
        }
    }

    /// The integers as which sums are read: by themselves they are decimal numbers in some.
    pub(super) const fn integer(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "BIGINT",
            Self::MySql => "SIGNED",
        }
    }

    /// A statement whose parameters are `$1`, `$2` …, each used once and in order.
    pub(super) fn sql(self, statement: &str) -> SqlStr {
        let text = match self {
            Self::Sqlite | Self::Postgres => statement.to_owned(),
            Self::MySql => {
                let mut parts = statement.split('$');
                let mut text = parts.next().unwrap_or_default().to_owned();
                for part in parts {
                    text.push('?');
                    text.push_str(part.trim_start_matches(|it: char| it.is_ascii_digit()));
                }
                text
            }
        };
        AssertSqlSafe(text).into_sql_str()
    }

    /// Inserts so many rows; those whose key is there already are merged into what is there.
    pub(super) fn upsert(self, table: &Table, rows: usize) -> String {
        let columns: Vec<_> = table.columns().collect();
        let row = |row: usize| {
            let first = row * columns.len() + 1;
            let places: Vec<_> =
                (first..first + columns.len()).map(|it| format!("${it}")).collect();
            format!("({})", places.join(", "))
        };
        let values: Vec<_> = (0..rows).map(row).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let merge = self.merge(table);
        format!("INSERT INTO {} ({columns}) VALUES {values}{merge}", table.name)
    }

    /// What becomes of a row whose key is there already.
    fn merge(self, table: &Table) -> String {
        let Some(first) = table.key.first() else { return String::new() };
        let key = table.key.join(", ");
        let merges = match self {
            Self::Sqlite => table.merges("MAX", |it| format!("excluded.{it}")),
            Self::MySql => table.merges("GREATEST", |it| format!("VALUES({it})")),
            Self::Postgres => table.merges("GREATEST", |it| format!("excluded.{it}")),
        };
        match (self, merges.is_empty()) {
            (Self::MySql, false) => format!(" ON DUPLICATE KEY UPDATE {merges}"),
            // What does nothing.
            (Self::MySql, true) => format!(" ON DUPLICATE KEY UPDATE {first} = {first}"),
            (_, false) => format!(" ON CONFLICT ({key}) DO UPDATE SET {merges}"),
            (_, true) => format!(" ON CONFLICT ({key}) DO NOTHING"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::Merge;

    const TABLE: Table = Table {
        name: "things",
        key: &["a", "b"],
        values: &[("n", Merge::Add), ("at", Merge::Latest), ("first", Merge::Keep)],
    };

    #[test]
    fn an_upsert_is_written_as_each_database_wants_it() {
        assert_eq!(
            Dialect::Sqlite.upsert(&TABLE, 2),
            "INSERT INTO things (a, b, n, at, first) VALUES ($1, $2, $3, $4, $5), \
             ($6, $7, $8, $9, $10) ON CONFLICT (a, b) DO UPDATE SET n = things.n + excluded.n, \
             at = MAX(things.at, excluded.at)"
        );
        let mysql = Dialect::MySql.upsert(&TABLE, 1);
        assert_eq!(
            Dialect::MySql.sql(&mysql).as_str(),
            "INSERT INTO things (a, b, n, at, first) VALUES (?, ?, ?, ?, ?) \
             ON DUPLICATE KEY UPDATE n = things.n + VALUES(n), at = GREATEST(things.at, VALUES(at))"
        );
    }

    #[test]
    fn what_is_kept_as_it_is_is_not_touched() {
        let table = Table { values: &[("first", Merge::Keep)], ..TABLE };
        let of = |it: Dialect| it.upsert(&table, 1).split_once(") ON ").map(|it| it.1.to_owned());
        assert_eq!(of(Dialect::Postgres).as_deref(), Some("CONFLICT (a, b) DO NOTHING"));
        assert_eq!(of(Dialect::MySql).as_deref(), Some("DUPLICATE KEY UPDATE a = a"));
    }
}
