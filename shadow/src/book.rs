//! What the judge writes down: counts at once in memory, and in the store once a second.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use time::OffsetDateTime;

use crate::{
    MonolithVersion, NoiseTally, Observation, RequestSummary, Retention, StoreError, Stratum,
    Subject, Unknown,
    binding::{Answered, Binding, Monolith},
    compare::{Comparison, Difference, Ids, Links, Outcome},
    losses::{Losses, Lost},
    metrics::ShadowMetrics,
    noise::{Judged, Memory, Place, Settled, Tallies, places, signatures},
    recheck::Rechecks,
    report::{Pending, Signature, Store, bucket},
    seen::{Compared, Weighed, sample_of_all, seen},
    stratum::Traits,
    under_way::UnderWay,
};

/// How often the store is freed of what is old.
const EXPIRY: Duration = Duration::from_mins(1);

/// One process's counts on their way to the store.
#[derive(Debug)]
pub(crate) struct Book {
    store: Store,
    pending: Mutex<Pending>,
    losses: Losses,
    under_way: tokio::sync::Mutex<UnderWay>,
    retention: Retention,
    /// When the store was last freed of what is old.
    expired: Mutex<Option<Instant>>,
    build: Arc<str>,
    began: Instant,
    monolith: Mutex<Monolith>,
    noise: Mutex<Memory>,
    links: Mutex<Links>,
    pub(crate) rechecks: Rechecks,
    pub(crate) metrics: ShadowMetrics,
}

