//! What the judge writes down: counts at once in memory, and in the store once a second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

use crate::{
    Class, MonolithVersion, Observation, RequestSummary, StoreError, Stratum, Subject, Unknown,
    binding::{Answered, Binding, Monolith},
    compare::{Comparison, Difference, Judgement, Outcome, Rule},
    metrics::ShadowMetrics,
    noise::{Excused, Noise, places},
    recheck::Rechecks,
    redact::Redactor,
    report::{Marks, NewSample, NewSide, Pending, RuleNote, Seen, Signature, Store, bucket},
};

/// One process's counts on their way to the store.
#[derive(Debug)]
pub(crate) struct Book {
    store: Store,
    pending: Mutex<Pending>,
    build: Arc<str>,
    began: OffsetDateTime,
    monolith: Mutex<Monolith>,
    /// By route, of what was compared there last.
    noise: Mutex<HashMap<String, (Binding, Noise)>>,
    pub(crate) rechecks: Rechecks,
    pub(crate) metrics: ShadowMetrics,
}

/// What a comparison comes to when noise is told from what counts.
pub(crate) struct Weighed {
    binding: Binding,
    noise: Excused,
    /// What is left.
    pub(crate) counted: Marks,
}

impl Book {
    pub(crate) fn new(
        store: Store,
        metrics: ShadowMetrics,
        build: &str,
        monolith: MonolithVersion,
    ) -> Self {
        let began = OffsetDateTime::now_utc();
        let monolith = Mutex::new(Monolith::new(monolith, began));
        let (pending, noise) = (Mutex::default(), Mutex::default());
        let rechecks = Rechecks::default();
        Self { store, pending, build: build.into(), began, monolith, noise, rechecks, metrics }
    }

    /// A request could not be compared.
    pub(crate) fn unknown(&self, subject: &Subject, why: Unknown) {
        self.metrics.unknown(&subject.route, why);
        let monolith = locked(&self.monolith).now();
        let mut pending = self.pending();
        let now = OffsetDateTime::now_utc();
        let route = pending.route(subject, self.binding(subject, monolith), now);
        *route.unknowns.entry(why).or_default() += 1;
    }

    /// What a request of the subject counts for, whoever answered it.
    fn binding(&self, subject: &Subject, monolith: Answered) -> Binding {
        let now = self.began.max(subject.since);
        let (monolith, at) = match monolith {
            Answered::Unknown => (None, now),
            Answered::Current(name, since) => (Some(name), now.max(since)),
            // Older than anything that counts.
            Answered::Replaced(name) => (Some(name), OffsetDateTime::UNIX_EPOCH),
        };
        let (build, rules) = (Arc::clone(&self.build), Arc::clone(&subject.digest));
        Binding { build, rules, monolith, at }
    }

    /// Tells noise from what counts; from a request that was asked twice it is learnt first.
    pub(crate) fn weigh(
        &self,
        subject: &Subject,
        control: &Observation,
        comparison: &Comparison<'_>,
        itself: Option<&Comparison<'_>>,
    ) -> Weighed {
        let now = OffsetDateTime::now_utc();
        let monolith = locked(&self.monolith).of(&control.headers, now);
        let binding = self.binding(subject, monolith);
        let noise = self.noise(&subject.route, &binding, comparison, itself);
        let counted = noise.left(comparison);
        Weighed { binding, noise, counted }
    }

    /// Whether another comparison of the same candidate's answer shows nothing that counts.
    pub(crate) fn are_alike(
        &self,
        subject: &Subject,
        weighed: &Weighed,
        other: &Comparison<'_>,
    ) -> bool {
        self.noise(&subject.route, &weighed.binding, other, None).left(other).is_clean()
    }

