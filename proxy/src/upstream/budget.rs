//! The retry budget: retries in proportion to requests, so that they never multiply an overload.
//!
//! After Finagle's and Linkerd's retry budgets. What was earned fades over [`WINDOW`] instead of
//! being dropped in steps, and what requests earn is counted when a retry asks: a request pays
//! nothing for it.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::settings::RetryBudget;

/// Seconds over which unused retries fade.
const WINDOW: f64 = 10.0;

#[derive(Debug)]
pub(super) struct Budget {
    settings: RetryBudget,
    balance: Mutex<Balance>,
}

#[derive(Debug)]
struct Balance {
    /// Retries that may be made now.
    retries: f64,
    /// When that was so.
    at: Instant,
    /// Requests that had been sent by then; wraps around.
    requests: u32,
}

impl Budget {
    /// A budget that has what a second without requests earns.
    pub(super) fn new(settings: RetryBudget, requests: u32) -> Self {
        let retries = f64::from(settings.min_per_second);
        let balance = Balance { retries, at: Instant::now(), requests };
        Self { settings, balance: Mutex::new(balance) }
    }

    /// Takes one retry, if there is one. `requests` tells how many were sent ever; it is asked
    /// under the lock, so that the numbers only grow.
    pub(super) fn withdraw(&self, now: Instant, requests: impl FnOnce() -> u32) -> bool {
        let mut balance = self.balance.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = requests();
        let elapsed = now.saturating_duration_since(balance.at).as_secs_f64();
        let sent = f64::from(requests.wrapping_sub(balance.requests));
        let earned = sent * f64::from(self.settings.percent) / 100.0
            + f64::from(self.settings.min_per_second) * elapsed;
        let retries = if elapsed < WINDOW {
            balance.retries * (1.0 - elapsed / WINDOW) + earned
        } else {
            earned * WINDOW / elapsed
        };
        let allowed = retries >= 1.0;
        let retries = if allowed { retries - 1.0 } else { retries };
        *balance = Balance { retries, at: now, requests };
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Retries that are allowed of `each` attempts in each of `steps` steps of 100 ms.
    fn allowed(budget: &Budget, steps: u32, requests_each: u32, attempts_each: u32) -> u32 {
        let (mut now, mut requests) = (Instant::now(), 0_u32);
        let mut allowed = 0;
        for _ in 0..steps {
            now += Duration::from_millis(100);
            requests += requests_each;
            for _ in 0..attempts_each {
                if budget.withdraw(now, || requests) {
                    allowed += 1;
                    requests += 1;
                }
            }
        }
        allowed
    }

    fn budget(percent: u8, min_per_second: u32) -> Budget {
        Budget::new(RetryBudget { percent, min_per_second }, 0)
    }

    #[test]
    fn when_all_fail_a_fifth_of_what_is_sent_are_retries() {
        // 6,000 requests in a minute, and 1,500 retries.
        let allowed = allowed(&budget(20, 0), 600, 10, 10);
        assert!((1_480..=1_500).contains(&allowed), "{allowed}");
    }

    #[test]
    fn a_quiet_upstream_has_its_minimum() {
        let allowed = allowed(&budget(0, 3), 600, 0, 10);
        assert!((175..=183).contains(&allowed), "{allowed}");
    }

    #[test]
    fn what_was_earned_long_ago_is_not_spent_in_one_burst() {
        let budget = budget(20, 0);
        let hour = Instant::now() + Duration::from_hours(1);
        // 360,000 requests in an hour are 1,000 in ten seconds.
        let burst = (0..1_000).filter(|_| budget.withdraw(hour, || 360_000)).count();
        assert!((199..=201).contains(&burst), "{burst}");
    }

    #[test]
    fn what_was_earned_fades() {
        let budget = budget(20, 0);
        let start = Instant::now();
        assert!(budget.withdraw(start, || 1_000));
        let later = start + Duration::from_secs(5);
        // Half of the other 199.
        let burst = (0..1_000).filter(|_| budget.withdraw(later, || 1_000)).count();
        assert!((98..=100).contains(&burst), "{burst}");
    }

    #[test]
    fn a_count_that_wraps_around_is_a_count() {
        let budget = Budget::new(RetryBudget { percent: 20, min_per_second: 0 }, u32::MAX - 4);
        assert!(budget.withdraw(Instant::now(), || 2));
        assert!(!budget.withdraw(Instant::now(), || 3));
    }
}
