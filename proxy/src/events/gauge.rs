//! How many events wait, and for how long: measured by every relay, whoever holds the lease, so that
//! it is also known when nobody can hold it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{database::Link, health::Health, outbox};
use crate::metrics::EventMetrics;

/// How often it is measured.
const EVERY: Duration = Duration::from_secs(1);

/// Measures until it is dropped.
pub(super) async fn measure(
    mut link: Link,
    metrics: EventMetrics,
    health: Arc<Health>,
) -> Infallible {
    loop {
        match link.work(outbox::waiting).await {
            Ok((events, lag)) => metrics.waiting(events, lag),
            Err(error) => health.database_failed(&error),
        }
        sleep(EVERY).await;
    }
}
