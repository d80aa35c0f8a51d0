//! `[monolith]`: its servers, and how they are used.

use std::{num::NonZeroUsize, time::Duration};

use http::{HeaderValue, uri::PathAndQuery};

use super::{
    diagnostic::Findings,
    reader::{Section, Value, array, integer, parsed},
    values::duration,
};
use crate::upstream::{Health, ServerAddr, Settings};

/// Reads `[monolith]`. Faults are noted.
pub(super) fn read(value: &Value<'_>, findings: &mut Findings<'_>) -> Option<Settings> {
    let mut section = Section::of(value, "[monolith]", findings)?;
    let servers = section.require("servers", findings).and_then(|it| servers(it, findings));
    let mut settings = Settings::new(servers.clone().unwrap_or_default());
    if let Some(value) = section.get("concurrency") {
        settings.concurrency = count(value, "concurrency", findings).and_then(NonZeroUsize::new);
    }
    if let Some(value) = section.get("queue") {
        settings.queue = count(value, "queue", findings).unwrap_or(settings.queue);
    }
    let must = "`queue_timeout` must be a string such as \"2s\"";
    let wait = section.get("queue_timeout");
    let wait = wait.and_then(|it| parsed(it, must, findings, duration));
    settings.queue_timeout = wait.unwrap_or(settings.queue_timeout);
    settings.health = section.get("health").and_then(|it| health(it, findings));
    section.finish(findings);
    servers.map(|_| settings)
}

fn servers(value: &Value<'_>, findings: &mut Findings<'_>) -> Option<Vec<ServerAddr>> {
    let must = "`servers` must be an array of addresses, one for each server";
    let values = array(value, must, findings);
    if values.is_empty() {
        findings.error(&value.span(), must);
    }
    let read = |it| parsed(it, "a server must be a string", findings, str::parse);
    let servers: Vec<Option<ServerAddr>> = values.iter().map(read).collect();
    let servers: Option<Vec<_>> = servers.into_iter().collect();
    servers.filter(|it| !it.is_empty())
}

fn count(value: &Value<'_>, key: &str, findings: &mut Findings<'_>) -> Option<usize> {
    let number = integer(value, "a limit must be a whole number", findings)?;
    if !(1..=100_000).contains(&number) {
        findings.error(&value.span(), format!("`{key}` must be from 1 to 100000"));
        return None;
    }
    usize::try_from(number).ok()
}

fn health(value: &Value<'_>, findings: &mut Findings<'_>) -> Option<Health> {
    let mut section = Section::of(value, "`health`", findings)?;
    let mut health = Health::default();
    if let Some(value) = section.get("path") {
        let path = parsed(value, "`path` must be a string", findings, path);
        health.path = path.unwrap_or(health.path);
    }
    if let Some(value) = section.get("host") {
        health.host = parsed(value, "`host` must be a string", findings, |it| {
            HeaderValue::from_str(it).map_err(|_| "must be a host name")
        });
    }
    let mut time = |key, value: &mut Duration| {
        let must = "a duration must be a string such as \"1s\"";
        let read = section.get(key).and_then(|it| parsed(it, must, findings, duration));
        *value = read.unwrap_or(*value);
    };
    time("interval", &mut health.interval);
    time("timeout", &mut health.timeout);
    let mut times = |key, value: &mut u32| {
        let read = section.get(key).and_then(|it| count(it, key, findings));
        *value = read.and_then(|it| u32::try_from(it).ok()).unwrap_or(*value);
    };
    times("healthy", &mut health.healthy);
    times("unhealthy", &mut health.unhealthy);
    section.finish(findings);
    Some(health)
}

fn path(text: &str) -> Result<PathAndQuery, &'static str> {
    let must = "must be a path such as \"/up\"";
    if text.starts_with('/') { text.parse().map_err(|_| must) } else { Err(must) }
}
