//! `[monolith]` and `[upstream.NAME]`: an upstream's servers, and how they are used.

use std::{num::NonZeroUsize, path::Path, time::Duration};

use http::{HeaderValue, uri::PathAndQuery};
use rustls::pki_types::ServerName;

use super::{
    diagnostic::Findings,
    reader::{Section, Value, array, integer, parsed},
    values::{duration, whole_percent},
};
use crate::{
    error::Chain,
    upstream::{Endpoint, Health, Outlier, RetryBudget, ServerAddr, Settings, Trust},
};

/// Reads the section that `what` names. Faults are noted. CA files are looked for in `folder`.
pub(super) fn read(
    value: &Value<'_>,
    what: &'static str,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Settings> {
    let mut section = Section::of(value, what, findings)?;
    let listed = section.require("servers", findings);
    let addresses = listed.and_then(|it| servers(it, findings));
    let tls = section.get("tls");
    let servers = match (addresses, listed) {
        (Some(addresses), Some(listed)) => endpoints(addresses, listed, tls, folder, findings),
        _ => None,
    };
    let mut settings = Settings::new(servers.clone().unwrap_or_default());
    if let Some(value) = section.get("concurrency") {
        settings.concurrency = count(value, "concurrency", findings).and_then(NonZeroUsize::new);
    }
    if let Some(value) = section.get("queue") {
        settings.queue = count(value, "queue", findings).unwrap_or(settings.queue);
    }
    time(&mut section, "queue_timeout", &mut settings.queue_timeout, findings);
    settings.health = section.get("health").and_then(|it| health(it, findings));
    if let Some(value) = section.get("outlier") {
        outlier(value, &mut settings.outlier, findings);
    }
    if let Some(value) = section.get("retry_budget") {
        retry_budget(value, &mut settings.retry_budget, findings);
    }
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

/// Joins addresses with whom to believe there. `listed` is where the addresses stand.
fn endpoints(
    addresses: Vec<ServerAddr>,
    listed: &Value<'_>,
    tls: Option<&Value<'_>>,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Vec<Endpoint>> {
    let secure = addresses.iter().any(|it| matches!(it, ServerAddr::Tls(_)));
    let trust = match (tls, secure) {
        (Some(value), true) => trust(value, listed, folder, findings),
        (Some(value), false) => {
            let message = "`tls` is for servers behind TLS, and here is none: write their addresses \
                           with https:// or h2://, or leave it out";
            findings.error(&value.span(), message);
            return None;
        }
        (None, true) => load(None, None, listed, findings),
        (None, false) => None,
    };
    let endpoint = |address| match address {
        ServerAddr::Clear(address) => Some(Endpoint::Clear(address)),
        ServerAddr::Tls(address) => Some(Endpoint::Tls(address, trust.clone()?)),
    };
    addresses.into_iter().map(endpoint).collect()
}

fn trust(
    value: &Value<'_>,
    listed: &Value<'_>,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Trust> {
    let mut section = Section::of(value, "`tls`", findings)?;
    let ca = section.get("ca");
    let file = ca.map(|it| {
        parsed(it, "`ca` must be a string, the name of a file", findings, |it| match it {
            "" => Err("must be the name of a file of CA certificates in PEM"),
            file => Ok(folder.join(file)),
        })
    });
    let name = section.get("name").map(|it| {
        parsed(it, "`name` must be a string", findings, |it| {
            ServerName::try_from(it.to_owned())
                .map_err(|_| "must be a host name or an address, without a port")
        })
    });
    section.finish(findings);
    // A fault in one of them is enough: no file is read that was not meant.
    let file = if file.is_some() { Some(file??) } else { None };
    let name = if name.is_some() { Some(name??) } else { None };
    load(file.as_deref(), name, ca.unwrap_or(listed), findings)
}

/// `place` is what a bad CA file, or a system without any, is reported at.
fn load(
    ca_file: Option<&Path>,
    name: Option<ServerName<'static>>,
    place: &Value<'_>,
    findings: &mut Findings<'_>,
) -> Option<Trust> {
    let trust = Trust::load(ca_file, name);
    trust.map_err(|error| findings.error(&place.span(), Chain(&error).to_string())).ok()
}

fn count(value: &Value<'_>, key: &str, findings: &mut Findings<'_>) -> Option<usize> {
    number(value, key, 1, findings).and_then(|it| usize::try_from(it).ok())
}

fn number(value: &Value<'_>, key: &str, least: u32, findings: &mut Findings<'_>) -> Option<u32> {
    let number = integer(value, "a limit must be a whole number", findings)?;
    if !(i64::from(least)..=100_000).contains(&number) {
        findings.error(&value.span(), format!("`{key}` must be from {least} to 100000"));
        return None;
    }
    u32::try_from(number).ok()
}

fn time(
    section: &mut Section<'_>,
    key: &'static str,
    value: &mut Duration,
    findings: &mut Findings<'_>,
) {
    let must = "a duration must be a string such as \"1s\"";
    let read = section.get(key).and_then(|it| parsed(it, must, findings, duration));
    *value = read.unwrap_or(*value);
}

fn percent(
    section: &mut Section<'_>,
    key: &'static str,
    value: &mut u8,
    findings: &mut Findings<'_>,
) {
    let must = "a percentage must be a string such as \"20%\"";
    let read = section.get(key).and_then(|it| parsed(it, must, findings, whole_percent));
    *value = read.unwrap_or(*value);
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
    time(&mut section, "interval", &mut health.interval, findings);
    time(&mut section, "timeout", &mut health.timeout, findings);
    let mut times = |key, value: &mut u32| {
        let read = section.get(key).and_then(|it| number(it, key, 1, findings));
        *value = read.unwrap_or(*value);
    };
    times("healthy", &mut health.healthy);
    times("unhealthy", &mut health.unhealthy);
    section.finish(findings);
    Some(health)
}

fn outlier(value: &Value<'_>, outlier: &mut Outlier, findings: &mut Findings<'_>) {
    let Some(mut section) = Section::of(value, "`outlier`", findings) else { return };
    let consecutive =
        section.get("consecutive").and_then(|it| number(it, "consecutive", 0, findings));
    outlier.consecutive = consecutive.unwrap_or(outlier.consecutive);
    time(&mut section, "base_ejection", &mut outlier.base_ejection, findings);
    time(&mut section, "max_ejection", &mut outlier.max_ejection, findings);
    percent(&mut section, "max_ejected", &mut outlier.max_ejected_percent, findings);
    section.finish(findings);
    if outlier.max_ejection < outlier.base_ejection {
        let message = "`max_ejection` must not be shorter than `base_ejection`";
        findings.error(&value.span(), message);
    }
}

fn retry_budget(value: &Value<'_>, budget: &mut RetryBudget, findings: &mut Findings<'_>) {
    let Some(mut section) = Section::of(value, "`retry_budget`", findings) else { return };
    percent(&mut section, "percent", &mut budget.percent, findings);
    let least = section.get("min_per_second");
    let least = least.and_then(|it| number(it, "min_per_second", 0, findings));
    budget.min_per_second = least.unwrap_or(budget.min_per_second);
    section.finish(findings);
}

fn path(text: &str) -> Result<PathAndQuery, &'static str> {
    let must = "must be a path such as \"/up\"";
    if text.starts_with('/') { text.parse().map_err(|_| must) } else { Err(must) }
}
