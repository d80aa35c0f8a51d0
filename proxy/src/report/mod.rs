//! `banyan report`: the store's reports as a table or as JSON.

mod text;

use serde::Serialize;
use shadow::{DifferenceReport, Reports, RouteReport, Sample, StoreError};

pub use self::text::overview;
pub(crate) use self::text::{second, table};
use crate::config::{Format, Report};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store cannot be read.
    #[error("the report store cannot be read; check --store")]
    Store(#[from] StoreError),
    /// The route was never compared.
    #[error("no route `{0}` was compared yet; `banyan report` lists those that were")]
    NoRoute(String),
    /// A report could not be written as JSON: a fault of this program.
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// One route with everything that is known of it.
#[derive(Debug, Serialize)]
struct Detail {
    #[serde(flatten)]
    route: RouteReport,
    differences: Vec<Difference>,
    /// Samples of what changed between the two answers, and is no difference.
    raced: Vec<Sample>,
}

#[derive(Debug, Serialize)]
struct Difference {
    #[serde(flatten)]
    difference: DifferenceReport,
    samples: Vec<Sample>,
}

/// The report that was asked for, as text to print.
pub async fn text(arguments: &Report) -> Result<String, ReportError> {
    let reports = Reports::open_read_only(&arguments.store).await?;
    let Some(id) = &arguments.route else {
        let routes = reports.routes().await?;
        return match arguments.format {
            Format::Text => Ok(overview(&routes)),
            Format::Json => json(&routes),
        };
    };
    let route = reports.route(id).await?.ok_or_else(|| ReportError::NoRoute(id.clone()))?;
    let mut differences = Vec::new();
    for difference in reports.differences(id).await? {
        let samples = reports.samples(id, &difference.id).await?;
        differences.push(Difference { difference, samples });
    }
    let detail = Detail { route, differences, raced: reports.races(id).await? };
    match arguments.format {
        Format::Text => Ok(text::detail(&detail)),
        Format::Json => json(&detail),
    }
}

fn json(report: &impl Serialize) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
