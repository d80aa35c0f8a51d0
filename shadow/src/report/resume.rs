//! Migrations that a process left half-way. MySQL commits each statement that changes tables by
//! itself, so a process that dies among them leaves some of them done, and sqlx's note that it began.

use sqlx::{
    AnyConnection, AssertSqlSafe, Row as _,
    migrate::{MigrateError, Migrator},
};

/// What MySQL and MariaDB say of a table, a column or an index that a statement would make and that
/// is there already, and of a column or index that it would drop and that is not: it was done before.
///
/// Source: MySQL 8.0 Error Reference, `ER_TABLE_EXISTS_ERROR`, `ER_DUP_FIELDNAME`,
/// `ER_DUP_KEYNAME`, `ER_CANT_DROP_FIELD_OR_KEY`.
const DONE: [u16; 4] = [1050, 1060, 1061, 1091];

/// Does what is left of them. Only for the process that has the lock.
pub(super) async fn resume(
    connection: &mut AnyConnection,
    migrations: &Migrator,
) -> Result<(), MigrateError> {
    let statement = "SELECT COUNT(*) FROM information_schema.tables \
                     WHERE table_schema = DATABASE() AND table_name = '_sqlx_migrations'";
    let is_there = sqlx::query(statement).fetch_one(&mut *connection).await?;
    if is_there.try_get::<i64, _>(0)? == 0 {
        return Ok(());
    }
    let statement = "SELECT version FROM _sqlx_migrations WHERE success = FALSE ORDER BY version";
    for row in sqlx::query(statement).fetch_all(&mut *connection).await? {
        let version: i64 = row.try_get(0)?;
        // sqlx says of one that this build does not know that it is half-way.
        let Some(migration) = migrations.iter().find(|it| it.version == version) else { continue };
        tracing::warn!(version, "a migration of the store was left half-way, and goes on");
        for statement in statements(migration.sql.as_str()) {
            let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await;
            match done {
                Err(error) if was_done(&error) => {}
                done => done.map(drop).map_err(|it| MigrateError::ExecuteMigration(it, version))?,
            }
        }
        let statement = "UPDATE _sqlx_migrations SET success = TRUE WHERE version = ?";
        sqlx::query(statement).bind(version).execute(&mut *connection).await?;
    }
    Ok(())
}

fn was_done(error: &sqlx::Error) -> bool {
    let of_mysql = error
        .as_database_error()
        .and_then(|it| it.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>());
    of_mysql.is_some_and(|it| DONE.contains(&it.number()))
}

/// One after the other. Ours have no text in which a semicolon ends a line, but comments may.
fn statements(script: &str) -> impl Iterator<Item = String> {
    let lines: Vec<_> = script.lines().filter(|it| !it.trim_start().starts_with("--")).collect();
    let statements: Vec<_> = lines.join("\n").split(";\n").map(|it| it.trim().to_owned()).collect();
    statements.into_iter().filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_taken_apart_where_its_statements_end() {
        let script = "-- One;\nA (\n    b; c\n);\n\n-- Two;\n  -- and;\nB;\nC;\n";
        assert_eq!(statements(script).collect::<Vec<_>>(), ["A (\n    b; c\n)", "B", "C;"]);
        assert_eq!(statements("").count(), 0);
    }
}
