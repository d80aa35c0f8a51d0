//! Whose answers are compared with the monolith's, as pages name it.

use std::fmt;

use crate::live::{LiveRoute, LiveRoutes};

/// Whose answers are compared with the monolith's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// An extraction's.
    Rust,
    /// Those of the service that the route's `candidate` names.
    Service(String),
}

impl Candidate {
    /// The candidate of the route with this id.
    pub(crate) fn find(live: &dyn LiveRoutes, route: &str) -> Self {
        Self::of(live.table().routes.iter().find(|it| it.id == route))
    }

    /// The candidate of a route, if it is in the table.
    pub(crate) fn of(live: Option<&LiveRoute>) -> Self {
        live.and_then(|it| it.candidate.clone()).map_or(Self::Rust, Self::Service)
    }

    /// Whether `banyan replay` can ask it.
    pub(crate) const fn is_replayed(&self) -> bool {
        matches!(self, Self::Rust)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Service(name) => name,
        })
    }
}
