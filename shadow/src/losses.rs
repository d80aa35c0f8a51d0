//! Requests that were lost on the way to the judge, counted where they are lost: beside a buyer's
//! answer, where nobody may wait for the book.
//!
//! The judge holds the book's locks while it works, at a lower priority than the threads that serve
//! buyers; so here is a lock of its own, which is never held for longer than it takes to add one.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Subject, Unknown};

/// What was lost since the book was last told.
#[derive(Debug, Default)]
pub(crate) struct Losses(Mutex<HashMap<Key, Lost>>);

/// The address of a subject, which stays its own while the entry holds it, and why it was lost.
type Key = (usize, Unknown);

/// Some requests of one subject, lost for one reason.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) subject: Arc<Subject>,
    pub(crate) why: Unknown,
    pub(crate) requests: u64,
}

impl Losses {
    /// One more.
    pub(crate) fn add(&self, subject: &Arc<Subject>, why: Unknown) {
        let mut losses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = losses.entry((Arc::as_ptr(subject).addr(), why));
        let none = || Lost { subject: Arc::clone(subject), why, requests: 0 };
        lost.or_insert_with(none).requests += 1;
    }

    /// All of them, each once.
    pub(crate) fn take(&self) -> impl Iterator<Item = Lost> {
        let losses = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        losses.into_values()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, thread};

    use super::*;
    use crate::{Budget, Proof, compare::Rules};

    fn subject(route: &str) -> Arc<Subject> {
        let (rules, budget, proof) = (Rules::default(), Budget::default(), Proof::default());
        Arc::new(Subject::new(route, rules, budget, proof, Vec::new()))
    }

    #[test]
    fn each_is_taken_once_whoever_loses_it_while_they_are_taken() {
        let (losses, subjects) = (Losses::default(), ["a", "b"].map(subject));
        let lose = || {
            for number in 0..10_000 {
                let why = [Unknown::Dropped, Unknown::ClientGone][number % 2];
                losses.add(&subjects[number % 5 % 2], why);
            }
        };
        let mut sums: BTreeMap<_, u64> = BTreeMap::new();
        let mut sum = |Lost { subject, why, requests }| {
            *sums.entry((subject.route.clone(), why)).or_default() += requests;
        };
        thread::scope(|scope| {
            let losing = [scope.spawn(lose), scope.spawn(lose)];
            while !losing.iter().all(thread::ScopedJoinHandle::is_finished) {
                losses.take().for_each(&mut sum);
            }
        });
        losses.take().for_each(&mut sum);
        let sums: Vec<_> = sums.into_values().collect();
        assert_eq!(sums, [6_000, 6_000, 4_000, 4_000]);
    }
}
