//! Kinds of requests as they are written and read, and the fingerprints by which a request that comes
//! again is known.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row as _;

use super::{
    StratumReport,
    database::{Database, Tx, rows},
    distinct::{KindDelta, Kinds, Marks, STRATA},
    reports::{decode, unsigned},
    table::{Merge, Table},
    value::Value,
};
use crate::{Budget, Coverage, Evidence, KindEvidence, Proof, Stratum, Tally, Unknown, Verdict};

/// Fingerprints that the store keeps of a route: some 4 MiB. Beyond it only those of requests that
/// differ are added, up to twice as many: what is left out then speaks for the route.
const FINGERPRINTS: i64 = 100_000;

const KINDS: Table = Table {
    name: "strata",
    key: &["route", "stratum"],
    values: &[
        ("compared", Merge::Add),
        ("critical", Merge::Add),
        ("cosmetic", Merge::Add),
        ("distinct_compared", Merge::Add),
        ("distinct_critical", Merge::Add),
        ("distinct_cosmetic", Merge::Add),
    ],
};

const MARKS: Table = Table {
    name: "fingerprints",
    key: &["route", "fingerprint"],
    values: &[("critical", Merge::Latest), ("cosmetic", Merge::Latest)],
};

const COUNTS: Table = Table {
    name: "kind_counts",
    key: &["route", "stratum", "name"],
    values: &[("count", Merge::Add)],
};

/// Adds what happened to a route's kinds of requests.
pub(super) async fn write(tx: &mut Tx, route: &str, kinds: &Kinds) -> Result<(), sqlx::Error> {
    let known = "SELECT stratum, distinct_compared FROM strata WHERE route = $1";
    let known = rows(&tx.fetch(known, &[route.into()]).await?, |it| {
        Ok::<(String, i64), _>((it.try_get(0)?, it.try_get(1)?))
    })?;
    let mut kept: i64 = known.iter().map(|it| it.1).sum();
    let mut count = known.len();
    for (stratum, kind) in &kinds.0 {
        let is_known = known.iter().any(|it| it.0 == stratum.as_str());
        count += usize::from(!is_known);
        let other = Stratum::other();
        let stratum = if is_known || count <= STRATA { stratum } else { &other };
        let distinct = write_fingerprints(tx, route, kind, &mut kept).await?;
        write_kind(tx, route, stratum, kind.requests, distinct).await?;
        write_counts(tx, route, stratum, kind).await?;
    }
    Ok(())
}

