//! The monolith's Sidekiq in Redis, as the place where jobs go.
//!
//! Source: sidekiq 6.4, `client.rb` (`atomic_push`).

use std::time::Duration;

use redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use uuid::Uuid;

use super::jobs::{JobQueue, Push, PushError, Stored};

/// Who cannot be reached or does not answer within this is asked again by the sweeper.
const LIMIT: Duration = Duration::from_secs(2);

/// Pushes each job, unless the commit's id is known. All of it happens, or nothing.
const SCRIPT: &str = "\
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #ARGV, 3 do
  if ARGV[i + 1] == '' then
    redis.call('SADD', 'queues', ARGV[i])
    redis.call('LPUSH', 'queue:' .. ARGV[i], ARGV[i + 2])
  else
    redis.call('ZADD', 'schedule', ARGV[i + 1], ARGV[i + 2])
  end
end
redis.call('SET', KEYS[1], 1, 'EX', ARGV[1])
return 1";

/// Seconds for which a commit's id is known: longer than any sweeper takes to come by again.
const REMEMBERED: u32 = 24 * 60 * 60;

/// A connection that is opened when it is first needed, and again when it is lost.
#[derive(Clone)]
pub struct RedisQueue(ConnectionManager);

impl RedisQueue {
    /// Jobs go to `redis://[:PASSWORD@]HOST:PORT/DATABASE`.
    ///
    /// # Errors
    /// When `url` is not such a URL.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            .set_number_of_retries(1);
        let client = Client::open(url)?;
        Ok(Self(ConnectionManager::new_lazy_with_config(client, settings)?))
    }
}

impl std::fmt::Debug for RedisQueue {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisQueue").finish_non_exhaustive()
    }
}

impl JobQueue for RedisQueue {
    fn push<'a>(&'a self, id: Uuid, jobs: &'a [Stored]) -> Push<'a> {
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(1).arg(format!("banyan:pushed:{}", id.simple())).arg(REMEMBERED);
        for job in jobs {
            let at = job.at.map(|it| it.to_string()).unwrap_or_default();
            command.arg(&job.queue).arg(at).arg(&job.payload);
        }
        let mut connection = self.0.clone();
        Box::pin(async move {
            let pushed: Result<i64, _> = command.query_async(&mut connection).await;
            pushed.map(drop).map_err(PushError::Redis)
        })
    }
}
