//! Calls a handler: on a runtime of its own, in a transaction of its own, within a deadline, and
//! such that neither its panic nor its sleep reaches anybody else.

use std::{fmt, io, sync::Arc, time::Duration};

use extracted::{Ctx, Effects, Extraction, HandlerError, Reply, Request};
use sqlx::MySqlPool;
use time::OffsetDateTime;
use tokio::{
    runtime::{Handle, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::task::AbortOnDropHandle;

use crate::metrics::Fallback;

/// How long a commit may take until its outcome counts as unknown.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);

/// Whether what a handler wrote stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A buyer gets the reply: commit, and only then answer.
    Commit,
    /// The reply is only compared: roll back.
    Rollback,
}

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
    /// The handler did not finish in time; it was aborted and its transaction rolled back.
    #[error("the handler did not answer within {0:?}")]
    Deadline(Duration),
    /// The handler panicked; its transaction was rolled back.
    #[error("the handler panicked: {0}")]
    Panicked(String),
    /// The handler gave the request back, or failed.
    #[error("the handler gave no reply")]
    Handler(#[source] HandlerError),
    /// The handler's transaction could not be begun.
    #[error("the handler's database failed")]
    Database(#[source] sqlx::Error),
    /// There is no database to run handlers on.
    #[error("handlers need the monolith's database: start with --database")]
    NoDatabase,
}

impl Failure {
    /// The reason under which the fallback is counted.
    pub const fn reason(&self) -> Fallback {
        match self {
            Self::Overload(_) => Fallback::Overload,
            Self::Deadline(_) => Fallback::Deadline,
            Self::Panicked(_) => Fallback::Panic,
            Self::Handler(HandlerError::Declined(_)) => Fallback::Declined,
            Self::Handler(_) | Self::Database(_) | Self::NoDatabase => Fallback::Error,
        }
    }
}

/// One call of a handler.
#[derive(Debug)]
pub struct Call {
    /// Which handler.
    pub extraction: Extraction,
    /// What it is asked.
    pub request: Request,
    /// What its clock says.
    pub now: OffsetDateTime,
    /// How long it may take, from the call to its reply; the commit comes after it.
    pub deadline: Duration,
    /// Whether what it wrote stays.
    pub ending: Ending,
}

/// A runtime for handlers, with its own threads, its own database connections and a bound on how
/// many run at once. Live calls and candidates get one each, so that they cannot starve one another.
#[derive(Clone)]
pub struct Extractions {
    runtime: Arc<OwnRuntime>,
    database: Option<MySqlPool>,
    permits: Arc<Semaphore>,
    concurrency: usize,
}

impl Extractions {
    /// Starts the runtime's `threads`, named `name`; at most `concurrency` handlers run at once.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(
        name: &str,
        threads: usize,
        concurrency: usize,
        database: Option<MySqlPool>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Arc::new(OwnRuntime(Some(runtime))),
            database,
            permits: Arc::new(Semaphore::new(concurrency)),
            concurrency,
        })
    }

    /// Runs one handler, and ends its transaction.
    ///
    /// Dropping the future aborts the handler at its next await, but not a commit.
    ///
    /// # Errors
    /// [`NoReply`]; after [`NoReply::Failed`] another side may answer the request.
    pub async fn run(&self, call: Call) -> Result<Reply, NoReply> {
        let Call { extraction, ending, .. } = call;
        let (reply, ctx) = self.reply(call).await.map_err(NoReply::Failed)?;
        let runtime = self.runtime.handle();
        if ending == Ending::Rollback || extraction.effects == Effects::None {
            // There is nothing to keep, and nothing to wait for.
            runtime.spawn(ctx.tx.rollback());
            return Ok(reply);
        }
        // In a task of its own: a client that leaves now must not leave a commit half sent.
        match tokio::time::timeout(COMMIT_LIMIT, runtime.spawn(ctx.tx.commit())).await {
            Ok(Ok(Ok(()))) => Ok(reply),
            Ok(Ok(Err(error))) => Err(NoReply::CommitUnknown(Some(error))),
            Ok(Err(_)) | Err(_) => Err(NoReply::CommitUnknown(None)),
        }
    }

    async fn reply(&self, call: Call) -> Result<(Reply, Ctx), Failure> {
        let database = self.database.clone().ok_or(Failure::NoDatabase)?;
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| Failure::Overload(self.concurrency))?;
        let deadline = call.deadline;
        let handler = self.runtime.handle().spawn(in_transaction(database, call, permit));
        // The clock runs on the caller's runtime: handlers that block every thread of theirs are
        // still given up in time.
        match tokio::time::timeout(deadline, AbortOnDropHandle::new(handler)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(panicked)) => Err(Failure::Panicked(message(panicked))),
            Err(_) => Err(Failure::Deadline(deadline)),
        }
    }
}

/// The permit stays with the handler until it has really ended, also when nobody waits any more.
async fn in_transaction(
    database: MySqlPool,
    call: Call,
    _permit: OwnedSemaphorePermit,
) -> Result<(Reply, Ctx), Failure> {
    let tx = database.begin().await.map_err(Failure::Database)?;
    let mut ctx = Ctx::new(tx, call.now);
    let reply = (call.extraction.run)(&mut ctx, &call.request).await.map_err(Failure::Handler)?;
    Ok((reply, ctx))
}

fn message(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "aborted".to_owned() };
    let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl fmt::Debug for Extractions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extractions")
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// A runtime that may be dropped anywhere: it never waits for a handler that blocks its thread.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn handle(&self) -> &Handle {
        match &self.0 {
            Some(runtime) => runtime.handle(),
            None => unreachable!("the runtime is taken only by drop"),
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
