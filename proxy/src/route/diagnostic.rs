//! What is wrong with a route file: `routes.toml:LINE:COLUMN: message`, every fault in one run.

use std::{fmt, ops::Range};

use serde::Serialize;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is not accepted.
    Error,
    /// The file is accepted, but something in it no longer does what it says.
    Warning,
}

/// One finding, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// Whether the file can be accepted all the same.
    pub severity: Severity,
    /// What is wrong, and what it must be.
    pub message: String,
}

/// All findings of one file that was not accepted, sorted by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The file's name, as findings are prefixed with it.
    pub file: String,
    /// At least one of them is an error.
    pub found: Vec<Diagnostic>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.found.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", At(&self.file, fault))?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A finding with its file's name in front.
#[derive(Debug)]
pub struct At<'a>(pub &'a str, pub &'a Diagnostic);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(file, Diagnostic { line, column, severity, message }) = self;
        let severity = if *severity == Severity::Warning { "warning: " } else { "" };
        write!(f, "{file}:{line}:{column}: {severity}{message}")
    }
}

/// Collects findings while a file is read.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    text: &'a str,
    found: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, found: Vec::new() }
    }

    pub(super) fn error(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.note(span, Severity::Error, message.into());
    }

    pub(super) fn warning(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.note(span, Severity::Warning, message.into());
    }

    fn note(&mut self, span: &Range<usize>, severity: Severity, message: String) {
        let fault = self.fault(span, message);
        self.found.push(Diagnostic { severity, ..fault });
    }

    /// What would be an error in certain circumstances, and is none of the file itself.
    pub(super) fn fault(&self, span: &Range<usize>, message: String) -> Diagnostic {
        let (line, column) = position(self.text, span.start);
        Diagnostic { line, column, severity: Severity::Error, message }
    }

    /// The line of a byte offset, for messages that name a second place.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        position(self.text, span.start).0
    }

    /// All findings in the order of the file, and whether one of them is an error.
    pub(super) fn finish(mut self) -> (Vec<Diagnostic>, bool) {
        self.found.sort();
        self.found.dedup();
        let failed = self.found.iter().any(|it| it.severity == Severity::Error);
        (self.found, failed)
    }
}

/// Line and column of a byte offset; one beyond the end, or inside a character, counts as the
/// nearest before it.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let start = before.rfind('\n').map_or(0, |it| it + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// ` (did you mean …?)`, when a known name is near enough to be what was meant.
pub(super) fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = known.into_iter().map(|it| (strsim::damerau_levenshtein(written, it), it)).min();
    match nearest {
        Some((distance, name)) if distance <= name.len().div_ceil(3) => {
            format!(" (did you mean `{name}`?)")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a\nüb = 1\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 2), (2, 1));
        assert_eq!(position(text, 4), (2, 2));
        assert_eq!(position(text, 3), (2, 1), "inside the ü");
        assert_eq!(position(text, 999), (3, 1));
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("stge", ["stage", "sample"]), " (did you mean `stage`?)");
        assert_eq!(did_you_mean("colour", ["stage", "sample"]), "");
    }
}
