//! How a route's answers are judged: `budget`, `proof`, `reveal`, and the rules `ignore`, `tolerate`,
//! `classify` and `order`.

use shadow::{
    Budget, Class, PathPattern, Proof, Share, Subject,
    compare::{Decimal, Excuse, Matcher, Pattern, Rule, Rules},
};
use time::{Date, OffsetDateTime};
use toml::de::DeValue;

use super::{
    diagnostic::{Findings, did_you_mean},
    reader::{Section, Value, array, name, parsed, text},
    values::{Percent, duration, span},
};

const MATCHERS: [&str; 8] =
    ["any-order", "id", "masked-token", "money", "number", "regex", "time", "uuid"];

const CLASSES: [&str; 2] = ["cosmetic", "critical"];

/// Reads what a route says of its judgement. Faults are noted, and leave defaults behind.
pub(super) fn subject(
    section: &mut Section<'_>,
    route: &str,
    findings: &mut Findings<'_>,
) -> Subject {
    let rules = rules(section, findings);
    let reveal = section.get("reveal").map(|value| {
        let values = array(value, "`reveal` must be an array of paths", findings);
        let path =
            |it| parsed(it, "a path must be a string", findings, PathPattern::parse_revealed);
        values.iter().filter_map(path).collect()
    });
    let said = section.get("budget");
    let budget = said.map_or_else(Budget::default, |it| budget(it, findings));
    let proof = section.get("proof").map_or_else(Proof::default, |it| proof(it, findings));
    if let Some(said) = said.filter(|_| !budget.can_be_shown(proof)) {
        let message = "this budget can never be shown to be kept, since that takes more than a \
                       thousand million distinct requests: raise it";
        findings.warning(&said.span(), message);
    }
    Subject::new(route, Rules::new(rules), budget, proof, reveal.unwrap_or_default())
}

/// Those that excuse differences in the order in which they are tried.
fn rules(section: &mut Section<'_>, findings: &mut Findings<'_>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (key, what, read) in KINDS {
        if let Some(value) = section.get(key) {
            let must = format!("`{key}` must be an array of tables");
            for value in array(value, &must, findings) {
                rules.extend(rule(value, what, findings, read));
            }
        }
    }
    rules
}

/// What a rule of one kind says beside `at`, `why` and `until`.
type Read = fn(&mut Section<'_>, &mut Findings<'_>) -> Option<Excuse>;

/// Each kind's key, what one of it is called, and what it says.
const KINDS: [(&str, &str, Read); 4] = [
    ("ignore", "an `ignore` rule", |_, _| Some(Excuse::Ignore)),
    ("tolerate", "a `tolerate` rule", |it, findings| matcher(it, findings).map(Excuse::Tolerate)),
    ("classify", "a `classify` rule", |it, findings| class(it, findings).map(Excuse::Classify)),
    ("order", "an `order` rule", |_, _| Some(Excuse::Order)),
];

fn class(section: &mut Section<'_>, findings: &mut Findings<'_>) -> Option<Class> {
    let value = section.require("as", findings)?;
    let written = text(value, "`as` must be a string", findings)?;
    let class = Class::parse(written);
    if class.is_none() {
        one_of(value, written, &CLASSES, findings);
    }
    class
}

/// Notes that a word is none of those that are known.
fn one_of(value: &Value<'_>, written: &str, known: &[&str], findings: &mut Findings<'_>) {
    let near = did_you_mean(written, known.iter().copied());
    let message = format!("{written:?} must be one of `{}`{near}", known.join("`, `"));
    findings.error(&value.span(), message);
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
    excuse: Read,
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
        "id" => {
            let of = section.get("of").map_or(Some(String::new()), |it| {
                let must = "`of` must be a name, such as \"order\"";
                parsed(it, must, findings, id_name)
            })?;
            Some(Matcher::Id { of })
        }
        "regex" => {
            let must = "`pattern` must be a regular expression, as a string";
            let pattern = section.require("pattern", findings)?;
            parsed(pattern, must, findings, Pattern::parse).map(Matcher::Regex)
        }
        _ => {
            one_of(value, kind, &MATCHERS, findings);
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

fn id_name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("must name what has these ids, or be left out");
    }
    Ok(text.to_owned())
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
