//! The page of one difference: samples of it, both sides side by side.

use askama::Template;
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use shadow::{DifferenceKind, DifferenceReport, Sample};
use time::OffsetDateTime;

use crate::{
    Sources,
    candidate::Candidate,
    fault::{AsJson, AsPage, Fault},
    filters,
    page::Html,
    side_by_side::{Row, side_by_side},
    status::{Counted as _, InWords as _},
};

/// `GET /routes/{id}/differences/{difference}`.
pub(crate) async fn page(
    State(sources): State<Sources>,
    Path((route, id)): Path<(String, String)>,
) -> Result<Html<Page>, AsPage> {
    let candidate = Candidate::find(&*sources.live, &route);
    let details = Details::load(&sources, route, &id).await?;
    Ok(Html(Page { details, candidate, now: OffsetDateTime::now_utc() }))
}

/// `GET /api/routes/{id}/differences/{difference}`.
pub(crate) async fn json(
    State(sources): State<Sources>,
    Path((route, id)): Path<(String, String)>,
) -> Result<Json<Details>, AsJson> {
    Ok(Json(Details::load(&sources, route, &id).await?))
}

/// A difference with its samples.
#[derive(Debug, Serialize)]
pub(crate) struct Details {
    difference: DifferenceReport,
    /// The newest first.
    samples: Vec<Sample>,
}

#[derive(Debug, Template)]
#[template(path = "difference.html")]
pub(crate) struct Page {
    details: Details,
    candidate: Candidate,
    now: OffsetDateTime,
}

impl Details {
    async fn load(sources: &Sources, route: String, id: &str) -> Result<Self, Fault> {
        let differences = sources.reports.differences(&route).await?;
        let found = differences.into_iter().find(|it| it.id == id);
        let unknown = || Fault::unknown(format!("difference {id} of route {route}"));
        let difference = found.ok_or_else(unknown)?;
        let samples = sources.reports.samples(&route, &difference.id).await?;
        Ok(Self { difference, samples })
    }
}

/// What the kind of a difference means.
fn meaning(kind: DifferenceKind, candidate: &Candidate) -> String {
    match kind {
        DifferenceKind::Missing => {
            format!("The monolith has something here, {candidate} has nothing.")
        }
        DifferenceKind::Extra => {
            format!("{candidate} has something here, the monolith has nothing.")
        }
        DifferenceKind::Changed => {
            "Both have a value of the same type here, and the values differ.".into()
        }
        DifferenceKind::Retyped => "Both have a value here, of different types.".into(),
        DifferenceKind::Moved => "Both lists have elements in common, in another order.".into(),
    }
}

/// The two bodies of a sample; none when there is nothing to show.
pub(crate) fn rows(sample: &Sample) -> Option<Vec<Row<'_>>> {
    let (control, candidate) = (&sample.control.body, &sample.candidate.body);
    let shown = !control.is_empty() || !candidate.is_empty();
    shown.then(|| side_by_side(control, candidate, &sample.path))
}

#[cfg(test)]
mod tests;
