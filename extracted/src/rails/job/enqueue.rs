//! How a job gets into Redis.
//!
//! Source: sidekiq 6.4, `client.rb` (`raw_push`, `atomic_push`); the prefix is that of the gem
//! redis-namespace, which Sidekiq knew up to 6.

use redis::{Pipeline, aio::ConnectionLike};

use super::{Job, seconds};
use crate::rails::json::float_to_s;

/// What redis-namespace puts before every key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace(Option<String>);

/// The job is not known to be in Redis.
#[derive(Debug, thiserror::Error)]
#[error("a job could not be handed to Redis; look whether the monolith's Redis takes writes")]
pub struct EnqueueError(#[source] redis::RedisError);

impl Namespace {
    /// None, which is usual; or `namespace:`.
    pub fn new(namespace: Option<&str>) -> Self {
        Self(namespace.map(|it| format!("{it}:")))
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.0.as_deref().unwrap_or_default())
    }
}

impl EnqueueError {
    /// Whether the server has become a replica, or waits for replicas that it lacks: the job is not
    /// there, and a new connection may lead to the new primary. Sidekiq tries once more then.
    pub fn wants_another_connection(&self) -> bool {
        matches!(self.0.code(), Some("READONLY" | "NOREPLICAS" | "UNBLOCKED"))
    }
}

/// Puts the job into its queue, or with those that are due later.
///
/// # Errors
/// When Redis cannot be reached or refuses; where the connection broke, the job may be there.
pub async fn enqueue(
    connection: &mut impl ConnectionLike,
    namespace: &Namespace,
    job: &Job,
) -> Result<(), EnqueueError> {
    commands(namespace, job).query_async(connection).await.map_err(EnqueueError)
}

/// Without MULTI: a queue that is known but empty harms nobody.
pub(super) fn commands(namespace: &Namespace, job: &Job) -> Pipeline {
    let mut commands = Pipeline::new();
    if let Some(at) = job.at {
        let score = float_to_s(seconds(at));
        commands.cmd("ZADD").arg(namespace.key("schedule")).arg(score).arg(&job.payload).ignore();
    } else {
        let queue = namespace.key(&format!("queue:{}", job.queue));
        commands.cmd("SADD").arg(namespace.key("queues")).arg(&job.queue).ignore();
        commands.cmd("LPUSH").arg(queue).arg(&job.payload).ignore();
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_takes_no_writes_wants_another_connection() {
        for (answer, wants) in [
            ("-READONLY You can't write against a read only replica.\r\n", true),
            ("-NOREPLICAS Not enough good replicas to write.\r\n", true),
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", false),
        ] {
            let value = redis::parse_redis_value(answer.as_bytes()).unwrap();
            let error = EnqueueError(value.extract_error().unwrap_err());
            assert_eq!(error.wants_another_connection(), wants, "{answer}");
        }
    }
}
