//! People look: pages over shadow's reports and the live route table, and what is shipped for
//! Grafana and Prometheus.

mod assets;
mod bar;
mod candidate;
mod difference;
mod fault;
mod filters;
#[cfg(test)]
mod fixtures;
mod format;
mod judgement;
mod live;
mod overview;
mod page;
mod queries;
mod raced;
mod route;
mod side_by_side;
mod status;

use std::sync::Arc;

use axum::{Router, http::Uri, middleware, routing::get};

pub use crate::{
    live::{LiveRoute, LiveRoutes, LiveTable},
    queries::queried_metrics,
};

/// Every page, its JSON twin below `/api` and the static files, for the admin listener.
///
/// | page | shows |
/// |---|---|
/// | `/` | the route table: who answers, and how far each extraction is proven |
/// | `/routes/{id}` | one route: its verdict, what is missing, its differences grouped |
/// | `/routes/{id}/differences/{difference}` | samples of one difference, both sides side by side |
/// | `/routes/{id}/raced` | samples of what changed between the two answers |
///
/// The returned router owns the fallback: a path that nobody knows is answered with a 404 page.
pub fn pages(reports: shadow::Reports, live: Arc<dyn LiveRoutes>) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/routes/{id}", get(route::page))
        .route("/routes/{id}/differences/{difference}", get(difference::page))
        .route("/routes/{id}/raced", get(raced::page))
        .route("/api/routes", get(overview::json))
        .route("/api/routes/{id}", get(route::json))
        .route("/api/routes/{id}/differences/{difference}", get(difference::json))
        .route("/api/routes/{id}/raced", get(raced::json))
        .route("/static/{name}", get(assets::file))
        .fallback(|uri: Uri| async move { page::not_found(uri.path()) })
        .layer(middleware::map_response(page::guard))
        .with_state(Sources { reports, live })
}

/// Where the pages' figures come from.
#[derive(Debug, Clone)]
struct Sources {
    reports: shadow::Reports,
    live: Arc<dyn LiveRoutes>,
}
