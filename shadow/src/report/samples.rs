//! Samples as they are kept: a few of each difference, and of a route's races.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use sqlx::Row as _;
use time::OffsetDateTime;

use super::{
    database::{Tx, rows},
    room::Room,
    table::{Merge, Table},
    value::Value,
};

/// Samples of one thing that may wait.
const WAITING: usize = 5;

/// Samples that the store keeps of one.
const KEPT: usize = 10;

const TABLE: Table = Table {
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

/// A sample that was redacted already, in texts that are stored as they are.
#[derive(Debug, Clone)]
pub(crate) struct NewSample {
    pub(crate) at: OffsetDateTime,
    pub(crate) stratum: String,
    pub(crate) request: String,
    pub(crate) request_id: String,
    pub(crate) path: String,
    pub(crate) omitted: u64,
    pub(crate) control: NewSide,
    pub(crate) candidate: NewSide,
}

/// One side of a sample.
#[derive(Debug, Clone)]
pub(crate) struct NewSide {
    pub(crate) status: u16,
    pub(crate) value: Option<String>,
    pub(crate) body: String,
}

/// Samples of one thing, on their way to the store.
#[derive(Debug, Default)]
pub(crate) struct Samples(VecDeque<NewSample>);

impl Samples {
    /// Of each kind of requests one is kept as long as there is a place for it, and else the newest
    /// ones; the store keeps the first ones.
    pub(crate) fn keep(&mut self, sample: NewSample, room: &mut Room) {
        if self.0.len() == WAITING {
            let others = |index: usize| {
                let stratum = &self.0[index].stratum;
                let is_other =
                    |(at, it): (usize, &NewSample)| at != index && it.stratum == *stratum;
                *stratum == sample.stratum || self.0.iter().enumerate().any(is_other)
            };
            let oldest = (0..WAITING).find(|it| others(*it)).unwrap_or(0);
            let oldest = self.0.remove(oldest);
            room.give_back(oldest.map_or(0, |it| it.bytes()));
        }
        if room.for_sample(sample.bytes()) {
            self.0.push_back(sample);
        } else {
            room.lost.samples += 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl NewSample {
    /// What it takes.
    fn bytes(&self) -> usize {
        let side = |it: &NewSide| it.body.len() + it.value.as_ref().map_or(0, String::len);
        self.request.len() + self.path.len() + side(&self.control) + side(&self.candidate)
    }
}

/// Adds samples, each of the thing with this id.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    samples: impl Iterator<Item = (&'a str, &'a Samples)>,
) -> Result<(), sqlx::Error> {
    let samples: Vec<_> = samples.filter(|it| !it.1.0.is_empty()).collect();
    let new = samples.iter().flat_map(|(id, new)| new.0.iter().map(|it| row(id, it)));
    tx.upsert(&TABLE, &new.collect::<Vec<_>>()).await?;
    let ids: Vec<Value<'_>> = samples.iter().map(|it| it.0.into()).collect();
    bound(tx, &ids).await
}

fn row<'a>(of: &'a str, sample: &'a NewSample) -> [Value<'a>; 14] {
    let NewSample { control, candidate, .. } = sample;
    [
        of.into(),
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

/// Takes away the samples of each of these that are too many.
async fn bound(tx: &mut Tx, ids: &[Value<'_>]) -> Result<(), sqlx::Error> {
    let statement = "SELECT difference, id, stratum FROM samples WHERE difference";
    let found = rows(&tx.fetch_in(statement, &[], ids).await?, |it| {
        let (id, stratum): (i64, String) = (it.try_get("id")?, it.try_get("stratum")?);
        Ok((it.try_get::<String, _>("difference")?, (id, stratum)))
    })?;
    let mut by_id: HashMap<String, Vec<(i64, String)>> = HashMap::new();
    for (difference, sample) in found {
        by_id.entry(difference).or_default().push(sample);
    }
    let surplus: Vec<Value<'_>> = by_id.into_values().flat_map(surplus).map(Value::from).collect();
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
    let mut kept: HashSet<i64> = newest.into_values().take(KEPT).collect();
    let ids: Vec<i64> = samples.iter().map(|it| it.0).collect();
    let ends = ids.iter().zip(ids.iter().rev()).flat_map(|(first, last)| [*first, *last]);
    for id in ends {
        if kept.len() < KEPT {
            kept.insert(id);
        }
    }
    ids.into_iter().filter(|it| !kept.contains(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: i64, stratum: &str) -> NewSample {
        let side = NewSide { status: 200, value: None, body: String::new() };
        NewSample {
            at: OffsetDateTime::from_unix_timestamp(at).unwrap(),
            stratum: stratum.into(),
            request: String::new(),
            request_id: String::new(),
            path: String::new(),
            omitted: 0,
            control: side.clone(),
            candidate: side,
        }
    }

    #[test]
    fn the_newest_samples_wait_and_one_of_each_kind_of_requests() {
        let (mut samples, mut room) = (Samples::default(), Room::default());
        for at in 0..13 {
            samples.keep(sample(at, if at == 3 { "rare" } else { "frequent" }), &mut room);
        }
        let times = samples.0.iter().map(|it| it.at.unix_timestamp());
        assert_eq!(times.collect::<Vec<_>>(), [3, 9, 10, 11, 12]);
    }

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
        assert_eq!(left(&strata).len(), KEPT);
    }
}
