//! The requests that wait until a server has a free slot: first come, first served, and each freed
//! slot wakes one of them.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::sync::oneshot;

use super::{Permit, Upstream};

/// The queue of one upstream, shared by its versions over reloads: a slot that a request of an
/// older version frees may be what a younger one waits for.
///
/// A request that waits is counted before it looks for a free slot, and a slot is freed before its
/// releaser looks for somebody who waits: one of the two sees the other.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The length of the line; written under its lock only.
    length: AtomicUsize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    waiters: VecDeque<Waiter>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    upstream: Arc<Upstream>,
    avoid: Option<usize>,
    grant: oneshot::Sender<Permit>,
}

impl Queue {
    /// Requests that are waiting now.
    pub(super) fn length(&self) -> usize {
        self.length.load(SeqCst)
    }

    /// Gets in line, unless more than the upstream allows would wait then.
    pub(super) fn join(upstream: &Arc<Upstream>, avoid: Option<usize>) -> Option<Place> {
        let queue = &upstream.shared.queue;
        let (grant, granted) = oneshot::channel();
        let mut line = queue.lock();
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.waiters.push_back(Waiter { ticket, upstream: Arc::clone(upstream), avoid, grant });
        queue.count(&line);
        // There may be a free slot that those further ahead cannot use, or one was freed just now.
        let undelivered = queue.grant(&mut line);
        let is_last = line.waiters.back().is_some_and(|last| last.ticket == ticket);
        let has_room = line.waiters.len() <= upstream.settings.queue;
        if is_last && !has_room {
            line.waiters.pop_back();
            queue.count(&line);
        }
        drop(line);
        drop(undelivered);
        let upstream = Arc::clone(upstream);
        (has_room || !is_last).then_some(Place { upstream, ticket: Some(ticket), granted })
    }

    /// Hands free slots to those who wait.
    pub(super) fn serve(&self) {
        if self.length() == 0 {
            return;
        }
        let mut line = self.lock();
        let undelivered = self.grant(&mut line);
        drop(line);
        drop(undelivered);
    }

    /// Hands out free slots from the front on. Returns those whose receiver was gone: they are to
    /// be dropped when the lock is not held, since that looks for the next in line.
    fn grant(&self, line: &mut Line) -> Vec<Permit> {
        let mut undelivered = Vec::new();
        let mut full: Option<Arc<Upstream>> = None;
        let mut index = 0;
        while let Some(waiter) = line.waiters.get(index) {
            let is_full = full.as_ref().is_some_and(|it| Arc::ptr_eq(it, &waiter.upstream));
            let taken = if is_full { None } else { waiter.upstream.take(waiter.avoid) };
            let Some(server) = taken else {
                // Whoever avoids a server says nothing of what others may find.
                if waiter.avoid.is_none() {
                    full = Some(Arc::clone(&waiter.upstream));
                }
                index += 1;
                continue;
            };
            if let Some(Waiter { upstream, grant, .. }) = line.waiters.remove(index)
                && let Err(permit) = grant.send(Permit::new(upstream, server))
            {
                undelivered.push(permit);
            }
        }
        self.count(line);
        undelivered
    }

    fn leave(&self, ticket: u64) {
        let mut line = self.lock();
        if let Some(index) = line.waiters.iter().position(|waiter| waiter.ticket == ticket) {
            line.waiters.remove(index);
            self.count(&line);
        }
    }

    fn count(&self, line: &Line) {
        self.length.store(line.waiters.len(), SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in line; dropping it leaves the line, and passes on what was granted meanwhile.
#[derive(Debug)]
pub(super) struct Place {
    upstream: Arc<Upstream>,
    /// None once a slot is ours.
    ticket: Option<u64>,
    granted: oneshot::Receiver<Permit>,
}

impl Place {
    /// Waits for a slot; may be called again after it was cancelled.
    pub(super) async fn granted(&mut self) -> Option<Permit> {
        let permit = (&mut self.granted).await.ok();
        self.ticket = None;
        permit
    }

    /// Leaves the line; the slot that was granted in the last moment, if one was.
    pub(super) fn give_up(mut self) -> Option<Permit> {
        if let Some(ticket) = self.ticket.take() {
            self.upstream.shared.queue.leave(ticket);
        }
        self.granted.try_recv().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // In this order: while a waiter is in line, somebody listens.
        if let Some(ticket) = self.ticket.take() {
            self.upstream.shared.queue.leave(ticket);
        }
    }
}
