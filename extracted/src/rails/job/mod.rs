//! Jobs in Sidekiq's format: what a worker of the monolith finds in Redis and runs.
//!
//! A job made here goes by Ruby's client middleware: what that adds (`CurrentAttributes`, a locale, locks of
//! unique jobs) a job that needs it must bring along.
//!
//! Source: sidekiq 6.4, `client.rb` and `job_util.rb`, and what they sent (`tests/vectors/jobs.json`).

mod active;
mod argument;
mod commands;
mod mail;
#[cfg(test)]
mod tests;

use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::json;

pub use active::ActiveJob;
pub use argument::{Argument, GlobalId, Key};
pub use commands::{Command, Namespace};
pub use mail::{DeliveryJob, Mail, Mailer};

/// A job that has not left yet. Until it has, it is kept as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The queue's name: `default`.
    pub queue: String,
    /// When it is due; `None` for at once.
    #[serde(with = "time::serde::timestamp::nanoseconds::option")]
    pub at: Option<OffsetDateTime>,
    /// What the worker reads: JSON, as Sidekiq writes it.
    pub payload: String,
}

/// Whose workers will run the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidekiq {
    /// Up to 7: times are seconds with a fraction.
    UpTo7,
    /// From 8 on: times are whole milliseconds.
    ///
    /// Source: sidekiq, `docs/8.0-Upgrade.md`.
    From8,
}

/// A class with `include Sidekiq::Worker`, and its `sidekiq_options`.
#[derive(Debug, Clone, Copy)]
pub struct Worker {
    /// The class's name.
    pub class: &'static str,
    /// Where its jobs wait: `default` unless the class says otherwise.
    pub queue: &'static str,
    /// What happens when one fails.
    pub retry: Retry,
}

/// The option `retry`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Retry {
    /// Whether it is tried again, up to the 25 times that are Sidekiq's default.
    Always(bool),
    /// How often it is tried again.
    Times(u32),
}

/// There is no such job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Active Job would read the hash as something else.
    #[error("Active Job keeps the key {0} for itself; name it otherwise")]
    ReservedKey(String),
    /// Ruby's JSON has no such number.
    #[error("an argument is infinite or not a number; give a job finite numbers")]
    NotFinite,
    /// An argument has no JSON form.
    #[error("a job could not be written as JSON; give it plain values")]
    Json(#[from] serde_json::Error),
}

/// When a job is made, and where its id comes from.
#[derive(Debug)]
pub struct Stamp<'a, R> {
    /// For whom.
    pub sidekiq: Sidekiq,
    /// What the clock says.
    pub now: OffsetDateTime,
    /// For 96 bits that nobody else has.
    pub random: &'a mut R,
}

impl Worker {
    /// A worker without options of its own.
    pub const fn new(class: &'static str) -> Self {
        Self { class, queue: "default", retry: Retry::Always(true) }
    }

    /// `perform_async(*arguments)`; `arguments` are written as an array.
    ///
    /// # Errors
    /// When an argument has no JSON form.
    pub fn perform_async<R: Rng>(
        &self,
        arguments: &[Value],
        stamp: &mut Stamp<'_, R>,
    ) -> Result<Job, JobError> {
        let mut item = self.options();
        item.insert("args".into(), arguments.into());
        item.insert("class".into(), self.class.into());
        finished(item, self.queue, None, stamp)
    }

    /// `perform_at(at, *arguments)`; one that is due already is not scheduled.
    ///
    /// # Errors
    /// When an argument has no JSON form.
    pub fn perform_at<R: Rng>(
        &self,
        at: OffsetDateTime,
        arguments: &[Value],
        stamp: &mut Stamp<'_, R>,
    ) -> Result<Job, JobError> {
        let mut item = self.options();
        item.insert("class".into(), self.class.into());
        item.insert("args".into(), arguments.into());
        let at = Some(at).filter(|it| *it > stamp.now);
        finished(item, self.queue, at, stamp)
    }

    fn options(&self) -> Map<String, Value> {
        options(self.queue, &json!(self.retry))
    }
}

fn options(queue: &str, retry: &Value) -> Map<String, Value> {
    Map::from_iter([("retry".into(), retry.clone()), ("queue".into(), queue.into())])
}

/// `normalize_item` and the rest of `atomic_push`: the id and the times.
fn finished<R: Rng>(
    mut item: Map<String, Value>,
    queue: &str,
    at: Option<OffsetDateTime>,
    stamp: &mut Stamp<'_, R>,
) -> Result<Job, JobError> {
    item.insert("jid".into(), hex::encode(random::<12>(stamp.random)).into());
    let now = stamp.sidekiq.time(stamp.now);
    item.insert("created_at".into(), now.clone());
    if at.is_none() {
        item.insert("enqueued_at".into(), now);
    }
    Ok(Job { queue: queue.to_owned(), at, payload: json::generate(&item)? })
}

fn random<const BYTES: usize>(random: &mut impl Rng) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    random.fill_bytes(&mut bytes);
    bytes
}

impl Sidekiq {
    fn time(self, at: OffsetDateTime) -> Value {
        match self {
            Self::UpTo7 => seconds(at).into(),
            Self::From8 => (at.unix_timestamp() * 1000 + i64::from(at.millisecond())).into(),
        }
    }
}

/// `Time#to_f`, which rounds twice, as Ruby does.
#[expect(clippy::cast_precision_loss, reason = "that is what a Float is")]
pub(super) fn seconds(at: OffsetDateTime) -> f64 {
    at.unix_timestamp_nanos() as f64 / 1e9
}
