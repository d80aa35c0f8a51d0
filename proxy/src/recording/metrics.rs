//! What the recorder counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// What has become of a request that was to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in a segment.
    Written,
    /// The disk was slower than the buyers.
    Dropped,
    /// A body is longer than 1 MiB, or of a length that is not known before it is sent, or its client
    /// waits to be told to send it.
    TooLarge,
    /// The answer did not pass whole.
    Incomplete,
    /// The disk did not take it.
    Failed,
}

impl Fate {
    const ALL: [Self; 5] =
        [Self::Written, Self::Dropped, Self::TooLarge, Self::Incomplete, Self::Failed];

    const fn label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Dropped => "dropped",
            Self::TooLarge => "too_large",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        }
    }
}

/// The recorder's series.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    fates: [IntCounter; 5],
    pub(super) bytes: IntGauge,
}

impl Metrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "Requests that were to be recorded, by what has become of them.";
        let fates = IntCounterVec::new(Opts::new("banyan_recorded_total", help), &["result"])?;
        registry.register(Box::new(fates.clone()))?;
        let help = "Bytes in the folder of recordings, when it was last looked at.";
        let bytes = IntGauge::new("banyan_recordings_bytes", help)?;
        registry.register(Box::new(bytes.clone()))?;
        Ok(Self { fates: Fate::ALL.map(|it| fates.with_label_values(&[it.label()])), bytes })
    }

    #[cfg(test)]
    pub(super) const fn fates(&self) -> &[IntCounter; 5] {
        &self.fates
    }

    pub(super) fn count(&self, fate: Fate) {
        self.fates[fate as usize].inc();
    }
}
