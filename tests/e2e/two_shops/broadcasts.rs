//! What each shop's Redis publishes: what those who watch over a WebSocket are told.

use std::fmt::Write as _;

use futures_util::StreamExt as _;
use redis::{
    Client,
    aio::{MultiplexedConnection, PubSub},
};

/// Published by the harness itself: whatever was published before it has come when it comes.
const MARK: &str = "two_shops:mark";

/// One who hears everything.
pub(super) struct Listener(PubSub);

impl Listener {
    pub(super) async fn new(redis: &Client) -> Self {
        let mut heard = redis.get_async_pubsub().await.unwrap();
        heard.psubscribe("*").await.unwrap();
        Self(heard)
    }

    /// What was published since the last call, a line for each message.
    pub(super) async fn take(&mut self, redis: &mut MultiplexedConnection) -> String {
        let () = redis::cmd("PUBLISH").arg(MARK).arg("").query_async(redis).await.unwrap();
        let (mut shown, mut messages) = (String::new(), self.0.on_message());
        loop {
            let message = messages.next().await.unwrap();
            let channel = message.get_channel_name();
            if channel == MARK {
                return shown;
            }
            let payload: String = message.get_payload().unwrap();
            // Action Cable's own servers talk over channels of theirs.
            if !channel.contains("_action_cable_internal") {
                writeln!(shown, "{channel} {payload}").unwrap();
            }
        }
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Listener").finish_non_exhaustive()
    }
}
