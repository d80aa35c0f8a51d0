//! Connections to the monolith's MySQL that behave as `ActiveRecord`'s do.

use std::time::Duration;

use sqlx::{
    MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

/// A handler that waits longer than this for a connection is better answered by the monolith.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(500);

/// A pool of up to `connections` that connects when it is first used, so that a database that is
/// down does not keep the proxy from starting.
///
/// `ActiveRecord` leaves the session's time zone and `sql_mode` extras alone where sqlx sets them
/// (`+00:00`, `PIPES_AS_CONCAT`), and asks for strict mode; so does this.
///
/// # Errors
/// When `url` is not `mysql://USER:PASSWORD@HOST[:PORT]/NAME`.
pub fn pool(url: &str, connections: u32) -> Result<MySqlPool, sqlx::Error> {
    let options: MySqlConnectOptions = url.parse()?;
    let options = options
        .charset("utf8mb4")
        .set_names(true)
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false);
    let pool = MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO')")
                    .execute(connection)
                    .await
                    .map(drop)
            })
        });
    Ok(pool.connect_lazy_with(options))
}
