//! Active Job: a job within a job, whose arguments may be records.
//!
//! Source: activejob 6.1, `core.rb` and `queue_adapters/sidekiq_adapter.rb`.

use rand::Rng;
use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset, macros::format_description};

use super::{Argument, Job, JobError, Sidekiq, Stamp, finished, options, random};

/// A class that inherits from `ActiveJob::Base`, on the Sidekiq adapter.
#[derive(Debug, Clone, Copy)]
pub struct ActiveJob {
    /// The class's name.
    pub class: &'static str,
    /// `queue_as`: `default` unless the class says otherwise.
    pub queue: &'static str,
    /// `queue_with_priority`.
    pub priority: Option<i64>,
    /// `I18n.locale` of the request: the job runs in it.
    pub locale: &'static str,
    /// `Time.zone.name` of the request: likewise.
    pub timezone: &'static str,
}

impl ActiveJob {
    /// A job without options of its own, in English and UTC.
    pub const fn new(class: &'static str) -> Self {
        Self { class, queue: "default", priority: None, locale: "en", timezone: "UTC" }
    }

    /// `perform_later(*arguments)`.
    ///
    /// # Errors
    /// When a hash among the arguments has a key that Active Job keeps for itself, or a number is not
    /// finite.
    pub fn perform_later<R: Rng>(
        &self,
        arguments: &[Argument],
        stamp: &mut Stamp<'_, R>,
    ) -> Result<Job, JobError> {
        self.wrapped(arguments, None, stamp)
    }

    /// `set(wait_until: at).perform_later(*arguments)`.
    ///
    /// # Errors
    /// As [`ActiveJob::perform_later`].
    pub fn perform_at<R: Rng>(
        &self,
        at: OffsetDateTime,
        arguments: &[Argument],
        stamp: &mut Stamp<'_, R>,
    ) -> Result<Job, JobError> {
        self.wrapped(arguments, Some(at), stamp)
    }

    fn wrapped<R: Rng>(
        &self,
        arguments: &[Argument],
        at: Option<OffsetDateTime>,
        stamp: &mut Stamp<'_, R>,
    ) -> Result<Job, JobError> {
        let id = uuid::Builder::from_random_bytes(random(stamp.random)).into_uuid();
        let data = json!({
            "job_class": self.class,
            "job_id": id.to_string(),
            "provider_job_id": null,
            "queue_name": self.queue,
            "priority": self.priority,
            "arguments": arguments.iter().map(Argument::serialized).collect::<Result<Vec<_>, _>>()?,
            "executions": 0,
            "exception_executions": {},
            "locale": self.locale,
            "timezone": self.timezone,
            "enqueued_at": iso8601(stamp.now),
        });
        let mut item = options(self.queue, &true.into());
        item.insert("class".into(), stamp.sidekiq.wrapper().into());
        item.insert("wrapped".into(), self.class.into());
        item.insert("args".into(), Value::Array(vec![data]));
        finished(item, self.queue, at, stamp)
    }
}

impl Sidekiq {
    /// The worker that unwraps such jobs. Sidekiq 8 brings its own; Active Job's was before.
    fn wrapper(self) -> &'static str {
        match self {
            Self::UpTo7 => "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper",
            Self::From8 => "Sidekiq::ActiveJob::Wrapper",
        }
    }
}

/// `time.utc.iso8601`: whole seconds.
fn iso8601(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    time.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}
