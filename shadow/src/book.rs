//! What the judge writes down: counts at once in memory, and in the store once a second.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use time::OffsetDateTime;

use crate::{
    Class, MonolithVersion, Observation, RequestSummary, Retention, StoreError, Stratum, Subject,
    Unknown,
    binding::{Answered, Binding, Monolith},
    compare::{Comparison, Difference, Ids, Judgement, Links, Outcome, Rule},
    metrics::ShadowMetrics,
    noise::{Excused, Memory, places},
    recheck::Rechecks,
    redact::{Redactor, method_name},
    report::{Marks, NewSample, NewSide, Pending, RuleNote, Seen, Signature, Store, bucket},
    stratum::Traits,
    suggestion::{Forms, forms},
};

/// How often the store is freed of what is old.
const EXPIRY: Duration = Duration::from_mins(1);

/// One process's counts on their way to the store.
#[derive(Debug)]
pub(crate) struct Book {
    store: Store,
    pending: Mutex<Pending>,
    under_way: tokio::sync::Mutex<UnderWay>,
    retention: Retention,
    /// When the store was last freed of what is old.
    expired: Mutex<Option<Instant>>,
    build: Arc<str>,
    began: OffsetDateTime,
    monolith: Mutex<Monolith>,
    noise: Mutex<Memory>,
    links: Mutex<Links>,
    pub(crate) rechecks: Rechecks,
    pub(crate) metrics: ShadowMetrics,
}

