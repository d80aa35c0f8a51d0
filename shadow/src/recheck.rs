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
    /// A request of the route was compared; whether the monolith may be asked again, if it `differs`.
    pub(crate) fn may(&self, route: &str, differs: bool) -> bool {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = SAVED * REQUESTS;
        let left = match routes.get_mut(route) {
            Some(left) => left,
            None => routes.entry(route.to_owned()).or_insert(most),
        };
        *left = (*left + 1).min(most);
        differs && spend(left, 1)
    }

    /// Whether it may be asked so many further questions.
    pub(crate) fn take(&self, route: &str, questions: u32) -> bool {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get_mut(route).is_some_and(|left| spend(left, questions))
    }
}

fn spend(left: &mut u32, questions: u32) -> bool {
    let rest = left.checked_sub(questions * REQUESTS);
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_route_that_always_differs_one_request_in_ten_is_asked_again() {
        let rechecks = Rechecks::default();
        let asked = |route, requests| (0..requests).filter(|_| rechecks.may(route, true)).count();
        assert_eq!(asked("broken", 22), 22, "twenty, and two that these have earned");
        assert_eq!(asked("broken", 1_000), 100);
        assert_eq!(asked("other", 5), 5, "each route has its own");
        assert!(!rechecks.take("broken", 1) && rechecks.take("other", 15));
        assert!(!rechecks.take("other", 1) && !rechecks.take("new", 1));
        assert!((0..1_000).all(|_| !rechecks.may("broken", false)));
        assert_eq!(asked("broken", 22), 22, "what good requests earn is saved, up to a bound");
        assert_eq!(asked("broken", 10), 1);
    }
}
