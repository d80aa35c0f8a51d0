//! What is read of routes: their counts, and the verdict that these make.

use std::{collections::BTreeMap, time::Duration};

use sqlx::{FromRow as _, Row as _};

use super::{
    EarlierReport, Latency, RouteReport, StoreError,
    database::{Database, rows},
    fingerprints, intervals,
    kinds::{self, Kind},
    noise,
    reports::{decode, time, unsigned},
};
use crate::{
    Budget, Coverage, Evidence, Proof, Share, Stratum, Unknown, Verdict, Watched, verdict::Buckets,
};

/// A kind of requests with a smaller share of those before a change is not waited for after it, ...
const SHARE: u64 = 20;

/// ... nor is any if there were fewer requests than this.
const FEW: u64 = 100;

pub(super) async fn all(database: &Database) -> Result<Vec<RouteReport>, StoreError> {
    let found = database.fetch("SELECT * FROM routes", &[]).await?;
    let mut found = rows(&found, |it| RouteRow::from_row(it))?;
    // Here, since no two databases sort texts alike.
    found.sort_by(|a, b| a.route.cmp(&b.route));
    let mut reports = Vec::with_capacity(found.len());
    for row in found {
        reports.push(report(database, row).await?);
    }
    Ok(reports)
}

pub(super) async fn one(
    database: &Database,
    route: &str,
) -> Result<Option<RouteReport>, StoreError> {
    let found = database.fetch("SELECT * FROM routes WHERE route = $1", &[route.into()]).await?;
    match found.first() {
        Some(row) => report(database, RouteRow::from_row(row)?).await.map(Some),
        None => Ok(None),
    }
}

async fn report(database: &Database, row: RouteRow) -> Result<RouteReport, StoreError> {
    let route = &row.route;
    let control = buckets(database, route, "control").await?;
    let candidate = buckets(database, route, "candidate").await?;
    let latencies = [Latency::of(&control), Latency::of(&candidate)];
    let kinds = kinds::read(database, route).await?;
    let epochs = epochs(database, route).await?;
    let (since, last_at) = (time(row.since)?, time(row.last_at)?);
    let span = intervals::watched(database, route).await?;
    let sampling = fingerprints::read(database, route).await?;
    let compared = unsigned(row.matched + row.ignored + row.noise + row.mismatched);
    let evidence = Evidence {
        strata: kinds.iter().map(|it| (it.stratum.clone(), it.evidence.clone())).collect(),
        unseen: unseen(&epochs, &kinds),
        coverage: Coverage { compared, unknowns: unknowns(database, route).await? },
        noise: noise::tallies(database, route).await?,
        sampling,
        watched: Some(Watched { span, control, candidate }),
    };
    let (budget, proof) = (row.budget()?, row.proof()?);
    let [control, candidate] = latencies;
    Ok(RouteReport {
        verdict: Verdict::of(&evidence, budget, proof),
        distinct_one_in: sampling.one_in(),
        matched_by_digest: kinds.iter().map(|it| it.matched_by_digest).sum(),
        strata: kinds.into_iter().map(|it| it.report(&evidence, budget, proof)).collect(),
        matched: unsigned(row.matched),
        ignored: unsigned(row.ignored),
        noise: unsigned(row.noise),
        mismatched: unsigned(row.mismatched),
        critical: unsigned(row.critical),
        cosmetic: unsigned(row.cosmetic),
        unplaced: evidence.lost(),
        declined_share: evidence.coverage.declined_share(),
        unknowns: evidence.coverage.unknowns,
        earlier: epochs.into_iter().map(EpochRow::report).collect::<Result<_, _>>()?,
        route: row.route,
        build: row.build,
        rules: row.rules,
        monolith: row.monolith,
        reason: row.reason,
        control,
        candidate,
        since,
        last_at,
        budget,
        proof,
    })
}

