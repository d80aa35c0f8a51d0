//! Counts that are not in the store yet. The store's load grows with routes, not with traffic.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    distinct::Kinds,
    intervals::Times,
    room::Room,
    samples::{NewSample, Samples},
};
use crate::{
    Budget, Class, DifferenceKind, NoiseTally, Proof, Subject, Unknown, binding::Binding,
    suggestion::Forms,
};

/// Differences that one route may keep waiting: a document whose member names are data would have
/// no end of them.
const DIFFERENCES: usize = 1_000;

/// What happened since the last flush, by route and by what was compared.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Whenever a binding began: a route file that is read again begins nothing new.
    routes: HashMap<(String, Binding), RouteDelta>,
    pub(crate) room: Room,
}

/// What happened to one route.
#[derive(Debug)]
pub(crate) struct RouteDelta {
    /// The youngest of its bindings, which are the same but for that.
    since: Option<Instant>,
    pub(crate) budget: Budget,
    pub(crate) proof: Proof,
    pub(crate) first_at: OffsetDateTime,
    pub(crate) last_at: OffsetDateTime,
    /// When requests were compared.
    pub(super) compared: Times,
    pub(crate) matched: u64,
    pub(crate) ignored: u64,
    pub(crate) noise: u64,
    pub(crate) mismatched: u64,
    pub(crate) critical: u64,
    pub(crate) cosmetic: u64,
    pub(crate) unknowns: BTreeMap<Unknown, u64>,
    pub(crate) control: BTreeMap<i64, u64>,
    pub(crate) candidate: BTreeMap<i64, u64>,
    pub(crate) kinds: Kinds,
    pub(crate) noise_tallies: BTreeMap<Class, NoiseTally>,
    pub(crate) differences: HashMap<Signature, DifferenceDelta>,
    /// Of requests that raced.
    pub(crate) raced: Samples,
}

/// What makes two differences the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Signature {
    /// With every index as `[*]`.
    pub(crate) path: String,
    pub(crate) kind: DifferenceKind,
    pub(crate) class: Class,
}

/// What happened to one difference.
#[derive(Debug)]
pub(crate) struct DifferenceDelta {
    pub(super) requests: u64,
    pub(super) excused: u64,
    pub(super) noise: u64,
    pub(super) rule: Option<RuleNote>,
    pub(super) forms: Forms,
    pub(super) first_seen: OffsetDateTime,
    pub(super) last_seen: OffsetDateTime,
    pub(super) samples: Samples,
}

/// The rule that excused a difference, or would have, had it not expired.
#[derive(Debug, Clone)]
pub(crate) struct RuleNote {
    pub(crate) why: String,
    pub(crate) until: Option<String>,
    pub(crate) expired: bool,
}

/// One difference of one request.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) signature: Signature,
    /// Whether rules or noise excused it everywhere in this request.
    pub(crate) excused: bool,
    /// Whether it was noise.
    pub(crate) noise: bool,
    pub(crate) rule: Option<RuleNote>,
    /// What its values have in common, unless a rule excused it.
    pub(crate) forms: Forms,
    pub(crate) sample: NewSample,
}

impl Pending {
    pub(crate) fn route(
        &mut self,
        subject: &Subject,
        binding: Binding,
        now: OffsetDateTime,
    ) -> (&mut RouteDelta, &mut Room) {
        self.make_room();
        let since = binding.since;
        let key = (subject.route.clone(), Binding { since: None, ..binding });
        let delta = self.routes.entry(key).or_insert_with(|| RouteDelta::new(subject, now));
        delta.since = delta.since.max(since);
        delta.last_at = now;
        (delta, &mut self.room)
    }

    /// Nothing has come yet of what the route is bound to now. What it was bound to before, of which
    /// nothing came either, need not be told any more.
    pub(crate) fn bind(&mut self, subject: &Subject, binding: Binding, now: OffsetDateTime) {
        self.routes.retain(|(route, _), it| *route != subject.route || !it.is_empty());
        self.route(subject, binding, now);
    }

    /// Each route's by what it is bound to, the youngest at the end: that is what holds.
    pub(super) fn by_age(&self) -> Vec<(&str, Binding, &RouteDelta)> {
        let routes = self.routes.iter().map(|((route, binding), delta)| {
            (&**route, Binding { since: delta.since, ..binding.clone() }, delta)
        });
        let mut routes: Vec<_> = routes.collect();
        routes.sort_by_key(|(route, binding, _)| (binding.since, *route));
        routes
    }

    /// Halves the distinct requests of the routes that have most of them.
    fn make_room(&mut self) {
        while self.room.is_crowded()
            && let Some(most) = self.routes.values_mut().max_by_key(|it| it.kinds.distinct)
        {
            most.kinds.thin(&mut self.room);
        }
    }

    /// Rows that a flush will touch.
    pub(crate) fn rows(&self) -> usize {
        self.routes
            .values()
            .map(|it| {
                1 + it.differences.len() + it.unknowns.len() + it.kinds.rows() + it.raced.len()
            })
            .sum()
    }
}

impl RouteDelta {
    fn new(subject: &Subject, now: OffsetDateTime) -> Self {
        Self {
            since: None,
            budget: subject.budget,
            proof: subject.proof,
            first_at: now,
            last_at: now,
            compared: Times::default(),
            matched: 0,
            ignored: 0,
            noise: 0,
            mismatched: 0,
            critical: 0,
            cosmetic: 0,
            unknowns: BTreeMap::new(),
            control: BTreeMap::new(),
            candidate: BTreeMap::new(),
            kinds: Kinds::default(),
            noise_tallies: BTreeMap::new(),
            differences: HashMap::new(),
            raced: Samples::default(),
        }
    }

