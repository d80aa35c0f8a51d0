//! Migrations of a process that was killed among their statements, where each is committed by itself.

use shadow::{Reports, Store, StoreError};
use sqlx::{Connection as _, Row as _, migrate::Migrator};

use crate::{
    bench::{Place, Process, report},
    servers::{Kind, connect, execute},
};

static MYSQL: Migrator = sqlx::migrate!("../shadow/migrations/mysql");

/// The statements of a migration.
fn statements(script: &str) -> Vec<String> {
    let lines: Vec<_> = script.lines().filter(|it| !it.starts_with("--")).collect();
    lines.join("\n").split(';').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// What the tables, their columns and their indexes are called.
async fn made(url: &str) -> Vec<String> {
    let mut connection = connect(url).await;
    let statement = "SELECT CAST(CONCAT_WS(' ', table_name, column_name, column_type) AS CHAR) \
                     FROM information_schema.columns WHERE table_schema = DATABASE() UNION \
                     SELECT CAST(CONCAT_WS(' ', table_name, index_name, column_name) AS CHAR) \
                     FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY 1";
    let found = sqlx::query(statement).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    found.iter().map(|it| it.get(0)).collect()
}

/// Leaves a database as a process does that dies behind so many statements of a migration.
async fn die_in(url: &str, version: i64, done: usize) {
    let migration = MYSQL.iter().find(|it| it.version == version).unwrap();
    let mut connection = connect(url).await;
    MYSQL.run_to(version - 1, &mut connection).await.unwrap();
    connection.close().await.unwrap();
    let checksum = hex::encode(&migration.checksum);
    let begun = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES ({version}, 'killed', FALSE, X'{checksum}', -1)"
    );
    execute(url, &begun).await;
    for statement in &statements(migration.sql.as_str())[..done] {
        execute(url, statement).await;
    }
}

#[tokio::test]
async fn a_migration_of_mariadb_that_was_killed_anywhere_is_completed_by_the_next_start() {
    completed(Kind::MariaDb).await;
}

#[cfg(feature = "mysql")]
#[tokio::test]
async fn a_migration_of_mysql_that_was_killed_anywhere_is_completed_by_the_next_start() {
    completed(Kind::MySql).await;
}

async fn completed(kind: Kind) {
    let whole = Place::on(kind).await;
    drop(Store::open(&whole.url).await.unwrap());
    let expected = made(&whole.url).await;
    for migration in MYSQL.iter() {
        for done in 0..=statements(migration.sql.as_str()).len() {
            let place = Place::on(kind).await;
            die_in(&place.url, migration.version, done).await;
            let error = Reports::open_read_only(&place.url).await.unwrap_err();
            assert!(matches!(error, StoreError::Older), "{error:?}");

            let process = Process::new(&place.url).await;
            process.offer("a", "/", ["1", "2"]);
            let store = process.end().await;
            assert_eq!(report(&store, "a").await.mismatched, 1);
            let at = (migration.version, done);
            assert_eq!(made(&place.url).await, expected, "{at:?}");
            // And the one after that finds nothing to do.
            drop(Store::open(&place.url).await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_fault_of_a_migration_is_not_taken_for_one_that_was_done_before() {
    let place = Place::mariadb().await;
    die_in(&place.url, 1, 0).await;
    // What stands there is no table of ours, and has not its columns: the index cannot be made.
    execute(&place.url, "CREATE TABLE samples (id INTEGER PRIMARY KEY)").await;
    let error = Store::open(&place.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Migrate(_)), "{error:?}");
}
