//! The page of one route: its verdict in words, what is missing, its differences grouped.

use askama::Template;
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use shadow::{DifferenceReport, Unknown};
use time::OffsetDateTime;

use crate::{
    Sources,
    fault::{AsJson, AsPage, Fault},
    filters,
    page::Html,
    status::{Counted as _, InWords as _, Judged as _, RouteStatus, Told as _},
};

/// `GET /routes/{id}`.
pub(crate) async fn page(
    State(sources): State<Sources>,
    Path(id): Path<String>,
) -> Result<Html<Page>, AsPage> {
    let details = Details::load(&sources, id).await?;
    Ok(Html(Page { details, now: OffsetDateTime::now_utc() }))
}

/// `GET /api/routes/{id}`.
pub(crate) async fn json(
    State(sources): State<Sources>,
    Path(id): Path<String>,
) -> Result<Json<Details>, AsJson> {
    Ok(Json(Details::load(&sources, id).await?))
}

/// All that is known of a route, but its samples.
#[derive(Debug, Serialize)]
pub(crate) struct Details {
    #[serde(flatten)]
    status: RouteStatus,
    /// Those that count before those that are excused, critical before cosmetic, frequent first.
    differences: Vec<DifferenceReport>,
}

#[derive(Debug, Template)]
#[template(path = "route.html")]
pub(crate) struct Page {
    details: Details,
    now: OffsetDateTime,
}

impl RouteStatus {
    /// One route, if the table or the store knows it.
    pub(crate) async fn load(sources: &Sources, id: String) -> Result<Self, Fault> {
        let live = sources.live.table().routes.into_iter().find(|it| it.id == id);
        let report = sources.reports.route(&id).await?;
        if live.is_none() && report.is_none() {
            return Err(Fault::unknown(format!("route {id}")));
        }
        Ok(Self { id, live, report })
    }
}

impl Details {
    async fn load(sources: &Sources, id: String) -> Result<Self, Fault> {
        let status = RouteStatus::load(sources, id).await?;
        let differences = sources.reports.differences(&status.id).await?;
        Ok(Self { status, differences })
    }

    fn has_suggestions(&self) -> bool {
        self.differences.iter().any(|it| it.suggestion.is_some())
    }
}

/// Why requests could not be compared, and what a person does about it.
fn remedy(reason: Unknown) -> &'static str {
    match reason {
        Unknown::Dropped => {
            "The judge had no room. Lower the route's sample, or give Banyan more CPU."
        }
        Unknown::TimedOut => {
            "No answer before the deadline. Make the extraction faster, or raise the route's \
             timeout."
        }
        Unknown::Panicked => {
            "The extraction has a bug. The log has the place, and the message if it quotes no value."
        }
        Unknown::Failed => {
            "The extraction, or the service, gave an error and no answer. The log says which."
        }
        Unknown::ControlFailed => {
            "The monolith could not be asked, or broke off. The log says why."
        }
        Unknown::Declined => {
            "The extraction does not reproduce this kind of request, and said so. The monolith \
             goes on answering these, so they are not held against it."
        }
        Unknown::TooLarge => {
            "A body was longer than what is kept for a comparison, or too intricate."
        }
        Unknown::ClientGone => "The buyer left before the answer had passed whole.",
        Unknown::Unparsable => "A body is not what its content type or encoding says it is.",
        Unknown::Raced => {
            "What was asked about changed between the two answers: neither side's fault."
        }
    }
}

#[cfg(test)]
mod tests;