impl Book {
    pub(crate) fn new(
        store: Store,
        metrics: ShadowMetrics,
        build: &str,
        monolith: MonolithVersion,
        retention: Retention,
    ) -> Self {
        let began = Instant::now();
        let monolith = Mutex::new(Monolith::new(monolith, began));
        let (pending, noise, links) = (Mutex::default(), Mutex::default(), Mutex::default());
        let under_way = tokio::sync::Mutex::default();
        Self {
            store,
            pending,
            losses: Losses::default(),
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

    /// The route is judged so from now on, though no request has come yet.
    pub(crate) fn bind(&self, subject: &Subject) {
        let monolith = locked(&self.monolith).now();
        let binding = self.binding(subject, monolith);
        self.pending().bind(subject, binding, OffsetDateTime::now_utc());
    }

    /// A request could not be compared.
    pub(crate) fn unknown(&self, subject: &Subject, why: Unknown, traits: &Traits) {
        self.metrics.unknown(&subject.route, why);
        let kind = traits.stratum();
        let fingerprint = self.fingerprint(&traits.request, &kind);
        self.unknowns(subject, why, 1, Some((kind, fingerprint)));
    }

    /// A request of which nobody knows the kind was lost on the way to the judge. This is for the
    /// threads that serve buyers: it never waits for the judge.
    pub(crate) fn lost(&self, subject: &Arc<Subject>, why: Unknown) {
        self.metrics.unknown(&subject.route, why);
        self.losses.add(subject, why);
    }

    /// With the kind of the request and its fingerprint, if they are known.
    fn unknowns(
        &self,
        subject: &Subject,
        why: Unknown,
        requests: u64,
        known: Option<(Stratum, u64)>,
    ) {
        let monolith = locked(&self.monolith).now();
        let mut pending = self.pending();
        let now = OffsetDateTime::now_utc();
        let (route, room) = pending.route(subject, self.binding(subject, monolith), now);
        *route.unknowns.entry(why).or_default() += requests;
        if let Some((kind, fingerprint)) = known {
            route.kinds.unknown(kind, fingerprint, why, room);
        }
    }

    /// What differed in a request had changed between the two answers: it is kept to be looked at,
    /// and counts for nothing.
    pub(crate) fn raced(&self, compared: &Compared<'_>) {
        let Compared { subject, request, ref stratum, weighed, .. } = *compared;
        self.metrics.unknown(&subject.route, Unknown::Raced);
        let sample = sample_of_all(compared, self.store.redactor());
        let fingerprint = self.fingerprint(request, stratum);
        let mut pending = self.pending();
        let (route, room) = pending.route(subject, weighed.binding.clone(), compared.at);
        *route.unknowns.entry(Unknown::Raced).or_default() += 1;
        route.kinds.unknown(stratum.clone(), fingerprint, Unknown::Raced, room);
        if let Some(sample) = sample {
            route.raced.keep(sample, room);
        }
    }

    /// Whether anything can be written down.
    pub(crate) fn is_open(&self) -> bool {
        self.store.is_open()
    }

    /// What a request of the subject counts for, whoever answered it.
    fn binding(&self, subject: &Subject, monolith: Answered) -> Binding {
        let judged = self.began.max(subject.since);
        let (monolith, since) = match monolith {
            Answered::Unknown => (None, Some(judged)),
            Answered::Current(name, since) => (Some(name), Some(judged.max(since))),
            Answered::Replaced(name) => (Some(name), None),
        };
        let (build, rules) = (Arc::clone(&self.build), Arc::clone(&subject.digest));
        Binding { build, rules, monolith, since }
    }

    /// Tells noise from what counts; from a request that was asked twice it is learnt first.
    pub(crate) fn weigh(
        &self,
        subject: &Subject,
        control: &Observation,
        comparison: &Comparison<'_>,
        itself: Option<&Comparison<'_>>,
        settled: &Settled,
    ) -> Weighed {
        let monolith = locked(&self.monolith).of(&control.headers, Instant::now());
        let binding = self.binding(subject, monolith);
        let judged = self.noise(subject, &binding, comparison, itself, settled);
        Weighed::new(binding, comparison, judged)
    }

    /// The same of a request that was weighed, when the monolith was then asked a second time.
    pub(crate) fn reconsider(
        &self,
        subject: &Subject,
        comparison: &Comparison<'_>,
        weighed: &Weighed,
        itself: &Comparison<'_>,
    ) -> Weighed {
        let [candidate, itself] = [comparison, itself].map(|it| self.places(it));
        let binding = weighed.binding.clone();
        let judged = locked(&self.noise).reconsider(&subject.route, &binding, &candidate, &itself);
        Weighed::new(binding, comparison, judged)
    }

    /// Whether there is a place at which only one of a pair differs.
    pub(crate) fn is_discordant(&self, pair: [&Comparison<'_>; 2]) -> bool {
        let [candidate, itself] = pair.map(|it| self.signatures(it));
        candidate != itself
    }

    /// Where answers differ, as noise is learnt.
    pub(crate) fn signatures(&self, comparison: &Comparison<'_>) -> HashSet<Signature> {
        signatures(&self.places(comparison)).into_iter().cloned().collect()
    }

    /// Whether another comparison of the same candidate's answer shows nothing that counts.
    pub(crate) fn are_alike(
        &self,
        subject: &Subject,
        weighed: &Weighed,
        other: &Comparison<'_>,
    ) -> bool {
        let settled = &Settled::default();
        let judged = self.noise(subject, &weighed.binding, other, None, settled);
        judged.excused.left(other).is_clean()
    }

    /// A request was compared.
    pub(crate) fn compared(&self, compared: &Compared<'_>) {
        let Compared { subject, request, sides: [control, candidate], .. } = *compared;
        let weighed @ Weighed { binding, counted, .. } = compared.weighed;
        let outcome = if compared.is_noise() { "noise" } else { compared.outcome().label() };
        self.metrics.compared(subject, outcome, *counted);
        self.metrics.took(&subject.route, control.took, candidate.took);
        let seen = seen(compared, self.store.redactor());
        let fingerprint = self.fingerprint(request, &compared.stratum);
        let tallies = self.tallies(subject, weighed, fingerprint);

        let mut pending = self.pending();
        let (route, room) = pending.route(subject, binding.clone(), compared.at);
        route.compared_at(Instant::now());
        match compared.outcome() {
            Outcome::Matched => route.matched += 1,
            Outcome::Ignored => route.ignored += 1,
            Outcome::Mismatched if compared.is_noise() => route.noise += 1,
            Outcome::Mismatched => route.mismatched += 1,
        }
        route.critical += u64::from(counted.critical);
        route.cosmetic += u64::from(counted.cosmetic);
        for (class, tally) in tallies {
            *route.noise_tallies.entry(class).or_default() += tally;
        }
        if compared.is_matched_by_digest() {
            route.kinds.matched_by_digest(compared.stratum.clone());
        }
        route.kinds.compared(compared.stratum.clone(), fingerprint, *counted, room);
        *route.control.entry(bucket(control.took)).or_default() += 1;
        *route.candidate.entry(bucket(candidate.took)).or_default() += 1;
        for seen in seen {
            route.differs(seen, room);
        }
    }

    /// What the request says of what noise may hide: a repetition says nothing of it.
    fn tallies(&self, subject: &Subject, weighed: &Weighed, fingerprint: u64) -> Tallies {
        let Weighed { binding, tallies, .. } = weighed;
        let is_pair = tallies.values().any(|it| it.asked_twice > 0);
        let counts =
            is_pair && locked(&self.noise).is_first_pair(&subject.route, binding, fingerprint);
        let tally = |it: &NoiseTally| {
            if counts { *it } else { NoiseTally { excused: it.excused, ..NoiseTally::default() } }
        };
        tallies.iter().map(|(class, it)| (*class, tally(it))).collect()
    }

    /// Holds the ids of an answer against those of earlier ones.
    pub(crate) fn link(&self, ids: &mut Ids) {
        locked(&self.links).link(ids);
    }

    /// Which differences are noise; of a request that was asked twice it is learnt first. Of a route
    /// without `noise` nothing is: nothing would tell an extraction that differs too often.
    fn noise(
        &self,
        subject: &Subject,
        binding: &Binding,
        comparison: &Comparison<'_>,
        itself: Option<&Comparison<'_>>,
        settled: &Settled,
    ) -> Judged {
        let candidate = self.places(comparison);
        if !subject.noise || (candidate.is_empty() && itself.is_none()) {
            return Judged::default();
        }
        let itself = itself.map(|it| self.places(it));
        let mut noise = locked(&self.noise);
        noise.judge(&subject.route, binding, &candidate, itself.as_deref(), settled)
    }

    /// Where answers differ. A page's noisy paragraph says nothing of the next one.
    fn places<'a>(&self, comparison: &'a Comparison<'a>) -> Vec<Place<'a>> {
        let redactor = self.store.redactor();
        places(comparison, |it: &Difference<'_>| Signature {
            path: redactor.path(&it.path, |it| it.grouped_by_lists().to_string()),
            kind: it.kind,
            class: it.class,
        })
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

    /// Writes what is pending; what cannot be written waits for the next time.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let mut under_way = self.under_way.lock().await;
        for Lost { subject, why, requests } in self.losses.take() {
            self.unknowns(&subject, why, requests, None);
        }
        let mut written = self.store.prepare().await;
        if written.is_ok() {
            written = under_way.write(&self.store, &self.metrics.store).await;
        }
        if written.is_ok() {
            let pending = mem::take(&mut *self.pending());
            self.metrics.store.lost(pending.room.lost);
            under_way.take(pending);
            written = under_way.write(&self.store, &self.metrics.store).await;
        }
        self.metrics.store.flushed(written.is_ok());
        let waiting = under_way.rows() + self.pending().rows();
        self.metrics.store.pending.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        written
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
