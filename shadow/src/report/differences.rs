//! Differences as they are written.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use super::{
    Signature,
    database::{Tx, integers, rows},
    forms,
    pending::DifferenceDelta,
    samples,
    table::{Merge, Table},
    value::Value,
};

/// Differences that a route may have: a document whose member names are data would have no end of
/// them.
const DIFFERENCES: i64 = 1_000;

const TABLE: Table = Table {
    name: "differences",
    key: &["id"],
    values: &[
        ("route", Merge::Keep),
        ("path", Merge::Keep),
        ("kind", Merge::Keep),
        ("class", Merge::Keep),
        ("requests", Merge::Add),
        ("excused", Merge::Add),
        ("noise", Merge::Add),
        ("why", Merge::Replace),
        ("until", Merge::Replace),
        ("expired", Merge::Replace),
        ("first_seen", Merge::Keep),
        ("last_seen", Merge::Latest),
        ("forms", Merge::Replace),
    ],
};

/// Adds what was seen of a route's differences.
pub(super) async fn write(
    tx: &mut Tx,
    route: &str,
    differences: &HashMap<Signature, DifferenceDelta>,
) -> Result<(), sqlx::Error> {
    if differences.is_empty() {
        return Ok(());
    }
    // In the order of their ids, the same in every process.
    let mut seen: BTreeMap<_, _> =
        differences.iter().map(|(signature, it)| (id(route, signature), (signature, it))).collect();
    let ids: Vec<Value<'_>> = seen.keys().map(|it| it.as_str().into()).collect();
    let known = tx.fetch_in("SELECT id, forms FROM differences WHERE id", &[], &ids).await?;
    let known = rows(&known, |it| Ok((it.try_get(0)?, it.try_get(1)?)))?;
    let known: HashMap<String, Option<String>> = known.into_iter().collect();
    let count = "SELECT COUNT(*) FROM differences WHERE route = $1";
    let mut count = integers(&tx.fetch(count, &[route.into()]).await?)?.iter().sum::<i64>();
    seen.retain(|id, _| {
        let is_known = known.contains_key(id);
        count += i64::from(!is_known);
        is_known || count <= DIFFERENCES
    });
    let forms: Vec<_> = seen
        .iter()
        .map(|(id, (_, delta))| forms::merged(known.get(id), &delta.forms))
        .collect::<Result<_, _>>()?;
    let rows: Vec<_> = seen
        .iter()
        .zip(&forms)
        .map(|((id, (signature, delta)), forms)| row(id, route, signature, delta, forms))
        .collect();
    tx.upsert(&TABLE, &rows).await?;
    samples::write(tx, seen.iter().map(|(id, (_, delta))| (&**id, &delta.samples))).await
}

fn row<'a>(
    id: &'a str,
    route: &'a str,
    signature: &'a Signature,
    delta: &'a DifferenceDelta,
    forms: &'a str,
) -> [Value<'a>; 14] {
    let rule = delta.rule.as_ref();
    [
        id.into(),
        route.into(),
        signature.path.as_str().into(),
        signature.kind.label().into(),
        signature.class.label().into(),
        delta.requests.into(),
        delta.excused.into(),
        delta.noise.into(),
        rule.map(|it| it.why.as_str()).into(),
        rule.and_then(|it| it.until.as_deref()).into(),
        rule.is_some_and(|it| it.expired).into(),
        delta.first_seen.into(),
        delta.last_seen.into(),
        forms.into(),
    ]
}

/// The same difference has the same id in every process and for ever.
fn id(route: &str, signature: &Signature) -> String {
    let Signature { path, kind, class } = signature;
    let digest = Sha256::digest(format!("{route}\n{path}\n{kind}\n{class}"));
    hex::encode(&digest[..8])
}
