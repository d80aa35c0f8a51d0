//! The HTTP/2 connections to the servers, one pool per worker thread.

use std::{
    collections::HashMap,
    future::Future,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::connection::{Connection, Lease};
use crate::upstream::Endpoint;

/// Open connections by server. Used by one thread, so the locks are never waited for. Cloning shares
/// the pool.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<Endpoint, Arc<Shelf>>>>);

#[derive(Debug, Default)]
struct Shelf {
    /// In the order of their opening: the first with a free stream is used, so that the last are idle
    /// when there is less to do.
    open: Mutex<Vec<Connection>>,
    /// Held while one is opened: whoever needs one too waits for it instead of opening another.
    opening: tokio::sync::Mutex<()>,
}

impl Connections {
    /// A free stream to `endpoint`, if there is one on a connection that has not been idle for
    /// `limit`.
    pub fn lease(&self, endpoint: &Endpoint, limit: Duration) -> Option<Lease> {
        let place = self.lock().get(endpoint).cloned()?;
        place.lease(limit)
    }

    /// A free stream to `endpoint`, over a connection that `connect` opens if none is there. While
    /// somebody else opens one, that is waited for, for `patience`.
    ///
    /// # Errors
    /// Those of `connect`, and that the wait was too long.
    pub async fn open(
        &self,
        endpoint: &Endpoint,
        limit: Duration,
        patience: Duration,
        connect: impl Future<Output = io::Result<Connection>>,
    ) -> io::Result<Lease> {
        let place = Arc::clone(self.lock().entry(endpoint.clone()).or_default());
        let opening = tokio::time::timeout(patience, place.opening.lock());
        let _opening = opening.await.map_err(|_| io::ErrorKind::TimedOut)?;
        if let Some(lease) = place.lease(limit) {
            return Ok(lease);
        }
        let connection = connect.await?;
        let lease = connection.first_lease()?;
        place.lock().push(connection);
        Ok(lease)
    }

    /// Forgets connections that can carry no more requests, or have been idle for `limit`.
    pub fn sweep(&self, limit: Duration) {
        self.lock().retain(|_, place| {
            let mut open = place.lock();
            open.retain_mut(|it| it.is_usable(limit));
            // Somebody who has it in hand may be opening a connection.
            !open.is_empty() || Arc::strong_count(place) > 1
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, Arc<Shelf>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn lease(&self, limit: Duration) -> Option<Lease> {
        let mut open = self.lock();
        open.retain_mut(|it| it.is_usable(limit));
        open.iter().find_map(Connection::lease)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
