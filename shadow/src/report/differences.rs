//! Differences and their samples as they are written.

use std::collections::{BTreeMap, HashMap, HashSet};

use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use super::{
    Signature,
    database::{Tx, integers, rows},
    forms,
    pending::{DifferenceDelta, NewSample},
    table::{Merge, Table},
    value::Value,
};

/// Differences that a route may have: a document whose member names are data would have no end of
/// them.
const DIFFERENCES: i64 = 1_000;

/// Samples that are kept of one.
const SAMPLES: usize = 10;

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

const SAMPLE: Table = Table {
    name: "samples",
    key: &[],
    values: &[
        ("difference", Merge::Keep),
        ("at", Merge::Keep),
        ("stratum", Merge::Keep),
        ("request", Merge::Keep),
        ("request_id", Merge::Keep),
        ("path", Merge::Keep),
        ("omitted", Merge::Keep),
        ("control_status", Merge::Keep),
        ("control_value", Merge::Keep),
        ("control_body", Merge::Keep),
        ("candidate_status", Merge::Keep),
        ("candidate_value", Merge::Keep),
        ("candidate_body", Merge::Keep),
        ("bytes", Merge::Keep),
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
    let samples =
        seen.iter().flat_map(|(id, (_, delta))| delta.samples.iter().map(|it| sample(id, it)));
    tx.upsert(&SAMPLE, &samples.collect::<Vec<_>>()).await?;
    let ids: Vec<Value<'_>> = seen.keys().map(|it| it.as_str().into()).collect();
    bound_samples(tx, &ids).await
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

fn sample<'a>(difference: &'a str, sample: &'a NewSample) -> [Value<'a>; 14] {
    let NewSample { control, candidate, .. } = sample;
    [
        difference.into(),
        sample.at.into(),
        sample.stratum.as_str().into(),
        sample.request.as_str().into(),
        sample.request_id.as_str().into(),
        sample.path.as_str().into(),
        sample.omitted.into(),
        u64::from(control.status).into(),
        control.value.as_deref().into(),
        control.body.as_str().into(),
        u64::from(candidate.status).into(),
        candidate.value.as_deref().into(),
        candidate.body.as_str().into(),
        (sample.bytes() as u64).into(),
    ]
}

/// Takes away the samples of each difference that are too many.
async fn bound_samples(tx: &mut Tx, differences: &[Value<'_>]) -> Result<(), sqlx::Error> {
    let statement = "SELECT difference, id, stratum FROM samples WHERE difference";
    let found = rows(&tx.fetch_in(statement, &[], differences).await?, |it| {
        let (id, stratum): (i64, String) = (it.try_get("id")?, it.try_get("stratum")?);
        Ok((it.try_get::<String, _>("difference")?, (id, stratum)))
    })?;
    let mut by_difference: HashMap<String, Vec<(i64, String)>> = HashMap::new();
    for (difference, sample) in found {
        by_difference.entry(difference).or_default().push(sample);
    }
    let surplus: Vec<Value<'_>> =
        by_difference.into_values().flat_map(surplus).map(Value::from).collect();
    tx.execute_in("DELETE FROM samples WHERE id", &surplus).await.map(drop)
}

/// The newest sample of each kind of requests is kept, so that what is rare is seen too; then the
/// first ones, which show how it began, and the newest, which show how it is now.
fn surplus(mut samples: Vec<(i64, String)>) -> Vec<i64> {
    samples.sort_unstable();
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (id, stratum) in &samples {
        newest.insert(stratum, *id);
    }
    let mut kept: HashSet<i64> = newest.into_values().take(SAMPLES).collect();
    let ids: Vec<i64> = samples.iter().map(|it| it.0).collect();
    let ends = ids.iter().zip(ids.iter().rev()).flat_map(|(first, last)| [*first, *last]);
    for id in ends {
        if kept.len() < SAMPLES {
            kept.insert(id);
        }
    }
    ids.into_iter().filter(|it| !kept.contains(it)).collect()
}

/// The same difference has the same id in every process and for ever.
fn id(route: &str, signature: &Signature) -> String {
    let Signature { path, kind, class } = signature;
    let digest = Sha256::digest(format!("{route}\n{path}\n{kind}\n{class}"));
    hex::encode(&digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(strata: &[&str]) -> Vec<i64> {
        let samples: Vec<_> = (0..).zip(strata.iter().map(|it| (*it).to_owned())).collect();
        let surplus = surplus(samples.clone());
        samples.into_iter().map(|it| it.0).filter(|it| !surplus.contains(it)).collect()
    }

    #[test]
    fn the_first_and_the_newest_samples_of_the_only_kind_are_kept() {
        assert_eq!(left(&["a"; 30]), [0, 1, 2, 3, 4, 25, 26, 27, 28, 29]);
        assert_eq!(left(&["a"; 10]), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_kind_that_came_once_is_kept_among_many_of_another() {
        let mut strata = ["a"; 30];
        strata[12] = "b";
        assert_eq!(left(&strata), [0, 1, 2, 3, 4, 12, 26, 27, 28, 29]);
    }

    #[test]
    fn so_many_kinds_that_not_each_has_a_place_are_bounded() {
        let names: Vec<_> = (0..30).map(|it| it.to_string()).collect();
        let strata: Vec<_> = names.iter().map(String::as_str).collect();
        assert_eq!(left(&strata).len(), SAMPLES);
    }
}
