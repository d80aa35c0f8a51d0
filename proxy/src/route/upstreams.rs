//! All upstreams of one file: `[monolith]` and each `[upstream.NAME]`, found by their names.

use std::{collections::BTreeMap, ops::Range, path::Path, sync::Arc};

use super::{
    RouteTable,
    diagnostic::{Findings, did_you_mean},
    reader::{Section, Value, table, text},
    upstream,
};
use crate::upstream::{Upstream, UpstreamMetrics};

/// The name of `[monolith]` in metrics and logs.
const MONOLITH: &str = "monolith";

/// What they are made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// The table before, whose upstreams' state goes on under the same names.
    pub(super) previous: Option<&'a RouteTable>,
    /// Where relative CA files are.
    pub(super) folder: &'a Path,
    pub(super) metrics: &'a UpstreamMetrics,
}

/// The upstreams that a file names.
#[derive(Debug, Default)]
pub(super) struct Upstreams {
    monolith: Option<Arc<Upstream>>,
    named: BTreeMap<String, Named>,
}

#[derive(Debug)]
struct Named {
    /// `None`: its section has a fault.
    upstream: Option<Arc<Upstream>>,
    span: Range<usize>,
    used: bool,
}

impl Upstreams {
    /// Reads both. Faults are noted.
    pub(super) fn read(
        root: &mut Section<'_>,
        context: Context<'_>,
        findings: &mut Findings<'_>,
    ) -> Self {
        let folder = context.folder;
        let monolith = root.get("monolith");
        let monolith = monolith.and_then(|it| upstream::read(it, "[monolith]", folder, findings));
        let monolith = monolith.map(|settings| {
            let previous = context.previous.and_then(|it| it.monolith.as_deref());
            Upstream::new(MONOLITH, settings, previous, context.metrics)
        });
        let mut named = BTreeMap::new();
        let sections = root.get("upstream");
        let must = "`upstream` must be written `[upstream.NAME]`";
        for (key, value) in sections.and_then(|it| table(it, must, findings)).into_iter().flatten()
        {
            let (name, span) = (key.get_ref().as_ref(), key.span());
            if let Err(fault) = checked(name) {
                findings.error(&span, format!("{name:?} {fault}"));
                continue;
            }
            let settings = upstream::read(value, "an [upstream.NAME]", folder, findings);
            let upstream = settings.map(|settings| {
                let previous = context.previous.and_then(|it| it.upstream(name));
                Upstream::new(name, settings, previous, context.metrics)
            });
            named.insert(name.to_owned(), Named { upstream, span, used: false });
        }
        Self { monolith, named }
    }

    /// The upstream that a route's `key` names. An unknown name is a fault.
    pub(super) fn find(
        &mut self,
        key: &str,
        value: &Value<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Arc<Upstream>> {
        let name = text(value, &format!("`{key}` must be a string"), findings)?;
        if let Some(named) = self.named.get_mut(name) {
            named.used = true;
            return named.upstream.clone();
        }
        let near = did_you_mean(name, self.named.keys().map(String::as_str));
        let message = match (name, key) {
            (MONOLITH, "upstream") => {
                "the monolith answers without `upstream`: leave it out".to_owned()
            }
            (MONOLITH, _) => {
                format!("`{key}` is compared with the monolith: name an [upstream.NAME]")
            }
            _ => format!("there is no [upstream.{name}]{near}"),
        };
        findings.error(&value.span(), message);
        None
    }

    /// Notes those that no route names, and hands over all.
    pub(super) fn finish(
        self,
        findings: &mut Findings<'_>,
    ) -> (Option<Arc<Upstream>>, Vec<Arc<Upstream>>) {
        for (name, named) in &self.named {
            if !named.used {
                let message =
                    format!("no route names the upstream `{name}`: name it in one, or remove it");
                findings.warning(&named.span, message);
            }
        }
        (self.monolith, self.named.into_values().filter_map(|it| it.upstream).collect())
    }
}

/// A name stands in metrics, logs and on the pages.
fn checked(name: &str) -> Result<(), &'static str> {
    let ok = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, '_' | '-');
    if name.is_empty() || name.len() > 100 || !name.chars().all(ok) {
        return Err("must be a name such as `returns-svc`: lower-case letters, digits, `_`, `-`");
    }
    if matches!(name, MONOLITH | "pinned") {
        return Err("is the name of another upstream; choose a different one");
    }
    Ok(())
}
