//! One call of a handler, from its transaction's begin to what leaves after the commit: in one task,
//! since each change of threads costs as much as a question to the database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use extracted::{Application, Ctx, Effects, Reply};
use http::header::SET_COOKIE;
use tokio::{
    sync::OwnedSemaphorePermit,
    task::{JoinError, JoinHandle},
    time::timeout,
};

use super::{
    Call, Database, Ending, FINISH_LIMIT,
    failure::{Failure, NoReply},
    jobs::{Outbox, PUSH_PATIENCE},
    sessions,
};
use crate::{logging, metrics::ExtractionMetrics};

/// What a call needs.
pub(super) struct Attempt {
    pub(super) database: Database,
    pub(super) outbox: Option<Outbox>,
    pub(super) application: Arc<Application>,
    pub(super) metrics: ExtractionMetrics,
    pub(super) call: Call,
    /// Stays with the handler until it has really ended, also when nobody waits any more.
    pub(super) permit: OwnedSemaphorePermit,
}

impl Attempt {
    pub(super) async fn run(self, turn: Arc<Turn>) -> Result<Reply, NoReply> {
        let mut ctx = self.begin().await.map_err(NoReply::Failed)?;
        let answer = self.answer(&mut ctx).await;
        let Self { database, outbox, metrics, call, permit, .. } = self;
        let Database { commits, transactions } = database;
        let session = ctx.take_unsaved_session();
        let Ctx { tx, jobs, broadcasts, .. } = ctx;
        let mut reply = match answer {
            Ok(reply) => reply,
            Err(failure) => {
                transactions.roll_back(tx, permit);
                return Err(NoReply::Failed(failure));
            }
        };
        if call.ending == Ending::Rollback {
            transactions.roll_back(tx, permit);
            // The judge sees what a buyer would have been sent.
            let cookie = session.and_then(|it| it.cookie().cloned());
            reply.headers.extend(cookie.map(|it| (SET_COOKIE, it)));
            return Ok(reply);
        }
        if !turn.begin_to_commit() {
            transactions.roll_back(tx, permit);
            return Err(NoReply::Failed(Failure::Deadline(call.deadline)));
        }
        match call.extraction.effects {
            // There is nothing to keep.
            Effects::None => transactions.roll_back(tx, permit),
            Effects::Counters => {
                transactions.keep(commits.commit_counters(tx).await);
                drop(permit);
            }
            Effects::Rows | Effects::RowsAndJobs => {
                let (id, connection) = commits.commit(tx, &jobs).await?;
                transactions.keep(connection);
                drop(permit);
                let waits = !jobs.is_empty() || !broadcasts.is_empty();
                if let Some(outbox) = outbox.filter(|_| waits) {
                    // Rails pushes before it answers. Whoever gives up waiting does not give up
                    // pushing.
                    let delivery = tokio::spawn(outbox.deliver(id, jobs, broadcasts));
                    let _ = timeout(PUSH_PATIENCE, delivery).await;
                }
            }
        }
        if let Some(session) = session {
            let cookie = sessions::keep(session, metrics).await;
            reply.headers.extend(cookie.map(|it| (SET_COOKIE, it)));
        }
        Ok(reply)
    }

    async fn begin(&self) -> Result<Ctx, Failure> {
        let Call { extraction, now, seed, deadline, ending, .. } = &self.call;
        let recorded = matches!(extraction.effects, Effects::Rows | Effects::RowsAndJobs);
        if recorded && *ending == Ending::Commit {
            self.database.commits.prepare().await?;
        }
        let tx = self.database.transactions.begin(*deadline).await.map_err(Failure::Database)?;
        Ok(Ctx::new(tx, *now, *seed, Arc::clone(&self.application)))
    }

    /// The handler's reply.
    async fn answer(&self, ctx: &mut Ctx) -> Result<Reply, Failure> {
        let Call { extraction, request, .. } = &self.call;
        let reply = extraction.answer(ctx, request).await.map_err(Failure::Handler)?;
        let leaves = !ctx.jobs.is_empty() || !ctx.broadcasts.is_empty();
        if extraction.effects != Effects::RowsAndJobs && leaves {
            return Err(Failure::Undeclared);
        }
        Ok(reply)
    }
}

/// Who may end a call: until it begins to commit its caller may give it up, and then nobody.
#[derive(Debug, Default)]
pub(super) struct Turn(AtomicU8);

impl Turn {
    const RUNNING: u8 = 0;
    const GIVEN_UP: u8 = 1;
    const COMMITTING: u8 = 2;

    fn change(&self, to: u8) -> bool {
        let order = Ordering::AcqRel;
        self.0.compare_exchange(Self::RUNNING, to, order, Ordering::Acquire).is_ok()
    }

    /// Whether the call may commit: nobody has given it up, and from now on nobody can.
    fn begin_to_commit(&self) -> bool {
        self.change(Self::COMMITTING)
    }

    /// Whether the call is given up: it does not commit yet, and from now on it will not.
    fn give_up(&self) -> bool {
        self.change(Self::GIVEN_UP)
    }

    fn is_committing(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::COMMITTING
    }
}

/// A call that runs. Dropping it aborts the handler at its next await, but not a commit: a client
/// that leaves must not leave one half sent.
pub(super) struct Running {
    pub(super) task: JoinHandle<Result<Reply, NoReply>>,
    pub(super) turn: Arc<Turn>,
}

impl Running {
    /// What it comes to, within the handler's deadline and then what a commit may take. The clock
    /// runs on the caller's runtime: handlers that block every thread of theirs are still given up
    /// in time.
    pub(super) async fn reply(mut self, deadline: Duration) -> Result<Reply, NoReply> {
        let ended = match timeout(deadline, &mut self.task).await {
            Ok(ended) => Some(ended),
            Err(_) if self.turn.give_up() => {
                self.task.abort();
                return Err(NoReply::Failed(Failure::Deadline(deadline)));
            }
            Err(_) => timeout(FINISH_LIMIT, &mut self.task).await.ok(),
        };
        match ended {
            Some(Ok(reply)) => reply,
            Some(Err(panicked)) if !self.turn.is_committing() => {
                Err(NoReply::Failed(Failure::Panicked(message(panicked))))
            }
            Some(Err(_)) | None => Err(NoReply::CommitUnknown(None)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.turn.give_up() {
            self.task.abort();
        }
    }
}

fn message(error: JoinError) -> &'static str {
    let panic = error.try_into_panic();
    panic.map_or("aborted", |it| it.downcast_ref().copied().unwrap_or(logging::FORMATTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_given_up_or_commits_and_never_both() {
        let turn = Turn::default();
        assert!(turn.give_up() && !turn.begin_to_commit() && !turn.is_committing());
        let turn = Turn::default();
        assert!(turn.begin_to_commit() && !turn.give_up() && turn.is_committing());
    }
}
