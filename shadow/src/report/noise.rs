//! What is known of noise, as it outlives a process, and what is told of what it may hide.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::{
    Store, StoreError,
    database::{Database, Tx, rows},
    pending::RouteDelta,
    reports::{decode, unsigned},
    table::{Merge, Table},
    value::Value,
};
use crate::{Class, NoiseTally};

const TABLE: Table =
    Table { name: "noise", key: &["route"], values: &[("learned", Merge::Replace)] };

const PAIRS: Table = Table {
    name: "pairs",
    key: &["route", "class"],
    values: &[
        ("excused", Merge::Add),
        ("asked_twice", Merge::Add),
        ("candidate_only", Merge::Add),
        ("control_only", Merge::Add),
    ],
};

/// Adds what requests have said of what noise may hide.
pub(super) async fn write(tx: &mut Tx, route: &str, delta: &RouteDelta) -> Result<(), sqlx::Error> {
    let row = |(class, tally): (&Class, &NoiseTally)| {
        let NoiseTally { excused, asked_twice, candidate_only, control_only } = *tally;
        [
            route.into(),
            class.label().into(),
            excused.into(),
            asked_twice.into(),
            candidate_only.into(),
            control_only.into(),
        ]
    };
    let rows: Vec<[Value<'_>; 6]> = delta.noise_tallies.iter().map(row).collect();
    tx.upsert(&PAIRS, &rows).await
}

/// What they have said so far.
pub(super) async fn tallies(
    database: &Database,
    route: &str,
) -> Result<BTreeMap<Class, NoiseTally>, StoreError> {
    let statement = "SELECT class, excused, asked_twice, candidate_only, control_only \
                     FROM pairs WHERE route = $1";
    let found = rows(&database.fetch(statement, &[route.into()]).await?, |it| {
        let class: String = it.try_get("class")?;
        let class = Class::parse(&class).ok_or_else(|| decode("a class"))?;
        let tally = NoiseTally {
            excused: unsigned(it.try_get("excused")?),
            asked_twice: unsigned(it.try_get("asked_twice")?),
            candidate_only: unsigned(it.try_get("candidate_only")?),
            control_only: unsigned(it.try_get("control_only")?),
        };
        Ok::<_, sqlx::Error>((class, tally))
    });
    Ok(found?.into_iter().collect())
}

impl Store {
    /// Keeps what is known of routes in the place of what was kept.
    pub(crate) async fn remember(&self, learned: &[(String, String)]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<[Value<'_>; 2]> =
            learned.iter().map(|(route, it)| [route.as_str().into(), it.as_str().into()]).collect();
        tx.upsert(&TABLE, &rows).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What was kept, by route; nothing of a store that was not opened, whose tables may be another
    /// build's.
    pub(crate) async fn recall(&self) -> Result<Vec<(String, String)>, StoreError> {
        if !self.is_open() {
            return Ok(Vec::new());
        }
        let kept = self.database.fetch("SELECT route, learned FROM noise", &[]).await?;
        Ok(rows(&kept, |it| Ok((it.try_get(0)?, it.try_get(1)?)))?)
    }
}
