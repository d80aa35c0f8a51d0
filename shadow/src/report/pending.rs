//! Counts that are not in the store yet. The store's load grows with routes, not with traffic.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::distinct::Kinds;
use crate::{
    Budget, Class, DifferenceKind, Proof, Subject, Unknown, binding::Binding, suggestion::Forms,
};

/// Samples that one difference may keep waiting.
const SAMPLES: usize = 5;

/// Differences that one route may keep waiting: a document whose member names are data would have
/// no end of them.
const DIFFERENCES: usize = 1_000;

/// What happened since the last flush, by route and by what was compared.
#[derive(Debug, Default)]
pub(crate) struct Pending(pub(super) HashMap<(String, Binding), RouteDelta>);

/// What happened to one route.
#[derive(Debug)]
pub(crate) struct RouteDelta {
    pub(crate) budget: Budget,
    pub(crate) proof: Proof,
    pub(crate) first_at: OffsetDateTime,
    pub(crate) last_at: OffsetDateTime,
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
    pub(crate) differences: HashMap<Signature, DifferenceDelta>,
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
    pub(super) samples: VecDeque<NewSample>,
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

/// A sample that was redacted already.
#[derive(Debug, Clone)]
pub(crate) struct NewSample {
    pub(crate) at: OffsetDateTime,
    pub(crate) request: String,
    pub(crate) request_id: String,
    pub(crate) path: String,
    pub(crate) omitted: u64,
    pub(crate) control: NewSide,
    pub(crate) candidate: NewSide,
}

/// One side of a sample.
#[derive(Debug, Clone)]
pub(crate) struct NewSide {
    pub(crate) status: u16,
    pub(crate) value: Option<String>,
    pub(crate) body: String,
}

impl Pending {
    pub(crate) fn route(
        &mut self,
        subject: &Subject,
        binding: Binding,
        now: OffsetDateTime,
    ) -> &mut RouteDelta {
        let key = (subject.route.clone(), binding);
        let delta = self.0.entry(key).or_insert_with(|| RouteDelta::new(subject, now));
        delta.last_at = now;
        delta
    }

    /// Rows that a flush will touch.
    pub(crate) fn rows(&self) -> usize {
        self.0
            .values()
            .map(|it| 1 + it.differences.len() + it.unknowns.len() + it.kinds.rows())
            .sum()
    }

    /// Takes back what could not be written; `self` happened later.
    pub(crate) fn take_back(&mut self, earlier: Self) {
        for (route, mut delta) in earlier.0 {
            if let Some(later) = self.0.remove(&route) {
                delta.merge(later);
            }
            self.0.insert(route, delta);
        }
    }
}

impl RouteDelta {
    fn new(subject: &Subject, now: OffsetDateTime) -> Self {
        Self {
            budget: subject.budget,
            proof: subject.proof,
            first_at: now,
            last_at: now,
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
            differences: HashMap::new(),
        }
    }

    /// One request had this difference.
    pub(crate) fn differs(&mut self, seen: Seen) {
        if self.differences.len() >= DIFFERENCES && !self.differences.contains_key(&seen.signature)
        {
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
            samples: VecDeque::new(),
        });
        delta.requests += 1;
        delta.excused += u64::from(seen.excused);
        delta.noise += u64::from(seen.noise);
        delta.rule = seen.rule.or(delta.rule.take());
        delta.forms.add(seen.forms);
        delta.last_seen = at;
        delta.keep(seen.sample);
    }

    fn merge(&mut self, later: Self) {
        self.last_at = later.last_at;
        self.matched += later.matched;
        self.ignored += later.ignored;
        self.noise += later.noise;
        self.mismatched += later.mismatched;
        self.critical += later.critical;
        self.cosmetic += later.cosmetic;
        for (counts, later) in
            [(&mut self.control, later.control), (&mut self.candidate, later.candidate)]
        {
            add(counts, later);
        }
        add(&mut self.unknowns, later.unknowns);
        self.kinds.merge(later.kinds);
        for (signature, delta) in later.differences {
            if let Some(earlier) = self.differences.get_mut(&signature) {
                earlier.merge(delta);
            } else if self.differences.len() < DIFFERENCES {
                self.differences.insert(signature, delta);
            }
        }
    }
}

impl DifferenceDelta {
    fn merge(&mut self, later: Self) {
        self.requests += later.requests;
        self.excused += later.excused;
        self.noise += later.noise;
        self.rule = later.rule.or(self.rule.take());
        self.forms.add(later.forms);
        self.last_seen = later.last_seen;
        for sample in later.samples {
            self.keep(sample);
        }
    }

    /// The newest are kept; the store keeps the first ones.
    fn keep(&mut self, sample: NewSample) {
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, later: BTreeMap<K, u64>) {
    for (key, count) in later {
        *counts.entry(key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Rules;

    fn seen(path: &str, at: i64) -> Seen {
        let side = NewSide { status: 200, value: None, body: String::new() };
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
        let at = OffsetDateTime::UNIX_EPOCH;
        Binding { build: "".into(), rules: "".into(), monolith: None, at }
    }

    fn pending(times: std::ops::Range<i64>) -> Pending {
        let mut pending = Pending::default();
        for at in times {
            let now = OffsetDateTime::from_unix_timestamp(at).unwrap();
            let route = pending.route(&subject(), binding(), now);
            route.mismatched += 1;
            *route.unknowns.entry(Unknown::Dropped).or_default() += 1;
            route.differs(seen("$.price", at));
        }
        pending
    }

    #[test]
    fn what_could_not_be_written_is_added_to_what_came_later() {
        let mut later = pending(10..13);
        later.take_back(pending(0..10));
        let route = &later.0[&("catalog.show".to_owned(), binding())];
        assert_eq!((route.mismatched, route.unknowns[&Unknown::Dropped]), (13, 13));
        let difference = route.differences.values().next().unwrap();
        assert_eq!((difference.requests, difference.samples.len()), (13, SAMPLES));
        assert_eq!(difference.first_seen.unix_timestamp(), 0);
        assert_eq!(difference.samples.back().unwrap().at.unix_timestamp(), 12);
    }

    #[test]
    fn endless_differences_are_bounded() {
        let mut pending = Pending::default();
        let route = pending.route(&subject(), binding(), OffsetDateTime::UNIX_EPOCH);
        for index in 0..2_000 {
            route.differs(seen(&format!("$.m{index}"), 0));
        }
        assert_eq!(route.differences.len(), DIFFERENCES);
        assert_eq!(pending.rows(), 1 + DIFFERENCES);
    }
}
