//! The fingerprints by which a request that comes again is known, and what is known of each.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row as _;

use super::{
    database::{Database, Tx, integers, rows},
    distinct::{Known, Marks},
    reports::unsigned,
    table::{Merge, Table},
    value::Value,
};
use crate::{
    Tally,
    sampling::{Level, REMEMBERED, Sampling},
};

const FINGERPRINTS: Table = Table {
    name: "fingerprints",
    key: &["route", "fingerprint"],
    values: &[
        ("compared", Merge::Latest),
        ("critical", Merge::Latest),
        ("cosmetic", Merge::Latest),
    ],
};

const SAMPLINGS: Table = Table {
    name: "samplings",
    key: &["route"],
    values: &[("level", Merge::Replace), ("kept", Merge::Replace)],
};

/// By how much the counts of a kind's distinct requests grow.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grown {
    /// Requests that are new, whether they could be compared or not.
    pub(super) seen: u64,
    /// Those that are compared for the first time, and those that differ for the first time.
    pub(super) distinct: Tally,
}

/// Which of a route's distinct requests are counted, as a flush finds it.
pub(super) async fn sampling(tx: &mut Tx, route: &str) -> Result<Sampling, sqlx::Error> {
    let found = tx.fetch(SAMPLING, &[route.into()]).await?;
    Ok(rows(&found, of_row)?.pop().unwrap_or_default())
}

/// The same for a report.
pub(super) async fn read(database: &Database, route: &str) -> Result<Sampling, sqlx::Error> {
    let found = database.fetch(SAMPLING, &[route.into()]).await?;
    Ok(rows(&found, of_row)?.pop().unwrap_or_default())
}

const SAMPLING: &str = "SELECT level, kept FROM samplings WHERE route = $1";

fn of_row(row: &sqlx::any::AnyRow) -> Result<Sampling, sqlx::Error> {
    let level = u32::try_from(row.try_get::<i64, _>("level")?).unwrap_or(u32::MAX);
    Ok(Sampling { level: Level(level), kept: unsigned(row.try_get("kept")?) })
}

/// Adds the distinct requests of a kind, and says by how much its counts grow.
pub(super) async fn write(
    tx: &mut Tx,
    route: &str,
    came: &BTreeMap<u64, Known>,
    sampling: &mut Sampling,
) -> Result<Grown, sqlx::Error> {
    let known = known(tx, route, came).await?;
    let (changed, grown) = merge(came, &known, sampling);
    let changed: Vec<_> = changed
        .into_iter()
        .map(|(fingerprint, now)| {
            let marks = marks(now);
            let row = [now != Known::Unknown, marks.critical, marks.cosmetic].map(Value::from);
            [route.into(), fingerprint.cast_signed().into(), row[0], row[1], row[2]]
        })
        .collect();
    tx.upsert(&FINGERPRINTS, &changed).await?;
    Ok(grown)
}

/// What is to be written of the requests that came, beside what is known of them already.
fn merge(
    came: &BTreeMap<u64, Known>,
    known: &HashMap<u64, Known>,
    sampling: &mut Sampling,
) -> (Vec<(u64, Known)>, Grown) {
    let (mut changed, mut grown) = (Vec::new(), Grown::default());
    for (fingerprint, now) in came {
        let before = known.get(fingerprint).copied();
        let now = match before {
            Some(before) if before.or(*now) == before => continue,
            Some(before) => before.or(*now),
            None if !sampling.level.takes(*fingerprint) => continue,
            None => {
                sampling.kept += 1;
                grown.seen += 1;
                *now
            }
        };
        let before = before.unwrap_or(Known::Unknown);
        let (was, is) = (marks(before), marks(now));
        let is_first = before == Known::Unknown && now != Known::Unknown;
        grown.distinct.compared += u64::from(is_first);
        grown.distinct.critical += u64::from(is.critical && !was.critical);
        grown.distinct.cosmetic += u64::from(is.cosmetic && !was.cosmetic);
        changed.push((*fingerprint, now));
    }
    (changed, grown)
}

const fn marks(known: Known) -> Marks {
    match known {
        Known::Unknown => Marks { critical: false, cosmetic: false },
        Known::Compared(marks) => marks,
    }
}

/// Keeps how many there are, and forgets half of them while there are too many. What was counted
/// stays counted.
pub(super) async fn thin(
    tx: &mut Tx,
    route: &str,
    mut sampling: Sampling,
) -> Result<(), sqlx::Error> {
    while sampling.kept > REMEMBERED {
        sampling.level = sampling.level.next();
        // Those that the level takes are the smallest of all that are not negative.
        let most = i64::MAX.checked_shr(sampling.level.0 - 1).unwrap_or(0);
        let forget =
            "DELETE FROM fingerprints WHERE route = $1 AND (fingerprint < 0 OR fingerprint > $2)";
        tx.execute(forget, &[route.into(), most.into()]).await?;
        let left = "SELECT COUNT(*) FROM fingerprints WHERE route = $1";
        let left = integers(&tx.fetch(left, &[route.into()]).await?)?;
        sampling.kept = left.into_iter().map(unsigned).sum();
    }
    let row = [route.into(), u64::from(sampling.level.0).into(), sampling.kept.into()];
    tx.upsert(&SAMPLINGS, &[row]).await
}

/// What is known of these requests.
async fn known(
    tx: &mut Tx,
    route: &str,
    came: &BTreeMap<u64, Known>,
) -> Result<HashMap<u64, Known>, sqlx::Error> {
    let statement = "SELECT fingerprint, compared, critical, cosmetic FROM fingerprints \
                     WHERE route = $1 AND fingerprint";
    let fingerprints: Vec<Value<'_>> = came.keys().map(|it| it.cast_signed().into()).collect();
    let found = tx.fetch_in(statement, &[route.into()], &fingerprints).await?;
    let found = rows(&found, |it| {
        let mark = |column| Ok::<_, sqlx::Error>(it.try_get::<i64, _>(column)? != 0);
        let marks = Marks { critical: mark("critical")?, cosmetic: mark("cosmetic")? };
        let known = if mark("compared")? { Known::Compared(marks) } else { Known::Unknown };
        Ok((it.try_get::<i64, _>("fingerprint")?.cast_unsigned(), known))
    })?;
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests;
