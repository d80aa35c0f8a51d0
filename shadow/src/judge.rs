//! One experiment: both answers, and their comparison.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Experiment, Leg, Observation, Subject, Unknown,
    book::Book,
    compare::{Answers, Comparison, Ids, Pair},
    handle::Prepared,
    noise::Settled,
    race::Second,
    seen::{Compared, Weighed},
    stratum::Traits,
    ticket::Ticket,
};

/// Gets both answers, compares them, and counts what comes of it.
pub(crate) async fn judge(prepared: Prepared, mut ticket: Ticket) {
    let Prepared { experiment, on_mismatch } = prepared;
    let Experiment { subject, request, control, candidate, again, recheck, reading, deadline } =
        experiment;
    let request = Arc::new(request);
    // Who has answered a buyer was first; as much time passes to the monolith's answer, if that is
    // still to come, as from that to its second one.
    let control = answer(control, deadline).await;
    if let Ok(control) = &control {
        ticket.is_of(Traits::of(&request, control));
    }
    let (candidate, again) = both(candidate, again, deadline).await;
    let (mut control, mut candidate) = match (control, candidate) {
        (Ok(control), Ok(candidate)) => (control, candidate),
        (Err(why), _) | (_, Err(why)) => return ticket.unknown(why),
    };
    // A second answer that did not come, or cannot be read, teaches nothing.
    let mut again = again.and_then(Result::ok);
    for side in [&mut control, &mut candidate].into_iter().chain(&mut again) {
        reading.read(&mut side.headers);
    }
    let mut second = recheck.map(|recheck| {
        let sides = [control.clone(), candidate.clone()];
        Second::new(recheck, sides, again.clone(), reading, deadline)
    });
    let again = again.and_then(|it| Pair::new(control.clone(), it).ok());
    let again = again.as_ref().and_then(|it| Answers::read(it).ok());
    let pair = match Pair::new(control, candidate) {
        Ok(pair) => pair,
        Err(why) => return ticket.unknown(why),
    };
    let answers = match Answers::read(&pair) {
        Ok(answers) => answers,
        Err(why) => return ticket.unknown(why),
    };
    let at = OffsetDateTime::now_utc();
    let link = |ids: &mut Ids| ticket.book().link(ids);
    let comparison = answers.compare_linked(&subject.rules, at, link);
    let itself = again.as_ref().map(|it| it.compare(&subject.rules, at));
    let (book, sides) = (ticket.book(), pair.sides());
    let stratum = Traits::of(&request, sides[0]).stratum();
    let pair = (&comparison, itself.as_ref());
    let weighed = weigh(book, &subject, sides[0], pair, &mut second).await;
    let (subject, request, comparison, weighed) = (&*subject, &*request, &comparison, &weighed);
    let compared = Compared { subject, request, sides, stratum, comparison, weighed, at };
    let counts = !weighed.counted.is_clean();
    let is_race = match second {
        Some(second) if counts => second.finds_race(book, &compared).await,
        _ => false,
    };
    if is_race {
        return ticket.settle(|book| book.raced(&compared));
    }
    ticket.settle(|book| book.compared(&compared));
    if counts && let Some(act) = on_mismatch {
        act();
    }
}

/// Tells noise from what counts, and asks once more where that is to be learnt.
async fn weigh(
    book: &Book,
    subject: &Subject,
    control: &Observation,
    (comparison, itself): (&Comparison<'_>, Option<&Comparison<'_>>),
    second: &mut Option<Second>,
) -> Weighed {
    book.rechecks.earn(&subject.route);
    let settled = match (&mut *second, itself) {
        (Some(second), Some(itself)) if book.is_discordant([comparison, itself]) => {
            second.settle(book, subject, [comparison, itself]).await
        }
        _ => Settled::default(),
    };
    let weighed = book.weigh(subject, control, comparison, itself, &settled);
    match second {
        Some(second) if !weighed.counted.is_clean() => {
            let reconsidered = second.reconsider(book, subject, comparison, &weighed).await;
            reconsidered.unwrap_or(weighed)
        }
        _ => weighed,
    }
}

/// The candidate's answer, and the monolith's second one if it is asked for. One after the other, in
/// random order: what changes with time must not look like the doing of the one that comes last.
async fn both(
    candidate: Leg,
    again: Option<Leg>,
    deadline: Duration,
) -> (Result<Observation, Unknown>, Option<Result<Observation, Unknown>>) {
    let Some(again) = again else { return (answer(candidate, deadline).await, None) };
    let mut coin = [0];
    // Without randomness the candidate comes first.
    let is_tails = getrandom::fill(&mut coin).is_ok() && coin[0] & 1 == 1;
    if is_tails {
        let again = answer(again, deadline).await;
        (answer(candidate, deadline).await, Some(again))
    } else {
        let candidate = answer(candidate, deadline).await;
        (candidate, Some(answer(again, deadline).await))
    }
}

/// The answer that was seen, or the one that is asked for; a panic stays in its own task.
pub(crate) async fn answer(leg: Leg, deadline: Duration) -> Result<Observation, Unknown> {
    let asking = match leg {
        Leg::Answered(observation) => return Ok(observation),
        Leg::Ask(asking) => asking,
    };
    match timeout(deadline, AbortOnDropHandle::new(tokio::spawn(asking))).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Unknown::Panicked),
        Err(_) => Err(Unknown::TimedOut),
    }
}
