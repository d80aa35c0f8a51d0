//! Kinds of requests as they are written and read, and the fingerprints by which a request that comes
//! again is known.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row as _;

use super::{
    StratumReport,
    database::{Database, Tx, rows},
    distinct::{KindDelta, Kinds, STRATA},
    fingerprints::{self, Grown},
    reports::{decode, unsigned},
    table::{Merge, Table},
};
use crate::{Budget, Coverage, Evidence, KindEvidence, Proof, Stratum, Tally, Unknown, Verdict};

const KINDS: Table = Table {
    name: "strata",
    key: &["route", "stratum"],
    values: &[
        ("compared", Merge::Add),
        ("critical", Merge::Add),
        ("cosmetic", Merge::Add),
        ("distinct_seen", Merge::Add),
        ("distinct_compared", Merge::Add),
        ("distinct_critical", Merge::Add),
        ("distinct_cosmetic", Merge::Add),
    ],
};

const COUNTS: Table = Table {
    name: "kind_counts",
    key: &["route", "stratum", "name"],
    values: &[("count", Merge::Add)],
};

/// Beside the reasons of unknowns.
const BY_DIGEST: &str = "matched_by_digest";

/// Adds what happened to a route's kinds of requests.
pub(super) async fn write(tx: &mut Tx, route: &str, kinds: &Kinds) -> Result<(), sqlx::Error> {
    let known = "SELECT stratum FROM strata WHERE route = $1";
    let known = rows(&tx.fetch(known, &[route.into()]).await?, |it| it.try_get::<String, _>(0))?;
    let before = fingerprints::sampling(tx, route).await?;
    let (mut sampling, mut count) = (before, known.len());
    for (stratum, kind) in &kinds.all {
        let is_known = known.iter().any(|it| it == stratum.as_str());
        count += usize::from(!is_known);
        let other = Stratum::other();
        let stratum = if is_known || count <= STRATA { stratum } else { &other };
        let distinct = fingerprints::write(tx, route, &kind.distinct, &mut sampling).await?;
        write_kind(tx, route, stratum, kind.requests, distinct).await?;
        write_counts(tx, route, stratum, kind).await?;
    }
    if sampling == before {
        return Ok(());
    }
    fingerprints::thin(tx, route, sampling).await
}

async fn write_kind(
    tx: &mut Tx,
    route: &str,
    stratum: &Stratum,
    requests: Tally,
    Grown { seen, distinct }: Grown,
) -> Result<(), sqlx::Error> {
    let row = [
        route.into(),
        stratum.as_str().into(),
        requests.compared.into(),
        requests.critical.into(),
        requests.cosmetic.into(),
        seen.into(),
        distinct.compared.into(),
        distinct.critical.into(),
        distinct.cosmetic.into(),
    ];
    tx.upsert(&KINDS, &[row]).await
}

async fn write_counts(
    tx: &mut Tx,
    route: &str,
    stratum: &Stratum,
    kind: &KindDelta,
) -> Result<(), sqlx::Error> {
    let row = |name: &'static str, count: u64| {
        [route.into(), stratum.as_str().into(), name.into(), count.into()]
    };
    let unknowns = kind.unknowns.iter().map(|(why, count)| row(why.label(), *count));
    let by_digest = (kind.matched_by_digest > 0).then(|| row(BY_DIGEST, kind.matched_by_digest));
    tx.upsert(&COUNTS, &unknowns.chain(by_digest).collect::<Vec<_>>()).await
}

/// One kind of requests, as it is read.
pub(super) struct Kind {
    pub(super) stratum: Stratum,
    pub(super) evidence: KindEvidence,
    requests: Tally,
    pub(super) matched_by_digest: u64,
}

/// A route's kinds of requests, the frequent first.
pub(super) async fn read(database: &Database, route: &str) -> Result<Vec<Kind>, sqlx::Error> {
    let counts = counts(database, route).await?;
    let statement = "SELECT * FROM strata WHERE route = $1";
    let mut found = rows(&database.fetch(statement, &[route.into()]).await?, |it| {
        let stratum: String = it.try_get("stratum")?;
        let Counts { unknowns, matched_by_digest } =
            counts.get(&stratum).cloned().unwrap_or_default();
        let tally = |compared, critical, cosmetic| {
            let count = |column: &str| Ok::<_, sqlx::Error>(unsigned(it.try_get(column)?));
            let (compared, critical) = (count(compared)?, count(critical)?);
            Ok::<_, sqlx::Error>(Tally { compared, critical, cosmetic: count(cosmetic)? })
        };
        let requests = tally("compared", "critical", "cosmetic")?;
        let distinct = tally("distinct_compared", "distinct_critical", "distinct_cosmetic")?;
        let seen = unsigned(it.try_get("distinct_seen")?);
        let never = seen.saturating_sub(distinct.compared);
        let coverage = Coverage { compared: requests.compared, unknowns };
        let Ok(stratum) = stratum.parse();
        let evidence = KindEvidence { distinct, never, coverage };
        Ok(Kind { stratum, evidence, requests, matched_by_digest })
    })?;
    found.sort_by(|a, b| {
        b.requests.compared.cmp(&a.requests.compared).then_with(|| a.stratum.cmp(&b.stratum))
    });
    Ok(found)
}

/// What is counted of a kind beside its answers.
#[derive(Default, Clone)]
struct Counts {
    unknowns: BTreeMap<Unknown, u64>,
    matched_by_digest: u64,
}

async fn counts(database: &Database, route: &str) -> Result<HashMap<String, Counts>, sqlx::Error> {
    let statement = "SELECT stratum, name, count FROM kind_counts WHERE route = $1";
    let found = rows(&database.fetch(statement, &[route.into()]).await?, |it| {
        let (stratum, name): (String, String) = (it.try_get("stratum")?, it.try_get("name")?);
        Ok((stratum, name, unsigned(it.try_get("count")?)))
    })?;
    let mut kinds: HashMap<_, Counts> = HashMap::new();
    for (stratum, name, count) in found {
        let counts = kinds.entry(stratum).or_default();
        if name == BY_DIGEST {
            counts.matched_by_digest = count;
        } else {
            let why = Unknown::parse(&name).ok_or_else(|| decode("a count of a kind"))?;
            counts.unknowns.insert(why, count);
        }
    }
    Ok(kinds)
}

impl Kind {
    /// What it comes to by itself.
    pub(super) fn report(self, route: &Evidence, budget: Budget, proof: Proof) -> StratumReport {
        let Self { stratum, evidence: kind, requests, matched_by_digest } = self;
        let verdict = Verdict::of_kind(route, &kind, budget, proof);
        StratumReport {
            stratum,
            requests,
            distinct: kind.distinct,
            matched_by_digest,
            declined_share: kind.coverage.declined_share(),
            unknowns: kind.coverage.unknowns,
            state: verdict.state,
            more_requests: verdict.more_requests,
        }
    }
}
