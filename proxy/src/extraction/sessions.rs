//! Sessions that are in Redis: written when everything else that a handler left is certain.

use std::time::Duration;

use extracted::rails::session::{Saved, UnsavedSession};
use http::HeaderValue;
use tokio::time::timeout;

use crate::{
    error::Chain,
    metrics::{ExtractionMetrics, SessionSaved},
};

/// A buyer waits so long at most for the session.
const LIMIT: Duration = Duration::from_secs(2);

/// Keeps the session; what the reply is to set its cookie to. A session that cannot be kept is lost
/// as it is in Rails, where the cache says so in the log and the answer goes out all the same: the
/// rows are committed, so nobody may answer again.
pub(super) async fn keep(
    session: UnsavedSession,
    metrics: ExtractionMetrics,
) -> Option<HeaderValue> {
    let cookie = session.cookie().cloned();
    let became = match timeout(LIMIT, session.save()).await {
        Ok(Ok(Saved::Kept)) => SessionSaved::Kept,
        Ok(Ok(Saved::Ended)) => SessionSaved::Ended,
        Ok(Err(error)) => {
            tracing::warn!(error = %Chain(&error), "a session could not be kept in Redis");
            SessionSaved::Failed
        }
        Err(_) => {
            tracing::warn!("a session could not be kept: Redis took too long");
            SessionSaved::Failed
        }
    };
    metrics.session(became);
    cookie.filter(|_| became != SessionSaved::Ended)
}
