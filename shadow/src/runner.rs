//! The judge at work: queue → both sides → comparison → book. It never makes a buyer wait.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{book::Book, handle::Prepare, judge::judge, ticket::Ticket};

/// How often counts go to the store.
const FLUSH: Duration = Duration::from_secs(1);

/// How long the judge looks away from an empty queue, and how often before it lets itself be woken.
const PAUSE: Duration = Duration::from_millis(1);
const LOOKS: u32 = 50;

/// How long the judge waits at its start for what was known of noise.
const RECALL: Duration = Duration::from_secs(5);

/// An experiment that waits, and the room that it takes.
pub(crate) struct Queued {
    pub(crate) prepare: Prepare,
    pub(crate) ticket: Ticket,
    pub(crate) room: OwnedSemaphorePermit,
}

/// The task that does the work.
pub(crate) struct Runner {
    book: Arc<Book>,
    queued: mpsc::Receiver<Queued>,
    close: watch::Receiver<Option<Duration>>,
    running: JoinSet<()>,
    /// One at a time.
    flushing: JoinSet<()>,
}

impl Runner {
    pub(crate) fn new(
        book: Arc<Book>,
        queued: mpsc::Receiver<Queued>,
        close: watch::Receiver<Option<Duration>>,
    ) -> Self {
        Self { book, queued, close, running: JoinSet::new(), flushing: JoinSet::new() }
    }

    /// Until the judge is drained, when it says so, or nobody is left who could ask for that.
    pub(crate) async fn run(mut self, concurrency: usize, closed: CancellationToken) {
        match timeout(RECALL, self.book.recall()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "what was known of noise could not be read; it is learnt anew");
            }
            Err(_) => tracing::warn!("the store is slow; what is noise is learnt anew"),
        }
        let mut second = interval(FLUSH);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.running.len() < concurrency;
            tokio::select! {
                changed = self.close.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
                _ = second.tick(), if self.flushing.is_empty() => self.flush(),
                Some(_) = self.flushing.join_next() => {}
                Some(_) = self.running.join_next() => self.ended(),
                Some(queued) = next(&mut self.queued), if has_room => self.begin(queued),
            }
        }
        let limit = (*self.close.borrow()).unwrap_or_default();
        self.queued.close();
        if timeout(limit, self.finish(concurrency)).await.is_err() {
            tracing::warn!(?limit, "drain: experiments were dropped");
        }
        self.running.shutdown().await;
        while let Ok(queued) = self.queued.try_recv() {
            self.book.metrics.queued.dec();
            drop(queued);
        }
        self.book.metrics.running.set(0);
        while self.flushing.join_next().await.is_some() {}
        flush(&self.book, true).await;
        closed.cancel();
    }

    /// Judges what is queued; nothing new comes in.
    async fn finish(&mut self, concurrency: usize) {
        loop {
            let has_room = self.running.len() < concurrency;
            tokio::select! {
                Some(_) = self.running.join_next() => self.ended(),
                next = self.queued.recv(), if has_room => match next {
                    Some(queued) => self.begin(queued),
                    None => break,
                },
            }
        }
        while self.running.join_next().await.is_some() {
            self.ended();
        }
    }

    fn begin(&mut self, queued: Queued) {
        self.book.metrics.queued.dec();
        self.book.metrics.running.inc();
        let Queued { prepare, ticket, room } = queued;
        self.running.spawn(async move {
            judge(prepare().await, ticket).await;
            drop(room);
        });
    }

    fn ended(&self) {
        self.book.metrics.running.dec();
    }

    /// Begins to write what was counted. Experiments do not wait for the store: after a pause they
    /// would all ask their candidates at once, more of them than may run.
    fn flush(&mut self) {
        let book = Arc::clone(&self.book);
        self.flushing.spawn(async move { flush(&book, false).await });
    }
}

/// The next experiment. While they keep coming the queue is looked into now and then: to wake the
/// judge is a system call, and where its processor sleeps an interrupt, and whoever pays for that
/// serves buyers. Dropped before its end it has taken nothing.
async fn next(queued: &mut mpsc::Receiver<Queued>) -> Option<Queued> {
    for _ in 0..LOOKS {
        if let Ok(next) = queued.try_recv() {
            return Some(next);
        }
        sleep(PAUSE).await;
    }
    queued.recv().await
}

async fn flush(book: &Book, last: bool) {
    if let Err(error) = book.flush().await {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, source, "reports could not be stored; they wait in memory");
    } else if let Err(error) = book.expire().await {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, source, "old reports could not be removed; they stay for now");
    } else if let Err(error) = book.remember(last).await {
        tracing::warn!(%error, "what is known of noise could not be stored; it waits in memory");
    }
}
