//! With a rate several requests are under way, but those of one session come one after the other, as
//! their buyer sent them: the next needs the cookie, and often the cart, that the one before has left.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use super::{Given, cookies, set_cookies};
use crate::recording::Exchange;

/// Which request is the last that brings a session's cookie, or is answered with it.
#[derive(Default)]
pub(super) struct Turns(Mutex<Turning>);

#[derive(Default)]
struct Turning {
    taken: u64,
    /// By the cookie's value: the number of the turn, and its end.
    last: HashMap<String, (u64, CancellationToken)>,
}

/// A request's turn in its session, until it is dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    number: u64,
    values: BTreeSet<String>,
    end: CancellationToken,
}

impl Turns {
    /// Waits for the requests of the same sessions that have come before. Those queue in the order in
    /// which they are first polled, and wait for earlier ones alone, so never for each other.
    pub(super) async fn take(&self, cookie: &str, exchange: &Exchange) -> Turn<'_> {
        let answer = exchange.answer.as_ref().map(|it| set_cookies(&it.headers));
        let both = cookies(&exchange.headers).into_iter().chain(answer.unwrap_or_default());
        let values: BTreeSet<_> = both.filter(|it: &Given| it.0 == cookie).map(|it| it.1).collect();
        let end = CancellationToken::new();
        let (number, earlier) = {
            let mut turning = self.lock();
            turning.taken += 1;
            let number = turning.taken;
            let queue = |it: &String| turning.last.insert(it.clone(), (number, end.clone()));
            (number, values.iter().filter_map(queue).collect::<Vec<_>>())
        };
        let turn = Turn { turns: self, number, values, end };
        for (_, end) in earlier {
            end.cancelled().await;
        }
        turn
    }

    fn lock(&self) -> MutexGuard<'_, Turning> {
        // A panic cannot have left it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.end.cancel();
        let mut turning = self.turns.lock();
        for value in &self.values {
            if turning.last.get(value).is_some_and(|it| it.0 == self.number) {
                turning.last.remove(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{
        super::tests::{answer, asked},
        *,
    };

    #[test]
    fn requests_of_one_session_come_one_after_the_other_and_others_do_not_wait() {
        let turns = Turns::default();
        let exchange = |brings: &str, gets: &str| {
            let mut exchange = asked(brings, "");
            exchange.answer = (!gets.is_empty()).then(|| answer(gets));
            exchange
        };
        let signs_in = exchange("s=visitor", "s=buyer");
        let (buys, pays) = (exchange("s=buyer", "s=buyer"), exchange("s=buyer", ""));
        let (other, none) = (exchange("s=other", ""), exchange("t=buyer", "t=buyer"));
        let first = turns.take("s", &signs_in).now_or_never().unwrap();
        let mut second = Box::pin(turns.take("s", &buys));
        assert!((&mut second).now_or_never().is_none());
        let mut third = Box::pin(turns.take("s", &pays));
        assert!((&mut third).now_or_never().is_none());
        for it in [other, none] {
            assert!(turns.take("s", &it).now_or_never().is_some());
        }
        drop(first);
        assert!((&mut third).now_or_never().is_none(), "not before the second");
        let second = second.now_or_never().unwrap();
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        drop(third.now_or_never().unwrap());
        assert!(turns.lock().last.is_empty(), "nothing is kept of what has ended");
    }
}
