//! What is known of each route's noise, and what of it outlives the process.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{Noise, Pairs, Place, Third, Weight};
use crate::{binding::Binding, report::Signature};

/// How often it is kept. A process that is killed forgets so much.
const OFTEN: Duration = Duration::from_mins(1);

/// The noise of every route.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Of what was compared there last.
    routes: HashMap<String, (Binding, Noise)>,
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
    ) -> Weight {
        if !self.routes.get(route).is_some_and(|(known, _)| is_same(known, binding)) {
            let recalled = self.recalled.remove(route).filter(|it| it.is_of(binding));
            let noise = recalled.map_or_else(Noise::default, Learned::noise);
            self.routes.insert(route.to_owned(), (binding.clone(), noise));
        }
        if itself.is_some() && !self.learnt.contains(route) {
            self.learnt.insert(route.to_owned());
        }
        let known = self.routes.get_mut(route);
        known.map_or_else(Weight::default, |it| it.1.judge(candidate, itself))
    }

    /// As [`Noise::learn_third`], for one route of which a request was weighed.
    pub(crate) fn learn_third(
        &mut self,
        route: &str,
        binding: &Binding,
        candidate: &[Place<'_>],
        weight: &Weight,
        third: &Third<'_>,
    ) {
        // What was compared last may be of another build by now.
        if let Some((known, noise)) = self.routes.get_mut(route)
            && is_same(known, binding)
        {
            noise.learn_third(candidate, weight, third);
        }
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
            let (binding, noise) = self.routes.get(&route)?;
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
            && self.monolith.as_deref() == binding.monolith.as_deref()
    }

    fn noise(self) -> Noise {
        // What is kept was learnt of pairs.
        Noise { places: self.places.into_iter().collect(), is_paired: true }
    }
}

/// Whether what was learnt of the one is of worth for the other.
fn is_same(known: &Binding, other: &Binding) -> bool {
    let Binding { build, rules, monolith, .. } = known;
    *build == other.build && *rules == other.rules && *monolith == other.monolith
}
