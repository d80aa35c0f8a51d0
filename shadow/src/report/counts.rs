//! A route's counts as they are written: to those that hold, to new ones after a change, or to those
//! of before it.

use sqlx::{Sqlite, Transaction};

use super::{
    kinds,
    pending::RouteDelta,
    store::{milliseconds, signed},
};
use crate::binding::Binding;

/// Changes that a route remembers.
const EPOCHS: i64 = 20;

type Tx<'a> = Transaction<'a, Sqlite>;

/// What the counts in the store are bound to.
#[derive(sqlx::FromRow)]
struct Bound {
    build: String,
    rules: String,
    monolith: Option<String>,
    #[sqlx(rename = "bound_at")]
    at: i64,
}

/// Adds what happened to a route.
pub(super) async fn write(
    tx: &mut Tx<'_>,
    route: &str,
    binding: &Binding,
    delta: &RouteDelta,
) -> Result<(), sqlx::Error> {
    let bound: Option<Bound> =
        sqlx::query_as("SELECT build, rules, monolith, bound_at FROM routes WHERE route = ?")
            .bind(route)
            .fetch_optional(&mut **tx)
            .await?;
    let mut reason = None;
    if let Some(bound) = &bound {
        let changes = changes(bound, binding);
        if !changes.is_empty() {
            if milliseconds(binding.at) < bound.at {
                return add_to_earlier(tx, route, binding, delta).await;
            }
            begin_anew(tx, route).await?;
            reason = Some(changes.join(" and "));
        }
    }
    write_route(tx, route, binding, delta, reason).await?;
    write_unknowns(tx, route, delta).await?;
    write_latencies(tx, route, delta).await?;
    kinds::write(tx, route, &delta.kinds).await
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
async fn begin_anew(tx: &mut Tx<'_>, route: &str) -> Result<(), sqlx::Error> {
    let statements = [
        "INSERT INTO epochs (route, matched, ignored, mismatched, critical, cosmetic, unknown, \
         strata, build, rules, monolith, reason, since, last_at, noise) \
         SELECT route, matched, ignored, mismatched, critical, cosmetic, \
         (SELECT COALESCE(SUM(count), 0) FROM unknowns WHERE route = ?1), \
         (SELECT json_group_object(stratum, distinct_compared) FROM strata WHERE route = ?1), \
         build, rules, monolith, reason, since, last_at, noise FROM routes WHERE route = ?1",
        "DELETE FROM routes WHERE route = ?1",
        "DELETE FROM unknowns WHERE route = ?1",
        "DELETE FROM latencies WHERE route = ?1",
        "DELETE FROM strata WHERE route = ?1",
        "DELETE FROM fingerprints WHERE route = ?1",
    ];
    for statement in statements {
        sqlx::query(statement).bind(route).execute(&mut **tx).await?;
    }
    sqlx::query(
        "DELETE FROM epochs WHERE route = ?1 AND id NOT IN \
         (SELECT id FROM epochs WHERE route = ?1 ORDER BY id DESC LIMIT ?2)",
    )
    .bind(route)
    .bind(EPOCHS)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds what an older process, or an older version of the monolith, still had to say.
async fn add_to_earlier(
    tx: &mut Tx<'_>,
    route: &str,
    binding: &Binding,
    delta: &RouteDelta,
) -> Result<(), sqlx::Error> {
    let unknown: u64 = delta.unknowns.values().sum();
    sqlx::query(
        "UPDATE epochs SET matched = matched + ?1, ignored = ignored + ?2, \
         mismatched = mismatched + ?3, critical = critical + ?4, cosmetic = cosmetic + ?5, \
         unknown = unknown + ?6, last_at = MAX(last_at, ?7), noise = noise + ?12 WHERE id = (SELECT MAX(id) FROM epochs \
         WHERE route = ?8 AND build = ?9 AND rules = ?10 AND (monolith = ?11 OR ?11 IS NULL))",
    )
    .bind(signed(delta.matched))
    .bind(signed(delta.ignored))
    .bind(signed(delta.mismatched))
    .bind(signed(delta.critical))
    .bind(signed(delta.cosmetic))
    .bind(signed(unknown))
    .bind(milliseconds(delta.last_at))
    .bind(route)
    .bind(&*binding.build)
    .bind(&*binding.rules)
    .bind(binding.monolith.as_deref())
    .bind(signed(delta.noise))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn write_route(
    tx: &mut Tx<'_>,
    route: &str,
    binding: &Binding,
    delta: &RouteDelta,
    reason: Option<String>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO routes (route, matched, ignored, mismatched, critical, cosmetic, \
         budget_critical, budget_cosmetic, since, last_at, confidence, seconds, build, rules, \
         monolith, bound_at, reason, noise) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) \
         ON CONFLICT (route) DO UPDATE SET matched = matched + ?2, ignored = ignored + ?3, \
         mismatched = mismatched + ?4, critical = critical + ?5, cosmetic = cosmetic + ?6, \
         last_at = MAX(last_at, ?10), monolith = COALESCE(?15, monolith), \
         bound_at = MAX(bound_at, ?16), noise = noise + ?18",
    )
    .bind(route)
    .bind(signed(delta.matched))
    .bind(signed(delta.ignored))
    .bind(signed(delta.mismatched))
    .bind(signed(delta.critical))
    .bind(signed(delta.cosmetic))
    .bind(delta.budget.critical.get())
    .bind(delta.budget.cosmetic.get())
    .bind(milliseconds(delta.first_at))
    .bind(milliseconds(delta.last_at))
    .bind(delta.proof.confidence.get())
    .bind(signed(delta.proof.time.as_secs()))
    .bind(&*binding.build)
    .bind(&*binding.rules)
    .bind(binding.monolith.as_deref())
    .bind(milliseconds(binding.at))
    .bind(reason)
    .bind(signed(delta.noise))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn write_unknowns(
    tx: &mut Tx<'_>,
    route: &str,
    delta: &RouteDelta,
) -> Result<(), sqlx::Error> {
    for (reason, count) in &delta.unknowns {
        sqlx::query(
            "INSERT INTO unknowns VALUES (?1, ?2, ?3) \
             ON CONFLICT (route, reason) DO UPDATE SET count = count + ?3",
        )
        .bind(route)
        .bind(reason.label())
        .bind(signed(*count))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn write_latencies(
    tx: &mut Tx<'_>,
    route: &str,
    delta: &RouteDelta,
) -> Result<(), sqlx::Error> {
    for (leg, buckets) in [("control", &delta.control), ("candidate", &delta.candidate)] {
        for (bucket, count) in buckets {
            sqlx::query(
                "INSERT INTO latencies VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (route, leg, bucket) DO UPDATE SET count = count + ?4",
            )
            .bind(route)
            .bind(leg)
            .bind(bucket)
            .bind(signed(*count))
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}
