//! Why a handler gave no reply, and whether somebody else may answer.

use std::time::Duration;

use extracted::HandlerError;

use crate::metrics::Fallback;

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum NoReply {
    /// Nothing was committed: another side may answer the request.
    #[error("the handler failed before its commit")]
    Failed(#[source] Failure),
    /// Whether what the handler wrote was committed is unknown: nobody may answer the request again.
    #[error("it is unknown whether the handler's transaction was committed")]
    CommitUnknown(#[source] Option<sqlx::Error>),
}

/// Why a handler gave no reply. Nothing was committed in any of these cases.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// As many handlers run as may.
    #[error("all {0} permits of the extraction runtime are taken")]
    Overload(usize),
    /// The bodies of requests for handlers take as much memory as they may.
    #[error("the bodies of other requests for handlers take all the room there is")]
    NoRoom,
    /// As many handlers of this route run as may.
    #[error("all {0} permits of the route's `concurrency` are taken")]
    Busy(usize),
    /// It failed too often; the monolith answers until it is tried again.
    #[error("the route's breaker is open")]
    BreakerOpen,
    /// The handler did not finish in time; it was aborted and its transaction rolled back.
    #[error("the handler did not answer within {0:?}")]
    Deadline(Duration),
    /// The handler panicked; its transaction was rolled back. The message is one that stands in the
    /// program as it is; another may hold a buyer's data.
    #[error("the handler panicked: {0}")]
    Panicked(&'static str),
    /// The handler gave the request back, or failed.
    #[error("the handler gave no reply")]
    Handler(#[source] HandlerError),
    /// The request is one that no handler is asked.
    #[error("no handler is asked: {0}")]
    NotAsked(&'static str),
    /// The handler's transaction could not be begun.
    #[error("the handler's database failed")]
    Database(#[source] sqlx::Error),
    /// The table of commits is not there.
    #[error(
        "the table banyan_commits is missing and cannot be created: create it as \
         docs/operations.md says"
    )]
    NoTable(#[source] sqlx::Error),
    /// The transaction had ended before its commit: a deadlock that the handler went on after, or a
    /// statement that commits by itself.
    #[error("the handler's transaction had ended before it returned: see docs/extracting.md")]
    Ended(#[source] sqlx::Error),
    /// The commit was refused, or never arrived, and is certain not to happen any more.
    #[error("the handler's transaction was not committed")]
    NotCommitted(#[source] Option<sqlx::Error>),
    /// The handler left more than it says in its registration.
    #[error("the handler left jobs or broadcasts, which its `effects` do not name")]
    Undeclared,
    /// There is no database to run handlers on.
    #[error("handlers need the monolith's database: start with --database")]
    NoDatabase,
    /// There is nowhere to push jobs to.
    #[error("handlers that leave jobs need the monolith's Redis: start with --redis")]
    NoRedis,
}

impl Failure {
    /// The reason under which the fallback is counted.
    pub fn reason(&self) -> Fallback {
        match self {
            Self::Overload(_) | Self::NoRoom | Self::Busy(_) => Fallback::Overload,
            Self::BreakerOpen => Fallback::Breaker,
            Self::Deadline(_) => Fallback::Deadline,
            Self::Panicked(_) => Fallback::Panic,
            Self::Handler(error) if error.is_declined() => Fallback::Declined,
            Self::NotAsked(_) => Fallback::Declined,
            Self::Handler(_)
            | Self::Database(_)
            | Self::NoTable(_)
            | Self::Ended(_)
            | Self::NotCommitted(_)
            | Self::Undeclared
            | Self::NoDatabase
            | Self::NoRedis => Fallback::Error,
        }
    }
}
