//! The monolith's Redis, as the place where jobs go.

use std::time::Duration;

use extracted::{Job, rails::job::Namespace};
use redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use uuid::Uuid;

use super::jobs::PushError;

/// Who cannot be reached or does not answer within this is asked again by the sweeper.
const LIMIT: Duration = Duration::from_secs(2);

/// Does each command, a count and so many words, unless the commit's id is known. All of it happens,
/// or nothing.
const SCRIPT: &str = "\
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local at = 2
while at < #ARGV do
  local words = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + words))
  at = at + 1 + words
end
redis.call('SET', KEYS[1], 1, 'EX', ARGV[1])
return 1";

/// Seconds for which a commit's id is known: longer than any sweeper takes to come by again.
const REMEMBERED: u32 = 24 * 60 * 60;

/// A connection that is opened when it is first needed, and again when it is lost. A server that has
/// become a replica counts as lost: there may be a new primary.
#[derive(Clone)]
pub struct RedisQueue {
    connection: ConnectionManager,
    namespace: Namespace,
}

impl RedisQueue {
    /// Jobs go to `redis://[:PASSWORD@]HOST:PORT/DATABASE`, under keys of this namespace.
    ///
    /// # Errors
    /// When `url` is not such a URL.
    pub fn new(url: &str, namespace: Namespace) -> Result<Self, RedisError> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            .set_number_of_retries(1);
        let client = Client::open(url)?;
        let connection = ConnectionManager::new_lazy_with_config(client, settings)?;
        Ok(Self { connection, namespace })
    }

    /// Pushes the jobs of one commit, in their order. A second push with the same `id` does nothing.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses; where the connection broke, they may be there.
    pub async fn push(&self, id: Uuid, jobs: &[Job]) -> Result<(), PushError> {
        let pushed = self.namespace.key(&format!("banyan:pushed:{}", id.simple()));
        let mut script = redis::cmd("EVAL");
        script.arg(SCRIPT).arg(1).arg(pushed).arg(REMEMBERED);
        for command in jobs.iter().flat_map(|it| it.commands(&self.namespace)) {
            script.arg(command.len()).arg(command);
        }
        let mut connection = self.connection.clone();
        let done: Result<i64, _> = script.query_async(&mut connection).await;
        done.map(drop).map_err(PushError::Redis)
    }
}

impl std::fmt::Debug for RedisQueue {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisQueue").finish_non_exhaustive()
    }
}
