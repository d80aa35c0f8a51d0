//! `banyan check`: the compiler's findings, for people and for programs.

use std::{fmt::Write as _, path::Path};

use extracted::Extraction;
use prometheus::Registry;

use super::{At, Compiler, Diagnostic, Faults, reload::read};
use crate::{error::Chain, metrics::ProxyMetrics};

/// What was found in one file.
#[derive(Debug)]
pub struct Checked {
    file: String,
    found: Vec<Diagnostic>,
    /// How many routes the file has, if it is accepted.
    routes: Option<usize>,
}

/// Compiles `file` as the proxy would, and keeps only what was found.
///
/// # Errors
/// When the file cannot be read, or the metrics of a table cannot be made.
pub fn check(file: &Path, extractions: &'static [Extraction]) -> Result<Checked, String> {
    let text = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let metrics = ProxyMetrics::register(&Registry::new());
    let metrics = metrics.map_err(|error| Chain(&error).to_string())?;
    let file = file.display().to_string();
    Ok(match (Compiler { extractions, metrics }).compile(&text, &file) {
        Ok(compiled) => {
            // `unrouted` is there whatever the file says.
            let routes = Some(compiled.table.routes().count() - 1);
            Checked { file, found: compiled.warnings, routes }
        }
        Err(Faults { found, .. }) => Checked { file, found, routes: None },
    })
}

impl Checked {
    /// Whether the proxy would take the file.
    pub const fn is_accepted(&self) -> bool {
        self.routes.is_some()
    }

    /// A line for each finding, and one that sums up.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.found {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", At(&self.file, finding));
        }
        let _ = match self.routes {
            Some(1) => writeln!(text, "{}: good, 1 route", self.file),
            Some(routes) => writeln!(text, "{}: good, {routes} routes", self.file),
            None => writeln!(text, "{}: not accepted", self.file),
        };
        text
    }

    /// `[{"line": 4, "column": 8, "severity": "error", "message": "…"}]`, in the file's order.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.found).unwrap_or_default();
        text.push('\n');
        text
    }
}
