//! What was found out, as the store keeps it and as readers get it.

mod bound;
mod clock;
mod counts;
mod database;
mod dialect;
mod differences;
mod distinct;
mod error;
mod file;
mod fingerprints;
mod forms;
mod intervals;
mod kinds;
mod latency;
mod noise;
mod pending;
mod races;
mod reports;
mod resume;
mod retention;
mod room;
mod routes;
mod samples;
mod store;
mod table;
mod unreachable;
mod value;
mod writers;

use std::collections::BTreeMap;

use serde::Serialize;
use time::{Date, OffsetDateTime};

pub(crate) use self::{
    counts::Superseded,
    distinct::Marks,
    latency::{bucket, lower_end, upper_end},
    pending::{Pending, RuleNote, Seen, Signature},
    room::Lost,
    samples::{NewSample, NewSide},
};
pub use self::{
    error::StoreError, latency::Latency, reports::Reports, retention::Retention, store::Store,
};
use crate::{
    Budget, Class, DifferenceKind, Proof, State, Stratum, Suggestion, Tally, Unknown, Verdict,
};

/// One route, in counts. `matched + ignored + noise + mismatched` is the number of requests compared.
#[derive(Debug, Clone, Serialize)]
pub struct RouteReport {
    /// The route's id.
    pub route: String,
    /// Requests with equal answers.
    pub matched: u64,
    /// Those of them whose bodies were too long to be kept: their digests were equal.
    pub matched_by_digest: u64,
    /// Requests whose differences were all excused by rules.
    pub ignored: u64,
    /// Requests with a difference that no rule excused, but that the monolith shows against itself.
    pub noise: u64,
    /// Requests with a difference that counts.
    pub mismatched: u64,
    /// Mismatched requests with a critical difference.
    pub critical: u64,
    /// Mismatched requests with a cosmetic difference; some of them also have a critical one.
    pub cosmetic: u64,
    /// Requests that were not compared, by reason. Reasons that never occurred are absent.
    pub unknowns: BTreeMap<Unknown, u64>,
    /// Those of them that are in none of the kinds of requests, since the monolith's answer was not seen.
    pub unplaced: BTreeMap<Unknown, u64>,
    /// The share of the requests that the extraction declined: in front of buyers, too, the monolith
    /// goes on answering these, so they keep no route from being ready.
    pub declined_share: f64,
    /// How long the monolith took.
    pub control: Latency,
    /// How long the extraction took.
    pub candidate: Latency,
    /// Of how many further distinct requests one is counted: more than one where there were so many that
    /// not all can be remembered.
    pub distinct_one_in: u64,
    /// The route's kinds of requests, the frequent first.
    pub strata: Vec<StratumReport>,
    /// What tells the build of the extraction from others.
    pub build: String,
    /// A hash of the route's rules, budget and proof.
    pub rules: String,
    /// The monolith's version, if it is known.
    pub monolith: Option<String>,
    /// Why counting began anew; `None` when it never did.
    pub reason: Option<String>,
    /// What was counted before, the newest first.
    pub earlier: Vec<EarlierReport>,
    /// When the route was first judged so.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When it was last judged.
    #[serde(with = "time::serde::rfc3339")]
    pub last_at: OffsetDateTime,
    /// The budget that the verdict is held against.
    pub budget: Budget,
    /// What must be shown beside it.
    pub proof: Proof,
    /// Whether the route is ready.
    pub verdict: Verdict,
}

impl RouteReport {
    /// Requests whose two answers were compared.
    pub const fn compared(&self) -> u64 {
        self.matched + self.ignored + self.noise + self.mismatched
    }
}

/// One kind of a route's requests.
#[derive(Debug, Clone, Serialize)]
pub struct StratumReport {
    /// Which.
    pub stratum: Stratum,
    /// Requests that were compared.
    pub requests: Tally,
    /// Those of them that are no repetitions.
    pub distinct: Tally,
    /// Those of the requests that matched by the digests of bodies too long to be kept.
    pub matched_by_digest: u64,
    /// Further requests, which could not be compared, by reason.
    pub unknowns: BTreeMap<Unknown, u64>,
    /// The share of all of them that the extraction declined.
    pub declined_share: f64,
    /// What its own tests of mismatches and of unknowns say.
    pub state: State,
    /// Requests of this kind until that is `ready`, if none of them differs.
    pub more_requests: u64,
}

/// What was counted before a change, in requests.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "as in `RouteReport`; `unknown` is the sum of the reasons")]
pub struct EarlierReport {
    pub build: String,
    pub rules: String,
    pub monolith: Option<String>,
    pub reason: Option<String>,
    pub matched: u64,
    pub ignored: u64,
    pub noise: u64,
    pub mismatched: u64,
    pub critical: u64,
    pub cosmetic: u64,
    pub unknown: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub last_at: OffsetDateTime,
}

/// One difference of a route: a place and a kind, over all requests.
#[derive(Debug, Clone, Serialize)]
pub struct DifferenceReport {
    /// Stable across restarts and proxies; safe in a URL.
    pub id: String,
    /// The route's id.
    pub route: String,
    /// Where, with every index as `[*]`.
    pub path: String,
    /// How.
    pub kind: DifferenceKind,
    /// Who would notice.
    pub class: Class,
    /// Requests that had it, excused or not.
    pub requests: u64,
    /// Those in which rules or noise excused it everywhere.
    pub excused: u64,
    /// Those of the excused in which it was noise.
    pub noise: u64,
    /// The rule that last excused it, or would have, had it not expired.
    pub rule: Option<RuleReport>,
    /// The narrowest rule that would excuse it, if it looks like noise and no rule does.
    pub suggestion: Option<Suggestion>,
    /// When it was first seen.
    #[serde(with = "time::serde::rfc3339")]
    pub first_seen: OffsetDateTime,
    /// When it was last seen.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen: OffsetDateTime,
}

/// A rule, as a difference's report names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleReport {
    /// The reason given with the rule.
    pub why: String,
    /// The last day on which it excuses, as `2027-03-31`.
    #[serde(serialize_with = "day")]
    pub until: Option<Date>,
    /// Whether that day had passed when the difference was last seen.
    pub expired: bool,
}

/// One request that had a difference. Redacted: values are shapes and keyed hashes, unless their
/// path is revealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Unique in the store.
    pub id: String,
    /// When it was compared.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The kind of requests that it is of; empty in what older versions stored.
    pub stratum: String,
    /// Method and target, the values of the query redacted.
    pub request: String,
    /// The request id, as in the logs.
    pub request_id: String,
    /// Where exactly, indices in the control's lists (of the candidate's for `extra`).
    pub path: String,
    /// How many further differences of this request were counted but are not listed.
    pub omitted: u64,
    /// The monolith's side.
    pub control: Side,
    /// The extraction's side.
    pub candidate: Side,
}

/// One side of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The status code.
    pub status: u16,
    /// The redacted value at the sample's path; `None` where this side has none.
    pub value: Option<String>,
    /// The redacted body.
    pub body: String,
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn day<S: serde::Serializer>(day: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    day.map(|it| it.to_string()).serialize(serializer)
}
