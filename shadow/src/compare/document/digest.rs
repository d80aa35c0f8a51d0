//! What is known of an element without comparing it to any other.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, Hash as _, Hasher as _},
    mem,
};

use foldhash::fast::{FixedState, FoldHasher};

use super::{Elements, IDENTITY, Key, Members, Path, Step, Value};
use crate::compare::{json::Place, rule::Excuses};

/// Hashes values as far as no rule excuses what they are. A collision pairs two unequal elements,
/// which are then compared like any other pair: it never hides a difference.
pub(super) struct Digest<'d, 'a> {
    pub(super) excuses: &'d Excuses<'a>,
    pub(super) path: Path<'a>,
    pub(super) has_rules: bool,
    pub(super) known: &'d mut Known,
}

/// Digests of lists and objects that hold others, by their places: lists within lists are come
/// upon once for each level, and need not be hashed so often.
pub(super) type Known = HashMap<Place, u64, FixedState>;

impl<'a> Digest<'_, 'a> {
    /// The member with this name says what the element is.
    pub(super) fn key(&mut self, at: usize, element: Value<'a>, name: &str) -> Key {
        self.path.push(Step::Element(at));
        let content = self.value(element).unwrap_or_default();
        let identity = match element {
            Value::Object(members) => members
                .iter()
                .find(|(it, value)| {
                    *it == name && matches!(value, Value::Number(_) | Value::String(_))
                })
                .and_then(|(name, value)| self.step(Step::Member(name), value)),
            _ => None,
        };
        self.path.pop();
        Key { content, identity }
    }

    fn step(&mut self, step: Step<'a>, value: Value<'a>) -> Option<u64> {
        self.path.push(step);
        let digest = self.value(value);
        self.path.pop();
        digest
    }

    /// `None` for what a rule excuses.
    fn value(&mut self, value: Value<'a>) -> Option<u64> {
        if self.has_rules && self.excuses.blur(&self.path) {
            return None;
        }
        let place = place(value);
        if let Some(digest) = place.and_then(|it| self.known.get(&it)) {
            return Some(*digest);
        }
        let mut hasher = hasher();
        mem::discriminant(&value).hash(&mut hasher);
        match value {
            Value::Null => {}
            Value::Bool(it) => it.hash(&mut hasher),
            Value::Number(it) | Value::String(it) => it.hash(&mut hasher),
            Value::Array(elements) => self.elements(elements).hash(&mut hasher),
            Value::Object(members) => self.members(members).hash(&mut hasher),
        }
        let digest = hasher.finish();
        if let Some(place) = place {
            self.known.insert(place, digest);
        }
        Some(digest)
    }

    fn elements(&mut self, elements: Elements<'a>) -> u64 {
        let ordered = !self.excuses.any_order(&self.path);
        let mut digests = Vec::new();
        for (at, it) in elements.iter().enumerate() {
            digests.push(self.step(Step::Element(at), it).unwrap_or_default());
        }
        if !ordered {
            digests.sort_unstable();
        }
        let mut hasher = hasher();
        digests.hash(&mut hasher);
        hasher.finish()
    }

    /// A sum, as members have no order.
    fn members(&mut self, members: Members<'a>) -> u64 {
        members.iter().fold(0, |sum, (name, value)| {
            let Some(digest) = self.step(Step::Member(name), value) else { return sum };
            let mut hasher = hasher();
            (name, digest).hash(&mut hasher);
            sum.wrapping_add(hasher.finish())
        })
    }
}

/// Whether elements at the same indices are known to belong together without a digest of all that is in
/// them: each has one `id`, that of the other, and no two have the same.
pub(super) fn are_in_place(ones: &[Value<'_>], others: &[Value<'_>], at: &[usize]) -> bool {
    let mut seen = HashSet::with_capacity_and_hasher(at.len(), FixedState::default());
    at.iter().all(|&at| {
        let known = identity(ones[at]);
        known.is_some_and(|it| seen.insert(it)) && known == identity(others[at])
    })
}

/// The `id` of an element that has one and no other, and whether it is a text.
fn identity(element: Value<'_>) -> Option<(bool, &str)> {
    let Value::Object(members) = element else { return None };
    let mut ids = members.iter().filter(|(name, _)| *name == IDENTITY);
    match (ids.next(), ids.next()) {
        (Some((_, Value::Number(it))), None) => Some((false, it)),
        (Some((_, Value::String(it))), None) => Some((true, it)),
        _ => None,
    }
}

/// Where a list or an object is that holds others.
fn place(value: Value<'_>) -> Option<Place> {
    let is_other = |it: Value<'_>| matches!(it, Value::Array(_) | Value::Object(_));
    match value {
        Value::Array(it) => it.iter().any(is_other).then(|| it.place()),
        Value::Object(it) => it.iter().any(|(_, it)| is_other(it)).then(|| it.place()),
        _ => None,
    }
}

pub(super) fn hasher() -> FoldHasher<'static> {
    FixedState::default().build_hasher()
}
