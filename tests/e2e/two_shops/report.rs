//! What differs after a step, for who has to find the cause.

use std::fmt;

use similar::{Algorithm, ChangeTag, capture_diff_slices, group_diff_ops};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Who answered behind Banyan.
    AnsweredBy,
    Body,
    Broadcasts,
    Events,
    Headers,
    Jobs,
    Rows,
    Session,
    Status,
}

/// Everything that differs after the first step where something does.
#[derive(Debug)]
pub(crate) struct Report {
    /// `POST /cart/lines`, with its number.
    step: String,
    parts: Vec<(Part, String)>,
}

impl Report {
    pub(super) fn new(step: String) -> Self {
        Self { step, parts: Vec::new() }
    }

    /// Remembers a part when its texts differ.
    pub(super) fn compare(&mut self, part: Part, left: &str, right: &str) {
        if left != right {
            self.parts.push((part, difference(left, right)));
        }
    }

    pub(super) fn into_result(self) -> Result<(), Self> {
        if self.parts.is_empty() { Ok(()) } else { Err(self) }
    }

    /// What differs.
    pub(crate) fn parts(&self) -> Vec<Part> {
        self.parts.iter().map(|(part, _)| *part).collect()
    }

    /// Whether something differs that stays.
    pub(super) fn is_stored(&self) -> bool {
        let stored = [Part::Events, Part::Jobs, Part::Rows];
        self.parts.iter().any(|(part, _)| stored.contains(part))
    }
}

/// The lines that only one side has, with those around them.
fn difference(left: &str, right: &str) -> String {
    const LINES: usize = 120;
    let (left, right) = (broken(left), broken(right));
    let (left, right): (Vec<_>, Vec<_>) = (left.lines().collect(), right.lines().collect());
    let ops = capture_diff_slices(Algorithm::Myers, &left, &right);
    let mut shown = Vec::new();
    for op in group_diff_ops(ops, 2).into_iter().flatten() {
        for change in op.iter_changes(&left, &right) {
            let whose = match change.tag() {
                ChangeTag::Delete => "rust  ",
                ChangeTag::Insert => "rails ",
                ChangeTag::Equal => "      ",
            };
            shown.push(format!("    {whose}{}\n", change.value()));
        }
    }
    let more = shown.len() > LINES;
    shown.truncate(LINES);
    shown.concat() + if more { "    … and more\n" } else { "" }
}

/// A JSON text in as many lines as it has members, so that one difference is one line.
fn broken(text: &str) -> String {
    if !text.starts_with(['{', '[']) || text.contains('\n') {
        return text.to_owned();
    }
    text.replace(",\"", ",\n\"").replace("{\"", "{\n\"")
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "\n{}: what Rust leaves is not what Rails leaves", self.step)?;
        for (part, shown) in &self.parts {
            write!(formatter, "\n  {part:?}:\n{shown}")?;
        }
        Ok(())
    }
}

#[test]
fn a_report_shows_the_lines_that_differ_and_whose_they_are() {
    let mut report = Report::new("step 1, GET /".to_owned());
    report.compare(Part::Body, "a\nb\nc\n", "a\nx\nc\n");
    report.compare(Part::Status, "200", "200");
    assert_eq!(report.parts(), [Part::Body]);
    let shown = report.to_string();
    assert!(shown.contains("    rust  b\n    rails x\n"), "{shown}");
}
