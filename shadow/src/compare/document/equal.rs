//! Whether two values are equal in meaning, found out with hardly an allocation: most are.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::{Elements, Members, Value};
use crate::compare::json::Place;

/// Objects with more members in another order are left to the comparison itself.
const MEMBERS: usize = u64::BITS as usize;

/// What is to be known of lists and objects with more in them: they are come upon once for each list
/// around them, and need not be looked through so often.
const SMALL: u32 = 64;

/// Whether two values are known to be equal because they are one.
pub(super) fn are_one(one: Value<'_>, other: Value<'_>) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => one.place() == other.place(),
        (Value::Object(one), Value::Object(other)) => one.place() == other.place(),
        _ => false,
    }
}

/// What is known of two documents' lists and objects: whether those in two places are the same.
#[derive(Debug, Default)]
pub(super) struct Sameness {
    known: HashMap<[Place; 2], bool, FixedState>,
    /// How many values were looked at.
    #[cfg(test)]
    pub(super) looks: usize,
}

impl Sameness {
    /// Whether there is no difference between two values. What is not the same may still turn out to
    /// have none.
    pub(super) fn of(&mut self, one: Value<'_>, other: Value<'_>) -> bool {
        #[cfg(test)]
        {
            self.looks += 1;
        }
        match (one, other) {
            _ if are_one(one, other) => true,
            (Value::Array(ones), Value::Array(others)) => {
                let is_small = ones.size().min(others.size()) <= SMALL;
                let places = (!is_small).then(|| [ones.place(), others.place()]);
                self.known(places, |it| it.of_elements(ones, others))
            }
            (Value::Object(ones), Value::Object(others)) => {
                let is_small = ones.size().min(others.size()) <= SMALL;
                let places = (!is_small).then(|| [ones.place(), others.place()]);
                self.known(places, |it| it.of_members(ones, others))
            }
            _ => one == other,
        }
    }

    fn known(
        &mut self,
        places: Option<[Place; 2]>,
        find_out: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        if let Some(same) = places.and_then(|it| self.known.get(&it)) {
            return *same;
        }
        let same = find_out(self);
        if let Some(places) = places {
            self.known.insert(places, same);
        }
        same
    }

    fn of_elements(&mut self, ones: Elements<'_>, others: Elements<'_>) -> bool {
        let (mut ones, mut others) = (ones.iter(), others.iter());
        loop {
            match (ones.next(), others.next()) {
                (Some(one), Some(other)) if self.of(one, other) => {}
                (one, other) => return one.is_none() && other.is_none(),
            }
        }
    }

    fn of_members(&mut self, ones: Members<'_>, others: Members<'_>) -> bool {
        let (mut ones, mut others) = (ones.iter(), others.iter());
        loop {
            let before = (ones.clone(), others.clone());
            match (ones.next(), others.next()) {
                (None, None) => return true,
                (Some((name, one)), Some((other_name, other))) if name == other_name => {
                    if !self.of(one, other) {
                        return false;
                    }
                }
                (Some(_), Some(_)) => return self.in_any_order(&before.0, &before.1),
                _ => return false,
            }
        }
    }

    fn in_any_order<'a>(
        &mut self,
        ones: &(impl Iterator<Item = (&'a str, Value<'a>)> + Clone),
        others: &(impl Iterator<Item = (&'a str, Value<'a>)> + Clone),
    ) -> bool {
        let count = ones.clone().count();
        if count > MEMBERS || others.clone().count() != count {
            return false;
        }
        let mut taken = 0_u64;
        ones.clone().all(|(name, value)| {
            let mut free = others.clone().enumerate().filter(|(at, _)| taken & (1 << at) == 0);
            let Some((at, (_, other))) = free.find(|(_, (it, _))| *it == name) else {
                return false;
            };
            taken |= 1 << at;
            self.of(value, other)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::json::parse;

    fn are_same(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|it| parse(it.as_bytes()).unwrap());
        let same = Sameness::default().of(one.root(), other.root());
        let back = Sameness::default().of(other.root(), one.root());
        assert_eq!(same, back, "{one:?} {other:?}");
        same
    }

    #[test]
    fn the_order_of_members_means_nothing_but_among_repeated_names() {
        assert!(are_same(r#"{"a":1,"b":{"c":2,"d":[3]}}"#, r#"{"b":{"d":[3],"c":2},"a":1}"#));
        assert!(are_same(r#"{"a":1,"b":0,"a":2}"#, r#"{"b":0,"a":1,"a":2}"#));
        for (one, other) in [
            (r#"{"a":1,"b":0,"a":2}"#, r#"{"b":0,"a":2,"a":1}"#),
            (r#"{"a":1,"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"b":1,"a":1,"a":1}"#, r#"{"a":1,"b":1,"b":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1.0}"#),
            ("[1,2]", "[2,1]"),
            ("[1]", "[1,2]"),
            ("1", "\"1\""),
        ] {
            assert!(!are_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn many_members_in_another_order_are_left_to_the_comparison() {
        let object = |order: &mut dyn Iterator<Item = usize>| {
            let members: Vec<_> = order.map(|it| format!("\"{it}\":{it}")).collect();
            format!("{{{}}}", members.join(","))
        };
        for (count, expected) in [(MEMBERS, true), (MEMBERS + 1, false)] {
            let [there, back] = [object(&mut (0..count)), object(&mut (0..count).rev())];
            assert_eq!(are_same(&there, &back), expected);
            assert!(are_same(&there, &there));
        }
    }
}
