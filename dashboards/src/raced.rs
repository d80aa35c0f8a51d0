//! The page of what raced in a route: samples of what changed between the two answers.

use askama::Template;
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use shadow::Sample;
use time::OffsetDateTime;

use crate::{
    Sources,
    candidate::Candidate,
    fault::{AsJson, AsPage, Fault},
    filters,
    page::Html,
    side_by_side::Row,
    status::RouteStatus,
};

/// `GET /routes/{id}/raced`.
pub(crate) async fn page(
    State(sources): State<Sources>,
    Path(route): Path<String>,
) -> Result<Html<Page>, AsPage> {
    let candidate = Candidate::find(&*sources.live, &route);
    let details = Details::load(&sources, route).await?;
    Ok(Html(Page { details, candidate, now: OffsetDateTime::now_utc() }))
}

/// `GET /api/routes/{id}/raced`.
pub(crate) async fn json(
    State(sources): State<Sources>,
    Path(route): Path<String>,
) -> Result<Json<Details>, AsJson> {
    Ok(Json(Details::load(&sources, route).await?))
}

/// Samples of races.
#[derive(Debug, Serialize)]
pub(crate) struct Details {
    route: String,
    /// The newest first.
    samples: Vec<Sample>,
}

#[derive(Debug, Template)]
#[template(path = "raced.html")]
pub(crate) struct Page {
    details: Details,
    candidate: Candidate,
    now: OffsetDateTime,
}

impl Details {
    async fn load(sources: &Sources, route: String) -> Result<Self, Fault> {
        let RouteStatus { id, .. } = RouteStatus::load(sources, route).await?;
        let samples = sources.reports.races(&id).await?;
        Ok(Self { route: id, samples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, Rendered, SCRIPT, sample, side};

    fn render(samples: Vec<Sample>) -> Rendered {
        let details = Details { route: "catalog.show".into(), samples };
        Rendered::new(&Page { details, candidate: Candidate::Rust, now: NOW })
    }

    #[test]
    fn a_race_shows_what_changed_between_the_two_answers() {
        let body = |stock: &str| format!("{{\n  stock: {stock}\n}}");
        let sides = [side("3", &body("3")), side("2", &body("2"))];
        let [control, candidate] = sides;
        let page = render(vec![sample("$.stock", control, candidate)]);
        assert_eq!((page.text("del"), page.text("ins")), ("3".into(), "2".into()));
        assert_eq!(page.texts(".changed .control.marked"), ["stock: 3"]);
        assert_eq!(page.text("caption"), "At $.stock");
        assert!(render(Vec::new()).text(".empty").starts_with("No sample"));
    }

    #[test]
    fn no_value_is_read_as_html() {
        let page = render(vec![sample(SCRIPT, side(SCRIPT, SCRIPT), side(SCRIPT, "x"))]);
        assert!(page.is_inert());
    }
}
