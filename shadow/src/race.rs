//! Whether a difference is a race: what was asked about changed between the two answers.
//!
//! The side that was first is asked once more. If it says now what the other one said, the world has
//! changed once. If the monolith says a third thing, it may have changed twice: then the extraction
//! must have seen it on the way from the one to the other, and both sides are asked again until the
//! world holds still. A fault is not hidden by that: where nothing changed the monolith says twice the
//! same, and a difference from that counts.
//!
//! The monolith is also asked where it was asked twice before and only one of the two other answers
//! differs from its first: what it says a third time tells whether the world has changed, which is
//! learnt of [`noise`](crate::noise).

use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    Around, Leg, Observation, Question, Recheck,
    book::Book,
    compare::{Answers, Comparison, Decimal, Difference, Fragment, Pair, Value, parse_time},
    experiment::Reading,
    judge::answer,
    seen::Compared,
};

/// What both sides are asked for in the second round, in questions to the monolith.
const AROUND: u32 = 2;

/// What can still be asked, and what was answered before.
pub(crate) struct Second {
    pub(crate) recheck: Recheck,
    pub(crate) control: Observation,
    pub(crate) candidate: Observation,
    /// The monolith's second answer, if it was asked twice.
    pub(crate) again: Option<Observation>,
    pub(crate) reading: Reading,
    pub(crate) deadline: Duration,
}

impl Second {
    /// Whether what counts of the comparison is a race; nobody is asked where there is nothing to
    /// find out.
    pub(crate) async fn finds_race(self, book: &Book, compared: &Compared<'_>) -> bool {
        let Compared { subject, weighed, .. } = compared;
        let counts = !weighed.counted.is_clean();
        let is_control = matches!(self.recheck, Recheck::Control(..));
        let is_open = counts || (is_control && weighed.weight.is_discordant());
        if !book.rechecks.may(&subject.route, is_open) {
            return false;
        }
        let Self { recheck, control, candidate, again, reading, deadline } = self;
        let asking = Asking { book, compared, reading, deadline };
        match recheck {
            Recheck::Candidate(question) => match asking.ask(question).await {
                Some(again) => asking.are_alike(control, again),
                None => false,
            },
            Recheck::Control(question, around) => {
                let Some(third) = asking.ask(question).await else { return false };
                let is_race = asking.are_alike_by_now(&third, candidate, again)
                    || (counts
                        && asking.is_on_the_way(control, third)
                        && book.rechecks.take(&subject.route, AROUND)
                        && asking.hold_still(around()).await);
                counts && is_race
            }
        }
    }
}

/// One difference that is asked about.
struct Asking<'a> {
    book: &'a Book,
    compared: &'a Compared<'a>,
    reading: Reading,
    deadline: Duration,
}

impl Asking<'_> {
    async fn ask(&self, question: Question) -> Option<Observation> {
        let mut answer = answer(Leg::Ask(question), self.deadline).await.ok()?;
        self.reading.read(&mut answer.headers);
        Some(answer)
    }

    /// Whether two answers agree in *all* that counts. Less would not do: a field that is another one
    /// each time differs from the first answer, too, and would hide every fault of the candidate.
    fn are_alike(&self, control: Observation, candidate: Observation) -> bool {
        let Compared { subject, weighed, .. } = self.compared;
        compared(control, candidate, self, |it| self.book.are_alike(subject, weighed, it))
    }

    /// The same of what the monolith says by now, from which is learnt.
    fn are_alike_by_now(
        &self,
        third: &Observation,
        candidate: Observation,
        again: Option<Observation>,
    ) -> bool {
        let rules = &self.compared.subject.rules;
        let pair = again.and_then(|it| Pair::new(third.clone(), it).ok());
        let answers = pair.as_ref().and_then(|it| Answers::read(it).ok());
        let itself = answers.as_ref().map(|it| it.compare(rules, OffsetDateTime::now_utc()));
        compared(third.clone(), candidate, self, |it| {
            self.book.learn_third(self.compared, it, itself.as_ref())
        })
    }

    /// Whether the monolith itself has changed wherever the candidate differed, and the candidate's
    /// values lie between its own.
    fn is_on_the_way(&self, before: Observation, after: Observation) -> bool {
        if self.compared.comparison.omitted > 0 {
            return false;
        }
        compared(before, after, self, |change| {
            self.compared.counting().all(|it| {
                let changes = change.findings.iter().map(|it| &it.difference);
                changes
                    .filter(|way| is_at(way, &it.difference))
                    .any(|way| lies_on(way, &it.difference))
            })
        })
    }

    /// Whether the candidate agrees with the monolith before it and after it.
    async fn hold_still(&self, around: Around) -> bool {
        let Some(before) = self.ask(around.before).await else { return false };
        let Some(candidate) = self.ask(around.candidate).await else { return false };
        let Some(after) = self.ask(around.after).await else { return false };
        self.are_alike(before, candidate.clone()) && self.are_alike(after, candidate)
    }
}

/// What `look` says of the comparison of two answers; no, where they cannot be compared.
fn compared(
    control: Observation,
    candidate: Observation,
    asking: &Asking<'_>,
    look: impl FnOnce(&Comparison<'_>) -> bool,
) -> bool {
    let pair = Pair::new(control, candidate).ok();
    let answers = pair.as_ref().and_then(|it| Answers::read(it).ok());
    let now = OffsetDateTime::now_utc();
    answers.as_ref().is_some_and(|it| look(&it.compare(&asking.compared.subject.rules, now)))
}

fn is_at(one: &Difference<'_>, other: &Difference<'_>) -> bool {
    one.kind == other.kind && one.path.to_string() == other.path.to_string()
}

/// Whether a value lies between those that the monolith had, where they have an order.
fn lies_on(way: &Difference<'_>, seen: &Difference<'_>) -> bool {
    let values = [&way.control, &seen.candidate, &way.candidate];
    let [Some(before), Some(seen), Some(after)] = values.map(|it| it.as_ref().and_then(text))
    else {
        return true;
    };
    match [before, seen, after].map(Decimal::parse) {
        [Some(before), Some(seen), Some(after)] => {
            return before
                .distance(after)
                .is_some_and(|way| way.spans(before, seen) && way.spans(seen, after));
        }
        [Some(_), None, Some(_)] => return false,
        _ => {}
    }
    match [before, seen, after].map(parse_time) {
        [Some(before), Some(seen), Some(after)] => {
            before.min(after) <= seen && seen <= before.max(after)
        }
        [Some(_), None, Some(_)] => false,
        _ => true,
    }
}

fn text<'a>(fragment: &'a Fragment<'_>) -> Option<&'a str> {
    match fragment {
        Fragment::Json(Value::Number(text) | Value::String(text)) | Fragment::Text(text) => {
            Some(text)
        }
        Fragment::Header(text) => Some(text),
        _ => None,
    }
}
