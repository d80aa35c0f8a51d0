//! The monolith's Redis, as the place where jobs go.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use extracted::{
    Job,
    rails::{cable::Broadcast, job::Namespace},
};
use redis::{
    Client, Cmd, RedisError,
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

/// A connection that is opened when it is first needed, and again when it is lost.
#[derive(Clone)]
pub struct RedisQueue(Arc<Inner>);

struct Inner {
    client: Client,
    connection: ArcSwap<ConnectionManager>,
    namespace: Namespace,
}

impl RedisQueue {
    /// Jobs go to `redis://[:PASSWORD@]HOST:PORT/DATABASE`, under keys of this namespace.
    ///
    /// # Errors
    /// When `url` is not such a URL.
    pub fn new(url: &str, namespace: Namespace) -> Result<Self, RedisError> {
        let client = Client::open(url)?;
        let connection = ArcSwap::from_pointee(lazy(&client)?);
        Ok(Self(Arc::new(Inner { client, connection, namespace })))
    }

    /// Pushes the jobs of one commit, in their order. A second push with the same `id` does nothing.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses; where the connection broke, they may be there.
    pub async fn push(&self, id: Uuid, jobs: &[Job]) -> Result<(), PushError> {
        let namespace = &self.0.namespace;
        let pushed = namespace.key(&format!("banyan:pushed:{}", id.simple()));
        let mut script = redis::cmd("EVAL");
        script.arg(SCRIPT).arg(1).arg(pushed).arg(REMEMBERED);
        for command in jobs.iter().flat_map(|it| it.commands(namespace)) {
            script.arg(command.len()).arg(command);
        }
        let done = match self.run(&script).await {
            Err(error) if wants_another_connection(&error) => {
                let another = lazy(&self.0.client).map_err(PushError::Redis)?;
                self.0.connection.store(Arc::new(another));
                self.run(&script).await
            }
            done => done,
        };
        done.map_err(PushError::Redis)
    }

    /// Tells those who watch.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn publish(&self, broadcasts: &[Broadcast]) -> Result<(), RedisError> {
        let mut connection = ConnectionManager::clone(&self.0.connection.load());
        for broadcast in broadcasts {
            let mut command = Cmd::new();
            command.arg(broadcast.command());
            let () = command.query_async(&mut connection).await?;
        }
        Ok(())
    }

    async fn run(&self, script: &Cmd) -> Result<(), RedisError> {
        let mut connection = ConnectionManager::clone(&self.0.connection.load());
        // What it returns, whether they had been pushed before, changes nothing.
        let done: Result<i64, _> = script.query_async(&mut connection).await;
        done.map(drop)
    }
}

fn lazy(client: &Client) -> Result<ConnectionManager, RedisError> {
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(LIMIT))
        .set_response_timeout(Some(LIMIT))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), settings)
}

/// Whether the server has become a replica, or lacks replicas: nothing was done, and a new connection
/// may lead to the new primary. The connection itself is sound, so nobody else opens another.
///
/// Source: sidekiq 6.4, `lib/sidekiq.rb` (`redis`).
fn wants_another_connection(error: &RedisError) -> bool {
    matches!(error.code(), Some("READONLY" | "NOREPLICAS" | "UNBLOCKED"))
}

impl std::fmt::Debug for RedisQueue {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisQueue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers the scripts of each connection with the next of these, and all else with OK.
    async fn redis(answers: Vec<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for answer in answers {
                let (mut client, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(length @ 1..) = client.read(&mut buffer).await {
                        let said = String::from_utf8_lossy(&buffer[..length]);
                        let mut told = "+OK\r\n".repeat(said.matches("\r\nCLIENT\r\n").count());
                        told.push_str(&answer.repeat(said.matches("\r\nEVAL\r\n").count()));
                        client.write_all(told.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        url
    }

    #[tokio::test]
    async fn a_server_that_has_become_a_replica_is_left_for_another() {
        const REPLICA: &str = "-READONLY You can't write against a read only replica.\r\n";
        const FULL: &str = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
        for (answers, pushed) in [
            (vec![REPLICA, ":1\r\n"], true),
            (vec![REPLICA, REPLICA, ":1\r\n"], false),
            (vec![FULL, ":1\r\n"], false),
        ] {
            let url = redis(answers.clone()).await;
            let queue = RedisQueue::new(&url, Namespace::default()).unwrap();
            let outcome = queue.push(Uuid::new_v4(), &[]).await;
            assert_eq!(outcome.is_ok(), pushed, "{answers:?}: {outcome:?}");
        }
    }
}
