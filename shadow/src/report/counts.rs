//! A route's counts as they are written: to those that hold, to new ones after a change, or to those
//! of before it.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::{
    bound::Bound,
    clock::Now,
    database::{Tx, integers, rows},
    intervals, kinds, noise,
    pending::RouteDelta,
    table::{Merge, Table},
    value::{Value, milliseconds},
    writers,
};
use crate::binding::Binding;

/// Changes that a route remembers.
const EPOCHS: i64 = 20;

const ROUTES: Table = Table {
    name: "routes",
    key: &["route"],
    values: &[
        ("matched", Merge::Add),
        ("ignored", Merge::Add),
        ("noise", Merge::Add),
        ("mismatched", Merge::Add),
        ("critical", Merge::Add),
        ("cosmetic", Merge::Add),
        ("budget_critical", Merge::Keep),
        ("budget_cosmetic", Merge::Keep),
        ("since", Merge::Keep),
        ("last_at", Merge::Latest),
        ("confidence", Merge::Keep),
        ("seconds", Merge::Keep),
        ("build", Merge::Keep),
        ("rules", Merge::Keep),
        ("monolith", Merge::Known),
        ("bound_at", Merge::Replace),
        ("reason", Merge::Keep),
    ],
};

const UNKNOWNS: Table =
    Table { name: "unknowns", key: &["route", "reason"], values: &[("count", Merge::Add)] };

const LATENCIES: Table =
    Table { name: "latencies", key: &["route", "leg", "bucket"], values: &[("count", Merge::Add)] };

/// What a route's counts are in, but for the history and the differences. Older builds write to `spans`.
pub(super) const COUNTS: [&str; 11] = [
    "routes",
    "holders",
    "intervals",
    "spans",
    "unknowns",
    "latencies",
    "pairs",
    "strata",
    "kind_counts",
    "fingerprints",
    "samplings",
];

/// Requests that count for nothing that holds now.
#[derive(Debug, Default)]
pub(crate) struct Superseded {
    /// Those that are in a route's history.
    pub(crate) history: u64,
    /// Those for which there is no place even there.
    pub(crate) nowhere: u64,
    /// One of the routes whose processes nobody knows to be about to end, and the build to which it
    /// is bound.
    pub(crate) example: Option<(String, String)>,
}

/// Adds what happened to a route.
pub(super) async fn write(
    tx: &mut Tx,
    (writer, now): (&str, Now),
    (route, binding): (&str, &Binding),
    delta: &RouteDelta,
    superseded: &mut Superseded,
) -> Result<(), sqlx::Error> {
    let mut at = binding.since.map_or(0, |it| now.when(it));
    let mut reason = None;
    let bound = Bound::read(tx, route).await?;
    let is_known = bound.is_some();
    if let Some(bound) = bound {
        let changes = bound.changes(binding);
        let since = bound.since(now);
        if changes.is_empty() {
            at = at.max(since.unwrap_or(0));
        } else {
            let (is_replaced, is_older) =
                (binding.since.is_none(), since.is_some_and(|it| at < it));
            if is_replaced || (is_older && writers::is_held(tx, route, now).await?) {
                return supersede(tx, (route, binding), delta, (&bound, superseded)).await;
            }
            let mut change = changes.join(" and ");
            if is_older {
                change.push_str(", and nobody counts for what it was before");
            }
            begin_anew(tx, route).await?;
            reason = Some(change);
        }
    }
    if delta.is_empty() && reason.is_none() {
        return if is_known { writers::hold(tx, route, writer).await } else { Ok(()) };
    }
    write_route(tx, route, (binding, at), delta, reason.as_deref()).await?;
    writers::hold(tx, route, writer).await?;
    intervals::write(tx, route, &delta.compared, now).await?;
    write_unknowns(tx, route, delta).await?;
    write_latencies(tx, route, delta).await?;
    noise::write(tx, route, delta).await?;
    kinds::write(tx, route, &delta.kinds).await
}

/// Keeps what was counted for reading, and counts from nothing.
async fn begin_anew(tx: &mut Tx, route: &str) -> Result<(), sqlx::Error> {
    let route = Value::from(route);
    let strata = "SELECT stratum, distinct_compared FROM strata WHERE route = $1";
    let strata = rows(&tx.fetch(strata, &[route]).await?, |it| {
        Ok::<(String, i64), _>((it.try_get(0)?, it.try_get(1)?))
    })?;
    let strata: BTreeMap<_, _> = strata.into_iter().collect();
    let strata = serde_json::to_string(&strata).map_err(|it| sqlx::Error::Encode(it.into()))?;
    let unknowns = tx.fetch("SELECT count FROM unknowns WHERE route = $1", &[route]).await?;
    let unknown: i64 = integers(&unknowns)?.iter().sum();
    // An alias, since a parameter has no type of its own in a `SELECT`.
    let statement = format!(
        "INSERT INTO epochs (route, matched, ignored, noise, mismatched, critical, cosmetic, \
         unknown, strata, build, rules, monolith, reason, since, last_at) \
         SELECT route, matched, ignored, noise, mismatched, critical, cosmetic, \
         CAST($1 AS {}), $2, build, rules, monolith, reason, since, last_at \
         FROM routes WHERE route = $3",
        tx.dialect.integer()
    );
    tx.execute(&statement, &[unknown.into(), strata.as_str().into(), route]).await?;
    for table in COUNTS {
        tx.execute(&format!("DELETE FROM {table} WHERE route = $1"), &[route]).await?;
    }
    let statement = "SELECT id FROM epochs WHERE route = $1 ORDER BY id DESC LIMIT 1 OFFSET $2";
    let surplus = integers(&tx.fetch(statement, &[route, EPOCHS.into()]).await?)?;
    for newest in surplus {
        let statement = "DELETE FROM epochs WHERE route = $1 AND id <= $2";
        tx.execute(statement, &[route, newest.into()]).await?;
    }
    Ok(())
}

