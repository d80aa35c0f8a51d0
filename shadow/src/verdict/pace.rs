//! Whether an extraction is as fast as the monolith: a non-inferiority bound on p50 and p99.
//!
//! A quantile is bounded by order statistics: if fewer than 1 % of the answers can be slower than a
//! time, that time is not below the p99. "Fewer than" is decided by a mixture of likelihood ratios
//! against several other shares, so it may be watched like the test of mismatches. Each of the two
//! sides has half of the permitted error; the p50 and the p99 must both be within bounds, so nothing
//! is to be divided between them.

use std::collections::BTreeMap;

use super::sequential::{decisive, float};
use crate::{
    Share,
    report::{lower_end, upper_end},
};

/// How many answers fell into each bucket of time.
pub(crate) type Buckets = BTreeMap<i64, u64>;

/// As a multiple of the monolith's, what an extraction may take.
const FACTOR: f64 = 1.25;

/// In seconds, what an extraction may take in addition, where that is more: nobody notices it.
const SLACK: f64 = 0.005;

/// The quantiles that are judged, each as the share of answers that are slower.
const QUANTILES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.01)];

/// How the odds of the other shares differ from those in question, and their weights.
const OTHERS: [(f64, f64); 5] =
    [(10.0, 0.5), (3.0, 0.125), (2.0, 0.125), (1.5, 0.125), (1.25, 0.125)];

/// Whether an extraction is fast enough.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It was shown to be.
    Kept,
    /// It was shown not to be, for a person.
    Slower(String),
    /// Nothing was shown, for want of about so many requests.
    Open { more: u64, why: String },
}

impl Pace {
    pub(super) fn of(control: &Buckets, candidate: &Buckets, confidence: Share) -> Self {
        let half = Share::new(f64::midpoint(1.0, confidence.get())).unwrap_or(confidence);
        let enough = decisive(half);
        let mut pace = Self::Kept;
        for (name, slower) in QUANTILES {
            let [monolith, extraction] =
                [control, candidate].map(|it| Bounds::of(it, slower, enough));
            if extraction.least > allowed(monolith.most) {
                let (least, most) = (extraction.least * 1e3, monolith.most * 1e3);
                return Self::Slower(format!(
                    "the {name} of the extraction is over {least:.1} ms, the monolith's below {most:.1} ms"
                ));
            }
            if extraction.most > allowed(monolith.least) {
                let more = extraction.more.max(monolith.more);
                let why = format!("the {name} is not shown to be as good as the monolith's");
                if !matches!(pace, Self::Open { more: before, .. } if before >= more) {
                    pace = Self::Open { more, why };
                }
            }
        }
        pace
    }
}

fn allowed(control: f64) -> f64 {
    (control * FACTOR).max(control + SLACK)
}

/// A quantile, in seconds: between `least` and `most`.
struct Bounds {
    least: f64,
    most: f64,
    /// Requests after which the bounds are worth another look.
    more: u64,
}