/// What came before the last change, was not rare, and has not come since. `before` has the newest
/// first; what lies between two changes that soon followed one another says too little alone.
fn unseen(before: &[EpochRow], now: &[Kind]) -> Vec<Stratum> {
    let (mut strata, mut total) = (BTreeMap::<String, u64>::new(), 0);
    for epoch in before {
        // It is what this crate wrote; a store that is damaged there makes nothing wait.
        let counts: BTreeMap<String, u64> = serde_json::from_str(&epoch.strata).unwrap_or_default();
        for (stratum, count) in counts {
            *strata.entry(stratum).or_default() += count;
            total += count;
        }
        if total >= FEW {
            break;
        }
    }
    let is_common = |count: u64| total >= FEW && count * SHARE >= total;
    let common = strata.into_iter().filter(|(_, count)| is_common(*count));
    let Ok(strata) = common.map(|(name, _)| name.parse()).collect::<Result<Vec<Stratum>, _>>();
    strata.into_iter().filter(|it| now.iter().all(|kind| kind.stratum != *it)).collect()
}

async fn unknowns(database: &Database, route: &str) -> Result<BTreeMap<Unknown, u64>, StoreError> {
    let statement = "SELECT reason, count FROM unknowns WHERE route = $1";
    let found = rows(&database.fetch(statement, &[route.into()]).await?, |it| {
        let reason: String = it.try_get("reason")?;
        let reason = Unknown::parse(&reason).ok_or_else(|| decode("an unknown's reason"))?;
        Ok((reason, unsigned(it.try_get("count")?)))
    });
    Ok(found?.into_iter().collect())
}

async fn buckets(database: &Database, route: &str, leg: &str) -> Result<Buckets, StoreError> {
    let statement = "SELECT bucket, count FROM latencies WHERE route = $1 AND leg = $2";
    let found = database.fetch(statement, &[route.into(), leg.into()]).await?;
    let found = rows(&found, |it| Ok((it.try_get("bucket")?, unsigned(it.try_get("count")?))));
    Ok(found?.into_iter().collect())
}

async fn epochs(database: &Database, route: &str) -> Result<Vec<EpochRow>, StoreError> {
    let statement = "SELECT * FROM epochs WHERE route = $1 ORDER BY id DESC";
    let found = database.fetch(statement, &[route.into()]).await?;
    Ok(rows(&found, |it| EpochRow::from_row(it))?)
}

#[derive(sqlx::FromRow)]
struct EpochRow {
    matched: i64,
    ignored: i64,
    noise: i64,
    mismatched: i64,
    critical: i64,
    cosmetic: i64,
    unknown: i64,
    strata: String,
    build: String,
    rules: String,
    monolith: Option<String>,
    reason: Option<String>,
    since: i64,
    last_at: i64,
}

impl EpochRow {
    fn report(self) -> Result<EarlierReport, sqlx::Error> {
        Ok(EarlierReport {
            matched: unsigned(self.matched),
            ignored: unsigned(self.ignored),
            noise: unsigned(self.noise),
            mismatched: unsigned(self.mismatched),
            critical: unsigned(self.critical),
            cosmetic: unsigned(self.cosmetic),
            unknown: unsigned(self.unknown),
            build: self.build,
            rules: self.rules,
            monolith: self.monolith,
            reason: self.reason,
            since: time(self.since)?,
            last_at: time(self.last_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct RouteRow {
    route: String,
    matched: i64,
    ignored: i64,
    noise: i64,
    mismatched: i64,
    critical: i64,
    cosmetic: i64,
    budget_critical: f64,
    budget_cosmetic: f64,
    since: i64,
    last_at: i64,
    confidence: f64,
    seconds: i64,
    build: String,
    rules: String,
    monolith: Option<String>,
    reason: Option<String>,
}

impl RouteRow {
    fn budget(&self) -> Result<Budget, sqlx::Error> {
        let (critical, cosmetic) = (share(self.budget_critical)?, share(self.budget_cosmetic)?);
        Ok(Budget { critical, cosmetic })
    }

    fn proof(&self) -> Result<Proof, sqlx::Error> {
        let time = Duration::from_secs(unsigned(self.seconds));
        Ok(Proof { confidence: share(self.confidence)?, time })
    }
}

fn share(share: f64) -> Result<Share, sqlx::Error> {
    Share::new(share).ok_or_else(|| decode("a share"))
}
