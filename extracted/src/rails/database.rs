//! Connections to the monolith's database that behave as `ActiveRecord`'s do.
//!
//! Source: activerecord 6.1, `abstract_mysql_adapter.rb` (`configure_connection`) and
//! `sanitization.rb`.

use std::time::Duration;

use sqlx::{
    Executor as _, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

/// Who waits longer than this for a connection is better answered by the monolith. So long is also
/// tried to reach a database that refuses.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(250);

/// What `ActiveRecord` sets where the application's database.yml has nothing to say.
const SESSION: &str = "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'), \
                       sql_auto_is_null = 0";

/// A pool of up to `connections` to `mysql://USER:PASSWORD@HOST[:PORT]/NAME`, or
/// `…?socket=PATH`. It connects when it is first used, so that a database that is down does not keep
/// the proxy from starting.
///
/// The session is `utf8mb4`, strict, and in the server's own time zone, as in Rails; sqlx by itself
/// would set `+00:00` and `PIPES_AS_CONCAT`, under which `NOW()`, `TIMESTAMP` columns and `||` mean
/// something else.
///
/// # Errors
/// [`sqlx::Error::Configuration`] when `url` is not such a URL.
///
/// # Panics
/// Outside a Tokio runtime: the pool keeps a task there that closes idle connections.
pub fn pool(url: &str, connections: u32) -> Result<MySqlPool, sqlx::Error> {
    if !url.starts_with("mysql://") {
        return Err(sqlx::Error::Configuration("the URL must begin with mysql://".into()));
    }
    let options: MySqlConnectOptions = url.parse()?;
    let options = options.timezone(None).pipes_as_concat(false).no_engine_substitution(false);
    let pool = MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection is tested when it comes back. One that dies in between fails its handler, and
        // the monolith answers: cheaper than a round trip before every request.
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(SESSION).await.map(drop) })
        });
    Ok(pool.connect_lazy_with(options))
}

/// `sanitize_sql_like`: the text with `%`, `_` and `\` escaped, so that `LIKE` finds it literally.
pub fn sanitize_sql_like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_lose_their_meaning() {
        assert_eq!(sanitize_sql_like(r"50%_off\"), r"50\%\_off\\");
    }

    #[test]
    fn a_url_of_another_database_is_refused() {
        for url in ["shop", "postgres://127.0.0.1/shop", "mysql://127.0.0.1:port/shop"] {
            assert!(matches!(pool(url, 1), Err(sqlx::Error::Configuration(_))), "{url}");
        }
    }
}