    /// Whether no request has come: it only says what the route is bound to.
    pub(super) fn is_empty(&self) -> bool {
        self.requests() == 0 && self.compared.is_empty() && self.kinds.rows() == 0
    }

    /// All that were counted, compared or not.
    pub(super) fn requests(&self) -> u64 {
        let compared = self.matched + self.ignored + self.noise + self.mismatched;
        compared + self.unknowns.values().sum::<u64>()
    }

    /// A request was compared.
    pub(crate) fn compared_at(&mut self, at: Instant) {
        self.compared.add(at);
    }

    /// One request had this difference.
    pub(crate) fn differs(&mut self, seen: Seen, room: &mut Room) {
        let is_known = self.differences.contains_key(&seen.signature);
        if !is_known && (self.differences.len() >= DIFFERENCES || !room.for_difference()) {
            room.lost.differences += 1;
            return;
        }
        let at = seen.sample.at;
        let delta = self.differences.entry(seen.signature).or_insert_with(|| DifferenceDelta {
            requests: 0,
            excused: 0,
            noise: 0,
            rule: None,
            forms: Forms::default(),
            first_seen: at,
            last_seen: at,
            samples: Samples::default(),
        });
        delta.requests += 1;
        delta.excused += u64::from(seen.excused);
        delta.noise += u64::from(seen.noise);
        delta.rule = seen.rule.or(delta.rule.take());
        delta.forms.add(seen.forms);
        delta.last_seen = at;
        delta.samples.keep(seen.sample, room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compare::Rules, report::samples::NewSide};

    /// However often the route file changes while the store is away.
    #[test]
    fn of_bindings_of_which_nothing_came_the_last_is_told() {
        let (subject, mut pending) = (subject(), Pending::default());
        let now = OffsetDateTime::UNIX_EPOCH;
        let bound = |rules: &str| Binding { rules: rules.into(), ..binding() };
        pending.bind(&subject, bound("1"), now);
        pending.route(&subject, bound("1"), now).0.unknowns.insert(Unknown::Dropped, 1);
        for rules in ["2", "3", "4"] {
            pending.bind(&subject, bound(rules), now);
        }
        let mut told: Vec<_> = pending.routes.keys().map(|(_, it)| &*it.rules).collect();
        told.sort_unstable();
        assert_eq!(told, ["1", "4"]);
    }

    fn seen(path: &str, at: i64, stratum: &str, body: &str) -> Seen {
        let side = NewSide { status: 200, value: None, body: body.into() };
        let at = OffsetDateTime::from_unix_timestamp(at).unwrap();
        Seen {
            signature: Signature {
                path: path.into(),
                kind: DifferenceKind::Changed,
                class: Class::Critical,
            },
            excused: false,
            noise: false,
            rule: None,
            forms: Forms::one(None),
            sample: NewSample {
                at,
                stratum: stratum.into(),
                request: String::new(),
                request_id: String::new(),
                path: path.into(),
                omitted: 0,
                control: side.clone(),
                candidate: side,
            },
        }
    }

    fn subject() -> Subject {
        let (budget, proof) = (Budget::default(), Proof::default());
        Subject::new("catalog.show", Rules::default(), budget, proof, Vec::new())
    }

    fn binding() -> Binding {
        Binding { build: "".into(), rules: "".into(), monolith: None, since: None }
    }

    #[test]
    fn endless_differences_are_bounded_and_what_is_lost_is_counted() {
        let mut pending = Pending::default();
        let (route, room) = pending.route(&subject(), binding(), OffsetDateTime::UNIX_EPOCH);
        for index in 0..2_000 {
            route.differs(seen(&format!("$.m{index}"), 0, "", ""), room);
        }
        assert_eq!((route.differences.len(), room.lost.differences), (DIFFERENCES, 1_000));
        assert_eq!(pending.rows(), 1 + DIFFERENCES);
    }

    #[test]
    fn a_route_file_that_is_read_again_makes_nothing_more_wait() {
        let (mut pending, now) = (Pending::default(), OffsetDateTime::UNIX_EPOCH);
        for _ in 0..100 {
            let subject = subject();
            let binding = Binding { since: Some(subject.since), ..binding() };
            *pending
                .route(&subject, binding, now)
                .0
                .unknowns
                .entry(Unknown::Dropped)
                .or_default() += 1;
        }
        assert_eq!((pending.routes.len(), pending.rows()), (1, 2));
    }

    #[test]
    fn samples_that_no_store_takes_are_bounded_over_all_routes_and_what_is_lost_is_counted() {
        let mut pending = Pending::default();
        let body = "x".repeat(1024 * 1024);
        for index in 0..20 {
            let mut subject = subject();
            subject.route = format!("route {}", index % 4);
            let (route, room) = pending.route(&subject, binding(), OffsetDateTime::UNIX_EPOCH);
            route.differs(seen(&format!("$.m{index}"), 0, "", &body), room);
        }
        let kept =
            |it: &RouteDelta| -> usize { it.differences.values().map(|it| it.samples.len()).sum() };
        let kept: usize = pending.routes.values().map(kept).sum();
        assert_eq!((kept, pending.room.lost.samples), (15, 5));
        let requests =
            |it: &RouteDelta| -> u64 { it.differences.values().map(|it| it.requests).sum() };
        assert_eq!(pending.routes.values().map(requests).sum::<u64>(), 20, "all are counted");
    }
}
