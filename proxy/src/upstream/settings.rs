//! What an operator may say about an upstream, with the defaults.

use std::{num::NonZeroUsize, time::Duration};

use http::{HeaderValue, uri::PathAndQuery};

use super::Endpoint;

/// An upstream's servers, and how they are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// At least one; a repeated address counts once.
    pub servers: Vec<Endpoint>,
    /// Requests in flight per server at most; unlimited without it. A Puma answers as many at a
    /// time as it has threads, and more connections than that make it slower.
    pub concurrency: Option<NonZeroUsize>,
    /// Requests that may wait until a server has a free slot. Default 64.
    pub queue: usize,
    /// How long one may wait. Default 2 s.
    pub queue_timeout: Duration,
    /// Active health checks. Default: none.
    pub health: Option<Health>,
    /// When a server is left alone because its requests fail.
    pub outlier: Outlier,
    /// How many requests may be sent a second time.
    pub retry_budget: RetryBudget,
}

impl Settings {
    /// The defaults for these servers.
    pub fn new(servers: Vec<Endpoint>) -> Self {
        Self {
            servers,
            concurrency: None,
            queue: 64,
            queue_timeout: Duration::from_secs(2),
            health: None,
            outlier: Outlier::default(),
            retry_budget: RetryBudget::default(),
        }
    }
}

/// Active health checks: a server is asked in the same way over and over, and 2xx is health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What is asked for. Default `/up`, which Rails has since 7.1.
    pub path: PathAndQuery,
    /// The `Host` that is asked; the server's own address without it. Rails' host authorization
    /// answers 403 to names that it does not know.
    pub host: Option<HeaderValue>,
    /// From the end of a check to the start of the next, give or take a tenth. Default 1 s.
    pub interval: Duration,
    /// A check that takes longer has failed. Default 5 s.
    pub timeout: Duration,
    /// Checks in a row that must pass until a server is used again. Default 1.
    pub healthy: u32,
    /// Checks in a row that must fail until a server is taken out; of the first one that is ever
    /// made, one is enough. Default 3.
    pub unhealthy: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            path: PathAndQuery::from_static("/up"),
            host: None,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            healthy: 1,
            unhealthy: 3,
        }
    }
}

/// Passive outlier ejection, in Envoy's terms: a server whose requests fail is left alone for a
/// while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlier {
    /// Failures in a row that eject a server; 0 for never. Default 5.
    pub consecutive: u32,
    /// The first ejection lasts this long, the second twice as long, and so on. Each such time in
    /// service makes one ejection forgotten. Default 10 s.
    pub base_ejection: Duration,
    /// No ejection lasts longer. Default 300 s.
    pub max_ejection: Duration,
    /// Share of the servers that may be ejected at the same time, in percent; one always may be.
    /// Default 50.
    pub max_ejected_percent: u8,
}

impl Default for Outlier {
    fn default() -> Self {
        Self {
            consecutive: 5,
            base_ejection: Duration::from_secs(10),
            max_ejection: Duration::from_mins(5),
            max_ejected_percent: 50,
        }
    }
}

/// How many requests may be sent a second time, so that retries never multiply an overload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryBudget {
    /// Retries per hundred requests that are sent, retries included, over about ten seconds.
    /// Default 20.
    pub percent: u8,
    /// Retries per second that are allowed however few requests there are. Default 10, as in
    /// Finagle: a small server that ends resets as many requests as wait in its socket, at once.
    pub min_per_second: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { percent: 20, min_per_second: 10 }
    }
}
