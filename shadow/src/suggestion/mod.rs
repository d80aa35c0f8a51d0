//! Rules that a difference may ask for: the narrowest, and what it would have excused.
//!
//! Stored values are redacted, so what two values have in common is found out while they are at hand
//! ([`Form`]), and only that is kept, with counts, as far as it does not tell what they are.

mod form;
mod shape;

use std::{collections::HashMap, fmt::Write as _, hash::Hash};

use serde::{Deserialize, Serialize};
use time::{Date, Duration};

use self::form::Distance;
pub(crate) use self::form::Form;
use crate::{
    Class,
    compare::{Comparison, Difference, Judgement, Matcher, PathPattern},
};

/// What a client acts on and nobody should excuse without having thought of it himself.
const GUARDED: [&str; 3] = ["status", "headers.set-cookie", "headers.www-authenticate"];

/// How long a suggested rule would hold.
const DAYS: i64 = 90;

/// Kinds of forms that are counted at one place; of more it is only known that they were others.
const FORMS: usize = 8;

/// In how many requests the values at a place had which form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Forms {
    /// Requests that differed there, by whatever form.
    of: u64,
    had: Vec<(Form, u64)>,
}

/// A rule that would excuse a difference that looks like noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// An element for the route's `tolerate`, whose reason is for a person to give.
    pub rule: String,
    /// Requests that differ there in a way which it would have excused. Nothing that differs elsewhere
    /// would have been.
    pub excuses: u64,
    /// Requests that differ there and that no rule excuses. What is not excused would still count.
    pub of: u64,
    /// Whether a buyer or a program would notice such a difference.
    pub critical: bool,
}

/// The form of what no rule excuses in a comparison, by place, as it is kept: `None` where no single
/// form has all.
pub(crate) fn forms<P: Eq + Hash>(
    comparison: &Comparison<'_>,
    place: impl Fn(&Difference<'_>) -> P,
) -> HashMap<P, Option<Form>> {
    let mut forms: HashMap<P, Option<Form>> = HashMap::new();
    for finding in &comparison.findings {
        if matches!(finding.judgement, Judgement::Excused(_)) {
            continue;
        }
        let form = Form::of(&finding.difference).map(Form::kept);
        forms
            .entry(place(&finding.difference))
            .and_modify(|all| *all = all.as_ref().zip(form.as_ref()).and_then(|(a, b)| a.joined(b)))
            .or_insert(form);
    }
    forms
}

impl Forms {
    /// One request.
    pub(crate) fn one(form: Option<Form>) -> Self {
        Self { of: 1, had: form.into_iter().map(|it| (it, 1)).collect() }
    }

    /// Adds those of other requests.
    pub(crate) fn add(&mut self, others: Self) {
        self.of += others.of;
        for (form, requests) in others.had {
            let joins = |(it, count): &mut (Form, u64)| {
                it.joined(&form).map(|both| (*it, *count) = (both, *count + requests)).is_some()
            };
            if !self.had.iter_mut().any(joins) && self.had.len() < FORMS {
                self.had.push((form, requests));
            }
        }
    }

    /// As they are kept. Where all had numbers of which it is not kept how far apart they are, it is as
    /// if there had been none: the next ones show it.
    pub(crate) fn kept(&self) -> Self {
        let had = self.had.iter().map(|(form, requests)| (form.clone().kept(), *requests));
        let kept = Self { of: self.of, had: had.collect() };
        if matches!(kept.only(), Some(Form::Numbers)) { Self::default() } else { kept }
    }

    pub(crate) const fn requests(&self) -> u64 {
        self.of
    }

    /// The form that all of them had.
    pub(crate) fn only(&self) -> Option<&Form> {
        match &self.had[..] {
            [(form, requests)] if *requests == self.of => Some(form),
            _ => None,
        }
    }
}

impl Suggestion {
    /// The narrowest rule for what differs at a place, if most of it looks like noise: by its form, or
    /// since the monolith differs from itself there (`noise`). None for status, session and
    /// authentication, whatever they look like.
    pub(crate) fn of(
        path: &str,
        class: Class,
        forms: &Forms,
        noise: u64,
        today: Date,
    ) -> Option<Self> {
        let critical = class == Class::Critical;
        let is_guarded = GUARDED.iter().any(|it| path.starts_with(it))
            || (critical && path.starts_with("headers."));
        // A name that was redacted names no place.
        if is_guarded || path.contains('‹') || PathPattern::parse(path).is_err() {
            return None;
        }
        let (form, requests) = forms.had.iter().max_by_key(|it| it.1)?;
        let is_far = matches!(form, Form::Number(_, distance) if *distance > Distance::Near);
        if requests * 2 <= forms.of || (is_far && noise == 0) {
            return None;
        }
        let rule = rule(path, &form.matcher()?, today)?;
        Some(Self { rule, excuses: *requests, of: forms.of, critical })
    }

    /// What the rule would have excused, for people.
    pub fn effect(&self) -> String {
        let Self { excuses, of, .. } = self;
        let warning = if self.critical { "A critical difference. " } else { "" };
        let rest = match of - excuses {
            0 => "and nothing else".to_owned(),
            rest => format!("and nothing else; {rest} would still count"),
        };
        format!("{warning}Would have excused {excuses} of {of} requests that differ here, {rest}.")
    }
}

/// As an element of `tolerate` in routes.toml. `None` for what is not suggested.
fn rule(at: &str, matcher: &Matcher, today: Date) -> Option<String> {
    let until = today.checked_add(Duration::days(DAYS))?;
    let (form, limit) = match matcher {
        Matcher::AnyOrder => ("any-order", String::new()),
        Matcher::MaskedToken => ("masked-token", String::new()),
        Matcher::Money => ("money", String::new()),
        Matcher::Uuid => ("uuid", String::new()),
        Matcher::Number { within } => ("number", format!("within = {within}, ")),
        Matcher::Time { within } => {
            let within = match within.as_millis() {
                it if it.is_multiple_of(1_000) => format!("{}s", it / 1_000),
                it => format!("{it}ms"),
            };
            ("time", format!("within = \"{within}\", "))
        }
        Matcher::Regex(pattern) => ("regex", format!("pattern = {}, ", quoted(pattern.as_str()))),
        Matcher::Id { .. } | Matcher::Keyed { .. } => return None,
    };
    let at = quoted(at);
    Some(format!("{{ at = {at}, as = \"{form}\", {limit}why = \"\", until = {until} }}"))
}

/// A string of TOML, literal where that saves escapes.
fn quoted(text: &str) -> String {
    let is_plain = |it: char| it != '"' && it != '\\' && !it.is_control();
    if text.chars().all(is_plain) {
        return format!("\"{text}\"");
    }
    if !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for it in text.chars() {
        match it {
            '"' | '\\' => quoted.extend(['\\', it]),
            // Writing to a String cannot fail.
            _ if it.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(it));
            }
            _ => quoted.push(it),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests;
