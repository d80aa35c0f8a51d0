//! Two bodies, line by line beside each other, with the place of interest marked.

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Equal lines that are kept before and after a change; the rest of a run is folded.
const CONTEXT: usize = 3;

/// One row of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row<'a> {
    /// A line of one side or of both.
    Lines {
        /// The monolith's line.
        control: Option<Line<'a>>,
        /// The extraction's line.
        candidate: Option<Line<'a>>,
        /// Whether both say the same.
        same: bool,
    },
    /// Equal lines that were left out.
    Folded(usize),
}

/// A line of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) text: &'a str,
    /// Whether it belongs to the value at the place of interest.
    pub(crate) marked: bool,
}

/// Sets `control` beside `candidate`. Lines that only one of them has stand alone; what both have
/// changed between two equal lines stands in the same rows. `path` is marked on either side.
pub(crate) fn side_by_side<'a>(control: &'a str, candidate: &'a str, path: &str) -> Vec<Row<'a>> {
    let (control, candidate) = (lines(control, path), lines(candidate, path));
    let texts = |lines: &[Line<'a>]| lines.iter().map(|it| it.text).collect::<Vec<_>>();
    let (old, new) = (texts(&control), texts(&candidate));
    let mut rows = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (tag, old, new) = operation.as_tag_tuple();
        let same = tag == DiffTag::Equal;
        let (control, candidate) = (&control[old], &candidate[new]);
        for at in 0..control.len().max(candidate.len()) {
            let (control, candidate) = (control.get(at).copied(), candidate.get(at).copied());
            rows.push(Row::Lines { control, candidate, same });
        }
    }
    fold(&rows)
}

fn lines<'a>(body: &'a str, path: &str) -> Vec<Line<'a>> {
    let mut places = Places::default();
    let line = |(at, text): (usize, &'a str)| {
        let marked = places.next(text, path);
        Line { number: at + 1, text, marked }
    };
    body.lines().enumerate().map(line).collect()
}

/// Replaces the middle of every long run of equal, unmarked rows.
fn fold<'a>(rows: &[Row<'a>]) -> Vec<Row<'a>> {
    let calm = |row: &Row<'_>| match row {
        Row::Lines { control, same, .. } => *same && control.is_none_or(|it| !it.marked),
        Row::Folded(_) => false,
    };
    let mut folded = Vec::with_capacity(rows.len());
    let mut rest = rows;
    while !rest.is_empty() {
        let run = rest.iter().take_while(|it| calm(it)).count();
        let before = if folded.is_empty() { 0 } else { CONTEXT };
        let after = if run == rest.len() { 0 } else { CONTEXT };
        if run > before + after + 1 {
            folded.extend_from_slice(&rest[..before]);
            folded.push(Row::Folded(run - before - after));
            folded.extend_from_slice(&rest[run - after..run]);
        } else {
            folded.extend_from_slice(&rest[..run]);
        }
        // The row that ended the run, if any, is not calm.
        folded.extend(rest.get(run).cloned());
        rest = rest.get(run + 1..).unwrap_or_default();
    }
    folded
}

/// Follows a redacted document as the judge prints it, one value or bracket a line and members as
/// `name: value`, and knows the place of every line. Other text has no places.
#[derive(Debug, Default)]
struct Places {
    open: Vec<Open>,
}

/// An object or a list whose closing bracket is still to come.
#[derive(Debug)]
struct Open {
    path: String,
    /// In a list, the index of the next element.
    next: Option<usize>,
    marked: bool,
}

impl Places {
    /// Whether the next line belongs to the value at `path`.
    fn next(&mut self, line: &str, path: &str) -> bool {
        let text = line.trim();
        if text.starts_with(['}', ']']) {
            return self.open.pop().is_some_and(|it| it.marked);
        }
        let (member, value) = member(text);
        let place = match (self.open.last_mut(), member) {
            (None, _) => "$".to_owned(),
            (Some(Open { path, next: Some(next), .. }), _) => {
                *next += 1;
                format!("{path}[{}]", *next - 1)
            }
            (Some(Open { path, .. }), Some(name)) => format!("{path}{}", step(name)),
            (Some(Open { path, .. }), None) => path.clone(),
        };
        let inside = self.open.last().is_some_and(|it| it.marked);
        let marked = inside || (place == path && path != "$");
        match value {
            "{" => self.open.push(Open { path: place, next: None, marked }),
            "[" => self.open.push(Open { path: place, next: Some(0), marked }),
            _ => {}
        }
        marked
    }
}

