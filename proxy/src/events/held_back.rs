//! What waits because Kafka refuses an event of it: an aggregate, or all aggregates of a class.
//!
//! An event that is refused is never skipped, since what came after it would then be read without it.
//! So the later events of its aggregate wait with it, and all others go on. It is tried again from
//! time to time: somebody may have raised a limit, created a topic or looked after the row.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::outbox::Aggregate;

/// How often a refused event is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// With more than this held back, the cause is not in the events.
pub(super) const LIMIT: usize = 100;

/// What is held back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    /// The events of one aggregate.
    Aggregate(Aggregate),
    /// The events of all aggregates of a class: there is something with their topic.
    Class(String),
}

/// What is held back, by which event, and until when.
#[derive(Debug, Default)]
pub(super) struct HeldBack(BTreeMap<Held, (i64, Instant)>);

impl HeldBack {
    /// What is left out of the next batch.
    pub(super) fn left_out(&self, now: Instant) -> impl Iterator<Item = &Held> {
        self.0.iter().filter(move |(_, (_, until))| *until > now).map(|(held, _)| held)
    }

    /// Holds something back because of this event. Whether that is news.
    pub(super) fn hold(&mut self, held: Held, event: i64, now: Instant) -> bool {
        self.0.insert(held, (event, now + AGAIN)).is_none_or(|(before, _)| before != event)
    }

    /// What was in a batch that was read at `then`, and was not refused again, is free.
    pub(super) fn free(&mut self, then: Instant) {
        self.0.retain(|_, (_, until)| *until > then);
    }

    /// How much is held back.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: i64) -> Held {
        Held::Aggregate(Aggregate { class: "Order".to_owned(), id })
    }

    #[test]
    fn what_is_held_back_is_left_out_until_it_is_tried_again() {
        let (mut held, start) = (HeldBack::default(), Instant::now());
        assert!(held.hold(order(1), 7, start));
        assert!(held.hold(Held::Class("Return".to_owned()), 8, start));
        assert_eq!(held.left_out(start).count(), 2);
        assert_eq!(held.left_out(start + AGAIN).count(), 0);
        assert_eq!(held.len(), 2, "it is not free before it was tried");
    }

    #[test]
    fn what_is_refused_again_is_no_news_and_what_is_not_is_free() {
        let (mut held, start) = (HeldBack::default(), Instant::now());
        held.hold(order(1), 7, start);
        held.hold(order(2), 8, start);
        let later = start + AGAIN;
        assert!(!held.hold(order(1), 7, later));
        held.free(later);
        assert_eq!(held.left_out(later).collect::<Vec<_>>(), [&order(1)]);
        assert!(held.hold(order(1), 9, later), "another event is news");
    }
}
