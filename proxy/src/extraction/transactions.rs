//! The transactions of handlers, and the connections that they are on.
//!
//! A connection that has ended one transaction begins the next. It is not tested in between: the
//! begin is the test, after which a broken one is replaced.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use extracted::Tx;
use sqlx::{MySqlConnection, MySqlPool};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

/// Begins the transaction of a handler that has so long. Without autocommit a statement that follows
/// an implicit end, such as a deadlock's rollback, begins another transaction instead of being
/// committed on its own; and without its savepoint that other transaction is recognised.
///
/// What a handler that was given up has locked must not keep others waiting, first of all the
/// monolith, which is asked the same. So no statement waits for a lock any longer than the handler
/// may take; and where the server does not hear that its client is gone, it gives up a transaction
/// that is silent for as long. `MariaDB` alone can do that: what stands in `/*M! */` is its own.
fn begin(deadline: Duration) -> String {
    // Both are whole seconds.
    let seconds = deadline.as_secs() + 1;
    format!(
        "SET autocommit = 0, innodb_lock_wait_timeout = {seconds} \
         /*M!100300 , idle_transaction_timeout = {seconds} */; \
         START TRANSACTION; SAVEPOINT banyan"
    )
}

/// Fails when the transaction is no longer the one that was begun.
pub(super) const CHECK: &str = "RELEASE SAVEPOINT banyan";

/// A connection that nobody used for so long is closed; well within the server's `wait_timeout`.
const IDLE_LIMIT: Duration = Duration::from_mins(10);

/// How long a rollback may take until its connection is closed instead.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(10);

/// Begins transactions, on connections that stay open between them. There are as many as handlers ever
/// ran at once.
#[derive(Debug)]
pub(super) struct Transactions {
    /// Makes connections, and waits where the database refuses them.
    source: MySqlPool,
    /// The one that was used last is last.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    connection: MySqlConnection,
    since: Instant,
}

impl Transactions {
    pub(super) const fn new(source: MySqlPool) -> Self {
        Self { source, idle: Mutex::new(Vec::new()) }
    }

    /// Begins the transaction of a handler that has so long.
    pub(super) async fn begin(&self, deadline: Duration) -> Result<Tx, sqlx::Error> {
        let kept = self.idle().pop();
        if let Some(Idle { connection, .. }) = kept {
            if let Ok(tx) = Tx::begin(connection, begin(deadline)).await {
                return Ok(tx);
            }
            // The server has closed it, with a last word or without, and so the others: it was
            // restarted, is another one, or they were idle for too long. Nothing was done yet.
            self.idle().clear();
        }
        let connection = self.source.acquire().await?.detach();
        Tx::begin(connection, begin(deadline)).await
    }

    /// Keeps the connection of a transaction that has ended, unless it was lost.
    pub(super) fn keep(&self, connection: Option<MySqlConnection>) {
        let Some(connection) = connection else { return };
        let mut idle = self.idle();
        let long_unused = idle.iter().take_while(|it| it.since.elapsed() > IDLE_LIMIT).count();
        idle.drain(..long_unused);
        idle.push(Idle { connection, since: Instant::now() });
    }

    /// Rolls back, while nobody waits for it; its permit is given back after that.
    pub(super) fn roll_back(self: Arc<Self>, tx: Tx, permit: OwnedSemaphorePermit) {
        tokio::spawn(async move {
            self.keep(timeout(ROLLBACK_LIMIT, tx.roll_back()).await.ok().and_then(Result::ok));
            drop(permit);
        });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
