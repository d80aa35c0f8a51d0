//! Kinds of requests as they are written, and the fingerprints by which a request that comes again is
//! known.

use sqlx::{Sqlite, Transaction};

use super::{
    distinct::{Kind, Kinds, Marks, STRATA},
    store::signed,
};
use crate::{Stratum, Tally};

/// Fingerprints that the store keeps of a route: some 4 MiB. Beyond it only those of requests that
/// differ are added, up to twice as many: what is left out then speaks for the route.
const FINGERPRINTS: i64 = 100_000;

type Tx<'a> = Transaction<'a, Sqlite>;

/// Adds what happened to a route's kinds of requests.
pub(super) async fn write(tx: &mut Tx<'_>, route: &str, kinds: &Kinds) -> Result<(), sqlx::Error> {
    let known: Vec<(String, i64)> =
        sqlx::query_as("SELECT stratum, distinct_compared FROM strata WHERE route = ?")
            .bind(route)
            .fetch_all(&mut **tx)
            .await?;
    let mut kept: i64 = known.iter().map(|it| it.1).sum();
    let mut rows = known.len();
    for (stratum, kind) in &kinds.0 {
        let is_known = known.iter().any(|it| it.0 == stratum.as_str());
        rows += usize::from(!is_known);
        let other = Stratum::other();
        let stratum = if is_known || rows <= STRATA { stratum } else { &other };
        let distinct = write_fingerprints(tx, route, kind, &mut kept).await?;
        write_kind(tx, route, stratum, kind.requests, distinct).await?;
    }
    Ok(())
}

async fn write_kind(
    tx: &mut Tx<'_>,
    route: &str,
    stratum: &Stratum,
    requests: Tally,
    distinct: Tally,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO strata VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (route, stratum) DO UPDATE SET compared = compared + ?3, \
         critical = critical + ?4, cosmetic = cosmetic + ?5, \
         distinct_compared = distinct_compared + ?6, \
         distinct_critical = distinct_critical + ?7, distinct_cosmetic = distinct_cosmetic + ?8",
    )
    .bind(route)
    .bind(stratum.as_str())
    .bind(signed(requests.compared))
    .bind(signed(requests.critical))
    .bind(signed(requests.cosmetic))
    .bind(signed(distinct.compared))
    .bind(signed(distinct.critical))
    .bind(signed(distinct.cosmetic))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Returns the requests that are new, and that differ for the first time.
async fn write_fingerprints(
    tx: &mut Tx<'_>,
    route: &str,
    kind: &Kind,
    kept: &mut i64,
) -> Result<Tally, sqlx::Error> {
    let mut tally = Tally::default();
    for (fingerprint, marks) in &kind.distinct {
        let room = if marks.is_clean() { FINGERPRINTS } else { 2 * FINGERPRINTS };
        let before = if *kept < room && insert(tx, route, *fingerprint, *marks).await? {
            *kept += 1;
            tally.compared += 1;
            Marks::default()
        } else if marks.is_clean() {
            continue;
        } else {
            // Known already, or beyond the bound.
            let Some(before) = marks_of(tx, route, *fingerprint).await? else { continue };
            update(tx, route, *fingerprint, before.or(*marks)).await?;
            before
        };
        tally.critical += u64::from(marks.critical && !before.critical);
        tally.cosmetic += u64::from(marks.cosmetic && !before.cosmetic);
    }
    Ok(tally)
}

/// Whether it is new.
async fn insert(
    tx: &mut Tx<'_>,
    route: &str,
    fingerprint: u64,
    marks: Marks,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query("INSERT OR IGNORE INTO fingerprints VALUES (?, ?, ?, ?)")
        .bind(route)
        .bind(fingerprint.cast_signed())
        .bind(marks.critical)
        .bind(marks.cosmetic)
        .execute(&mut **tx)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

async fn update(
    tx: &mut Tx<'_>,
    route: &str,
    fingerprint: u64,
    marks: Marks,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE fingerprints SET critical = ?3, cosmetic = ?4 WHERE route = ?1 AND fingerprint = ?2",
    )
    .bind(route)
    .bind(fingerprint.cast_signed())
    .bind(marks.critical)
    .bind(marks.cosmetic)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn marks_of(
    tx: &mut Tx<'_>,
    route: &str,
    fingerprint: u64,
) -> Result<Option<Marks>, sqlx::Error> {
    let marks: Option<(bool, bool)> = sqlx::query_as(
        "SELECT critical, cosmetic FROM fingerprints WHERE route = ? AND fingerprint = ?",
    )
    .bind(route)
    .bind(fingerprint.cast_signed())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(marks.map(|(critical, cosmetic)| Marks { critical, cosmetic }))
}
