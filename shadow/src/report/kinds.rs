//! Kinds of requests as they are written, and the fingerprints by which a request that comes again is
//! known.

use std::collections::HashMap;

use sqlx::Row as _;

use super::{
    database::{Tx, rows},
    distinct::{Kind, Kinds, Marks, STRATA},
    table::{Merge, Table},
    value::Value,
};
use crate::{Stratum, Tally};

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

/// Returns the requests that are new, and that differ for the first time.
async fn write_fingerprints(
    tx: &mut Tx,
    route: &str,
    kind: &Kind,
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
async fn marks(tx: &mut Tx, route: &str, kind: &Kind) -> Result<HashMap<u64, Marks>, sqlx::Error> {
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
