//! Calls a handler: on a runtime of its own, in a transaction of its own, within a deadline, and
//! such that neither its panic nor its sleep reaches anybody else.

mod commits;
mod failure;
pub mod guard;
mod jobs;
mod redis_queue;
mod sessions;

use std::{fmt, io, sync::Arc, time::Duration};

use extracted::{
    Application, Ctx, Effects, Extraction, Reply, Request, rails::session::UnsavedSession,
};
use http::{HeaderValue, header::SET_COOKIE};
use sqlx::{AssertSqlSafe, MySqlPool};
use time::OffsetDateTime;
use tokio::{
    runtime::{Handle, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::commits::is_missing;
use self::{commits::Commits, jobs::Outbox};
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
    commits: Option<Arc<Commits>>,
    outbox: Option<Outbox>,
    application: Arc<Application>,
    metrics: ExtractionMetrics,
    permits: Arc<Semaphore>,
    concurrency: usize,
    room: Room,
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
    /// Starts the runtime's `threads`, named `name`; at most `concurrency` handlers run at once.
    /// Where there are jobs to be pushed, what was left behind is swept up from now on.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(
        name: &str,
        threads: usize,
        concurrency: usize,
        surroundings: Surroundings,
        metrics: &ExtractionMetrics,
    ) -> io::Result<Self> {
        let Surroundings { database, jobs, application } = surroundings;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .enable_all()
            .build()?;
        let outbox = database.clone().zip(jobs).map(|(database, queue)| {
            let outbox = Outbox { database, queue, metrics: metrics.clone() };
            runtime.spawn(outbox.clone().sweep_regularly());
            outbox
        });
        Ok(Self {
            runtime: Arc::new(OwnRuntime(Some(runtime))),
            commits: database.map(|it| Arc::new(Commits::new(it, metrics.clone()))),
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
        let Call { extraction, ending, .. } = call;
        let commits = self.commits.clone().ok_or(NoReply::Failed(Failure::NoDatabase))?;
        let Done { mut reply, mut ctx, permit } =
            self.reply(Arc::clone(&commits), call).await.map_err(NoReply::Failed)?;
        let session = ctx.take_unsaved_session();
        let runtime = self.runtime.handle();
        let cookie = if ending == Ending::Rollback || extraction.effects == Effects::None {
            // There are no rows to keep, and nothing to wait for.
            runtime.spawn(async move {
                let _ = ctx.tx.rollback().await;
                drop(permit);
            });
            match ending {
                // The judge sees what a buyer would have been sent.
                Ending::Rollback => session.and_then(|it| it.cookie().cloned()),
                // In a task of its own: it is kept, also for a client that leaves now.
                Ending::Commit => match session {
                    Some(session) => {
                        let kept = runtime.spawn(sessions::keep(session, self.metrics.clone()));
                        kept.await.unwrap_or_default()
                    }
                    None => None,
                },
            }
        } else {
            let left = Left { effects: extraction.effects, ctx, session, permit };
            let finish = finish(commits, self.outbox.clone(), left, self.metrics.clone());
            // In a task of its own: a client that leaves now must not leave a commit half sent.
            match timeout(FINISH_LIMIT, runtime.spawn(finish)).await {
                Ok(Ok(finished)) => finished?,
                Ok(Err(_)) | Err(_) => return Err(NoReply::CommitUnknown(None)),
            }
        };
        reply.headers.extend(cookie.map(|it| (SET_COOKIE, it)));
        Ok(reply)
    }

    async fn reply(&self, commits: Arc<Commits>, call: Call) -> Result<Done, Failure> {
        let effects = call.extraction.effects;
        if effects == Effects::RowsAndJobs && self.outbox.is_none() && call.ending == Ending::Commit
        {
            return Err(Failure::NoRedis);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| Failure::Overload(self.concurrency))?;
        let deadline = call.deadline;
        let application = Arc::clone(&self.application);
        let running = in_transaction(commits, application, call, permit);
        let handler = self.runtime.handle().spawn(running);
        // The clock runs on the caller's runtime: handlers that block every thread of theirs are
        // still given up in time.
        let done = match timeout(deadline, AbortOnDropHandle::new(handler)).await {
            Ok(Ok(reply)) => reply?,
            Ok(Err(panicked)) => return Err(Failure::Panicked(message(panicked))),
            Err(_) => return Err(Failure::Deadline(deadline)),
        };
        if effects != Effects::RowsAndJobs && !done.ctx.jobs.is_empty() {
            return Err(Failure::Undeclared);
        }
        Ok(done)
    }
}

/// A handler that has returned, and whose transaction is open.
struct Done {
    reply: Reply,
    ctx: Ctx,
    /// Stays with the handler until it has really ended, also when nobody waits any more.
    permit: OwnedSemaphorePermit,
}

async fn in_transaction(
    commits: Arc<Commits>,
    application: Arc<Application>,
    call: Call,
    permit: OwnedSemaphorePermit,
) -> Result<Done, Failure> {
    let recorded = matches!(call.extraction.effects, Effects::Rows | Effects::RowsAndJobs);
    if recorded && call.ending == Ending::Commit {
        commits.prepare().await?;
    }
    let begin = AssertSqlSafe(commits::begin(call.deadline));
    let tx = commits.database.begin_with(begin).await.map_err(Failure::Database)?;
    let mut ctx = Ctx::new(tx, call.now, application);
    let reply = call.extraction.answer(&mut ctx, &call.request).await.map_err(Failure::Handler)?;
    Ok(Done { reply, ctx, permit })
}

/// What a handler left, to be kept.
struct Left {
    effects: Effects,
    ctx: Ctx,
    session: Option<UnsavedSession>,
    permit: OwnedSemaphorePermit,
}

/// Commits, and lets go what waits for that. Returns the session's cookie.
async fn finish(
    commits: Arc<Commits>,
    outbox: Option<Outbox>,
    left: Left,
    metrics: ExtractionMetrics,
) -> Result<Option<HeaderValue>, NoReply> {
    let Left { effects, ctx, session, permit } = left;
    let mut waiting = None;
    if effects == Effects::Counters {
        commits.commit_counters(ctx.tx).await;
    } else {
        let Ctx { tx, jobs, .. } = ctx;
        let id = commits.commit(tx, &jobs).await?;
        waiting = outbox.filter(|_| !jobs.is_empty()).map(|it| it.deliver(id, jobs));
    }
    drop(permit);
    if let Some(delivery) = waiting {
        // Rails pushes before it answers. Whoever gives up waiting does not give up pushing.
        let _ = timeout(jobs::PUSH_PATIENCE, tokio::spawn(delivery)).await;
    }
    Ok(match session {
        Some(session) => sessions::keep(session, metrics).await,
        None => None,
    })
}

fn message(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "aborted".to_owned() };
    let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
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
