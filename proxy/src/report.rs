//! `banyan report`: the store's reports as a table or as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use shadow::{
    DifferenceReport, EarlierReport, Reports, RouteReport, Sample, State, StoreError, Verdict,
};

use crate::config::{Format, Report};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store cannot be read.
    #[error("the report store cannot be read; check --store")]
    Store(#[from] StoreError),
    /// The route was never compared.
    #[error("no route `{0}` was compared yet; `banyan report` lists those that were")]
    NoRoute(String),
    /// A report could not be written as JSON: a fault of this program.
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// One route with everything that is known of it.
#[derive(Debug, Serialize)]
struct Detail {
    #[serde(flatten)]
    route: RouteReport,
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Difference {
    #[serde(flatten)]
    difference: DifferenceReport,
    samples: Vec<Sample>,
}

/// The report that was asked for, as text to print.
pub async fn text(arguments: &Report) -> Result<String, ReportError> {
    let reports = Reports::open_read_only(&arguments.store).await?;
    let Some(id) = &arguments.route else {
        let routes = reports.routes().await?;
        return match arguments.format {
            Format::Text => Ok(overview(&routes)),
            Format::Json => json(&routes),
        };
    };
    let route = reports.route(id).await?.ok_or_else(|| ReportError::NoRoute(id.clone()))?;
    let mut differences = Vec::new();
    for difference in reports.differences(id).await? {
        let samples = reports.samples(id, &difference.id).await?;
        differences.push(Difference { difference, samples });
    }
    match arguments.format {
        Format::Text => Ok(detail(&route, &differences)),
        Format::Json => json(&Detail { route, differences }),
    }
}

fn json(report: &impl Serialize) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// One line for each route that was compared.
pub fn overview(routes: &[RouteReport]) -> String {
    if routes.is_empty() {
        return "Nothing was compared yet: give a route stage = \"shadow\" in routes.toml.\n"
            .into();
    }
    let mut rows = vec![
        ["ROUTE", "COMPARED", "MATCHED", "IGNORED", "NOISE", "MISMATCHED", "UNKNOWN", "VERDICT"]
            .map(str::to_owned),
    ];
    rows.extend(routes.iter().map(|it| {
        let unknown: u64 = it.unknowns.values().sum();
        let counts = [it.compared(), it.matched, it.ignored, it.noise, it.mismatched, unknown];
        let [compared, matched, ignored, noise, mismatched, unknown] =
            counts.map(|it| it.to_string());
        let (route, verdict) = (it.route.clone(), verdict(&it.verdict));
        [route, compared, matched, ignored, noise, mismatched, unknown, verdict]
    }));
    table(&rows)
}

fn detail(route: &RouteReport, differences: &[Difference]) -> String {
    let mut text = overview(std::slice::from_ref(route));
    for (reason, count) in &route.unknowns {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  not compared, {}: {count}", reason.label());
    }
    text.push_str(&epoch(route));
    text.push_str(&strata(route));
    if differences.is_empty() {
        text.push_str("\nNo differences.\n");
        return text;
    }
    text.push('\n');
    let mut rows = vec![
        ["PATH", "KIND", "CLASS", "REQUESTS", "EXCUSED", "MONOLITH", "EXTRACTION"]
            .map(str::to_owned),
    ];
    rows.extend(differences.iter().map(|Difference { difference: it, samples }| {
        let value = |side: Option<Option<&String>>| {
            side.map_or_else(String::new, |it| it.map_or_else(|| "–".to_owned(), Clone::clone))
        };
        let newest = samples.first();
        [
            it.path.clone(),
            it.kind.to_string(),
            it.class.to_string(),
            it.requests.to_string(),
            it.excused.to_string(),
            value(newest.map(|it| it.control.value.as_ref())),
            value(newest.map(|it| it.candidate.value.as_ref())),
        ]
    }));
    text.push_str(&table(&rows));
    text.push_str(&suggestions(differences));
    text
}

/// Rules for what looks like noise, to be pasted into the route, each with what it would have excused.
fn suggestions(differences: &[Difference]) -> String {
    let suggested: Vec<_> =
        differences.iter().filter_map(|it| it.difference.suggestion.as_ref()).collect();
    if suggested.is_empty() {
        return String::new();
    }
    let mut text = "\nThe narrowest rules for what looks like noise; each needs its reason:\n\n\
                    tolerate = [\n"
        .to_owned();
    for it in suggested {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  # {}\n  {},", it.effect(), it.rule);
    }
    text + "]\n"
}

/// What the verdict is bound to, and why counting began anew.
fn epoch(route: &RouteReport) -> String {
    let monolith = route.monolith.as_deref().unwrap_or("unknown");
    let mut text = format!("  build {}, monolith {monolith}\n", route.build);
    if let Some(reason) = &route.reason {
        let _ = writeln!(text, "  counted anew since {}: {reason}", route.since);
    }
    for it in &route.earlier {
        let EarlierReport { matched, ignored, noise, mismatched, unknown, last_at, .. } = it;
        let _ = writeln!(
            text,
            "  until {last_at}: {matched} matched, {ignored} ignored, {noise} noise, {mismatched} mismatched, {unknown} unknown"
        );
    }
    text
}

/// A line for each kind of requests.
fn strata(route: &RouteReport) -> String {
    let mut rows = vec![
        ["KIND", "REQUESTS", "DISTINCT", "CRITICAL", "COSMETIC", "VERDICT"].map(str::to_owned),
    ];
    rows.extend(route.strata.iter().map(|it| {
        let state = match it.state {
            State::Ready => "ready".to_owned(),
            State::NotReady => "not ready".to_owned(),
            State::Undecided => format!("{} more", it.more_requests),
        };
        let counts = [it.requests.compared, it.distinct.compared];
        let [requests, distinct] = counts.map(|it| it.to_string());
        let [critical, cosmetic] =
            [it.distinct.critical, it.distinct.cosmetic].map(|it| it.to_string());
        [it.stratum.to_string(), requests, distinct, critical, cosmetic, state]
    }));
    if rows.len() == 1 { String::new() } else { format!("\n{}", table(&rows)) }
}

/// The verdict, and what is missing.
fn verdict(verdict: &Verdict) -> String {
    match verdict.state {
        State::Ready => "ready".to_owned(),
        State::NotReady => format!("not ready: {}", verdict.why),
        State::Undecided => format!("undecided: {}", verdict.why),
    }
}

/// Columns as wide as their widest cell; the last is not padded.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|it| it[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["A", "LONG", "C"], ["wide cell", "b", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "A          LONG  C\nwide cell  b     c\n");
    }

    #[test]
    fn an_empty_store_says_what_to_do() {
        assert!(overview(&[]).contains("stage = \"shadow\""));
    }
}
