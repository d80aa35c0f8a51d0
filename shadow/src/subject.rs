//! What is judged, and by which measure.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::{
    compare::{PathPattern, Rules},
    redact::{is_plain_name, is_revealed},
};

/// One route, and how its answers are judged.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The route's id: the report's key and the metric label.
    pub route: String,
    /// Which differences are excused.
    pub rules: Rules,
    /// How many differences are too many.
    pub budget: Budget,
    /// What must be shown before it is called ready.
    pub proof: Proof,
    /// Values that samples may show. A pattern names the value itself, not what is below it.
    pub reveal: Vec<PathPattern>,
    /// Whether the monolith is asked twice about some of its requests, which tells what it does to
    /// itself.
    pub noise: bool,
    /// A hash of how it is judged.
    pub(crate) digest: Arc<str>,
    /// Since when it is judged so.
    pub(crate) since: Instant,
}

impl Subject {
    /// A route that is judged so from now on, and whose monolith is asked once about each request.
    pub fn new(
        route: impl Into<String>,
        rules: Rules,
        budget: Budget,
        proof: Proof,
        reveal: Vec<PathPattern>,
    ) -> Self {
        let since = Instant::now();
        let (noise, digest) = (false, Arc::default());
        let subject =
            Self { route: route.into(), rules, budget, proof, reveal, noise, digest, since };
        subject.between("")
    }

    /// The same of these sides, told in any words: what is known of others says nothing of them.
    #[must_use]
    pub fn between(self, sides: &str) -> Self {
        let Self { rules, budget, proof, .. } = &self;
        // What is revealed changes samples, not judgements.
        let digest = Sha256::digest(format!("{rules:?} {budget:?} {proof:?} {sides}"));
        Self { digest: hex::encode(&digest[..6]).into(), ..self }
    }

    /// Whether what was shown of the other one holds for this one, too.
    pub fn is_judged_as(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Whether the route reveals a parameter of its template, and this value of it may be shown.
    pub fn shows_parameter(&self, name: &str, value: &str) -> bool {
        is_revealed(["path", name], value, &self.reveal)
    }

    /// Whether the route reveals a value of the query, and this one and its name may be shown.
    pub fn shows_query(&self, name: &str, value: &str) -> bool {
        is_plain_name(name) && is_revealed(["query", name], value, &self.reveal)
    }
}

/// The shares of mismatched requests at which a route must not be called ready.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Budget {
    /// For differences that a buyer or a program would notice.
    pub critical: Share,
    /// For the others.
    pub cosmetic: Share,
}

/// What must be shown of a route.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proof {
    /// In how many of the cases a route that is at its budget must not be called ready.
    pub confidence: Share,
    /// How long it must have been compared, whatever the number of its requests.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
}

/// A share of requests, above 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Share(f64);

impl Default for Proof {
    /// Nineteen cases in twenty, and a day: shops have other buyers at night.
    fn default() -> Self {
        Self { confidence: Share(0.95), time: Duration::from_hours(24) }
    }
}

impl Default for Budget {
    /// One request in a thousand, and one in a hundred.
    fn default() -> Self {
        Self { critical: Share(0.001), cosmetic: Share(0.01) }
    }
}

impl Share {
    /// `None` unless the share is above 0 and below 1: a budget of nothing could never be shown to
    /// be kept, and one of everything not be broken.
    pub fn new(share: f64) -> Option<Self> {
        (share > 0.0 && share < 1.0).then_some(Self(share))
    }

    /// The share as a number, 0.01 for 1 %.
    pub const fn get(self) -> f64 {
        self.0
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_proper_fraction() {
        assert_eq!(Share::new(0.01).map(Share::get), Some(0.01));
        for share in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::new(share), None, "{share}");
        }
    }
}
