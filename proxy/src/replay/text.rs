//! The result of a replay, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::tally::{Failing, RouteTally, Skip, Tally};
use crate::{config::Replay, recording::Loss, report::table};

/// What is said of requests that say little by now: the monolith is not in the state of then.
pub(super) const STRAYED: &str = "answered by the monolith with another status than when recorded";

/// The shape of `--format json`.
#[derive(Serialize)]
struct Result<'a> {
    /// Requests whose answers were the same, but for noise.
    same: u64,
    different: u64,
    /// Requests that could not be compared.
    unknown: u64,
    /// Records of the recording that cannot be read.
    lost: usize,
    /// Segments of it that have expired.
    expired: usize,
    /// Segments of it that are encrypted with another key.
    other_key: usize,
    routes: Vec<OfRoute<'a>>,
}

#[derive(Serialize)]
struct OfRoute<'a> {
    route: &'a str,
    #[serde(flatten)]
    tally: &'a RouteTally,
    /// Failing requests that are not listed.
    omitted: u64,
}

/// As JSON.
pub(super) fn json(tally: &Tally, loss: &Loss) -> serde_json::Result<String> {
    let (same, different, unknown) = tally.totals();
    let routes = tally.routes.iter();
    let routes = routes.map(|(route, tally)| OfRoute { route, tally, omitted: tally.omitted() });
    let result = Result {
        same,
        different,
        unknown,
        lost: loss.records(),
        expired: loss.expired,
        other_key: loss.other_key,
        routes: routes.collect(),
    };
    Ok(serde_json::to_string_pretty(&result)? + "\n")
}

/// As tables: one of all routes, and one of each request that failed.
pub(super) fn text(tally: &Tally, loss: &Loss, arguments: &Replay) -> String {
    if tally.routes.is_empty() {
        let nothing = "Nothing was replayed: the recording has no such requests.\n";
        return nothing.to_owned() + &notes(tally, loss);
    }
    let mut rows =
        vec![["ROUTE", "SAME", "NOISE", "DIFFERENT", "UNKNOWN", "SKIPPED"].map(str::to_owned)];
    rows.extend(tally.routes.iter().map(|(route, it)| {
        let [same, noise, different, unknown, skipped] =
            [it.same, it.noise, it.different, it.unknown, it.skipped()].map(|it| it.to_string());
        [route.clone(), same, noise, different, unknown, skipped]
    }));
    let mut text = table(&rows);
    text.push_str(&notes(tally, loss));
    let mut is_hidden = false;
    for (route, it) in &tally.routes {
        for failing in &it.failing {
            is_hidden |= !failing.differences.is_empty() && !arguments.values;
            text.push_str(&request(route, failing));
        }
        if it.omitted() > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n{route}: {} more", it.omitted());
        }
    }
    if is_hidden && arguments.sample.is_none() {
        text.push_str("\nTo see one with its values: --sample REQUEST_ID --values\n");
    } else if is_hidden {
        text.push_str("\nTo see the values: --values\n");
    }
    text
}

/// What was not asked, and what was lost.
fn notes(tally: &Tally, loss: &Loss) -> String {
    let mut text = String::new();
    let mut note = |count: u64, what: &str| {
        if count > 0 {
            let _ = writeln!(text, "  {count} {what}");
        }
    };
    for skip in [Skip::Declined, Skip::NoHandler, Skip::Service, Skip::Write] {
        let count = tally.routes.values().filter_map(|it| it.skipped.get(&skip)).sum();
        note(count, &format!("skipped: {}", skip.label()));
    }
    note(tally.routes.values().map(|it| it.strayed).sum(), STRAYED);
    for it in loss.sentences() {
        let _ = writeln!(text, "  {it}");
    }
    text
}

fn request(route: &str, failing: &Failing) -> String {
    let mut text = format!("\n{route}, request {}", failing.id);
    if let Some(request) = &failing.request {
        let _ = write!(text, ": {request}");
    }
    text.push('\n');
    if let Some(why) = failing.missed() {
        let _ = writeln!(text, "  could not be compared: {why}");
        return text;
    }
    let mut rows = vec![["  PATH", "KIND", "CLASS", "MONOLITH", "EXTRACTION"].map(str::to_owned)];
    rows.extend(failing.differences.iter().map(|it| {
        let value = |side: &Option<String>| side.clone().unwrap_or_default();
        let (control, candidate) = (value(&it.control), value(&it.candidate));
        [format!("  {}", it.path), it.kind.clone(), it.class.clone(), control, candidate]
    }));
    text.push_str(&table(&rows));
    if failing.omitted > 0 {
        let _ = writeln!(text, "  {} more", failing.omitted);
    }
    text
}
