//! The log: structured lines on standard error, written off the request's thread.

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Installs the process's log. Lines are handed to a writer thread through a bounded queue; when a
/// slow disk or terminal fills it, lines are dropped and requests are not.
///
/// Keep the guard until the process ends: dropping it writes what is queued.
///
/// # Errors
/// When `filter` is not a filter; the message says where.
pub fn install(format: LogFormat, filter: &str) -> Result<WorkerGuard, String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("--log: {error}"))?;
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(std::io::stderr());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let installed = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => lines.compact().try_init(),
    };
    installed.map_err(|error| format!("the log is installed already: {error}"))?;
    Ok(guard)
}