/// Adds what an older process, or an older version of the monolith, still had to say to the history.
async fn supersede(
    tx: &mut Tx,
    (route, binding): (&str, &Binding),
    delta: &RouteDelta,
    (bound, superseded): (&Bound, &mut Superseded),
) -> Result<(), sqlx::Error> {
    if delta.is_empty() {
        return Ok(());
    }
    if add_to_history(tx, (route, binding), delta).await? {
        superseded.history += delta.requests();
    } else {
        superseded.nowhere += delta.requests();
    }
    if binding.since.is_some() {
        superseded.example = Some((route.to_owned(), bound.build.clone()));
    }
    Ok(())
}

/// False where there is no place for it.
async fn add_to_history(
    tx: &mut Tx,
    (route, binding): (&str, &Binding),
    delta: &RouteDelta,
) -> Result<bool, sqlx::Error> {
    let found = "SELECT id, monolith, last_at FROM epochs \
                 WHERE route = $1 AND build = $2 AND rules = $3 ORDER BY id DESC";
    let values = [route.into(), (*binding.build).into(), (*binding.rules).into()];
    let found = rows(&tx.fetch(found, &values).await?, |it| {
        let monolith: Option<String> = it.try_get("monolith")?;
        let is_it =
            binding.monolith.is_none() || monolith.as_deref() == binding.monolith.as_deref();
        Ok(is_it.then_some((it.try_get::<i64, _>("id")?, it.try_get::<i64, _>("last_at")?)))
    })?;
    let Some((id, last_at)) = found.into_iter().flatten().next() else { return Ok(false) };
    let unknown: u64 = delta.unknowns.values().sum();
    let statement = "UPDATE epochs SET matched = matched + $1, ignored = ignored + $2, \
                     noise = noise + $3, mismatched = mismatched + $4, critical = critical + $5, \
                     cosmetic = cosmetic + $6, unknown = unknown + $7, last_at = $8 WHERE id = $9";
    let values = [
        delta.matched.into(),
        delta.ignored.into(),
        delta.noise.into(),
        delta.mismatched.into(),
        delta.critical.into(),
        delta.cosmetic.into(),
        unknown.into(),
        last_at.max(milliseconds(delta.last_at)).into(),
        id.into(),
    ];
    tx.execute(statement, &values).await.map(|_| true)
}

async fn write_route(
    tx: &mut Tx,
    route: &str,
    (binding, at): (&Binding, i64),
    delta: &RouteDelta,
    reason: Option<&str>,
) -> Result<(), sqlx::Error> {
    let row = [
        route.into(),
        delta.matched.into(),
        delta.ignored.into(),
        delta.noise.into(),
        delta.mismatched.into(),
        delta.critical.into(),
        delta.cosmetic.into(),
        delta.budget.critical.get().into(),
        delta.budget.cosmetic.get().into(),
        delta.first_at.into(),
        delta.last_at.into(),
        delta.proof.confidence.get().into(),
        delta.proof.time.as_secs().into(),
        (*binding.build).into(),
        (*binding.rules).into(),
        binding.monolith.as_deref().into(),
        at.into(),
        reason.into(),
    ];
    tx.upsert(&ROUTES, &[row]).await
}

async fn write_unknowns(tx: &mut Tx, route: &str, delta: &RouteDelta) -> Result<(), sqlx::Error> {
    let unknowns = delta.unknowns.iter();
    let rows: Vec<_> =
        unknowns.map(|(why, count)| [route.into(), why.label().into(), (*count).into()]).collect();
    tx.upsert(&UNKNOWNS, &rows).await
}

async fn write_latencies(tx: &mut Tx, route: &str, delta: &RouteDelta) -> Result<(), sqlx::Error> {
    let legs = [("control", &delta.control), ("candidate", &delta.candidate)];
    let rows = legs.into_iter().flat_map(|(leg, buckets)| {
        let row = move |(bucket, count): (&i64, &u64)| {
            [route.into(), leg.into(), (*bucket).into(), (*count).into()]
        };
        buckets.iter().map(row)
    });
    tx.upsert(&LATENCIES, &rows.collect::<Vec<_>>()).await
}
