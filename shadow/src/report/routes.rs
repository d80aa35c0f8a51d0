//! What is read of routes: their counts, and the verdict that these make.

use std::{collections::BTreeMap, time::Duration};

use sqlx::SqlitePool;

use super::{
    EarlierReport, Latency, RouteReport, StoreError, StratumReport,
    reports::{decode, time, unsigned},
};
use crate::{
    Budget, Evidence, Proof, Share, Stratum, Tally, Unknown, Verdict, Watched, verdict::Buckets,
};

/// A kind of requests with a smaller share of those before a change is not waited for after it, ...
const SHARE: u64 = 20;

/// ... nor is any if there were fewer requests than this.
const FEW: u64 = 100;

pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<RouteReport>, StoreError> {
    let rows: Vec<RouteRow> =
        sqlx::query_as("SELECT * FROM routes ORDER BY route").fetch_all(pool).await?;
    let mut reports = Vec::with_capacity(rows.len());
    for row in rows {
        reports.push(report(pool, row).await?);
    }
    Ok(reports)
}

pub(super) async fn one(pool: &SqlitePool, route: &str) -> Result<Option<RouteReport>, StoreError> {
    let row: Option<RouteRow> = sqlx::query_as("SELECT * FROM routes WHERE route = ?")
        .bind(route)
        .fetch_optional(pool)
        .await?;
    match row {
        Some(row) => report(pool, row).await.map(Some),
        None => Ok(None),
    }
}

async fn report(pool: &SqlitePool, row: RouteRow) -> Result<RouteReport, StoreError> {
    let route = &row.route;
    let control = buckets(pool, route, "control").await?;
    let candidate = buckets(pool, route, "candidate").await?;
    let latencies = [Latency::of(&control), Latency::of(&candidate)];
    let kinds = kinds(pool, route).await?;
    let epochs = epochs(pool, route).await?;
    let (since, last_at) = (time(row.since)?, time(row.last_at)?);
    let span = (last_at - since).unsigned_abs();
    let evidence = Evidence {
        strata: kinds.iter().map(|it| (it.stratum.clone(), it.distinct)).collect(),
        unseen: unseen(epochs.first(), &kinds),
        compared: unsigned(row.matched + row.ignored + row.noise + row.mismatched),
        unknowns: unknowns(pool, route).await?,
        watched: Some(Watched { span, control, candidate }),
    };
    let (budget, proof) = (row.budget()?, row.proof()?);
    let [control, candidate] = latencies;
    Ok(RouteReport {
        verdict: Verdict::of(&evidence, budget, proof),
        strata: kinds.into_iter().map(|it| it.report(budget, proof)).collect(),
        matched: unsigned(row.matched),
        ignored: unsigned(row.ignored),
        noise: unsigned(row.noise),
        mismatched: unsigned(row.mismatched),
        critical: unsigned(row.critical),
        cosmetic: unsigned(row.cosmetic),
        unknowns: evidence.unknowns,
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

/// What came before the last change, was not rare, and has not come since.
fn unseen(before: Option<&EpochRow>, now: &[KindRow]) -> Vec<Stratum> {
    let Some(before) = before else { return Vec::new() };
    // It is what this crate wrote; a store that is damaged there makes nothing wait.
    let strata: BTreeMap<String, u64> = serde_json::from_str(&before.strata).unwrap_or_default();
    let total: u64 = strata.values().sum();
    let is_common = |count: u64| total >= FEW && count * SHARE >= total;
    let common = strata.into_iter().filter(|(_, count)| is_common(*count));
    let Ok(strata) = common.map(|(name, _)| name.parse()).collect::<Result<Vec<Stratum>, _>>();
    strata.into_iter().filter(|it| now.iter().all(|kind| kind.stratum != *it)).collect()
}

async fn unknowns(pool: &SqlitePool, route: &str) -> Result<BTreeMap<Unknown, u64>, StoreError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT reason, count FROM unknowns WHERE route = ?")
            .bind(route)
            .fetch_all(pool)
            .await?;
    let rows = rows.into_iter().map(|(reason, count)| {
        let reason = Unknown::parse(&reason).ok_or_else(|| decode("an unknown's reason"))?;
        Ok::<_, StoreError>((reason, unsigned(count)))
    });
    rows.collect()
}

async fn buckets(pool: &SqlitePool, route: &str, leg: &str) -> Result<Buckets, StoreError> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT bucket, count FROM latencies WHERE route = ? AND leg = ?")
            .bind(route)
            .bind(leg)
            .fetch_all(pool)
            .await?;
    Ok(rows.into_iter().map(|(bucket, count)| (bucket, unsigned(count))).collect())
}

/// One kind of requests.
struct KindRow {
    stratum: Stratum,
    requests: Tally,
    distinct: Tally,
}

async fn kinds(pool: &SqlitePool, route: &str) -> Result<Vec<KindRow>, StoreError> {
    let rows: Vec<(String, i64, i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT stratum, compared, critical, cosmetic, distinct_compared, distinct_critical, \
         distinct_cosmetic FROM strata WHERE route = ? ORDER BY compared DESC, stratum",
    )
    .bind(route)
    .fetch_all(pool)
    .await?;
    let tally = |[compared, critical, cosmetic]: [i64; 3]| Tally {
        compared: unsigned(compared),
        critical: unsigned(critical),
        cosmetic: unsigned(cosmetic),
    };
    let rows = rows.into_iter().map(|(name, a, b, c, d, e, f)| {
        let Ok(stratum) = name.parse();
        KindRow { stratum, requests: tally([a, b, c]), distinct: tally([d, e, f]) }
    });
    Ok(rows.collect())
}

impl KindRow {
    fn report(self, budget: Budget, proof: Proof) -> StratumReport {
        let Self { stratum, requests, distinct } = self;
        let strata = BTreeMap::from([(stratum.clone(), distinct)]);
        let evidence = Evidence { strata, ..Evidence::default() };
        let verdict = Verdict::of(&evidence, budget, proof);
        StratumReport {
            stratum,
            requests,
            distinct,
            state: verdict.state,
            more_requests: verdict.more_requests,
        }
    }
}

async fn epochs(pool: &SqlitePool, route: &str) -> Result<Vec<EpochRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM epochs WHERE route = ? ORDER BY id DESC")
        .bind(route)
        .fetch_all(pool)
        .await?)
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
