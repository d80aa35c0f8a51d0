//! What one more answer says of a request whose answers differ.
//!
//! Whether a difference is a race: what was asked about changed between the two answers. The side
//! that was first is asked once more. If it says now what the other one said, the world has
//! changed once. If the monolith says a third thing, it may have changed twice: then the extraction
//! must have seen it on the way from the one to the other, and both sides are asked again until the
//! world holds still. A fault is not hidden by that: where nothing changed the monolith says twice the
//! same, and a difference from that counts.
//!
//! And what is to be learnt of noise: whether the world has changed between the answers of a pair in
//! which only one differs, and whether the monolith differs from itself where it was not asked twice.

use std::{collections::HashSet, time::Duration};

use time::OffsetDateTime;

use crate::{
    Around, Leg, Observation, Question, Recheck, Subject,
    book::Book,
    compare::{Answers, Comparison, Decimal, Difference, Fragment, Pair, Value, parse_time},
    experiment::Reading,
    judge::answer,
    noise::Settled,
    report::Signature,
    seen::{Compared, Weighed},
};

/// What both sides are asked for in the second round, in questions to the monolith.
const AROUND: u32 = 2;

/// What was answered, and what can still be asked.
pub(crate) struct Second {
    pub(crate) control: Observation,
    pub(crate) candidate: Observation,
    /// The monolith's second answer, if it was asked twice.
    pub(crate) again: Option<Observation>,
    /// To the side that was first, as long as it was not asked.
    question: Option<Question>,
    /// What that has said.
    further: Option<Observation>,
    /// Both sides, where the monolith is who is asked once more.
    around: Option<Box<dyn FnOnce() -> Around + Send>>,
    asking: Asking,
}

impl Second {
    pub(crate) fn new(
        recheck: Recheck,
        [control, candidate]: [Observation; 2],
        again: Option<Observation>,
        reading: Reading,
        deadline: Duration,
    ) -> Self {
        let (question, around) = match recheck {
            Recheck::Control(question, around) => (question, Some(around)),
            Recheck::Candidate(question) => (question, None),
        };
        let (question, asking) = (Some(question), Asking { reading, deadline });
        Self { control, candidate, again, question, further: None, around, asking }
    }

