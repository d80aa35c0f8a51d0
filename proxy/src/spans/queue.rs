//! The spans that wait: bounded, and filled for the price of a lock and a move.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::record::SpanRecord;

/// Spans that wait for the exporter. Beside them there is one batch on its way.
pub(super) const CAPACITY: usize = 4096;

/// Spans that are sent at once; OpenTelemetry's default.
pub(super) const BATCH: usize = 512;

/// Many threads push; one exporter takes batches.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is a first span, or a whole batch, or the queue was closed. For the other spans nobody
    /// is woken: that would cost the request a system call.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    spans: VecDeque<SpanRecord>,
    closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        // All room is taken now: growing would copy everything while a request waits for the lock.
        let spans = VecDeque::with_capacity(CAPACITY);
        Self { state: Mutex::new(State { spans, closed: false }), changed: Notify::new() }
    }

    /// Takes a span in, unless there is no room for it or the queue is closed. Never waits for the
    /// exporter.
    pub(super) fn push(&self, span: SpanRecord) -> bool {
        let mut state = self.lock();
        if state.closed || state.spans.len() >= CAPACITY {
            return false;
        }
        state.spans.push_back(span);
        let waiting = state.spans.len();
        drop(state);
        if waiting == 1 || waiting == BATCH {
            self.changed.notify_one();
        }
        true
    }

    /// Waits for a whole batch, for `fill` after the first span was seen, or for the end, whichever
    /// comes first. `None` when the queue is closed and empty.
    pub(super) async fn next_batch(&self, fill: Duration) -> Option<Vec<SpanRecord>> {
        let mut due = None;
        loop {
            match self.take(due.is_some_and(|due| due <= Instant::now())) {
                Taken::Batch(batch) => return Some(batch),
                Taken::End => return None,
                Taken::Empty => self.changed.notified().await,
                Taken::Few => {
                    let due = *due.get_or_insert_with(|| Instant::now() + fill);
                    // Either way the next look at the queue decides.
                    let _ = timeout_at(due, self.changed.notified()).await;
                }
            }
        }
    }

    /// Takes in nothing more; what waits can still be taken out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Whether [`Queue::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for [`Queue::close`].
    pub(super) async fn closed(&self) {
        while !self.is_closed() {
            self.changed.notified().await;
        }
    }

    /// Closes the queue and empties it: how many spans waited.
    pub(super) fn discard(&self) -> usize {
        self.close();
        std::mem::take(&mut self.lock().spans).len()
    }

    fn take(&self, overdue: bool) -> Taken {
        let mut state = self.lock();
        let waiting = state.spans.len();
        if waiting >= BATCH || waiting > 0 && (overdue || state.closed) {
            return Taken::Batch(state.spans.drain(..waiting.min(BATCH)).collect());
        }
        match (waiting, state.closed) {
            (0, true) => Taken::End,
            (0, false) => Taken::Empty,
            _ => Taken::Few,
        }
    }

    /// A panic elsewhere cannot leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What there was to take.
enum Taken {
    Batch(Vec<SpanRecord>),
    /// Not yet a batch, and it may still become one.
    Few,
    Empty,
    End,
}