async fn write_kind(
    tx: &mut Tx,
    route: &str,
    stratum: &Stratum,
    requests: Tally,
    distinct: Tally,
) -> Result<(), sqlx::Error> {
    let row = [
        route.into(),
        stratum.as_str().into(),
        requests.compared.into(),
        requests.critical.into(),
        requests.cosmetic.into(),
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
    let rows: Vec<_> = kind.unknowns.iter().map(|(why, count)| row(why.label(), *count)).collect();
    tx.upsert(&COUNTS, &rows).await
}

/// Returns the requests that are new, and that differ for the first time.
async fn write_fingerprints(
    tx: &mut Tx,
    route: &str,
    kind: &KindDelta,
    kept: &mut i64,
) -> Result<Tally, sqlx::Error> {
    let known = marks(tx, route, kind).await?;
    let (mut tally, mut changed) = (Tally::default(), Vec::new());
    for (fingerprint, marks) in &kind.distinct {
        let room = if marks.is_clean() { FINGERPRINTS } else { 2 * FINGERPRINTS };
        let before = match known.get(fingerprint) {
            Some(before) if before.or(*marks) == *before => continue,
            Some(before) => *before,
            None if *kept < room => {
                *kept += 1;
                tally.compared += 1;
                Marks::default()
            }
            None => continue,
        };
        let (critical, cosmetic) = (marks.critical.into(), marks.cosmetic.into());
        changed.push([route.into(), fingerprint.cast_signed().into(), critical, cosmetic]);
        tally.critical += u64::from(marks.critical && !before.critical);
        tally.cosmetic += u64::from(marks.cosmetic && !before.cosmetic);
    }
    tx.upsert(&MARKS, &changed).await?;
    Ok(tally)
}

/// What is known of the requests of this kind.
async fn marks(
    tx: &mut Tx,
    route: &str,
    kind: &KindDelta,
) -> Result<HashMap<u64, Marks>, sqlx::Error> {
    let statement = "SELECT fingerprint, critical, cosmetic FROM fingerprints \
                     WHERE route = $1 AND fingerprint";
    let fingerprints: Vec<Value<'_>> =
        kind.distinct.keys().map(|it| it.cast_signed().into()).collect();
    let found = tx.fetch_in(statement, &[route.into()], &fingerprints).await?;
    let found = rows(&found, |it| {
        let mark = |column| Ok::<_, sqlx::Error>(it.try_get::<i64, _>(column)? != 0);
        let marks = Marks { critical: mark("critical")?, cosmetic: mark("cosmetic")? };
        Ok((it.try_get::<i64, _>("fingerprint")?.cast_unsigned(), marks))
    })?;
    Ok(found.into_iter().collect())
}

/// One kind of requests, as it is read.
pub(super) struct Kind {
    pub(super) stratum: Stratum,
    pub(super) evidence: KindEvidence,
    requests: Tally,
}

/// A route's kinds of requests, the frequent first.
pub(super) async fn read(database: &Database, route: &str) -> Result<Vec<Kind>, sqlx::Error> {
    let unknowns = unknowns(database, route).await?;
    let statement = "SELECT * FROM strata WHERE route = $1";
    let mut found = rows(&database.fetch(statement, &[route.into()]).await?, |it| {
        let stratum: String = it.try_get("stratum")?;
        let count = |column: &str| Ok::<_, sqlx::Error>(unsigned(it.try_get(column)?));
        let (compared, critical) = (count("compared")?, count("critical")?);
        let requests = Tally { compared, critical, cosmetic: count("cosmetic")? };
        let (distinct, critical) = (count("distinct_compared")?, count("distinct_critical")?);
        let cosmetic = count("distinct_cosmetic")?;
        let distinct = Tally { compared: distinct, critical, cosmetic };
        let coverage =
            Coverage { compared, unknowns: unknowns.get(&stratum).cloned().unwrap_or_default() };
        let Ok(stratum) = stratum.parse();
        Ok(Kind { stratum, evidence: KindEvidence { distinct, coverage }, requests })
    })?;
    found.sort_by(|a, b| {
        b.requests.compared.cmp(&a.requests.compared).then_with(|| a.stratum.cmp(&b.stratum))
    });
    Ok(found)
}

/// By kind and reason.
async fn unknowns(
    database: &Database,
    route: &str,
) -> Result<HashMap<String, BTreeMap<Unknown, u64>>, sqlx::Error> {
    let statement = "SELECT stratum, name, count FROM kind_counts WHERE route = $1";
    let found = rows(&database.fetch(statement, &[route.into()]).await?, |it| {
        let name: String = it.try_get("name")?;
        let why = Unknown::parse(&name).ok_or_else(|| decode("an unknown's reason"))?;
        Ok((it.try_get("stratum")?, why, unsigned(it.try_get("count")?)))
    })?;
    let mut unknowns: HashMap<_, BTreeMap<_, _>> = HashMap::new();
    for (stratum, why, count) in found {
        unknowns.entry(stratum).or_default().insert(why, count);
    }
    Ok(unknowns)
}

impl Kind {
    /// What it comes to by itself.
    pub(super) fn report(self, budget: Budget, proof: Proof) -> StratumReport {
        let Self { stratum, evidence: kind, requests } = self;
        let (distinct, coverage) = (kind.distinct, kind.coverage.clone());
        let strata = BTreeMap::from([(stratum.clone(), kind)]);
        let evidence = Evidence { strata, coverage, ..Evidence::default() };
        let verdict = Verdict::of(&evidence, budget, proof);
        StratumReport {
            stratum,
            requests,
            distinct,
            unknowns: evidence.coverage.unknowns,
            state: verdict.state,
            more_requests: verdict.more_requests,
        }
    }
}
