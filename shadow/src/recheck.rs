//! How often the monolith may be asked once more about a difference.
//!
//! In proportion to what is compared, so that a candidate that is always wrong costs the monolith a
//! tenth more and not twice as much.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// One question for so many compared requests.
const REQUESTS: u32 = 10;

/// So many questions are there from the beginning, and can be saved.
const SAVED: u32 = 20;

/// What each route has left, in tenths of a question.
#[derive(Debug, Default)]
pub(crate) struct Rechecks(Mutex<HashMap<String, u32>>);

impl Rechecks {
    /// A request of the route was compared.
    pub(crate) fn earn(&self, route: &str) {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = SAVED * REQUESTS;
        match routes.get_mut(route) {
            Some(left) => *left = (*left + 1).min(most),
            None => _ = routes.insert(route.to_owned(), most),
        }
    }

    /// Whether it may be asked so many questions about a difference that counts.
    pub(crate) fn take(&self, route: &str, questions: u32) -> bool {
        self.spend(route, questions * REQUESTS, 0)
    }

    /// Whether it may be asked a question only to learn from it: half of what can be saved is left to
    /// what counts.
    pub(crate) fn take_spare(&self, route: &str) -> bool {
        self.spend(route, REQUESTS, SAVED * REQUESTS / 2)
    }

    fn spend(&self, route: &str, tenths: u32, keep: u32) -> bool {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = routes.get_mut(route) else { return false };
        let rest = left.checked_sub(tenths).filter(|it| *it >= keep);
        *left = rest.unwrap_or(*left);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_route_that_always_differs_one_request_in_ten_is_asked_again() {
        let rechecks = Rechecks::default();
        let may = |route| {
            rechecks.earn(route);
            rechecks.take(route, 1)
        };
        let asked = |route, requests| (0..requests).filter(|_| may(route)).count();
        assert_eq!(asked("broken", 22), 22, "twenty, and two that these have earned");
        assert_eq!(asked("broken", 1_000), 100);
        assert_eq!(asked("other", 5), 5, "each route has its own");
        assert!(!rechecks.take("broken", 1) && rechecks.take("other", 15));
        assert!(!rechecks.take("other", 1) && !rechecks.take("new", 1));
        (0..1_000).for_each(|_| rechecks.earn("broken"));
        assert_eq!(asked("broken", 22), 22, "what good requests earn is saved, up to a bound");
        assert_eq!(asked("broken", 10), 1);
    }

    #[test]
    fn what_is_only_learnt_from_leaves_questions_to_what_counts() {
        let rechecks = Rechecks::default();
        rechecks.earn("noisy");
        let learnt = (0..100).filter(|_| rechecks.take_spare("noisy")).count();
        let counts = (0..100).filter(|_| rechecks.take("noisy", 1)).count();
        assert_eq!((learnt, counts), (10, 10));
    }
}
