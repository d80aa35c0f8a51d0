//! The log: structured lines on standard error, written off the request's thread.
//!
//! No line has a buyer's data in it, unless the operator asks for all there is: our own lines are
//! written so, libraries say only what an operator must know, and panics only where.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
};

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::config::LogFormat;

/// What is said of a panic whose message was put together when it happened: a handler's may quote a
/// row or a parameter.
pub const FORMATTED: &str = "with values in its message, which --log-unredacted shows";

/// Whose lines are written at any level. Others say at `debug` what passes through them.
const OURS: [&str; 5] = ["dashboards", "extracted", "kafka", "proxy", "shadow"];

/// Installs the process's log, panics included. Lines are handed to a writer thread through a bounded
/// queue; when a slow disk or terminal fills it, lines are dropped and requests are not.
///
/// Keep the guard until the process ends: dropping it writes what is queued.
///
/// # Errors
/// When `filter` is not a filter; the message says why.
pub fn install(format: LogFormat, filter: &str, unredacted: bool) -> Result<WorkerGuard, String> {
    let filter = read(filter).map_err(|error| format!("--log: {error}"))?;
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(std::io::stderr());
    let lines = fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
        LogFormat::Text => lines.compact().boxed(),
    };
    let lines = lines.with_filter(filter_fn(move |it| unredacted || is_harmless(it)));
    let installed = tracing_subscriber::registry().with(filter).with(lines).try_init();
    installed.map_err(|error| format!("the log is installed already: {error}"))?;
    panic::set_hook(Box::new(move |panic| log_panic(panic, unredacted)));
    Ok(guard)
}

/// `LEVEL`, and `TARGET=LEVEL` where it is another one, separated by commas. `EnvFilter` alone would
/// take a level that is mistyped for a target, and then nothing would be logged but that.
fn read(filter: &str) -> Result<EnvFilter, String> {
    let directives: Vec<_> = filter.split(',').map(str::trim).collect();
    for directive in &directives {
        let (target, level) = directive.rsplit_once('=').unwrap_or(("", directive));
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err(format!(
                "`{level}` is no level: off, error, warn, info, debug or trace; of one part of the \
                 log TARGET=LEVEL, as in `info,access=off`"
            ));
        }
        if !target.chars().all(|it| it.is_ascii_alphanumeric() || "_:-.".contains(it)) {
            return Err(format!(
                "`{target}` is no target: a name such as `access` or `proxy::route`"
            ));
        }
    }
    EnvFilter::try_new(directives.join(",")).map_err(|error| error.to_string())
}

fn is_harmless(line: &Metadata<'_>) -> bool {
    let krate = line.target().split(':').next().unwrap_or_default();
    *line.level() <= Level::INFO || OURS.contains(&krate)
}

fn log_panic(panic: &PanicHookInfo<'_>, unredacted: bool) {
    let place = panic.location().map(ToString::to_string);
    let literal = panic.payload().downcast_ref::<&'static str>().copied();
    let said = literal.or(panic.payload_as_str().filter(|_| unredacted)).unwrap_or(FORMATTED);
    // Names of functions and files, where RUST_BACKTRACE asks for them.
    let trace = Backtrace::capture();
    let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
    tracing::error!(place, said, trace, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_targets_with_levels() {
        for good in ["info", "WARN", "off", "info,access=off", "debug, proxy::route=trace", "3"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for (bad, says) in [
            ("warning", "`warning` is no level"),
            ("verbose", "`verbose` is no level"),
            ("debgu", "`debgu` is no level"),
            ("proxy", "`proxy` is no level"),
            ("foo bar=", "`` is no level"),
            ("info,access=of", "`of` is no level"),
            ("", "`` is no level"),
            ("info,", "`` is no level"),
            ("foo bar=info", "`foo bar` is no target"),
            ("a=b=info", "`a=b` is no target"),
        ] {
            let error = read(bad).err().unwrap_or_default();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn a_literal_message_is_known_from_one_with_values() {
        let literal = panic::catch_unwind(|| panic!("a row is missing")).unwrap_err();
        assert_eq!(literal.downcast_ref::<&'static str>(), Some(&"a row is missing"));
        let buyer = std::hint::black_box("buyer1@shop.test");
        let formatted = panic::catch_unwind(|| panic!("no row of {buyer}")).unwrap_err();
        assert_eq!(formatted.downcast_ref::<&'static str>(), None);
    }
}
