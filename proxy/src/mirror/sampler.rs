//! Which requests of a route are compared.
//!
//! A share of them, at most so many a second, and a smaller share of the kinds of which enough
//! distinct ones have been taken. All of it is counted by this process alone.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shadow::Stratum;
use tokio::time::Instant;

use crate::route::Percent;

/// Kinds of requests that are told apart; further ones are one kind.
const KINDS: usize = 32;

/// A route's `sample`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Of all requests.
    pub percent: Percent,
    /// At most so many a second.
    pub rate: Option<u32>,
    /// What is enough of a kind.
    pub enough: Option<Enough>,
}

/// When a kind of requests has been compared often enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enough {
    /// So many distinct requests of each kind.
    pub requests: usize,
    /// The share that is taken of it after that.
    pub then: Percent,
}

/// A route's `sample`, and what has been taken so far.
#[derive(Debug)]
pub struct Sampler {
    sample: Sample,
    /// Of a sample with a rate.
    bucket: Option<Mutex<Bucket>>,
    kinds: Mutex<HashMap<Option<Stratum>, Taken>>,
}

/// A token bucket that holds what a second brings.
#[derive(Debug)]
struct Bucket {
    rate: u32,
    tokens: f64,
    at: Instant,
}

/// What was taken of one kind.
#[derive(Debug)]
enum Taken {
    /// Hashes of the distinct requests so far.
    Some(HashSet<u64>),
    Enough,
}

impl Sampler {
    /// A sampler that has taken nothing yet.
    pub fn new(sample: Sample) -> Self {
        let full = |rate| Mutex::new(Bucket { rate, tokens: f64::from(rate), at: Instant::now() });
        Self { sample, bucket: sample.rate.map(full), kinds: Mutex::default() }
    }

    /// What it samples.
    pub const fn sample(&self) -> Sample {
        self.sample
    }

    /// Whether a request may be taken, before anything is known of its answer.
    pub fn may_take(&self) -> bool {
        self.sample.percent.takes() && self.bucket().is_none_or(|mut it| it.has(Instant::now()))
    }

    /// Whether a request is taken that may be. What it is, and a hash that tells it from others of
    /// its kind, is asked only where it matters; of one without an answer it is not known.
    pub fn takes(&self, kind: impl FnOnce() -> Option<(Stratum, u64)>) -> bool {
        let wanted = self.sample.enough.is_none_or(|enough| self.wants(enough, kind()));
        wanted && self.bucket().is_none_or(|mut it| it.take(Instant::now()))
    }

    fn bucket(&self) -> Option<MutexGuard<'_, Bucket>> {
        Some(self.bucket.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wants(&self, enough: Enough, kind: Option<(Stratum, u64)>) -> bool {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, request) = match kind {
            Some((kind, request)) => (Some(kind), request),
            None => (None, rand::random()),
        };
        let has_place = kinds.len() < KINDS || kinds.contains_key(&kind);
        let kind = kind.filter(|_| has_place);
        let taken = kinds.entry(kind).or_insert_with(|| Taken::Some(HashSet::new()));
        match taken {
            Taken::Enough => enough.then.takes(),
            Taken::Some(requests) => {
                requests.insert(request);
                if requests.len() >= enough.requests {
                    *taken = Taken::Enough;
                }
                true
            }
        }
    }
}

impl Bucket {
    /// Whether there is a token. What time has brought is added, at most what a second brings.
    fn has(&mut self, now: Instant) -> bool {
        let (rate, elapsed) = (f64::from(self.rate), now.saturating_duration_since(self.at));
        self.tokens = (self.tokens + elapsed.as_secs_f64() * rate).min(rate);
        self.at = now;
        self.tokens >= 1.0
    }

    fn take(&mut self, now: Instant) -> bool {
        let has = self.has(now);
        if has {
            self.tokens -= 1.0;
        }
        has
    }
}

/// As it stands in routes.toml.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.percent)?;
        if let Some(rate) = self.rate {
            write!(f, ", {rate}/s")?;
        }
        if let Some(Enough { requests, then }) = self.enough {
            write!(f, ", {requests} of each kind, then {then}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn sampler(rate: Option<u32>, enough: Option<(usize, &str)>) -> Sampler {
        let enough =
            enough.map(|(requests, then)| Enough { requests, then: then.parse().unwrap() });
        Sampler::new(Sample { percent: Percent::ALL, rate, enough })
    }

    fn kind(status: u16, request: u64) -> (Stratum, u64) {
        (Stratum::of(StatusCode::from_u16(status).unwrap(), false, None, None), request)
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_however_many_requests_come() {
        let sampler = sampler(Some(20), None);
        let taken = || {
            let taken = |_: &u32| sampler.may_take() && sampler.takes(|| unreachable!());
            (0..1_000).filter(taken).count()
        };
        assert_eq!((taken(), taken()), (20, 0));
        assert!(!sampler.may_take(), "nothing is prepared for what will not be taken");
        tokio::time::advance(std::time::Duration::from_millis(250)).await;
        assert_eq!(taken(), 5);
        tokio::time::advance(std::time::Duration::from_mins(1)).await;
        assert_eq!(taken(), 20, "what was not taken is not saved");
    }

    #[test]
    fn each_kind_is_taken_until_there_are_enough_distinct_requests_of_it() {
        let sampler = sampler(None, Some((3, "0%")));
        let takes = |kind| sampler.takes(|| Some(kind));
        for request in [1, 1, 2, 2, 1, 3] {
            assert!(takes(kind(200, request)), "a repetition is no evidence: {request}");
        }
        assert!(!takes(kind(200, 4)) && !takes(kind(200, 1)));
        assert!(takes(kind(404, 1)), "another kind");
        assert_eq!(
            (0..10).filter(|_| sampler.takes(|| None)).count(),
            3,
            "without an answer, likewise"
        );
    }

    #[test]
    fn after_that_a_share_is_taken() {
        let sampler = sampler(None, Some((1, "50%")));
        assert!(sampler.takes(|| Some(kind(200, 0))));
        let taken = (1..10_000).filter(|it| sampler.takes(|| Some(kind(200, *it)))).count();
        assert!((4_000..6_000).contains(&taken), "{taken}");
    }

    #[test]
    fn the_rate_is_for_what_is_wanted() {
        let sampler = sampler(Some(5), Some((1, "0%")));
        assert!(sampler.takes(|| Some(kind(200, 0))));
        assert!((1..1_000).all(|it| !sampler.takes(|| Some(kind(200, it)))));
        assert!(sampler.takes(|| Some(kind(404, 0))), "a kind that is rare is not crowded out");
    }

    #[test]
    fn endless_kinds_are_bounded() {
        let sampler = sampler(None, Some((1, "0%")));
        let taken = (100..900).filter(|it| {
            sampler.takes(|| {
                let operation = format!("o{it}");
                Some((Stratum::of(StatusCode::OK, false, None, Some(&operation)), 1))
            })
        });
        assert_eq!(taken.count(), KINDS + 1);
    }
}
