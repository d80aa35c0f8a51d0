//! What a route says of recording: `record`.

use std::time::Duration;

use toml::de::DeValue;

use super::{
    diagnostic::{Diagnostic, Findings},
    reader::{Section, Value, parsed},
    values::{Percent, span},
};
use crate::recording::Permission;

/// How long a recorded request is kept where the route does not say.
const KEEP: Duration = Duration::from_hours(7 * 24);

/// No segment is shorter than a few seconds.
const LEAST: Duration = Duration::from_mins(1);

/// Where nothing can be recorded.
const NEEDS: &str = "`record` needs a folder and a key: start the proxy with --recordings DIR and \
                     --recording-key-file FILE (or BANYAN_RECORDING_KEY), or leave `record` out";

/// Reads `record = "1%"` or `record = { sample = "1%", keep = "7d" }`, and what is wrong with it where
/// nothing can be recorded. A fault is noted, and records nothing.
pub(super) fn read(
    section: &mut Section<'_>,
    findings: &mut Findings<'_>,
) -> Option<(Permission, Diagnostic)> {
    let value = section.get("record")?;
    let permission = permission(value, findings)?;
    Some((permission, findings.fault(&value.span(), NEEDS.to_owned())))
}

fn permission(value: &Value<'_>, findings: &mut Findings<'_>) -> Option<Permission> {
    if matches!(value.get_ref(), DeValue::Table(_)) {
        let mut section = Section::of(value, "`record`", findings)?;
        let sample = section.require("sample", findings);
        let sample = sample.and_then(|it| percentage(it, "`sample`", findings));
        let keep = section.get("keep").map_or(Some(KEEP), |it| {
            parsed(it, "`keep` must be a string such as \"7d\"", findings, keep)
        });
        section.finish(findings);
        return Some(Permission { sample: sample?, keep: keep? });
    }
    let sample = percentage(value, "`record`", findings)?;
    Some(Permission { sample, keep: KEEP })
}

fn percentage(value: &Value<'_>, key: &str, findings: &mut Findings<'_>) -> Option<Percent> {
    parsed(value, &format!("{key} must be a string such as \"1%\""), findings, str::parse)
}

fn keep(text: &str) -> Result<Duration, &'static str> {
    span(text)
        .ok()
        .filter(|it| *it >= LEAST)
        .ok_or("must be a time from \"1m\" to \"365d\", such as \"24h\" or \"7d\"")
}
