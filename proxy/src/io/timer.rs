//! The clock that watches a connection.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::time::Sleep;

/// A time-out that costs next to nothing to move: the runtime's timer is set for a short while
/// ahead, and set again only when it goes off, while the deadline itself is a number.
#[derive(Debug, Default)]
pub struct Timer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// How far ahead the runtime's timer is set at most.
const STRIDE: Duration = Duration::from_secs(10);

impl Timer {
    /// Goes off after `limit` from now.
    pub fn set(&mut self, limit: Duration) {
        self.deadline = Instant::now().checked_add(limit);
    }

    /// Goes off at `deadline`, if that is sooner than what is set.
    pub fn at_latest(&mut self, deadline: Option<Instant>) {
        self.deadline = match (self.deadline, deadline) {
            (Some(set), Some(deadline)) => Some(set.min(deadline)),
            (set, deadline) => set.or(deadline),
        };
    }

    /// Goes off after `limit`, if there is one, and at `deadline` at the latest.
    pub fn watch(&mut self, limit: Option<Duration>, deadline: Option<Instant>) {
        self.deadline = limit.and_then(|it| Instant::now().checked_add(it));
        self.at_latest(deadline);
    }

    /// Never goes off.
    pub const fn clear(&mut self) {
        self.deadline = None;
    }

    /// Ready once the deadline has passed.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        loop {
            let now = Instant::now();
            if deadline <= now {
                return Poll::Ready(());
            }
            let due = deadline.min(now + STRIDE).into();
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            // A timer that goes off sooner will be set anew then.
            if sleep.deadline() > due || sleep.is_elapsed() {
                sleep.as_mut().reset(due);
            }
            ready!(sleep.as_mut().poll(cx));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn a_timer_can_be_moved_and_cleared_and_goes_off_in_time() {
        let mut timer = Timer::default();
        timer.set(Duration::from_hours(1));
        assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx).is_pending())).await);
        let began = Instant::now();
        timer.set(Duration::from_millis(30));
        poll_fn(|cx| timer.poll_expired(cx)).await;
        assert!(began.elapsed() >= Duration::from_millis(30));
        timer.clear();
        assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx).is_pending())).await);
    }
}
