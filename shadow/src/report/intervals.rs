//! For how long a route was watched: the times in which its requests were compared, each at most an
//! hour after the one before. A night without buyers is no part of it, nor a week without Banyan.

use std::time::{Duration, Instant};

use sqlx::Row as _;

use super::{
    clock::{Now, milliseconds},
    database::{Database, Tx, rows},
    table::{Merge, Table},
};

/// When nothing was compared for longer, nobody has watched.
const GAP: Duration = Duration::from_hours(1);

const INTERVALS: Table = Table {
    name: "intervals",
    key: &["route", "first_at"],
    values: &[("last_at", Merge::Latest), ("sealed", Merge::Keep)],
};

/// The times in which one process has compared requests of a route, since it last wrote.
#[derive(Debug, Default)]
pub(super) struct Times(Vec<(Instant, Instant)>);

impl Times {
    /// A request was compared.
    pub(super) fn add(&mut self, at: Instant) {
        match self.0.last_mut() {
            Some((_, last)) if at.saturating_duration_since(*last) <= GAP => *last = at.max(*last),
            _ => self.0.push((at, at)),
        }
    }

    /// Whether none was.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Joins them to what is known of the route, by whichever process.
pub(super) async fn write(
    tx: &mut Tx,
    route: &str,
    times: &Times,
    now: Now,
) -> Result<(), sqlx::Error> {
    for (first, last) in &times.0 {
        join(tx, route, [*first, *last].map(|it| now.when(it))).await?;
    }
    Ok(())
}

async fn join(tx: &mut Tx, route: &str, [first, last]: [i64; 2]) -> Result<(), sqlx::Error> {
    let gap = milliseconds(GAP);
    let near = "SELECT first_at, last_at FROM intervals \
                WHERE route = $1 AND sealed = 0 AND last_at >= $2 AND first_at <= $3";
    let values = [route.into(), (first - gap).into(), (last + gap).into()];
    let near = rows(&tx.fetch(near, &values).await?, interval)?;
    if near.is_empty() {
        // Nothing joins them any more, and they are no time.
        let moments =
            "DELETE FROM intervals WHERE route = $1 AND first_at = last_at AND last_at < $2";
        tx.execute(moments, &[route.into(), (first - gap).into()]).await?;
    }
    let first = near.iter().map(|it| it[0]).fold(first, i64::min);
    let last = near.iter().map(|it| it[1]).fold(last, i64::max);
    for [other, _] in near.into_iter().filter(|it| it[0] != first) {
        let statement = "DELETE FROM intervals WHERE route = $1 AND first_at = $2";
        tx.execute(statement, &[route.into(), other.into()]).await?;
    }
    tx.upsert(&INTERVALS, &[[route.into(), first.into(), last.into(), 0_i64.into()]]).await
}

/// The store's clock was set: what lies between two of its times says nothing any more.
pub(super) async fn seal(tx: &mut Tx) -> Result<(), sqlx::Error> {
    tx.execute("UPDATE intervals SET sealed = 1 WHERE sealed = 0", &[]).await.map(drop)
}

/// For how long the route was watched.
pub(super) async fn watched(database: &Database, route: &str) -> Result<Duration, sqlx::Error> {
    let statement = "SELECT first_at, last_at FROM intervals WHERE route = $1 ORDER BY first_at";
    let found = database.fetch(statement, &[route.into()]).await?;
    Ok(length(&rows(&found, interval)?))
}

fn interval(row: &sqlx::any::AnyRow) -> Result<[i64; 2], sqlx::Error> {
    Ok([row.try_get("first_at")?, row.try_get("last_at")?])
}

/// Of all intervals together, which are in order: what lies in several counts once.
fn length(intervals: &[[i64; 2]]) -> Duration {
    let (mut sum, mut end) = (0, i64::MIN);
    for [first, last] in intervals {
        sum += last.saturating_sub(*first.max(&end)).max(0);
        end = end.max(*last);
    }
    Duration::from_millis(sum.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Store;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;

    /// Where the store's clock should be when a test begins.
    const START: i64 = 1_800_000_000_000;

    /// Minutes of a test, as the clock of this process has them.
    fn moment(start: Instant, minute: u64) -> Instant {
        start + Duration::from_secs(60 * minute)
    }

    /// Each step: the minute in which a process writes, by how much the store's clock is wrong then,
    /// and the minutes in which it had compared. Returns the minutes watched.
    async fn watched_by(steps: &[(u64, i64, &[u64])]) -> u64 {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("banyan.db").display());
        let (store, start) = (Store::open(&url).await.unwrap(), Instant::now());
        let mut earlier: Option<Now> = None;
        for (minute, wrong, compared) in steps {
            let at = START + i64::try_from(*minute).unwrap() * MINUTE + wrong;
            let now = Now::at(at, moment(start, *minute));
            let mut times = Times::default();
            compared.iter().for_each(|it| times.add(moment(start, *it)));
            let mut tx = store.begin().await.unwrap();
            if earlier.is_some_and(|it| now.was_set_since(it)) {
                seal(&mut tx).await.unwrap();
            }
            write(&mut tx, "a", &times, now).await.unwrap();
            tx.commit().await.unwrap();
            earlier = Some(now);
        }
        watched(&store.database, "a").await.unwrap().as_secs() / 60
    }

    #[tokio::test]
    async fn what_was_compared_within_an_hour_is_one_time_whoever_wrote_it() {
        assert_eq!(watched_by(&[(0, 0, &[0]), (50, 0, &[50]), (110, 0, &[110])]).await, 110);
        // One that waited for the store, and one that overlaps.
        assert_eq!(watched_by(&[(90, 0, &[80, 90]), (95, 0, &[0, 30, 85])]).await, 90);
    }

    #[tokio::test]
    async fn a_time_in_which_nothing_was_compared_is_none() {
        let tuesday = 24 * 60;
        assert_eq!(watched_by(&[(10, 0, &[0, 10]), (tuesday, 0, &[tuesday])]).await, 10);
        assert_eq!(watched_by(&[(300, 0, &[0, 20, 200, 230, 231])]).await, 20 + 31);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_makes_no_time() {
        for wrong in [-2 * DAY, 2 * DAY, -50 * MINUTE, 50 * MINUTE] {
            let minutes = watched_by(&[(1, wrong, &[0, 1]), (2, 0, &[2]), (30, 0, &[29])]).await;
            assert!((27..=30).contains(&minutes), "{wrong}: {minutes}");
        }
    }

    #[test]
    fn times_that_overlap_count_once() {
        assert_eq!(length(&[]).as_millis(), 0);
        assert_eq!(length(&[[0, 10], [5, 7], [8, 20], [20, 21], [30, 40]]).as_millis(), 31);
    }
}