    /// A request was compared.
    pub(crate) fn compared(
        &self,
        subject: &Subject,
        request: &RequestSummary,
        [control, candidate]: [&Observation; 2],
        comparison: &Comparison<'_>,
        weighed: Weighed,
    ) {
        let Weighed { binding, noise, counted } = weighed;
        let now = OffsetDateTime::now_utc();
        let outcome = match comparison.outcome() {
            Outcome::Mismatched if counted.is_clean() => "noise",
            outcome => outcome.label(),
        };
        self.metrics.compared(&subject.route, outcome);
        self.metrics.took(&subject.route, control.took, candidate.took);
        let seen = self.seen(subject, request, [control, candidate], comparison, &noise, now);

        let stratum = stratum(request, control);
        let fingerprint = self.fingerprint(request, &stratum);

        let mut pending = self.pending();
        let route = pending.route(subject, binding, now);
        match comparison.outcome() {
            Outcome::Matched => route.matched += 1,
            Outcome::Ignored => route.ignored += 1,
            Outcome::Mismatched if counted.is_clean() => route.noise += 1,
            Outcome::Mismatched => route.mismatched += 1,
        }
        route.critical += u64::from(counted.critical);
        route.cosmetic += u64::from(counted.cosmetic);
        route.kinds.compared(stratum, fingerprint, counted);
        *route.control.entry(bucket(control.took)).or_default() += 1;
        *route.candidate.entry(bucket(candidate.took)).or_default() += 1;
        for seen in seen {
            route.differs(seen);
        }
    }

    /// Which differences are noise; of a request that was asked twice it is learnt first.
    fn noise(
        &self,
        route: &str,
        binding: &Binding,
        comparison: &Comparison<'_>,
        itself: Option<&Comparison<'_>>,
    ) -> Excused {
        // A page's noisy paragraph says nothing of the next one.
        let redactor = self.store.redactor();
        let by_place = |it: &Difference<'_>| Signature {
            path: redactor.path(&it.path, |it| it.grouped_by_lists().to_string()),
            kind: it.kind,
            class: it.class,
        };
        let candidate = places(comparison, by_place);
        if candidate.is_empty() && itself.is_none() {
            return Excused::default();
        }
        let itself = itself.map(|it| places(it, by_place));
        let mut routes = locked(&self.noise);
        let fresh = || (binding.clone(), Noise::default());
        let known = routes.entry(route.to_owned()).or_insert_with(fresh);
        if known.0 != *binding {
            *known = fresh();
        }
        known.1.judge(&candidate, itself.as_deref())
    }

    /// Equal for requests that are repetitions of one another.
    fn fingerprint(&self, request: &RequestSummary, stratum: &Stratum) -> u64 {
        let (method, target) = (request.method.as_str(), &request.target);
        let variant = request.variant.to_be_bytes();
        // The only one in which a line end may stand is the last.
        let parts: [&[u8]; 4] =
            [method.as_bytes(), target.as_bytes(), stratum.as_str().as_bytes(), &variant];
        self.store.redactor().fingerprint(&parts)
    }

    /// The differences of one request, those in several elements of a list as one.
    fn seen(
        &self,
        subject: &Subject,
        request: &RequestSummary,
        [control, candidate]: [&Observation; 2],
        comparison: &Comparison<'_>,
        noise: &Excused,
        now: OffsetDateTime,
    ) -> Vec<Seen> {
        if comparison.findings.is_empty() {
            return Vec::new();
        }
        let (redactor, reveal) = (self.store.redactor(), &subject.reveal);
        let bodies = [control, candidate].map(|it| redactor.body(it, reveal));
        let target = format!("{} {}", request.method, redactor.target(&request.target));
        let mut seen: HashMap<Signature, Seen> = HashMap::new();
        for (index, finding) in comparison.findings.iter().enumerate() {
            let difference = &finding.difference;
            let signature = signature(difference, redactor);
            let is_noise = noise.0.contains(&index);
            let counts = !is_noise && !matches!(finding.judgement, Judgement::Excused(_));
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
            seen.insert(
                signature.clone(),
                Seen { signature, excused: !counts, noise: is_noise, rule, sample },
            );
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
        locked(&self.pending)
    }
}

/// What is behind a lock stays usable whoever panicked: each change is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stratum(request: &RequestSummary, control: &Observation) -> Stratum {
    let content_type = control.headers.get(http::header::CONTENT_TYPE);
    let operation = request.operation.as_deref();
    Stratum::of(control.status, request.signed_in, content_type, operation)
}

fn signature(difference: &Difference<'_>, redactor: &Redactor) -> Signature {
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
