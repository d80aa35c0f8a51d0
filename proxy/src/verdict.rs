//! `banyan verdict`: the judge's arithmetic for counts that are given, by the judge's own code.

use std::collections::BTreeMap;

use serde::Serialize;
use shadow::{Budget, Coverage, Evidence, KindEvidence, Proof, State, Stratum, Tally, Unknown};

use crate::config::{self, Format};

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerdictError {
    /// The counts contradict each other.
    #[error(
        "{mismatches} mismatches of {samples} samples: --samples counts the mismatched ones too"
    )]
    Mismatches {
        /// As given.
        mismatches: u64,
        /// As given.
        samples: u64,
    },
    /// No shop has so many requests.
    #[error("--samples is at most {MOST}, and --unknowns at most {MOST_UNKNOWNS}")]
    TooMany,
    /// The verdict could not be written as JSON: a fault of this program.
    #[error("the verdict could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Counts beyond this are no longer exact as floating-point numbers.
const MOST: u64 = 1 << 53;

/// Each takes a hundred requests that were compared.
const MOST_UNKNOWNS: u64 = MOST / 100;

/// A verdict to print.
#[derive(Debug)]
pub struct Answer {
    /// What it says.
    pub state: State,
    /// In the format that was asked for.
    pub text: String,
}

/// The question is repeated, so that a stored answer says what it is the answer to.
#[derive(Debug, Serialize)]
struct Report {
    budget: f64,
    confidence: f64,
    samples: u64,
    mismatches: u64,
    unknowns: u64,
    #[serde(flatten)]
    verdict: shadow::Verdict,
}

/// What the judge would say of these counts, at a budget for every difference alike.
///
/// # Errors
/// [`VerdictError`].
pub fn answer(arguments: &config::Verdict) -> Result<Answer, VerdictError> {
    let config::Verdict { budget, confidence, samples, mismatches, unknowns, format } = *arguments;
    if samples > MOST || unknowns > MOST_UNKNOWNS {
        return Err(VerdictError::TooMany);
    }
    if mismatches > samples {
        return Err(VerdictError::Mismatches { mismatches, samples });
    }
    let tally = Tally { compared: samples, critical: mismatches, cosmetic: 0 };
    // Which reason they had makes no difference.
    let unknowns_by_reason = BTreeMap::from([(Unknown::Dropped, unknowns)]);
    let coverage = Coverage { compared: samples, unknowns: unknowns_by_reason };
    let kind = KindEvidence { distinct: tally, never: unknowns, coverage: coverage.clone() };
    let strata = BTreeMap::from([(Stratum::default(), kind)]);
    let evidence = Evidence { strata, coverage, ..Evidence::default() };
    let budgets = Budget { critical: budget, cosmetic: budget };
    let proof = Proof { confidence, ..Proof::default() };
    let mut verdict = shadow::Verdict::of(&evidence, budgets, proof);
    // The judge names reasons; nobody has told one here.
    verdict.why = verdict.why.replace(&format!(" ({} {unknowns})", Unknown::Dropped), "");
    let state = verdict.state;
    let text = match format {
        Format::Text => text(&verdict),
        Format::Json => {
            let (budget, confidence) = (budget.get(), confidence.get());
            let report = Report { budget, confidence, samples, mismatches, unknowns, verdict };
            serde_json::to_string_pretty(&report)? + "\n"
        }
    };
    Ok(Answer { state, text })
}

fn text(verdict: &shadow::Verdict) -> String {
    let more = verdict.more_requests;
    match verdict.state {
        State::Ready => "ready\n".to_owned(),
        State::NotReady => {
            format!(
                "not ready: {}; {more} more requests without a difference would make it ready\n",
                verdict.why
            )
        }
        State::Undecided => format!("undecided: {}\n", verdict.why),
    }
}
