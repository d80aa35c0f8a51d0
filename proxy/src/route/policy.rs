//! `timeouts` and `limits`: of the whole file, and of one route.

use std::time::Duration;

use super::{
    diagnostic::Findings,
    reader::{Section, integer, parsed},
    values::{bytes, duration},
};
use crate::limits::{Limits, Policy, Timeouts};

/// Whose limits are read. What concerns a connection is known before its requests' routes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Everything,
    Route,
}

/// Reads `timeouts` and `limits` over what holds otherwise. Faults are noted, and change nothing.
pub(super) fn read(
    section: &mut Section<'_>,
    inherited: Policy,
    of: Of,
    findings: &mut Findings<'_>,
) -> Policy {
    let mut policy = inherited;
    let timeouts = section.get("timeouts");
    let timeouts = timeouts.and_then(|it| Section::of(it, "`timeouts`", findings));
    if let Some(mut table) = timeouts {
        self::timeouts(&mut table, &mut policy.timeouts, of, findings);
        table.finish(findings);
    }
    let limits = section.get("limits").and_then(|it| Section::of(it, "`limits`", findings));
    if let Some(mut table) = limits {
        self::limits(&mut table, &mut policy.limits, of, findings);
        table.finish(findings);
    }
    policy
}

fn timeouts(table: &mut Section<'_>, timeouts: &mut Timeouts, of: Of, findings: &mut Findings<'_>) {
    let mut read = |key, value: &mut Duration| {
        let must = "a time-out must be a string such as \"300ms\"";
        let given = table.get(key).and_then(|it| parsed(it, must, findings, duration));
        *value = given.unwrap_or(*value);
    };
    if of == Of::Everything {
        read("handshake", &mut timeouts.handshake);
        read("head", &mut timeouts.head);
        read("keep_alive", &mut timeouts.keep_alive);
    }
    read("answer", &mut timeouts.answer);
    read("answer_idle", &mut timeouts.answer_idle);
    read("body_idle", &mut timeouts.body_idle);
    read("connect", &mut timeouts.connect);
    read("pool_idle", &mut timeouts.pool_idle);
    read("tunnel_idle", &mut timeouts.tunnel_idle);
    read("write_idle", &mut timeouts.write_idle);
    let mut total = timeouts.total.unwrap_or(Duration::MAX);
    read("total", &mut total);
    timeouts.total = (total != Duration::MAX).then_some(total);
}

fn limits(table: &mut Section<'_>, limits: &mut Limits, of: Of, findings: &mut Findings<'_>) {
    let mut size = |key, value: &mut u64| {
        let must = "a size must be a string such as \"64KiB\"";
        let given = table.get(key).and_then(|it| parsed(it, must, findings, bytes));
        *value = given.unwrap_or(*value);
    };
    size("body", &mut limits.body);
    size("min_rate", &mut limits.min_rate);
    let mut small = |key, value: &mut usize| {
        let mut large = *value as u64;
        size(key, &mut large);
        *value = usize::try_from(large).unwrap_or(usize::MAX);
    };
    small("buffer", &mut limits.buffer);
    if of == Of::Route {
        return;
    }
    small("head", &mut limits.head);
    small("request_line", &mut limits.request_line);
    let mut count = |key, most: i64| {
        let must = "a limit must be a whole number";
        let value = table.get(key)?;
        let number = integer(value, must, findings)?;
        if !(1..=most).contains(&number) {
            findings.error(&value.span(), format!("`{key}` must be from 1 to {most}"));
            return None;
        }
        usize::try_from(number).ok()
    };
    limits.fields = count("fields", 10_000).unwrap_or(limits.fields);
    limits.in_flight = count("in_flight", 1_000_000).unwrap_or(limits.in_flight);
    limits.connections = count("connections", 1_000_000).unwrap_or(limits.connections);
    let streams = count("streams", 10_000).and_then(|it| u32::try_from(it).ok());
    limits.streams = streams.unwrap_or(limits.streams);
}
