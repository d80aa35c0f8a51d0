//! People look: pages over shadow's reports and the live route table, and what is shipped for
//! Grafana and Prometheus.

mod live;

use std::sync::Arc;

pub use live::{LiveRoute, LiveRoutes, LiveTable};

/// Every page, its JSON twin and its static files, for the admin listener.
pub fn pages(_reports: shadow::Reports, _live: Arc<dyn LiveRoutes>) -> axum::Router {
    axum::Router::new()
}
