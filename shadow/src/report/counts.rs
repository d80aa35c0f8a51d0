//! A route's counts as they are written: to those that hold, to new ones after a change, or to those
//! of before it.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::{
    database::{Tx, integers, rows},
    kinds,
    pending::RouteDelta,
    table::{Merge, Table},
    value::{Value, milliseconds},
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
        ("bound_at", Merge::Latest),
        ("reason", Merge::Keep),
    ],
};

const SPANS: Table = Table {
    name: "spans",
    key: &["route"],
    values: &[("first_at", Merge::Keep), ("last_at", Merge::Latest)],
};

const UNKNOWNS: Table =
    Table { name: "unknowns", key: &["route", "reason"], values: &[("count", Merge::Add)] };

const LATENCIES: Table =
    Table { name: "latencies", key: &["route", "leg", "bucket"], values: &[("count", Merge::Add)] };

/// What a route's counts are in, but for the history and the differences.
pub(super) const COUNTS: [&str; 8] = [
    "routes",
    "spans",
    "unknowns",
    "latencies",
    "strata",
    "kind_counts",
    "fingerprints",
    "samplings",
];

/// What the counts in the store are bound to.
struct Bound {
    build: String,
    rules: String,
    monolith: Option<String>,
    at: i64,
}

/// Adds what happened to a route.
pub(super) async fn write(
    tx: &mut Tx,
    route: &str,
    binding: &Binding,
    delta: &RouteDelta,
) -> Result<(), sqlx::Error> {
    let mut reason = None;
    if let Some(bound) = bound(tx, route).await? {
        let changes = changes(&bound, binding);
        if !changes.is_empty() {
            if milliseconds(binding.at) < bound.at {
                return add_to_earlier(tx, route, binding, delta).await;
            }
            begin_anew(tx, route).await?;
            reason = Some(changes.join(" and "));
        }
    }
    write_route(tx, route, binding, delta, reason.as_deref()).await?;
    write_span(tx, route, delta).await?;
    write_unknowns(tx, route, delta).await?;
    write_latencies(tx, route, delta).await?;
    kinds::write(tx, route, &delta.kinds).await
}

async fn bound(tx: &mut Tx, route: &str) -> Result<Option<Bound>, sqlx::Error> {
    let statement = "SELECT build, rules, monolith, bound_at FROM routes WHERE route = $1";
    let found = tx.fetch(statement, &[route.into()]).await?;
    let bound = rows(&found, |it| {
        let (build, rules) = (it.try_get("build")?, it.try_get("rules")?);
        let (monolith, at) = (it.try_get("monolith")?, it.try_get("bound_at")?);
        Ok(Bound { build, rules, monolith, at })
    });
    Ok(bound?.pop())
}

/// What differs, for a person. A version of the monolith that nobody knows differs from none.
fn changes(bound: &Bound, binding: &Binding) -> Vec<String> {
    let mut changes = Vec::new();
    if *bound.build != *binding.build {
        let Bound { build, .. } = bound;
        changes.push(match build.as_str() {
            "" => format!("the build is {} now", binding.build),
            _ => format!("the build changed from {build} to {}", binding.build),
        });
    }
    if *bound.rules != *binding.rules {
        changes.push("the route's rules, budget or proof changed".to_owned());
    }
    match (&bound.monolith, &binding.monolith) {
        (Some(old), Some(new)) if **old != **new => {
            changes.push(format!("the monolith changed from {old} to {new}"));
        }
        _ => {}
    }
    changes
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

/// Adds what an older process, or an older version of the monolith, still had to say.
async fn add_to_earlier(
    tx: &mut Tx,
    route: &str,
    binding: &Binding,
    delta: &RouteDelta,
) -> Result<(), sqlx::Error> {
    let found = "SELECT id, monolith, last_at FROM epochs \
                 WHERE route = $1 AND build = $2 AND rules = $3 ORDER BY id DESC";
    let values = [route.into(), (*binding.build).into(), (*binding.rules).into()];
    let found = rows(&tx.fetch(found, &values).await?, |it| {
        let monolith: Option<String> = it.try_get("monolith")?;
        let is_it =
            binding.monolith.is_none() || monolith.as_deref() == binding.monolith.as_deref();
        Ok(is_it.then_some((it.try_get::<i64, _>("id")?, it.try_get::<i64, _>("last_at")?)))
    })?;
    let Some((id, last_at)) = found.into_iter().flatten().next() else { return Ok(()) };
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
    tx.execute(statement, &values).await.map(drop)
}

async fn write_route(
    tx: &mut Tx,
    route: &str,
    binding: &Binding,
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
        binding.at.into(),
        reason.into(),
    ];
    tx.upsert(&ROUTES, &[row]).await
}

async fn write_span(tx: &mut Tx, route: &str, delta: &RouteDelta) -> Result<(), sqlx::Error> {
    let spans = delta.compared.iter();
    let rows: Vec<_> =
        spans.map(|(first, last)| [route.into(), (*first).into(), (*last).into()]).collect();
    tx.upsert(&SPANS, &rows).await
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