/// The counts that the store has not acknowledged. They are written again as they are, under the same
/// number, until it does: nobody knows what has become of a transaction whose end was not seen.
#[derive(Debug, Default)]
struct UnderWay {
    number: u64,
    pending: Option<Pending>,
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
        retention: Retention,
    ) -> Self {
        let began = OffsetDateTime::now_utc();
        let monolith = Mutex::new(Monolith::new(monolith, began));
        let (pending, noise, links) = (Mutex::default(), Mutex::default(), Mutex::default());
        let under_way = tokio::sync::Mutex::default();
        Self {
            store,
            pending,
            under_way,
            retention,
            expired: Mutex::default(),
            build: build.into(),
            began,
            monolith,
            noise,
            links,
            rechecks: Rechecks::default(),
            metrics,
        }
    }

    /// A request could not be compared; of which kind it was is known if the monolith's answer is.
    pub(crate) fn unknown(&self, subject: &Subject, why: Unknown, kind: Option<Stratum>) {
        self.metrics.unknown(&subject.route, why);
        let monolith = locked(&self.monolith).now();
        let mut pending = self.pending();
        let now = OffsetDateTime::now_utc();
        let (route, _) = pending.route(subject, self.binding(subject, monolith), now);
        *route.unknowns.entry(why).or_default() += 1;
        if let Some(kind) = kind {
            route.kinds.unknown(kind, why);
        }
    }

    /// Whether anything can be written down.
    pub(crate) fn is_open(&self) -> bool {
        self.store.is_open()
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

        let stratum = Traits::of(request, control).stratum();
        let fingerprint = self.fingerprint(request, &stratum);

        let mut pending = self.pending();
        let (route, room) = pending.route(subject, binding, now);
        match comparison.outcome() {
            Outcome::Matched => route.matched += 1,
            Outcome::Ignored => route.ignored += 1,
            Outcome::Mismatched if counted.is_clean() => route.noise += 1,
            Outcome::Mismatched => route.mismatched += 1,
        }
        route.critical += u64::from(counted.critical);
        route.cosmetic += u64::from(counted.cosmetic);
        route.kinds.compared(stratum, fingerprint, counted, room);
        *route.control.entry(bucket(control.took)).or_default() += 1;
        *route.candidate.entry(bucket(candidate.took)).or_default() += 1;
        for seen in seen {
            route.differs(seen, room);
        }
    }

    /// Holds the ids of an answer against those of earlier ones.
    pub(crate) fn link(&self, ids: &mut Ids) {
        locked(&self.links).link(ids);
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
        locked(&self.noise).judge(route, binding, &candidate, itself.as_deref())
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
        let target = redactor.target(&request.template, &request.target, reveal);
        let target = format!("{} {target}", method_name(&request.method));
        let stratum = Traits::of(request, control).stratum().as_str().to_owned();
        let mut forms = forms(comparison, |it| signature(it, redactor));
        let mut seen: HashMap<Signature, Seen> = HashMap::new();
        for (index, finding) in comparison.findings.iter().enumerate() {
            let difference = &finding.difference;
            let signature = signature(difference, redactor);
            let is_noise = noise.0.contains(&index);
            let counts = !is_noise && !matches!(finding.judgement, Judgement::Excused(_));
            let earlier = seen.get_mut(&signature);
            if let Some(earlier) = &earlier {
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
                stratum: stratum.clone(),
                request: target.clone(),
                request_id: request.id.clone(),
                path: redactor.path(&difference.path, |it| it.to_string()),
                omitted: comparison.omitted as u64,
                control,
                candidate,
            };
            let rule = note(finding.judgement);
            let forms = match earlier {
                Some(earlier) => mem::take(&mut earlier.forms),
                None => forms.remove(&signature).map_or_else(Forms::default, Forms::one),
            };
            let (excused, noise) = (!counts, is_noise);
            let it = Seen { signature: signature.clone(), excused, noise, rule, forms, sample };
            seen.insert(signature, it);
        }
        seen.into_values().collect()
    }

    /// Writes what is pending; what cannot be written waits for the next time.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let mut under_way = self.under_way.lock().await;
        let mut written = self.store.prepare().await;
        if written.is_ok() {
            written = self.write(&mut under_way).await;
        }
        if written.is_ok() {
            let pending = mem::take(&mut *self.pending());
            self.metrics.lost(pending.room.lost);
            if pending.rows() > 0 {
                under_way.number += 1;
                under_way.pending = Some(pending);
                written = self.write(&mut under_way).await;
            }
        }
        self.metrics.flushed(written.is_ok());
        let waiting = under_way.pending.as_ref().map_or(0, Pending::rows) + self.pending().rows();
        self.metrics.pending.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        written
    }

    async fn write(&self, under_way: &mut UnderWay) -> Result<(), StoreError> {
        if let Some(pending) = &under_way.pending {
            self.store.write(under_way.number, pending).await?;
            under_way.pending = None;
        }
        Ok(())
    }

    /// Frees the store of what is old, if that was not done within the last minute.
    pub(crate) async fn expire(&self) -> Result<(), StoreError> {
        let last = locked(&self.expired).replace(Instant::now());
        if let Some(last) = last.filter(|it| it.elapsed() < EXPIRY) {
            *locked(&self.expired) = Some(last);
            return Ok(());
        }
        self.store.expire(self.retention).await
    }

    /// Keeps what was learnt of noise, once a minute and the `last` time. It can wait: nothing but
    /// a little knowledge is lost with it.
    pub(crate) async fn remember(&self, last: bool) -> Result<(), StoreError> {
        let learned = locked(&self.noise).due(last);
        if learned.is_empty() {
            return Ok(());
        }
        let kept = self.store.remember(&learned).await;
        if kept.is_err() {
            locked(&self.noise).take_back(learned);
        }
        kept
    }

    /// Takes up what an earlier process has learnt of noise.
    pub(crate) async fn recall(&self) -> Result<(), StoreError> {
        let kept = self.store.recall().await?;
        locked(&self.noise).recall(kept);
        Ok(())
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        locked(&self.pending)
    }
}

/// What is behind a lock stays usable whoever panicked: each change is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        Judgement::Classed(rule) | Judgement::Excused(rule) => Some(note(rule, false)),
        Judgement::Expired(rule) => Some(note(rule, true)),
    }
}