/// Splits `name: value`. What begins with a quote is an element of a list, whatever is in it.
fn member(text: &str) -> (Option<&str>, &str) {
    match text.split_once(": ") {
        Some((name, value)) if !name.starts_with('"') => (Some(name), value),
        _ => (None, text),
    }
}

/// A member's step, written as in every report: quoted unless it is a plain word.
fn step(name: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
    if !name.is_empty() && name.bytes().all(plain) {
        format!(".{name}")
    } else {
        format!("[\"{name}\"]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: &str = r#"{
  id: ‹number of 1–8 #0a1b2c3d›,
  lines: [
    {
      price: "19.90",
      unit.price: 1
    },
    {
      price: "5.00"
    },
    "price: 7"
  ],
  name: ‹text of 1–8 #0a1b2c3d›
}"#;

    fn marked(body: &str, path: &str) -> Vec<usize> {
        lines(body, path).iter().filter(|it| it.marked).map(|it| it.number).collect()
    }

    #[test]
    fn the_line_at_the_path_is_marked() {
        assert_eq!(marked(CONTROL, "$.lines[0].price"), [5]);
        assert_eq!(marked(CONTROL, "$.lines[1].price"), [9]);
        assert_eq!(marked(CONTROL, r#"$.lines[0]["unit.price"]"#), [6]);
        assert_eq!(marked(CONTROL, "$.lines[2]"), [11]);
        assert_eq!(marked(CONTROL, "$.name"), [13]);
    }

    #[test]
    fn an_object_or_a_list_is_marked_from_bracket_to_bracket() {
        assert_eq!(marked(CONTROL, "$.lines[1]"), [8, 9, 10]);
        assert_eq!(marked(CONTROL, "$.lines"), (3..=12).collect::<Vec<_>>());
    }

    #[test]
    fn a_place_that_the_body_lacks_marks_nothing() {
        for path in ["$.lines[3]", "$.nam", "$.price", "status", "body", "$"] {
            assert_eq!(marked(CONTROL, path), [0; 0], "{path}");
        }
        assert_eq!(marked("<p>hello</p>\n]\n}\n", "$.name"), [0; 0]);
    }

    #[test]
    fn a_changed_line_stands_beside_its_counterpart() {
        let candidate = CONTROL.replace("19.90", "19.9");
        let rows = side_by_side(CONTROL, &candidate, "$.lines[0].price");
        let changed: Vec<_> =
            rows.iter().filter(|it| matches!(it, Row::Lines { same: false, .. })).collect();
        let line = |text| Some(Line { number: 5, text, marked: true });
        let expected = Row::Lines {
            control: line(r#"      price: "19.90","#),
            candidate: line(r#"      price: "19.9","#),
            same: false,
        };
        assert_eq!(changed, [&expected]);
    }

    #[test]
    fn a_line_that_one_side_lacks_stands_alone() {
        let rows = side_by_side("{\n  a: 1,\n  b: 2\n}", "{\n  b: 2\n}", "$.a");
        let alone = |it: &&Row<'_>| matches!(it, Row::Lines { candidate: None, same: false, .. });
        assert_eq!(rows.iter().filter(alone).count(), 1);
        assert_eq!(rows.len(), 4);
    }

    #[test]
    fn long_runs_of_equal_lines_are_folded_to_their_context() {
        let numbers = |changed: &str| -> String {
            (0..40)
                .map(|it| if it == 20 { changed.to_owned() } else { format!("{it}\n") })
                .collect()
        };
        let (control, candidate) = (numbers("x\n"), numbers("y\n"));
        let rows = side_by_side(&control, &candidate, "$");
        let folds: Vec<_> = rows.iter().filter(|it| matches!(it, Row::Folded(_))).collect();
        assert_eq!(folds, [&Row::Folded(17), &Row::Folded(16)]);
        assert_eq!(rows.len(), 2 + 2 * CONTEXT + 1);
    }

    #[test]
    fn equal_bodies_are_one_fold() {
        let body = "a\n".repeat(30);
        assert_eq!(side_by_side(&body, &body, "$"), [Row::Folded(30)]);
    }
}
