//! What is known of an element without comparing it to any other.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash as _, Hasher as _},
    mem, ptr,
};

use foldhash::fast::{FixedState, FoldHasher};

use super::{Key, Member, Path, Step, Value};
use crate::compare::rule::Excuses;

/// Hashes values as far as no rule excuses what they are. A collision pairs two unequal elements,
/// which are then compared like any other pair: it never hides a difference.
pub(super) struct Digest<'d, 'a> {
    pub(super) excuses: &'d Excuses<'a>,
    pub(super) path: Path<'a>,
    pub(super) has_rules: bool,
    pub(super) known: &'d mut Known,
}

/// Digests of lists and objects that hold others, by their addresses: lists within lists are come
/// upon once for each level, and need not be hashed so often.
pub(super) type Known = HashMap<*const (), u64, FixedState>;

impl<'a> Digest<'_, 'a> {
    /// The member with this name says what the element is.
    pub(super) fn key(&mut self, at: usize, element: &'a Value<'a>, name: &str) -> Key {
        self.path.push(Step::Element(at));
        let content = self.value(element).unwrap_or_default();
        let identity = match element {
            Value::Object(members) => members
                .iter()
                .find(|(it, value)| {
                    it == name && matches!(value, Value::Number(_) | Value::String(_))
                })
                .and_then(|(name, value)| self.step(Step::Member(name), value)),
            _ => None,
        };
        self.path.pop();
        Key { content, identity }
    }

    fn step(&mut self, step: Step<'a>, value: &'a Value<'a>) -> Option<u64> {
        self.path.push(step);
        let digest = self.value(value);
        self.path.pop();
        digest
    }

    /// `None` for what a rule excuses.
    fn value(&mut self, value: &'a Value<'a>) -> Option<u64> {
        if self.has_rules && self.excuses.blur(&self.path) {
            return None;
        }
        let place = ptr::from_ref(value).cast();
        if let Some(digest) = self.known.get(&place) {
            return Some(*digest);
        }
        let mut hasher = hasher();
        mem::discriminant(value).hash(&mut hasher);
        match value {
            Value::Null => {}
            Value::Bool(it) => it.hash(&mut hasher),
            Value::Number(it) => it.hash(&mut hasher),
            Value::String(it) => it.hash(&mut hasher),
            Value::Array(elements) => self.elements(elements).hash(&mut hasher),
            Value::Object(members) => self.members(members).hash(&mut hasher),
        }
        let digest = hasher.finish();
        if holds_others(value) {
            self.known.insert(place, digest);
        }
        Some(digest)
    }

    fn elements(&mut self, elements: &'a [Value<'a>]) -> u64 {
        let ordered = !self.excuses.any_order(&self.path);
        let mut digests = Vec::with_capacity(elements.len());
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
    fn members(&mut self, members: &'a [Member<'a>]) -> u64 {
        members.iter().fold(0, |sum, (name, value)| {
            let Some(digest) = self.step(Step::Member(name), value) else { return sum };
            let mut hasher = hasher();
            (name, digest).hash(&mut hasher);
            sum.wrapping_add(hasher.finish())
        })
    }
}

fn holds_others(value: &Value<'_>) -> bool {
    let is_other = |it: &Value<'_>| matches!(it, Value::Array(_) | Value::Object(_));
    match value {
        Value::Array(elements) => elements.iter().any(is_other),
        Value::Object(members) => members.iter().any(|(_, it)| is_other(it)),
        _ => false,
    }
}

pub(super) fn hasher() -> FoldHasher<'static> {
    FixedState::default().build_hasher()
}
