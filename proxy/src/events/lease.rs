//! Who publishes: one of any number of proxies, the one that holds the lease in `banyan_leases`.
//!
//! Only the database's clock counts there. The holder also knows, by its own monotonic clock, until
//! when it holds the lease at least: reckoned from before it asked, so that it stops before the
//! database lets another take over, whatever the wall clocks say. Each taking has an id of its own,
//! and what a holder writes is committed only while its id is still in the row.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use sqlx::{Executor as _, MySqlConnection, MySqlPool};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::database::{DatabaseError, Link};
use crate::extraction::is_missing;

/// For how long a lease is given: so much later another proxy takes over from one that died.
const LENGTH: Duration = Duration::from_secs(5);

/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(1);

/// Before a renewal that failed is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// So long before its end nothing more is begun.
const MARGIN: Duration = Duration::from_millis(500);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS banyan_leases ( \
     name VARCHAR(64) CHARACTER SET ascii NOT NULL PRIMARY KEY, \
     holder BINARY(16) NOT NULL, \
     expires_at DATETIME(6) NOT NULL \
     ) ENGINE = InnoDB";

/// The row of this lease; nobody holds it at first.
const ROW: &str = "INSERT IGNORE INTO banyan_leases (name, holder, expires_at) \
                   VALUES ('events', '', '1970-01-01')";

const TAKE: &str = "UPDATE banyan_leases \
                    SET holder = ?, expires_at = UTC_TIMESTAMP(6) + INTERVAL ? SECOND \
                    WHERE name = 'events' AND expires_at < UTC_TIMESTAMP(6)";

const KEEP: &str = "UPDATE banyan_leases SET expires_at = UTC_TIMESTAMP(6) + INTERVAL ? SECOND \
                    WHERE name = 'events' AND holder = ? AND expires_at > UTC_TIMESTAMP(6)";

const CONFIRM: &str = "SELECT 1 FROM banyan_leases \
                       WHERE name = 'events' AND holder = ? AND expires_at > UTC_TIMESTAMP(6) \
                       FOR UPDATE";

const RELEASE: &str = "UPDATE banyan_leases SET expires_at = '1970-01-01' \
                       WHERE name = 'events' AND holder = ?";

/// The right to publish, while it lasts.
#[derive(Debug)]
pub(super) struct Lease {
    holder: Uuid,
    until: Cell<Instant>,
}

impl Lease {
    /// Whether something may still be begun.
    pub(super) fn is_valid(&self) -> bool {
        Instant::now() + MARGIN < self.until.get()
    }

    /// Makes sure, inside a transaction, that the lease is still held, and stays so until the
    /// transaction ends.
    pub(super) async fn confirm(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<bool, sqlx::Error> {
        let held = sqlx::query(CONFIRM).bind(&self.holder.as_bytes()[..]);
        Ok(held.fetch_optional(connection).await?.is_some())
    }
}

/// The table of leases. It has a connection of its own, so that long work does not keep a lease from
/// being renewed.
pub(super) struct Leases {
    link: Link,
    ready: bool,
}

impl Leases {
    pub(super) fn new(database: &MySqlPool) -> Self {
        Self { link: Link::new(database), ready: false }
    }

    /// Takes the lease if nobody holds it.
    pub(super) async fn take(&mut self) -> Result<Option<Lease>, DatabaseError> {
        if !self.ready {
            self.link.work(prepare).await?;
            self.ready = true;
        }
        let (holder, asked) = (Uuid::new_v4(), Instant::now());
        let work = async |connection: &mut MySqlConnection| {
            let take = sqlx::query(TAKE).bind(&holder.as_bytes()[..]).bind(LENGTH.as_secs());
            take.execute(connection).await
        };
        let taken = self.link.work(work).await?.rows_affected() == 1;
        Ok(taken.then(|| Lease { holder, until: Cell::new(asked + LENGTH) }))
    }

    /// Renews the lease for as long as it is held; returns when it is lost.
    pub(super) async fn keep(&mut self, lease: &Lease) {
        let mut pause = RENEW;
        loop {
            sleep(pause.min(lease.until.get().saturating_duration_since(Instant::now()))).await;
            let left = lease.until.get().saturating_duration_since(Instant::now());
            pause = match timeout(left, self.renew(lease)).await {
                Ok(Ok(true)) => RENEW,
                // Nothing of ours is left to be renewed; or there was no time to find out.
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "the lease of the events was not renewed");
                    RETRY
                }
            };
        }
    }

    async fn renew(&mut self, lease: &Lease) -> Result<bool, DatabaseError> {
        let asked = Instant::now();
        let work = async |connection: &mut MySqlConnection| {
            let keep = sqlx::query(KEEP).bind(LENGTH.as_secs()).bind(&lease.holder.as_bytes()[..]);
            keep.execute(connection).await
        };
        let held = self.link.work(work).await?.rows_affected() == 1;
        if held {
            lease.until.set(asked + LENGTH);
        }
        Ok(held)
    }

    /// Lets go of the lease, so that another need not wait for its end.
    pub(super) async fn release(&mut self, lease: Lease) {
        let work = async |connection: &mut MySqlConnection| {
            let release = sqlx::query(RELEASE).bind(&lease.holder.as_bytes()[..]);
            release.execute(connection).await
        };
        if let Err(error) = self.link.work(work).await {
            tracing::debug!(%error, "the lease of the events ends by itself");
        }
    }
}

/// Sees to it that the table and the row are there, and asks for no more rights than that needs.
async fn prepare(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    match connection.execute("SELECT 1 FROM banyan_leases LIMIT 0").await {
        Ok(_) => {}
        Err(error) if is_missing(&error) => {
            connection.execute(TABLE).await?;
        }
        Err(error) => return Err(error),
    }
    connection.execute(ROW).await.map(drop)
}
