//! Keep-alive connections to the servers, one pool per worker thread.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foldhash::fast::RandomState;

use crate::{
    h1::connection::Connection, h2::connections::Connections, route::Routes, upstream::Endpoint,
};

/// How often connections are closed that nobody needs any more.
const SWEEP: Duration = Duration::from_secs(5);

/// Nobody outside chooses the keys, so a hash that is quick is enough.
type Idle = HashMap<Endpoint, Vec<Connection>, RandomState>;

/// Idle connections by server, the freshest last. Used by one thread, so the lock is never waited
/// for. Cloning shares the pool.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    idle: Arc<Mutex<Idle>>,
    /// Those that carry many requests at once, busy ones too.
    http2: Connections,
}

/// Where a connection goes when its answer has been read.
#[derive(Debug)]
pub struct Home {
    pool: Pool,
    address: Endpoint,
}

impl Pool {
    /// The idle connection to `address` that was used last, if one is open still and has not been
    /// idle for `limit`. `surely`: for a request that cannot be sent twice.
    pub fn reuse(&self, address: &Endpoint, limit: Duration, surely: bool) -> Option<Connection> {
        let mut idle = self.lock();
        let connections = idle.get_mut(address)?;
        while let Some(mut connection) = connections.pop() {
            if connection.idle_since.elapsed() < limit && connection.is_quiet(surely) {
                return Some(connection);
            }
        }
        None
    }

    /// Where a connection to `address` goes afterwards.
    pub fn home(&self, address: Endpoint) -> Home {
        Home { pool: self.clone(), address }
    }

    /// The connections to servers that speak HTTP/2.
    pub const fn http2(&self) -> &Connections {
        &self.http2
    }

    /// Closes, every few seconds, what has been idle for as long as the table in force allows: also
    /// connections to servers that nobody asks any more. Never ends.
    pub async fn sweep_regularly(&self, routes: &Routes) {
        loop {
            tokio::time::sleep(SWEEP).await;
            self.sweep(routes.policy().timeouts.pool_idle);
        }
    }

    fn sweep(&self, limit: Duration) {
        self.http2.sweep(limit);
        self.lock().retain(|_, connections| {
            // Used last, reused first: the oldest are at the front.
            let expired = connections.partition_point(|it| it.idle_since.elapsed() >= limit);
            connections.drain(..expired);
            !connections.is_empty()
        });
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Home {
    /// The answer has been read whole: the connection may carry the next request.
    pub fn give_back(self, mut connection: Connection) {
        connection.rest();
        let mut idle = self.pool.lock();
        match idle.get_mut(&self.address) {
            Some(connections) => connections.push(connection),
            None => {
                idle.insert(self.address, vec![connection]);
            }
        }
    }
}
