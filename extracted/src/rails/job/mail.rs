//! Action Mailer: a mail that a worker of the monolith makes and sends.
//!
//! Source: actionmailer 6.1, `message_delivery.rb`, `parameterized.rb` and `delivery_job.rb`; what it
//! sent is in `tests/vectors/jobs.json`.

use rand::Rng;
use time::OffsetDateTime;

use super::{ActiveJob, Argument, Job, JobError, Key, Stamp};

/// A class that inherits from `ActionMailer::Base`, and how its mails are delivered later.
#[derive(Debug, Clone, Copy)]
pub struct Mailer {
    /// The class's name.
    pub class: &'static str,
    /// `config.action_mailer.delivery_job`
    pub delivery: DeliveryJob,
    /// `config.action_mailer.deliver_later_queue_name`: `default` since `load_defaults 6.1`, and
    /// `mailers` before.
    pub queue: &'static str,
}

/// The job that delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryJob {
    /// `ActionMailer::DeliveryJob`, until `load_defaults 6.0`; Rails 7.0 has it no more.
    Delivery,
    /// `ActionMailer::MailDeliveryJob`, from then on.
    MailDelivery,
}

/// What an action of a mailer makes: `WelcomeMailer.welcome(user)`.
#[derive(Debug, Clone)]
pub struct Mail {
    mailer: Mailer,
    action: &'static str,
    arguments: Vec<Argument>,
    params: Option<Vec<(&'static str, Argument)>>,
}

impl Mailer {
    /// A mailer of an application with `load_defaults 6.1` or later.
    pub const fn new(class: &'static str) -> Self {
        Self { class, delivery: DeliveryJob::MailDelivery, queue: "default" }
    }

    /// `WelcomeMailer.welcome(*arguments)`; keywords come last, as [`Argument::Keywords`].
    pub fn mail(self, action: &'static str, arguments: impl Into<Vec<Argument>>) -> Mail {
        Mail { mailer: self, action, arguments: arguments.into(), params: None }
    }
}

impl Mail {
    /// `WelcomeMailer.with(user: user)`: what the mailer finds in its `params`.
    #[must_use]
    pub fn with(self, params: impl Into<Vec<(&'static str, Argument)>>) -> Self {
        Self { params: Some(params.into()), ..self }
    }

    /// `deliver_later`
    ///
    /// # Errors
    /// As [`ActiveJob::perform_later`].
    pub fn deliver_later<R: Rng>(self, stamp: &mut Stamp<'_, R>) -> Result<Job, JobError> {
        let job = self.job();
        job.perform_later(&self.serialized(), stamp)
    }

    /// `deliver_later(wait_until: at)`
    ///
    /// # Errors
    /// As [`ActiveJob::perform_later`].
    pub fn deliver_at<R: Rng>(
        self,
        at: OffsetDateTime,
        stamp: &mut Stamp<'_, R>,
    ) -> Result<Job, JobError> {
        let job = self.job();
        job.perform_at(at, &self.serialized(), stamp)
    }

    fn job(&self) -> ActiveJob {
        let class = match (self.mailer.delivery, &self.params) {
            (DeliveryJob::MailDelivery, _) => "ActionMailer::MailDeliveryJob",
            (DeliveryJob::Delivery, None) => "ActionMailer::DeliveryJob",
            (DeliveryJob::Delivery, Some(_)) => "ActionMailer::Parameterized::DeliveryJob",
        };
        ActiveJob { queue: self.mailer.queue, ..ActiveJob::new(class) }
    }

    /// The job's arguments: who makes the mail, and of what.
    fn serialized(self) -> Vec<Argument> {
        let names = [self.mailer.class, self.action, "deliver_now"];
        let mut all = Vec::from(names.map(|it| Argument::Text(it.to_owned())));
        let symbol = |(name, value): (&str, _)| (Key::Symbol(name.to_owned()), value);
        let params = self.params.map(|it| Argument::Hash(it.into_iter().map(symbol).collect()));
        match self.mailer.delivery {
            DeliveryJob::Delivery => {
                all.extend(params);
                all.extend(self.arguments);
            }
            DeliveryJob::MailDelivery => {
                let params = params.map(|it| ("params", it));
                let arguments = ("args", Argument::Array(self.arguments));
                all.push(Argument::Keywords(params.into_iter().chain([arguments]).collect()));
            }
        }
        all
    }
}
