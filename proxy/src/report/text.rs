//! Reports for people: tables of plain text.

use std::{collections::BTreeMap, fmt::Write as _};

use shadow::{EarlierReport, RouteReport, Sample, Side, State, Unknown, Verdict};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Detail, Difference};

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

/// One route with everything that is known of it.
pub(super) fn detail(detail: &Detail) -> String {
    let Detail { route, differences, raced } = detail;
    let mut text = overview(std::slice::from_ref(route));
    if route.matched_by_digest > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  matched by digest alone: {}", route.matched_by_digest);
    }
    for (reason, count) in &route.unknowns {
        let _ = writeln!(text, "  not compared, {}: {count}", reason.label());
    }
    if route.declined_share > 0.0 {
        let percent = route.declined_share * 100.0;
        let _ = writeln!(text, "  declined: the monolith goes on answering {percent:.2} %");
    }
    text.push_str(&epoch(route));
    text.push_str(&strata(route));
    text.push_str(&listed(differences));
    text.push_str(&suggestions(differences));
    text.push_str(&races(raced));
    text
}

fn listed(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "\nNo differences.\n".to_owned();
    }
    let mut rows = vec![
        [
            "PATH",
            "KIND",
            "CLASS",
            "REQUESTS",
            "EXCUSED",
            "LAST SEEN",
            "MONOLITH",
            "EXTRACTION",
            "SAMPLE",
        ]
        .map(str::to_owned),
    ];
    rows.extend(differences.iter().map(|Difference { difference: it, samples }| {
        let newest = samples.first();
        [
            it.path.clone(),
            it.kind.to_string(),
            it.class.to_string(),
            it.requests.to_string(),
            it.excused.to_string(),
            second(it.last_seen),
            newest.map_or_else(String::new, |it| value(&it.control)),
            newest.map_or_else(String::new, |it| value(&it.candidate)),
            newest.map_or_else(String::new, |it| it.request_id.clone()),
        ]
    }));
    let mut text = format!("\n{}", table(&rows));
    if let Some(newest) = differences.iter().find_map(|it| it.samples.first()) {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\nWhere the route has `record` and an extraction, a sample's request is asked again, and \
             shown, by\n\n\
             banyan replay RECORDINGS --sample {} --values --monolith URL --database URL\n",
            newest.request_id
        );
    }
    text
}

fn value(side: &Side) -> String {
    side.value.clone().unwrap_or_else(|| "–".to_owned())
}

/// What changed between the two answers.
fn races(samples: &[Sample]) -> String {
    if samples.is_empty() {
        return String::new();
    }
    let mut rows = vec![["PATH", "MONOLITH", "EXTRACTION", "REQUEST"].map(str::to_owned)];
    rows.extend(
        samples.iter().map(|it| {
            [it.path.clone(), value(&it.control), value(&it.candidate), it.request.clone()]
        }),
    );
    format!("\nRaced, and so not compared; samples of it:\n\n{}", table(&rows))
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
        let _ = writeln!(text, "  counted anew since {}: {reason}", second(route.since));
    }
    for it in &route.earlier {
        let EarlierReport { matched, ignored, noise, mismatched, unknown, last_at, .. } = it;
        let _ = writeln!(
            text,
            "  until {}: {matched} matched, {ignored} ignored, {noise} noise, {mismatched} mismatched, {unknown} unknown",
            second(*last_at)
        );
    }
    text
}

/// A line for each kind of requests.
fn strata(route: &RouteReport) -> String {
    let mut rows = vec![
        ["KIND", "REQUESTS", "DISTINCT", "CRITICAL", "COSMETIC", "UNKNOWN", "VERDICT"]
            .map(str::to_owned),
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
        let unknown = sum(&it.unknowns);
        [it.stratum.to_string(), requests, distinct, critical, cosmetic, unknown, state]
    }));
    if !route.unplaced.is_empty() {
        let none = String::new;
        let unknown = sum(&route.unplaced);
        rows.push(["(not known)".to_owned(), none(), none(), none(), none(), unknown, none()]);
    }
    if rows.len() == 1 {
        return String::new();
    }
    let mut text = format!("\n{}", table(&rows));
    if route.distinct_one_in > 1 {
        let one_in = route.distinct_one_in;
        let _ = writeln!(text, "  of further distinct requests one in {one_in} counts");
    }
    text
}

fn sum(unknowns: &BTreeMap<Unknown, u64>) -> String {
    unknowns.values().sum::<u64>().to_string()
}

/// The verdict, and what is missing.
fn verdict(verdict: &Verdict) -> String {
    match verdict.state {
        State::Ready => "ready".to_owned(),
        State::NotReady => format!("not ready: {}", verdict.why),
        State::Undecided => format!("undecided: {}", verdict.why),
    }
}

/// A moment, without the fraction.
pub(crate) fn second(at: OffsetDateTime) -> String {
    let second = at.replace_nanosecond(0).unwrap_or(at);
    second.format(&Rfc3339).unwrap_or_else(|_| second.to_string())
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
    use shadow::{Class, DifferenceKind, DifferenceReport};
    use time::macros::datetime;

    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["A", "LONG", "C"], ["wide cell", "b", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "A          LONG  C\nwide cell  b     c\n");
    }

    #[test]
    fn a_difference_says_when_it_was_last_seen() {
        let seen = datetime!(2026-11-29 06:21:54.5 UTC);
        let difference = DifferenceReport {
            id: "a".into(),
            route: "cart".into(),
            rule: None,
            suggestion: None,
            path: "$.price".into(),
            kind: DifferenceKind::Changed,
            class: Class::Critical,
            requests: 3,
            excused: 0,
            noise: 0,
            first_seen: seen,
            last_seen: seen,
        };
        let text = listed(&[Difference { difference, samples: Vec::new() }]);
        let [head, row] =
            ["EXCUSED  LAST SEEN             MONOLITH", "0        2026-11-29T06:21:54Z"];
        assert!(text.contains(head) && text.contains(row), "{text}");
    }

    #[test]
    fn an_empty_store_says_what_to_do() {
        assert!(overview(&[]).contains("stage = \"shadow\""));
    }
}
