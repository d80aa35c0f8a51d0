//! Calls a handler: on a runtime of its own, in a transaction of its own, within a deadline, and
//! such that neither its panic nor its sleep reaches anybody else.

mod attempt;
mod commits;
mod failure;
pub mod guard;
mod jobs;
mod redis_queue;
mod sessions;
mod transactions;

use std::{fmt, io, sync::Arc, time::Duration};

use extracted::{Application, Effects, Extraction, Reply, Request};
use shadow::yield_to_buyers;
use sqlx::MySqlPool;
use time::OffsetDateTime;
use tokio::{
    runtime::{Handle, Runtime},
    sync::Semaphore,
};

pub(crate) use self::commits::is_missing;
use self::{
    attempt::{Attempt, Running, Turn},
    commits::Commits,
    jobs::Outbox,
    transactions::Transactions,
};
pub use self::{
    failure::{Failure, NoReply},
    jobs::PushError,
    redis_queue::RedisQueue,
};
use crate::{body::Room, metrics::ExtractionMetrics};

/// Live handlers at once, and the database connections that they may hold.
pub const LIVE_CONCURRENCY: usize = 32;

/// Bytes of requests that may wait for handlers, all together.
const ROOM: usize = 256 * 1024 * 1024;

/// A commit and whatever follows it are over within this, unless the runtime is stuck.
const FINISH_LIMIT: Duration = Duration::from_secs(35);

/// Whether what a handler wrote stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A buyer gets the reply: commit, and only then answer.
    Commit,
    /// The reply is only compared: roll back.
    Rollback,
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
    /// What its randomness comes from.
    pub seed: [u8; 32],
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
    database: Option<Database>,
    outbox: Option<Outbox>,
    application: Arc<Application>,
    metrics: ExtractionMetrics,
    permits: Arc<Semaphore>,
    concurrency: usize,
    room: Room,
}

/// The monolith's database, as handlers use it.
#[derive(Debug, Clone)]
struct Database {
    commits: Arc<Commits>,
    transactions: Arc<Transactions>,
}

/// Whose calls a runtime runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Buyers wait for the replies.
    Buyers,
    /// Only the judge does: its threads have a lower priority. Without that, a group of threads that
    /// the kernel schedules as one, a service's or a session's, has less left for those that serve
    /// buyers, also where they run on another processor.
    Judge,
}

/// What handlers are given to work with.
pub struct Surroundings {
    /// The monolith's database.
    pub database: Option<MySqlPool>,
    /// Where its jobs wait.
    pub jobs: Option<RedisQueue>,
    /// Its settings.
    pub application: Arc<Application>,
}

impl Extractions {
    /// Starts the runtime's `threads`; at most `concurrency` handlers run at once.
    /// Where there are jobs to be pushed, what was left behind is swept up from now on.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(
        callers: Callers,
        threads: usize,
        concurrency: usize,
        surroundings: Surroundings,
        metrics: &ExtractionMetrics,
    ) -> io::Result<Self> {
        let Surroundings { database, jobs, application } = surroundings;
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        match callers {
            Callers::Buyers => builder.thread_name("extraction"),
            Callers::Judge => builder.thread_name("candidate").on_thread_start(yield_to_buyers),
        };
        let runtime = builder.worker_threads(threads).enable_all().build()?;
        let outbox = database.clone().zip(jobs).map(|(database, queue)| {
            let outbox = Outbox { database, queue, metrics: metrics.clone() };
            runtime.spawn(outbox.clone().sweep_regularly());
            outbox
        });
        Ok(Self {
            runtime: Arc::new(OwnRuntime(Some(runtime))),
            database: database.map(|it| Database {
                commits: Arc::new(Commits::new(it.clone(), metrics.clone())),
                transactions: Arc::new(Transactions::new(it)),
            }),
            outbox,
            application,
            metrics: metrics.clone(),
            permits: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            room: Room::new(ROOM),
        })
    }

    /// Where the bodies of requests wait that handlers are asked.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// Runs one handler, and ends its transaction. The session that it leaves is kept after that, and
    /// its jobs are pushed.
    ///
    /// Dropping the future aborts the handler at its next await, but not a commit.
    ///
    /// # Errors
    /// [`NoReply`]; after [`NoReply::Failed`] another side may answer the request.
    pub async fn run(&self, call: Call) -> Result<Reply, NoReply> {
        let database = self.database.clone().ok_or(NoReply::Failed(Failure::NoDatabase))?;
        let with_jobs = call.extraction.effects == Effects::RowsAndJobs;
        if with_jobs && self.outbox.is_none() && call.ending == Ending::Commit {
            return Err(NoReply::Failed(Failure::NoRedis));
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let overload = |_| NoReply::Failed(Failure::Overload(self.concurrency));
        let permit = permit.map_err(overload)?;
        let (turn, deadline) = (Arc::<Turn>::default(), call.deadline);
        let (outbox, metrics) = (self.outbox.clone(), self.metrics.clone());
        let application = Arc::clone(&self.application);
        let attempt = Attempt { database, outbox, application, metrics, call, permit };
        let task = self.runtime.handle().spawn(attempt.run(Arc::clone(&turn)));
        Running { task, turn }.reply(deadline).await
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
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
