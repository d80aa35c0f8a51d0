//! `maintenance`: of the whole shop, and of one route.

use std::{sync::Arc, time::Duration};

use super::{
    diagnostic::Findings,
    reader::{Section, parsed},
    values::duration,
};

/// When buyers are told to come back, where the file does not say.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// Nobody is asked for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maintenance {
    /// Requests wait for its end, each for so long at most.
    Pause(Duration),
    /// Requests are answered with a page.
    Stop(Stop),
}

/// What buyers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The page's one sentence; not HTML.
    pub message: String,
    /// When to come back.
    pub retry_after: Duration,
}

/// Reads `maintenance`, over what holds otherwise. Faults are noted.
pub(super) fn read(
    section: &mut Section<'_>,
    inherited: Option<&Arc<Maintenance>>,
    findings: &mut Findings<'_>,
) -> Option<Arc<Maintenance>> {
    let Some(value) = section.get("maintenance") else { return inherited.cloned() };
    let mut table = Section::of(value, "`maintenance`", findings)?;
    let (pause, stop) = (table.get("pause"), table.get("stop"));
    let must = "`retry_after` must be a string such as \"5m\"";
    let retry_after = table.get("retry_after");
    let retry_after = retry_after.and_then(|it| parsed(it, must, findings, duration));
    table.finish(findings);
    let maintenance = match (pause, stop) {
        (Some(limit), None) => {
            let must = "`pause` must be a string such as \"30s\"";
            parsed(limit, must, findings, duration).map(Maintenance::Pause)
        }
        (None, Some(message)) => {
            let must = "`stop` must be what buyers are told, as a string";
            let message = parsed(message, must, findings, message_of);
            let retry_after = retry_after.unwrap_or(RETRY_AFTER);
            message.map(|message| Maintenance::Stop(Stop { message, retry_after }))
        }
        _ => {
            let message = "`maintenance` must say either `pause` or `stop`";
            findings.error(&value.span(), message);
            None
        }
    };
    maintenance.map(Arc::new)
}

fn message_of(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("must say something to the buyers");
    }
    Ok(text.to_owned())
}