    /// Where the world has changed between the answers of a pair in which only one differs. Nothing
    /// counts of a pair about which nobody may be asked: asked are as many of either side.
    pub(crate) async fn settle(
        &mut self,
        book: &Book,
        subject: &Subject,
        [candidate, itself]: [&Comparison<'_>; 2],
    ) -> Settled {
        if !book.rechecks.take_spare(&subject.route) {
            let [candidate, control] = [candidate, itself].map(|it| book.signatures(it));
            return Settled { candidate, control, unasked: true };
        }
        self.settled(book, subject).await.unwrap_or_default()
    }

    /// `None` where the further answer is of no use.
    async fn settled(&mut self, book: &Book, subject: &Subject) -> Option<Settled> {
        let further = self.further(book, subject, true).await?;
        let differing = |one: &Observation, other: &Observation| {
            compared(one.clone(), other.clone(), subject, |it| {
                (it.omitted == 0).then(|| book.signatures(it))
            })
            .flatten()
        };
        let own = differing(&self.control, &further)?;
        let candidate = differing(&further, &self.candidate)?;
        let again = differing(&further, self.again.as_ref()?)?;
        let only = |one: &HashSet<Signature>, other| one.difference(other).cloned().collect();
        Some(Settled {
            // The monolith says by now what the candidate said; or the candidate does not any more,
            // but what the monolith says.
            candidate: if self.around.is_some() {
                only(&own, &candidate)
            } else {
                only(&candidate, &own)
            },
            control: only(&own, &again),
            unasked: false,
        })
    }

    /// What noise makes of the comparison when the monolith's further answer is taken for its second
    /// one; `None` where that is not to be had.
    pub(crate) async fn reconsider(
        &mut self,
        book: &Book,
        subject: &Subject,
        comparison: &Comparison<'_>,
        weighed: &Weighed,
    ) -> Option<Weighed> {
        if self.around.is_none() || self.again.is_some() || !subject.noise {
            return None;
        }
        let further = self.further(book, subject, false).await?;
        compared(self.control.clone(), further, subject, |itself| {
            book.reconsider(subject, comparison, weighed, itself)
        })
    }

    /// Whether what counts of the comparison is a race.
    pub(crate) async fn finds_race(mut self, book: &Book, compared: &Compared<'_>) -> bool {
        let Compared { subject, .. } = *compared;
        let Some(further) = self.further(book, subject, false).await else { return false };
        let Self { control, candidate, around, asking, .. } = self;
        let are_alike = |one, other| are_alike(book, compared, one, other);
        let Some(around) = around else { return are_alike(control, further) };
        are_alike(further.clone(), candidate)
            || (is_on_the_way(compared, control, further)
                && book.rechecks.take(&subject.route, AROUND)
                && asking.hold_still(around(), are_alike).await)
    }

    /// One more answer of the side that was first, if it may be asked or was.
    async fn further(
        &mut self,
        book: &Book,
        subject: &Subject,
        is_paid_for: bool,
    ) -> Option<Observation> {
        if self.question.is_some()
            && (is_paid_for || book.rechecks.take(&subject.route, 1))
            && let Some(question) = self.question.take()
        {
            self.further = self.asking.ask(question).await;
        }
        self.further.clone()
    }
}

/// How a side is asked.
struct Asking {
    reading: Reading,
    deadline: Duration,
}

impl Asking {
    async fn ask(&self, question: Question) -> Option<Observation> {
        let mut answer = answer(Leg::Ask(question), self.deadline).await.ok()?;
        self.reading.read(&mut answer.headers);
        Some(answer)
    }

    /// Whether the candidate agrees with the monolith before it and after it.
    async fn hold_still(
        &self,
        around: Around,
        are_alike: impl Fn(Observation, Observation) -> bool,
    ) -> bool {
        let Some(before) = self.ask(around.before).await else { return false };
        let Some(candidate) = self.ask(around.candidate).await else { return false };
        let Some(after) = self.ask(around.after).await else { return false };
        are_alike(before, candidate.clone()) && are_alike(after, candidate)
    }
}

/// Whether two answers agree in *all* that counts. Less would not do: a field that is another one
/// each time differs from the first answer, too, and would hide every fault of the candidate.
fn are_alike(
    book: &Book,
    Compared { subject, weighed, .. }: &Compared<'_>,
    control: Observation,
    candidate: Observation,
) -> bool {
    compared(control, candidate, subject, |it| book.are_alike(subject, weighed, it))
        .unwrap_or_default()
}

/// Whether the monolith itself has changed wherever the candidate differed, and the candidate's
/// values lie between its own.
fn is_on_the_way(differing: &Compared<'_>, before: Observation, after: Observation) -> bool {
    let is_on_the_way = |change: &Comparison<'_>| {
        differing.counting().all(|it| {
            let changes = change.findings.iter().map(|it| &it.difference);
            changes.filter(|way| is_at(way, &it.difference)).any(|way| lies_on(way, &it.difference))
        })
    };
    differing.comparison.omitted == 0
        && compared(before, after, differing.subject, is_on_the_way).unwrap_or_default()
}

/// What `look` makes of the comparison of two answers; `None` where they cannot be compared.
fn compared<T>(
    control: Observation,
    candidate: Observation,
    subject: &Subject,
    look: impl FnOnce(&Comparison<'_>) -> T,
) -> Option<T> {
    let pair = Pair::new(control, candidate).ok()?;
    let answers = Answers::read(&pair).ok()?;
    Some(look(&answers.compare(&subject.rules, OffsetDateTime::now_utc())))
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
