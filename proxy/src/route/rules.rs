//! How a route's answers are judged: `budget`, `proof`, `ignore`, `tolerate` and `reveal`.

use shadow::{
    Budget, PathPattern, Proof, Share, Subject,
    compare::{Decimal, Excuse, Matcher, Rule, Rules},
};
use time::{Date, OffsetDateTime};
use toml::de::DeValue;

use super::{
    diagnostic::{Findings, did_you_mean},
    reader::{Section, Value, array, name, parsed, text},
    values::{Percent, duration, span},
};

const MATCHERS: [&str; 6] = ["any-order", "masked-token", "money", "number", "time", "uuid"];

/// Reads what a route says of its judgement. Faults are noted, and leave defaults behind.
pub(super) fn subject(
    section: &mut Section<'_>,
    route: &str,
    findings: &mut Findings<'_>,
) -> Subject {
    let mut rules = Vec::new();
    if let Some(value) = section.get("ignore") {
        for value in array(value, "`ignore` must be an array of tables", findings) {
            rules.extend(rule(value, "an `ignore` rule", findings, |_, _| Some(Excuse::Ignore)));
        }
    }
    if let Some(value) = section.get("tolerate") {
        for value in array(value, "`tolerate` must be an array of tables", findings) {
            rules.extend(rule(value, "a `tolerate` rule", findings, |section, findings| {
                matcher(section, findings).map(Excuse::Tolerate)
            }));
        }
    }
    let reveal = section.get("reveal").map(|value| {
        let values = array(value, "`reveal` must be an array of paths", findings);
        let path =
            |it| parsed(it, "a path must be a string", findings, PathPattern::parse_revealed);
        values.iter().filter_map(path).collect()
    });
    let budget = section.get("budget").map_or_else(Budget::default, |it| budget(it, findings));
    let proof = section.get("proof").map_or_else(Proof::default, |it| proof(it, findings));
    Subject::new(route, Rules::new(rules), budget, proof, reveal.unwrap_or_default())
}

fn proof(value: &Value<'_>, findings: &mut Findings<'_>) -> Proof {
    let default = Proof::default();
    let Some(mut section) = Section::of(value, "`proof`", findings) else { return default };
    let must = "`confidence` must be a string such as \"95%\"";
    let confidence =
        section.get("confidence").and_then(|it| parsed(it, must, findings, budget_share));
    let must = "`time` must be a string such as \"24h\"";
    let time = section.get("time").and_then(|it| parsed(it, must, findings, span));
    section.finish(findings);
    Proof {
        confidence: confidence.unwrap_or(default.confidence),
        time: time.unwrap_or(default.time),
    }
}

fn budget(value: &Value<'_>, findings: &mut Findings<'_>) -> Budget {
    let default = Budget::default();
    let Some(mut section) = Section::of(value, "`budget`", findings) else { return default };
    let mut share = |key, default| {
        let must = "a budget must be a string such as \"0.1%\"";
        let read = section.get(key).map(|it| parsed(it, must, findings, budget_share));
        read.flatten().unwrap_or(default)
    };
    let budget = Budget {
        critical: share("critical", default.critical),
        cosmetic: share("cosmetic", default.cosmetic),
    };
    section.finish(findings);
    budget
}

fn budget_share(text: &str) -> Result<Share, &'static str> {
    let percent: Percent = text.parse()?;
    Share::new(percent.share()).ok_or("must be more than 0% and less than 100%")
}

fn rule(
    value: &Value<'_>,
    what: &'static str,
    findings: &mut Findings<'_>,
    excuse: impl FnOnce(&mut Section<'_>, &mut Findings<'_>) -> Option<Excuse>,
) -> Option<Rule> {
    let mut section = Section::of(value, what, findings)?;
    let at = section.require("at", findings);
    let at = at.and_then(|it| parsed(it, "`at` must be a path", findings, PathPattern::parse));
    let why = section.require("why", findings);
    let why = why.and_then(|it| parsed(it, "`why` must be a string", findings, reason));
    let until = section.get("until").map_or(Some(None), |it| date(it, findings).map(Some));
    let excuse = excuse(&mut section, findings);
    section.finish(findings);
    Some(Rule { at: at?, excuse: excuse?, why: why?, until: until? })
}

fn matcher(section: &mut Section<'_>, findings: &mut Findings<'_>) -> Option<Matcher> {
    let value = section.require("as", findings)?;
    let kind = text(value, "`as` must be a string", findings)?;
    match kind {
        "any-order" => match section.get("by") {
            Some(by) => {
                let by = text(by, "`by` must be the name of a member", findings)?.to_owned();
                Some(Matcher::Keyed { by })
            }
            None => Some(Matcher::AnyOrder),
        },
        "masked-token" => Some(Matcher::MaskedToken),
        "money" => Some(Matcher::Money),
        "uuid" => Some(Matcher::Uuid),
        "number" => {
            let within = decimal(section.require("within", findings)?, findings)?;
            Some(Matcher::Number { within })
        }
        "time" => {
            let must = "`within` must be a duration such as \"5s\"";
            let within = parsed(section.require("within", findings)?, must, findings, duration)?;
            Some(Matcher::Time { within })
        }
        _ => {
            let near = did_you_mean(kind, MATCHERS);
            let message = format!("{kind:?} must be one of `{}`{near}", MATCHERS.join("`, `"));
            findings.error(&value.span(), message);
            None
        }
    }
}

/// A number of the file, with its digits as they are written.
fn decimal(value: &Value<'_>, findings: &mut Findings<'_>) -> Option<Decimal> {
    let written = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        other => {
            findings
                .error(&value.span(), format!("`within` must be a number, not {}", name(other)));
            return None;
        }
    };
    let distance = Decimal::parse(written).filter(|_| !written.starts_with('-'));
    if distance.is_none() {
        findings.error(&value.span(), "`within` must be a finite number, 0 or more");
    }
    distance
}

fn reason(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("must say why the difference is no fault");
    }
    Ok(text.to_owned())
}

/// A rule's last day; one that has passed is worth a warning, since the rule no longer excuses.
fn date(value: &Value<'_>, findings: &mut Findings<'_>) -> Option<Date> {
    let written = match value.get_ref() {
        DeValue::Datetime(it) if it.time.is_none() => it.date,
        _ => None,
    };
    let date = written.and_then(|it| {
        let month = time::Month::try_from(it.month).ok()?;
        Date::from_calendar_date(i32::from(it.year), month, it.day).ok()
    });
    match date {
        None => findings.error(&value.span(), "`until` must be a day such as 2027-03-31"),
        Some(date) if date < OffsetDateTime::now_utc().date() => {
            let message = format!("this rule ended on {date}: what it excused counts again");
            findings.warning(&value.span(), message);
        }
        Some(_) => {}
    }
    date
}
