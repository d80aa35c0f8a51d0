//! One experiment: both answers, their comparison, and a second word on what differs.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Experiment, Leg, Observation, Recheck, Subject, Unknown,
    book::Book,
    compare::{Answers, Ids, Outcome, Pair},
    experiment::Reading,
    runner::{OnMismatch, Ticket},
    seen::{Compared, Weighed},
    stratum::Traits,
};

/// Gets both answers, compares them, and counts what comes of it.
pub(crate) async fn judge(
    experiment: Experiment,
    mut ticket: Ticket,
    on_mismatch: Option<OnMismatch>,
) {
    let Experiment { subject, request, control, candidate, again, recheck, reading, deadline } =
        experiment;
    let control = answer(control, deadline);
    let rest = both(candidate, again, deadline);
    let (control, (candidate, again)) = tokio::join!(control, rest);
    if let Ok(control) = &control {
        ticket.answered(&request, control);
    }
    let (mut control, mut candidate) = match (control, candidate) {
        (Ok(control), Ok(candidate)) => (control, candidate),
        (Err(why), _) | (_, Err(why)) => return ticket.unknown(why),
    };
    // A second answer that did not come, or cannot be read, teaches nothing.
    let mut again = again.and_then(Result::ok);
    for side in [&mut control, &mut candidate].into_iter().chain(&mut again) {
        reading.read(&mut side.headers);
    }
    let second = recheck.map(|recheck| {
        let other = match recheck {
            Recheck::Control(_) => candidate.clone(),
            Recheck::Candidate(_) => control.clone(),
        };
        Second { recheck, other, reading, deadline }
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
    let today = OffsetDateTime::now_utc().date();
    let link = |ids: &mut Ids| ticket.book().link(ids);
    let comparison = answers.compare_linked(&subject.rules, today, link);
    let itself = again.as_ref().map(|it| it.compare(&subject.rules, today));
    let [control, _] = pair.sides();
    let weighed = ticket.book().weigh(&subject, control, &comparison, itself.as_ref());
    let raced = match second {
        Some(second) if ticket.book().rechecks.may(&subject.route, !weighed.counted.is_clean()) => {
            second.agrees(ticket.book(), &subject, &weighed).await
        }
        _ => false,
    };
    let compared = Compared {
        subject: &subject,
        request: &request,
        sides: pair.sides(),
        stratum: &Traits::of(&request, control).stratum(),
        comparison: &comparison,
        weighed: &weighed,
        at: OffsetDateTime::now_utc(),
    };
    if raced {
        return ticket.settle(|book| book.raced(&compared));
    }
    ticket.settle(|book| book.compared(&compared));
    if let (Outcome::Mismatched, Some(act)) = (comparison.outcome(), on_mismatch) {
        act();
    }
}

/// The second word of the side that answered first, on a difference from the other's answer.
struct Second {
    recheck: Recheck,
    other: Observation,
    reading: Reading,
    deadline: Duration,
}

impl Second {
    /// Whether it says now what the other one has said, in all that counts. Less would not do: a
    /// field that is another one each time differs from the first answer, too, and would hide every
    /// fault of the candidate.
    async fn agrees(self, book: &Book, subject: &Subject, weighed: &Weighed) -> bool {
        let Self { recheck, other, reading, deadline } = self;
        let (is_control, question) = match recheck {
            Recheck::Control(question) => (true, question),
            Recheck::Candidate(question) => (false, question),
        };
        let Ok(mut answer) = answer(Leg::Ask(question), deadline).await else { return false };
        reading.read(&mut answer.headers);
        let pair = if is_control { Pair::new(answer, other) } else { Pair::new(other, answer) };
        let Some(answers) = pair.as_ref().ok().and_then(|it| Answers::read(it).ok()) else {
            return false;
        };
        let today = OffsetDateTime::now_utc().date();
        book.are_alike(subject, weighed, &answers.compare(&subject.rules, today))
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
async fn answer(leg: Leg, deadline: Duration) -> Result<Observation, Unknown> {
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
