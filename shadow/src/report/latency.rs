//! How long a side took, in buckets that can be added up.
//!
//! A bucket is an eighth of a doubling, so a quantile is exact to about 9 %.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

/// Buckets for each doubling.
const PER_DOUBLING: f64 = 8.0;

/// How long one side took, in seconds; `None` before the first answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the answers were faster.
    pub p50: Option<f64>,
    /// One answer in a hundred was slower.
    pub p99: Option<f64>,
}

impl Latency {
    /// Reads the quantiles off the counts of the buckets.
    pub(super) fn of(buckets: &BTreeMap<i64, u64>) -> Self {
        Self { p50: quantile(buckets, 50), p99: quantile(buckets, 99) }
    }
}

/// The bucket that a duration falls into.
pub(crate) fn bucket(took: Duration) -> i64 {
    let microseconds = (took.as_secs_f64() * 1e6).max(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a duration is below 1,000")]
    let bucket = (microseconds.log2() * PER_DOUBLING).floor() as i64;
    bucket
}

/// Where a bucket begins, in seconds.
pub(crate) fn lower_end(bucket: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a bucket is below 1,000")]
    let microseconds = (bucket as f64 / PER_DOUBLING).exp2();
    microseconds / 1e6
}

/// Where it ends.
pub(crate) fn upper_end(bucket: i64) -> f64 {
    lower_end(bucket + 1)
}

/// The upper end, in seconds, of the bucket that holds this percentage of the counts.
fn quantile(buckets: &BTreeMap<i64, u64>, percent: u64) -> Option<f64> {
    let total: u64 = buckets.values().sum();
    let rank = (total * percent).div_ceil(100);
    let mut seen = 0;
    let bucket = buckets.iter().find_map(|(bucket, count)| {
        seen += count;
        (seen >= rank && total > 0).then_some(*bucket)
    })?;
    Some(upper_end(bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_tenth() {
        let mut buckets = BTreeMap::new();
        for milliseconds in 1..=1000 {
            *buckets.entry(bucket(Duration::from_millis(milliseconds))).or_default() += 1;
        }
        let Latency { p50: Some(p50), p99: Some(p99) } = Latency::of(&buckets) else {
            panic!("no quantiles")
        };
        assert!((0.5..0.55).contains(&p50), "{p50}");
        assert!((0.99..1.09).contains(&p99), "{p99}");
    }

    #[test]
    fn nothing_has_no_quantiles_and_the_fastest_has_a_bucket() {
        assert_eq!(Latency::of(&BTreeMap::new()), Latency::default());
        assert_eq!(bucket(Duration::ZERO), 0);
    }
}
