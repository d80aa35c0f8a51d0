//! The route table in force, as the proxy tells it to the pages.

use std::fmt;

use serde::Serialize;
use time::OffsetDateTime;

/// Whoever knows which route table is in force. The proxy does.
pub trait LiveRoutes: fmt::Debug + Send + Sync {
    /// The table in force now, with its counts so far.
    fn table(&self) -> LiveTable;
}

/// A route table in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveTable {
    /// How many tables were in force since the start, this one included.
    pub generation: u64,
    /// A fingerprint of the file, to tell whether two proxies run the same one.
    pub hash: String,
    /// When it came into force.
    #[serde(with = "time::serde::rfc3339")]
    pub loaded_at: OffsetDateTime,
    /// Why the newest file was rejected, one fault a line; none when the newest file is in force.
    pub last_rejected: Option<String>,
    /// Every route, in the order of the file; what no route matches comes last.
    pub routes: Vec<LiveRoute>,
}

/// A route of the table, and who answered its requests since the proxy started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveRoute {
    /// Its id in routes.toml.
    pub id: String,
    /// The methods that it matches; empty matches any.
    pub methods: Vec<String>,
    /// The path template that it matches.
    pub path: String,
    /// `monolith`, `upstream`, `shadow` or `extracted`.
    pub stage: &'static str,
    /// The extraction that answers or is compared; none in the stages `monolith` and `upstream`.
    pub extraction: Option<String>,
    /// The service that is compared in an extraction's place.
    pub candidate: Option<String>,
    /// Requests that the monolith answered, fallbacks included.
    pub by_monolith: u64,
    /// Requests that the extraction answered.
    pub by_extraction: u64,
    /// Requests that the monolith answered because the extraction could not.
    pub fallbacks: u64,
    /// Answers that were server errors (5xx), whoever gave them.
    pub failed: u64,
    /// Of a route whose extraction answers: `closed`, or while its breaker leaves its requests to the
    /// monolith `open` or `half-open`.
    pub breaker: Option<&'static str>,
}
