//! Typed reading of a TOML table: every wrong type and every unknown key is noted at its place, and
//! reading goes on.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::diagnostic::{Findings, did_you_mean};

/// A value and where it stands.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// One table that is being read. Keys that nobody asks for are unknown.
#[derive(Debug)]
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    /// Where the table stands, for what is missing in it.
    pub(super) span: Range<usize>,
    /// What the table is, for messages: `a [[route]]`.
    what: &'static str,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) const fn new(
        table: &'a DeTable<'a>,
        span: Range<usize>,
        what: &'static str,
    ) -> Self {
        Self { table, span, what, asked: Vec::new() }
    }

    /// Reads a value that must be a table.
    pub(super) fn of(
        value: &'a Value<'a>,
        what: &'static str,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::new(table, value.span(), what)),
            other => {
                findings
                    .error(&value.span(), format!("{what} must be a table, not {}", name(other)));
                None
            }
        }
    }

    /// The value of `key`, if it is there.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// The value of `key`, which must be there.
    pub(super) fn require(
        &mut self,
        key: &'static str,
        findings: &mut Findings<'_>,
    ) -> Option<&'a Value<'a>> {
        let value = self.get(key);
        if value.is_none() {
            findings.error(&self.span, format!("{} needs `{key}`", self.what));
        }
        value
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, findings: &mut Findings<'_>) {
        for key in self.table.keys() {
            let written = key.get_ref().as_ref();
            if !self.asked.contains(&written) {
                let near = did_you_mean(written, self.asked.iter().copied());
                let (what, keys) = (self.what, self.asked.join("`, `"));
                let hint = if near.is_empty() { format!("; known are `{keys}`") } else { near };
                findings.error(&key.span(), format!("`{written}` is not a key of {what}{hint}"));
            }
        }
    }
}

/// The text of a string.
pub(super) fn text<'a>(
    value: &'a Value<'a>,
    must: &str,
    findings: &mut Findings<'_>,
) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.as_ref()),
        other => {
            findings.error(&value.span(), format!("{must}, not {}", name(other)));
            None
        }
    }
}

/// A string that `parse` understands; its error says what the string must be.
pub(super) fn parsed<'a, T, E: std::fmt::Display>(
    value: &'a Value<'a>,
    must: &str,
    findings: &mut Findings<'_>,
    parse: impl FnOnce(&'a str) -> Result<T, E>,
) -> Option<T> {
    let text = text(value, must, findings)?;
    match parse(text) {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            findings.error(&value.span(), format!("{text:?} {error}"));
            None
        }
    }
}

/// The elements of an array.
pub(super) fn array<'a>(
    value: &'a Value<'a>,
    must: &str,
    findings: &mut Findings<'_>,
) -> &'a [Value<'a>] {
    match value.get_ref() {
        DeValue::Array(values) => values,
        other => {
            findings.error(&value.span(), format!("{must}, not {}", name(other)));
            &[]
        }
    }
}

/// The entries of a table whose keys are names.
pub(super) fn table<'a>(
    value: &'a Value<'a>,
    must: &str,
    findings: &mut Findings<'_>,
) -> Option<&'a DeTable<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        other => {
            findings.error(&value.span(), format!("{must}, not {}", name(other)));
            None
        }
    }
}

/// A whole number.
pub(super) fn integer(value: &Value<'_>, must: &str, findings: &mut Findings<'_>) -> Option<i64> {
    let number = match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    if number.is_none() {
        findings.error(&value.span(), format!("{must}, not {}", name(value.get_ref())));
    }
    number
}

/// What a value is, in the words of a message.
pub(super) const fn name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "this number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
