//! What is on its way to the store: written until the store acknowledges it.

use std::time::{Duration, Instant};

use crate::{
    StoreError,
    metrics::StoreMetrics,
    report::{Pending, Store, Superseded},
};

/// What counts for nothing that holds is told to the operator no more often.
const WARNING: Duration = Duration::from_mins(1);

/// The counts that the store has not acknowledged. They are written again as they are, under the same
/// number, until it does: nobody knows what has become of a transaction whose end was not seen.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    number: u64,
    pending: Option<Pending>,
    warned: Option<Instant>,
}

impl UnderWay {
    /// Takes what comes next, once there is nothing else.
    pub(crate) fn take(&mut self, pending: Pending) {
        if pending.rows() > 0 {
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
        metrics: &StoreMetrics,
    ) -> Result<(), StoreError> {
        if let Some(pending) = &self.pending {
            let superseded = store.write(self.number, pending).await?;
            self.pending = None;
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
