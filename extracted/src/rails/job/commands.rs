//! What Redis is told to have a job done.
//!
//! Source: sidekiq 6.4, `client.rb` (`raw_push`, `atomic_push`), and what it sent
//! (`tests/vectors/jobs.json`); the prefix is that of the gem redis-namespace, which Sidekiq knew up
//! to 6: `namespace.rb` (`add_namespace`) puts it before the key of each of these commands, and before
//! nothing else.

use super::{Job, seconds};
use crate::rails::json::float_to_s;

/// A command of Redis: its name and its arguments.
pub type Command = Vec<String>;

/// What stands before every key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace(Option<String>);

impl Namespace {
    /// None, which is usual; or `name:`.
    pub fn new(name: Option<&str>) -> Self {
        Self(name.map(|it| format!("{it}:")))
    }

    /// The key as Redis knows it.
    pub fn key(&self, key: &str) -> String {
        format!("{}{key}", self.0.as_deref().unwrap_or_default())
    }
}

impl Job {
    /// Puts the job into its queue, or with those that are due later. A queue that is known but empty
    /// harms nobody.
    pub fn commands(&self, namespace: &Namespace) -> Vec<Command> {
        let Self { queue, at, payload } = self.clone();
        if let Some(at) = at {
            let (schedule, score) = (namespace.key("schedule"), float_to_s(seconds(at)));
            return vec![vec!["ZADD".to_owned(), schedule, score, payload]];
        }
        let list = namespace.key(&format!("queue:{queue}"));
        vec![
            vec!["SADD".to_owned(), namespace.key("queues"), queue],
            vec!["LPUSH".to_owned(), list, payload],
        ]
    }
}
