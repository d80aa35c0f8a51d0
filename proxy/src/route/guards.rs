//! `concurrency` and `breaker` of a route.

use super::{
    diagnostic::Findings,
    reader::{Section, Value, integer, parsed},
    values::{duration, whole_percent},
};
use crate::extraction::{LIVE_CONCURRENCY, guard::Settings};

/// Reads both. Faults are noted, and change nothing.
pub(super) fn read(section: &mut Section<'_>, findings: &mut Findings<'_>) -> Settings {
    let mut settings = Settings::default();
    if let Some(value) = section.get("concurrency") {
        let most = u32::try_from(LIVE_CONCURRENCY).unwrap_or(u32::MAX);
        let given = number(value, "concurrency", 1, most, findings);
        let given = given.and_then(|it| usize::try_from(it).ok());
        settings.concurrency = given.unwrap_or(settings.concurrency);
    }
    let table = section.get("breaker").and_then(|it| Section::of(it, "`breaker`", findings));
    if let Some(mut table) = table {
        breaker(&mut table, &mut settings, findings);
        table.finish(findings);
    }
    settings
}

fn breaker(table: &mut Section<'_>, settings: &mut Settings, findings: &mut Findings<'_>) {
    let failures =
        table.get("failures").and_then(|it| number(it, "failures", 0, 100_000, findings));
    settings.failures = failures.unwrap_or(settings.failures);
    let must = "`share` must be a string such as \"50%\"";
    let share = table.get("share").and_then(|it| parsed(it, must, findings, whole_percent));
    settings.percent = share.unwrap_or(settings.percent);
    let must = "a duration must be a string such as \"10s\"";
    let mut time = |key| table.get(key).and_then(|it| parsed(it, must, findings, duration));
    settings.window = time("window").unwrap_or(settings.window);
    settings.pause = time("pause").unwrap_or(settings.pause);
}

fn number(
    value: &Value<'_>,
    key: &str,
    least: u32,
    most: u32,
    findings: &mut Findings<'_>,
) -> Option<u32> {
    let number = integer(value, "a limit must be a whole number", findings)?;
    if !(i64::from(least)..=i64::from(most)).contains(&number) {
        findings.error(&value.span(), format!("`{key}` must be from {least} to {most}"));
        return None;
    }
    u32::try_from(number).ok()
}
