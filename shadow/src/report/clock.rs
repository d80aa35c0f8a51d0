//! The store's clock. By it processes on several machines agree on what is older; how long ago
//! something was, each knows by its own clock that no correction moves.

use std::time::{Duration, Instant};

use super::database::{Tx, integers};

/// What the store's clock says, in milliseconds since 1970, and when that was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) at: i64,
    pub(super) read: Instant,
}

impl Now {
    pub(super) async fn of(tx: &mut Tx) -> Result<Self, sqlx::Error> {
        let found = integers(&tx.fetch(tx.dialect.now(), &[]).await?)?;
        let at = found.first().copied().ok_or(sqlx::Error::RowNotFound)?;
        Ok(Self { at, read: Instant::now() })
    }

    /// When something was that has happened to this process.
    pub(super) fn when(self, then: Instant) -> i64 {
        self.before(self.read.saturating_duration_since(then))
    }

    /// So long ago.
    pub(super) fn before(self, age: Duration) -> i64 {
        self.at.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    }
}
