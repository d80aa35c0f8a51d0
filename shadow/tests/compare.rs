//! Golden files: the control's answer, the candidate's and the route's rules, divided by
//! `----------` lines; below the last of them what the comparison finds.
//!
//! An answer is a status, header lines, an empty line and the body, without the line end before the
//! divider. A rule is `ignore PATH`, `tolerate PATH as MATCHER`, `classify PATH as CLASS` or `order
//! PATH`, each with or without `until DAY`; the time of every comparison is noon of 2026-11-24, UTC. `BLESS=1` rewrites what stands below.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::PathBuf, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use shadow::{
    Observation,
    compare::{
        Answers, Class, Comparison, Decimal, Excuse, Judgement, Matcher, Pair, PathPattern,
        Pattern, Rule, Rules,
    },
};
use time::{
    Date, OffsetDateTime,
    macros::{datetime, format_description},
};

const DIVIDER: &str = "----------\n";

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

#[test]
fn every_golden_file_compares_to_what_stands_below_its_last_line() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/compare");
    let files: BTreeMap<_, _> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "txt"))
        .map(|path| (path.file_name().unwrap().to_owned(), path))
        .collect();
    assert!(files.len() >= 25, "the golden files are in shadow/tests/compare");
    let mut differing = Vec::new();
    for (name, path) in files {
        let golden = fs::read_to_string(&path).unwrap();
        let sections: Vec<_> = golden.splitn(4, DIVIDER).collect();
        let (control, candidate, rules, expected) = match sections[..] {
            [control, candidate, rules, expected] => (control, candidate, rules, expected),
            [control, candidate, rules] => (control, candidate, rules, ""),
            _ => panic!("{}: two answers and the rules are needed", name.display()),
        };
        let found = outcome(control, candidate, rules);
        if found != expected && blessing() {
            let input = [control, candidate, rules].join(DIVIDER);
            fs::write(&path, format!("{input}{DIVIDER}{found}")).unwrap();
        } else if found != expected {
            differing.push(format!("{}: expected\n{expected}but found\n{found}", name.display()));
        }
    }
    assert!(differing.is_empty(), "BLESS=1 accepts this:\n\n{}", differing.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of the judge")]
fn blessing() -> bool {
    env::var("BLESS").is_ok_and(|it| it == "1")
}

fn outcome(control: &str, candidate: &str, rules: &str) -> String {
    let [control, candidate] = [control, candidate].map(answer);
    let rules = Rules::new(rules.lines().map(rule).collect());
    let pair = match Pair::new(control, candidate) {
        Ok(pair) => pair,
        Err(why) => return format!("unknown: {why}\n"),
    };
    match Answers::read(&pair) {
        Err(why) => format!("unknown: {why}\n"),
        Ok(answers) => dump(&answers.compare(&rules, NOW)),
    }
}

fn dump(comparison: &Comparison<'_>) -> String {
    let mut text = String::new();
    for finding in &comparison.findings {
        let difference = &finding.difference;
        write!(text, "{} {} {}: ", difference.path, difference.kind, difference.class).unwrap();
        match finding.judgement {
            Judgement::Counts => text.push_str("counts\n"),
            Judgement::Classed(rule) => {
                writeln!(text, "counts, classed by `{}`", rule.why).unwrap();
            }
            Judgement::Excused(rule) => writeln!(text, "excused by `{}`", rule.why).unwrap(),
            Judgement::Expired(rule) => writeln!(text, "counts again, as `{}`", rule.why).unwrap(),
        }
    }
    if comparison.omitted > 0 {
        writeln!(text, "{} more", comparison.omitted).unwrap();
    }
    let Comparison { critical, cosmetic, .. } = comparison;
    let outcome = comparison.outcome().label();
    writeln!(text, "{outcome}: {critical} critical, {cosmetic} cosmetic").unwrap();
    text
}

fn answer(section: &str) -> Observation {
    let (head, body) = section.split_once("\n\n").unwrap_or((section, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    let body = body.strip_suffix('\n').unwrap_or(body).to_owned();
    let body = body.into();
    Observation { status, headers, body, trailers: HeaderMap::new(), took: Duration::ZERO }
}

/// The reason of a rule is its own line.
fn rule(line: &str) -> Rule {
    let (rest, until) = match line.rsplit_once(" until ") {
        Some((rest, day)) => {
            let format = format_description!("[year]-[month]-[day]");
            (rest, Some(Date::parse(day, format).unwrap()))
        }
        None => (line, None),
    };
    let (at, excuse) = match (rest.split_once(' '), rest.rsplit_once(" as ")) {
        (Some(("ignore", at)), _) => (at, Excuse::Ignore),
        (Some(("order", at)), _) => (at, Excuse::Order),
        (Some((kind, rest)), Some((_, as_what))) => {
            let at = rest.strip_suffix(as_what).and_then(|it| it.strip_suffix(" as ")).unwrap();
            let excuse = match kind {
                "classify" => Excuse::Classify(Class::parse(as_what).unwrap()),
                _ => Excuse::Tolerate(matcher(&as_what.split(' ').collect::<Vec<_>>())),
            };
            (at, excuse)
        }
        _ => panic!("no rule: {line}"),
    };
    Rule { at: PathPattern::parse(at).unwrap(), excuse, why: line.to_owned(), until }
}

fn matcher(words: &[&str]) -> Matcher {
    match words {
        ["number", "within", within] => Matcher::Number { within: Decimal::parse(within).unwrap() },
        ["time", "within", seconds, "s"] => {
            Matcher::Time { within: Duration::from_secs(seconds.parse().unwrap()) }
        }
        ["regex", pattern] => Matcher::Regex(Pattern::parse(pattern).unwrap()),
        ["id"] => Matcher::Id { of: String::new() },
        ["id", "of", of] => Matcher::Id { of: (*of).to_owned() },
        ["uuid"] => Matcher::Uuid,
        ["masked-token"] => Matcher::MaskedToken,
        ["money"] => Matcher::Money,
        ["any-order"] => Matcher::AnyOrder,
        ["any-order", "by", by] => Matcher::Keyed { by: (*by).to_owned() },
        _ => panic!("no matcher: {words:?}"),
    }
}
