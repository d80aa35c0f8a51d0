//! What the judge writes down: counts at once in memory, and in the store once a second.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

use crate::{
    Class, Observation, RequestSummary, StoreError, Subject, Unknown,
    compare::{Comparison, Finding, Judgement, Outcome, Rule},
    metrics::ShadowMetrics,
    redact::Redactor,
    report::{NewSample, NewSide, Pending, RuleNote, Seen, Signature, Store, bucket},
};

/// One process's counts on their way to the store.
#[derive(Debug)]
pub(crate) struct Book {
    store: Store,
    pending: Mutex<Pending>,
    pub(crate) metrics: ShadowMetrics,
}

impl Book {
    pub(crate) fn new(store: Store, metrics: ShadowMetrics) -> Self {
        Self { store, pending: Mutex::default(), metrics }
    }

    /// A request could not be compared.
    pub(crate) fn unknown(&self, subject: &Subject, why: Unknown) {
        self.metrics.unknown(&subject.route, why);
        let mut pending = self.pending();
        let route = pending.route(&subject.route, subject.budget, OffsetDateTime::now_utc());
        *route.unknowns.entry(why).or_default() += 1;
    }

    /// A request was compared.
    pub(crate) fn compared(
        &self,
        subject: &Subject,
        request: &RequestSummary,
        [control, candidate]: [&Observation; 2],
        comparison: &Comparison<'_>,
    ) {
        let outcome = comparison.outcome();
        self.metrics.compared(&subject.route, outcome);
        self.metrics.took(&subject.route, control.took, candidate.took);
        let now = OffsetDateTime::now_utc();
        let seen = self.seen(subject, request, [control, candidate], comparison, now);

        let mut pending = self.pending();
        let route = pending.route(&subject.route, subject.budget, now);
        match outcome {
            Outcome::Matched => route.matched += 1,
            Outcome::Ignored => route.ignored += 1,
            Outcome::Mismatched => route.mismatched += 1,
        }
        route.critical += u64::from(comparison.critical > 0);
        route.cosmetic += u64::from(comparison.cosmetic > 0);
        *route.control.entry(bucket(control.took)).or_default() += 1;
        *route.candidate.entry(bucket(candidate.took)).or_default() += 1;
        for seen in seen {
            route.differs(seen);
        }
    }

    /// The differences of one request, those in several elements of a list as one.
    fn seen(
        &self,
        subject: &Subject,
        request: &RequestSummary,
        [control, candidate]: [&Observation; 2],
        comparison: &Comparison<'_>,
        now: OffsetDateTime,
    ) -> Vec<Seen> {
        if comparison.findings.is_empty() {
            return Vec::new();
        }
        let (redactor, reveal) = (self.store.redactor(), &subject.reveal);
        let bodies = [control, candidate].map(|it| redactor.body(it, reveal));
        let target = format!("{} {}", request.method, redactor.target(&request.target));
        let mut seen: HashMap<Signature, Seen> = HashMap::new();
        for finding in &comparison.findings {
            let difference = &finding.difference;
            let signature = signature(finding, redactor);
            let counts = !matches!(finding.judgement, Judgement::Excused(_));
            let earlier = seen.get_mut(&signature);
            if let Some(earlier) = earlier {
                // The sample shows a place that counts, if there is one.
                if !(earlier.excused && counts) {
                    continue;
                }
            }
            let value = |fragment: &Option<_>| {
                fragment.as_ref().map(|it| redactor.fragment(it, &difference.path, reveal))
            };
            let values = [value(&difference.control), value(&difference.candidate)];
            let [control, candidate] = side([control, candidate], values, &bodies);
            let sample = NewSample {
                at: now,
                request: target.clone(),
                request_id: request.id.clone(),
                path: redactor.path(&difference.path, |it| it.to_string()),
                omitted: comparison.omitted as u64,
                control,
                candidate,
            };
            let rule = note(finding.judgement);
            seen.insert(signature.clone(), Seen { signature, excused: !counts, rule, sample });
        }
        seen.into_values().collect()
    }

    /// Writes what is pending; what cannot be written waits for the next time.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut *self.pending());
        let written = if pending.rows() == 0 { Ok(()) } else { self.store.write(&pending).await };
        self.metrics.flushed(written.is_ok());
        let mut now = self.pending();
        if written.is_err() {
            now.take_back(pending);
        }
        self.metrics.pending.set(i64::try_from(now.rows()).unwrap_or(i64::MAX));
        written
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn signature(finding: &Finding<'_>, redactor: &Redactor) -> Signature {
    let difference = &finding.difference;
    let (kind, class): (_, Class) = (difference.kind, difference.class);
    let path = redactor.path(&difference.path, |it| it.grouped().to_string());
    Signature { path, kind, class }
}

fn side(
    observations: [&Observation; 2],
    values: [Option<String>; 2],
    bodies: &[String; 2],
) -> [NewSide; 2] {
    let [control, candidate] = observations;
    let [control_value, candidate_value] = values;
    let side = |it: &Observation, value, body: &String| NewSide {
        status: it.status.as_u16(),
        value,
        body: body.clone(),
    };
    [side(control, control_value, &bodies[0]), side(candidate, candidate_value, &bodies[1])]
}

fn note(judgement: Judgement<'_>) -> Option<RuleNote> {
    let note = |rule: &Rule, expired| RuleNote {
        why: rule.why.clone(),
        until: rule.until.map(|it| it.to_string()),
        expired,
    };
    match judgement {
        Judgement::Counts => None,
        Judgement::Excused(rule) => Some(note(rule, false)),
        Judgement::Expired(rule) => Some(note(rule, true)),
    }
}
