//! What is on its way to the store: written until the store acknowledges it, and now and then for
//! nothing but to say that this process lives.

use std::time::{Duration, Instant};

use crate::{
    StoreError,
    metrics::ShadowMetrics,
    report::{Pending, Store, Superseded},
};

/// A process that has counted says at least so often that it lives; a few times before others take
/// it for gone.
const SIGN: Duration = Duration::from_secs(20);

/// What counts for nothing that holds is told to the operator no more often.
const WARNING: Duration = Duration::from_mins(1);

/// The counts that the store has not acknowledged. They are written again as they are, under the same
/// number, until it does: nobody knows what has become of a transaction whose end was not seen.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    number: u64,
    pending: Option<Pending>,
    /// When the store last acknowledged some.
    written: Option<Instant>,
    warned: Option<Instant>,
}

impl UnderWay {
    /// Takes what comes next, once there is nothing else: a sign of life, where it is empty.
    pub(crate) fn take(&mut self, pending: Pending) {
        let is_silent = self.written.is_some_and(|it| it.elapsed() >= SIGN);
        if pending.rows() > 0 || is_silent {
            self.number += 1;
            self.pending = Some(pending);
        }
    }

    /// Rows that wait for the store.
    pub(crate) fn rows(&self) -> usize {
        self.pending.as_ref().map_or(0, Pending::rows)
    }

    /// Writes it, if there is any.
    pub(crate) async fn write(
        &mut self,
        store: &Store,
        metrics: &ShadowMetrics,
    ) -> Result<(), StoreError> {
        if let Some(pending) = &self.pending {
            let superseded = store.write(self.number, pending).await?;
            self.pending = None;
            self.written = Some(Instant::now());
            metrics.superseded(&superseded);
            self.warn(superseded);
        }
        Ok(())
    }

    fn warn(&mut self, superseded: Superseded) {
        let is_told = self.warned.is_some_and(|it| it.elapsed() < WARNING);
        if let Some((route, build)) = superseded.example.filter(|_| !is_told) {
            self.warned = Some(Instant::now());
            tracing::warn!(
                route,
                build,
                "what this process compares does not count: a younger one, which lives, has bound \
                 the route's verdict to that build, to other rules or to another version of the \
                 monolith. If that is no rollout, stop or restart one of the two"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_written_says_from_time_to_time_that_it_lives() {
        let mut under_way = UnderWay::default();
        under_way.take(Pending::default());
        assert!(under_way.pending.is_none(), "nobody knows of it yet");
        for (silent, is_sign) in [(Duration::ZERO, false), (SIGN, true)] {
            under_way.written = Instant::now().checked_sub(silent);
            under_way.take(Pending::default());
            assert_eq!(under_way.pending.take().is_some(), is_sign, "{silent:?}");
        }
        assert_eq!(under_way.number, 1);
    }
}
