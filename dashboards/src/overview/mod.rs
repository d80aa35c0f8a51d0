//! The first page: the route table, who answers, and how far each extraction is proven.

use std::collections::BTreeMap;

use askama::Template;
use axum::{Json, extract::State};
use serde::Serialize;
use shadow::RouteReport;
use time::OffsetDateTime;

use crate::{
    Sources,
    bar::Bar,
    candidate::Candidate,
    fault::{AsJson, AsPage, Fault},
    filters, format,
    live::{LiveRoute, LiveTable},
    page::Html,
    status::{RouteStatus, Told as _},
};

/// `GET /`.
pub(crate) async fn page(State(sources): State<Sources>) -> Result<Html<Page>, AsPage> {
    let overview = Overview::load(&sources).await?;
    Ok(Html(Page { overview, now: OffsetDateTime::now_utc() }))
}

/// `GET /api/routes`.
pub(crate) async fn json(State(sources): State<Sources>) -> Result<Json<Overview>, AsJson> {
    Ok(Json(Overview::load(&sources).await?))
}

/// The route table in force, and every route of which anything is known.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    generation: u64,
    hash: String,
    #[serde(with = "time::serde::rfc3339")]
    loaded_at: OffsetDateTime,
    last_rejected: Option<String>,
    /// In the order of the table; then those that have left it but have a report.
    routes: Vec<RouteStatus>,
}

#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub(crate) struct Page {
    overview: Overview,
    now: OffsetDateTime,
}

impl Overview {
    async fn load(sources: &Sources) -> Result<Self, Fault> {
        Ok(Self::new(sources.live.table(), sources.reports.routes().await?))
    }

    fn new(table: LiveTable, reports: Vec<RouteReport>) -> Self {
        let LiveTable { generation, hash, loaded_at, last_rejected, routes } = table;
        let mut reports: BTreeMap<_, _> =
            reports.into_iter().map(|it| (it.route.clone(), it)).collect();
        let mut joined: Vec<_> = routes
            .into_iter()
            .map(|live| RouteStatus {
                id: live.id.clone(),
                report: reports.remove(&live.id),
                live: Some(live),
            })
            .collect();
        let removed = reports.into_iter();
        joined.extend(removed.map(|(id, it)| RouteStatus { id, live: None, report: Some(it) }));
        Self { generation, hash, loaded_at, last_rejected, routes: joined }
    }

    fn sum(&self, figure: impl Fn(&LiveRoute) -> u64) -> u64 {
        self.routes.iter().filter_map(|it| it.live.as_ref()).map(figure).sum()
    }

    fn by_rust(&self) -> u64 {
        self.sum(|it| it.by_extraction)
    }

    fn by_monolith(&self) -> u64 {
        self.sum(|it| it.by_monolith)
    }

    fn fallbacks(&self) -> u64 {
        self.sum(|it| it.fallbacks)
    }

    fn failed(&self) -> u64 {
        self.sum(|it| it.failed)
    }

    /// How much of the shop is Rust's.
    fn rust_share(&self) -> String {
        format::share(self.by_rust(), self.by_rust() + self.by_monolith())
    }

    fn sides(&self) -> Bar {
        Bar::new([("Rust", self.by_rust()), ("monolith", self.by_monolith())])
    }

    fn in_table(&self) -> usize {
        self.routes.iter().filter(|it| it.live.is_some()).count()
    }

    fn in_stage(&self, stage: &str) -> usize {
        self.routes.iter().filter(|it| it.stage() == stage).count()
    }

    /// Routes whose evidence is in, and that still answer from the monolith.
    fn next(&self) -> impl Iterator<Item = &RouteStatus> {
        self.routes.iter().filter(|it| it.is_next())
    }

    fn compares_nothing(&self) -> bool {
        self.routes.iter().all(|it| it.report.is_none() && !it.is_compared())
    }
}

#[cfg(test)]
mod tests;