impl Bounds {
    /// Of the time that this share of the answers takes longer than.
    fn of(buckets: &Buckets, slower: f64, enough: f64) -> Self {
        let total: u64 = buckets.values().sum();
        let (mut least, mut most) = (0.0, f64::INFINITY);
        let mut from_here = total;
        for (bucket, count) in buckets {
            let beyond = from_here - count;
            if evidence(from_here, total, slower, Direction::More) >= enough {
                least = lower_end(*bucket);
            }
            if most.is_infinite() && evidence(beyond, total, slower, Direction::Fewer) >= enough {
                most = upper_end(*bucket);
            }
            from_here = beyond;
        }
        let first = first_bound(slower, enough);
        Self { least, most, more: first.checked_sub(total).filter(|it| *it > 0).unwrap_or(total) }
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Fewer,
    More,
}

/// The logarithm of how many times as likely `part` of `whole` is if the true share is one of the
/// others in this direction.
fn evidence(part: u64, whole: u64, share: f64, direction: Direction) -> f64 {
    let (inside, outside) = (float(part), float(whole - part));
    let logarithms = OTHERS.map(|(factor, weight)| {
        let factor = match direction {
            Direction::Fewer => 1.0 / factor,
            Direction::More => factor,
        };
        let odds = share / (1.0 - share) * factor;
        let other = odds / (1.0 + odds);
        let ratio = inside * (other / share).ln();
        f64::ln(weight) + ratio + outside * ((1.0 - other) / (1.0 - share)).ln()
    });
    let greatest = logarithms.into_iter().fold(f64::NEG_INFINITY, f64::max);
    greatest + logarithms.map(|it| (it - greatest).exp()).into_iter().sum::<f64>().ln()
}

/// After how many answers the slowest of them can be a bound at all.
fn first_bound(slower: f64, enough: f64) -> u64 {
    let (mut too_few, mut sure) = (0, 1_u64);
    while evidence(0, sure, slower, Direction::Fewer) < enough && sure < 1 << 40 {
        (too_few, sure) = (sure, sure * 2);
    }
    while sure - too_few > 1 {
        let middle = u64::midpoint(too_few, sure);
        if evidence(0, middle, slower, Direction::Fewer) < enough {
            too_few = middle;
        } else {
            sure = middle;
        }
    }
    sure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::bucket, verdict::random::Lcg};

    fn confidence() -> Share {
        Share::new(0.95).unwrap()
    }

    fn add(buckets: &mut Buckets, milliseconds: u64) {
        *buckets.entry(bucket(std::time::Duration::from_millis(milliseconds))).or_default() += 1;
    }

    fn buckets(milliseconds: impl Iterator<Item = u64>) -> Buckets {
        let mut all = Buckets::new();
        milliseconds.for_each(|it| add(&mut all, it));
        all
    }

    #[test]
    fn an_extraction_that_is_much_faster_is_shown_to_be_in_time() {
        let pace = |n: u64| {
            let control = buckets((0..n).map(|it| 100 + it % 50));
            Pace::of(&control, &buckets((0..n).map(|it| 5 + it % 5)), confidence())
        };
        let first = first_bound(0.01, decisive(Share::new(0.975).unwrap()));
        assert_eq!(first, 503);
        assert!(matches!(pace(first - 1), Pace::Open { more: 1, .. }), "{:?}", pace(first - 1));
        assert_eq!(pace(first), Pace::Kept);
    }

    #[test]
    fn an_extraction_that_is_slower_in_one_of_thirty_requests_is_found() {
        let control = buckets((0..2_000).map(|_| 20));
        let candidate = buckets((0..2_000).map(|it| if it % 30 == 0 { 400 } else { 5 }));
        let pace = Pace::of(&control, &candidate, confidence());
        assert!(matches!(&pace, Pace::Slower(why) if why.contains("p99")), "{pace:?}");
    }

    #[test]
    fn a_slower_median_is_found_and_an_equal_one_is_kept_in_the_end() {
        let times = |factor: u64| buckets((0..5_000_u64).map(move |it| (10 + it % 10) * factor));
        let pace = Pace::of(&times(1), &times(3), confidence());
        assert!(matches!(&pace, Pace::Slower(why) if why.contains("p50")), "{pace:?}");
        assert_eq!(Pace::of(&times(1), &times(1), confidence()), Pace::Kept);
    }

    #[test]
    fn nothing_seen_is_open() {
        let pace = Pace::of(&Buckets::new(), &Buckets::new(), confidence());
        assert!(matches!(pace, Pace::Open { more: 503, .. }), "{pace:?}");
    }

    /// The bound on the p99 of what has one answer in a hundred above 100 ms is seldom below that.
    #[test]
    fn a_bound_is_seldom_wrong_however_often_somebody_looks() {
        let mut random = Lcg(7);
        let enough = decisive(Share::new(0.975).unwrap());
        let wrong = (0..300)
            .filter(|_| {
                let mut slow = 0;
                (1..1_500).any(|n| {
                    slow += u64::from(random.below(100) == 0);
                    evidence(slow, n, 0.01, Direction::Fewer) >= enough
                })
            })
            .count();
        assert!(wrong <= 7, "{wrong} of 300, 2.5 % of which are 7");
    }
}
