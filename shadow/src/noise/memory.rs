//! What is known of each route's noise, and what of it outlives the process.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{Judged, Noise, Pairs, Place, Settled};
use crate::{binding::Binding, report::Signature};

/// How often it is kept. A process that is killed forgets so much.
const OFTEN: Duration = Duration::from_mins(1);

/// Bindings of a route of which it is known at once: two versions of the monolith answer while one
/// replaces the other.
const BINDINGS: usize = 3;

/// The noise of every route.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// By binding, the one that was judged last at the end.
    routes: HashMap<String, Vec<(Binding, Noise)>>,
    /// Of an earlier process.
    recalled: HashMap<String, Learned>,
    /// Routes of which more is known than is kept.
    learnt: HashSet<String>,
    kept_at: Option<Instant>,
}

/// One route's, as it is kept. Of another build, other rules or another monolith it is worth nothing.
#[derive(Debug, Serialize, Deserialize)]
struct Learned {
    build: String,
    rules: String,
    monolith: Option<String>,
    places: Vec<(Signature, Pairs)>,
}

impl Memory {
    /// As [`Noise::judge`], for one route.
    pub(crate) fn judge(
        &mut self,
        route: &str,
        binding: &Binding,
        candidate: &[Place<'_>],
        itself: Option<&[Place<'_>]>,
        settled: &Settled,
    ) -> Judged {
        if itself.is_some() {
            self.learns(route);
        }
        self.of(route, binding).judge(candidate, itself, settled)
    }

    /// As [`Noise::reconsider`], for one route.
    pub(crate) fn reconsider(
        &mut self,
        route: &str,
        binding: &Binding,
        candidate: &[Place<'_>],
        itself: &[Place<'_>],
    ) -> Judged {
        self.learns(route);
        self.of(route, binding).reconsider(candidate, itself)
    }

    /// Whether a request that was asked twice is none of which that was counted before.
    pub(crate) fn is_first_pair(
        &mut self,
        route: &str,
        binding: &Binding,
        fingerprint: u64,
    ) -> bool {
        self.of(route, binding).asked_twice.is_first(fingerprint)
    }

    fn learns(&mut self, route: &str) {
        if !self.learnt.contains(route) {
            self.learnt.insert(route.to_owned());
        }
    }

    fn of(&mut self, route: &str, binding: &Binding) -> &mut Noise {
        let known = self.routes.entry(route.to_owned()).or_default();
        let found = known.iter().rposition(|(it, _)| is_same(it, binding));
        let (mut known_as, noise) = if let Some(index) = found {
            known.remove(index)
        } else {
            let fits = self.recalled.get(route).is_some_and(|it| it.is_of(binding));
            let recalled = if fits { self.recalled.remove(route) } else { None };
            (binding.clone(), recalled.map_or_else(Noise::default, Learned::noise))
        };
        if known_as.monolith.is_none() {
            known_as.monolith.clone_from(&binding.monolith);
        }
        if known.len() >= BINDINGS {
            known.remove(0);
        }
        &mut known.push_mut((known_as, noise)).1
    }

    /// What an earlier process has kept. What cannot be read is learnt anew.
    pub(crate) fn recall(&mut self, kept: Vec<(String, String)>) {
        let read =
            |(route, text): (String, String)| Some((route, serde_json::from_str(&text).ok()?));
        self.recalled = kept.into_iter().filter_map(read).collect();
    }

    /// What is to be kept now, by route; nothing unless a minute has passed, or it is the `last` time.
    pub(crate) fn due(&mut self, last: bool) -> Vec<(String, String)> {
        let now = Instant::now();
        let began = *self.kept_at.get_or_insert(now);
        if !last && now.duration_since(began) < OFTEN {
            return Vec::new();
        }
        self.kept_at = Some(now);
        let text = |route: String| {
            // Not of a version of the monolith that is about to go.
            let known = self.routes.get(&route)?.iter();
            let (binding, noise) = known.max_by_key(|it| it.0.since)?;
            let learned = serde_json::to_string(&Learned::of(binding, noise)).ok()?;
            Some((route, learned))
        };
        self.learnt.drain().filter_map(text).collect()
    }

    /// These could not be kept.
    pub(crate) fn take_back(&mut self, routes: Vec<(String, String)>) {
        self.learnt.extend(routes.into_iter().map(|it| it.0));
    }
}

impl Learned {
    fn of(binding: &Binding, noise: &Noise) -> Self {
        Self {
            build: binding.build.to_string(),
            rules: binding.rules.to_string(),
            monolith: binding.monolith.as_deref().map(str::to_owned),
            places: noise.places.iter().map(|(place, it)| (place.clone(), it.clone())).collect(),
        }
    }

    fn is_of(&self, binding: &Binding) -> bool {
        *self.build == *binding.build
            && *self.rules == *binding.rules
            && is_maybe(self.monolith.as_deref(), binding.monolith.as_deref())
    }

    fn noise(self) -> Noise {
        Noise { places: self.places.into_iter().collect(), ..Noise::default() }
    }
}

/// Whether what was learnt of the one is of worth for the other.
fn is_same(known: &Binding, other: &Binding) -> bool {
    let Binding { build, rules, monolith, .. } = known;
    let monoliths = (monolith.as_deref(), other.monolith.as_deref());
    *build == other.build && *rules == other.rules && is_maybe(monoliths.0, monoliths.1)
}

/// Whether two versions of the monolith may be one: an answer that does not say which it is of is not
/// taken for that of another.
fn is_maybe(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, DifferenceKind};

    fn binding(build: &str, monolith: Option<&str>) -> Binding {
        let monolith = monolith.map(Into::into);
        Binding { build: build.into(), rules: "".into(), monolith, since: None }
    }

    fn learn(memory: &mut Memory, binding: &Binding) {
        let place =
            Signature { path: "$.x".into(), kind: DifferenceKind::Changed, class: Class::Critical };
        let noise = memory.of("a", binding);
        noise.at(&place).unwrap().both += 1;
        memory.learns("a");
    }

    fn learnt(memory: &mut Memory, binding: &Binding) -> u64 {
        memory.of("a", binding).places.values().map(|it| it.both).sum()
    }

    #[test]
    fn what_is_known_of_one_monolith_is_not_forgotten_for_another_that_answers_beside_it() {
        let [old, new, untold] = [Some("1"), Some("2"), None].map(|it| binding("a", it));
        let mut memory = Memory::default();
        for _ in 0..3 {
            learn(&mut memory, &old);
            learn(&mut memory, &new);
        }
        assert_eq!((learnt(&mut memory, &old), learnt(&mut memory, &new)), (3, 3));
        assert_eq!(learnt(&mut memory, &untold), 3, "it is one of them");
        assert_eq!(learnt(&mut memory, &binding("b", Some("2"))), 0, "another build is not");
        for build in ["c", "d", "e"] {
            learnt(&mut memory, &binding(build, None));
        }
        assert_eq!(learnt(&mut memory, &old), 0, "they are not kept for ever");
    }

    #[test]
    fn what_was_kept_waits_for_the_binding_that_it_is_of() {
        let (now, before) = (binding("a", Some("2")), binding("a", Some("1")));
        let mut memory = Memory::default();
        learn(&mut memory, &now);
        let kept = memory.due(true);
        let mut next = Memory::default();
        next.recall(kept);
        assert_eq!((learnt(&mut next, &before), learnt(&mut next, &now)), (0, 1));
    }
}
