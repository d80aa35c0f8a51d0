//! Which ids of the candidate stand for which of the control.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// Pairs of ids that are remembered from answer to answer; of more the oldest are forgotten.
const PAIRS: usize = 100_000;

/// The ids of one answer and what stands in their places in the other, by what they are of.
///
/// Those of what has no name are under an empty one.
#[derive(Debug, Default)]
pub struct Ids(BTreeMap<String, Bijection>);

/// `None` for an id that is paired with two others: no difference of it is excused.
#[derive(Debug, Default)]
struct Bijection {
    forth: BTreeMap<String, Option<String>>,
    back: BTreeMap<String, Option<String>>,
}

/// Pairs of ids that earlier answers had, of those that have a name.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// By hashes of a name and an id; a collision makes a difference count that need not.
    forth: HashMap<u64, u64>,
    back: HashMap<u64, u64>,
    order: VecDeque<(u64, u64)>,
}

impl Ids {
    /// Two ids stand in the same place.
    pub(in crate::compare) fn add(&mut self, of: &str, control: &str, candidate: &str) {
        let ids = self.0.entry(of.to_owned()).or_default();
        for (map, one, other) in
            [(&mut ids.forth, control, candidate), (&mut ids.back, candidate, control)]
        {
            let known = map.entry(one.to_owned()).or_insert_with(|| Some(other.to_owned()));
            if known.as_deref() != Some(other) {
                *known = None;
            }
        }
    }

    /// Whether the one stands for the other, and neither for anything else.
    pub(super) fn agree(&self, of: &str, control: &str, candidate: &str) -> bool {
        let Some(ids) = self.0.get(of) else { return false };
        let stands = |map: &BTreeMap<String, Option<String>>, one: &str, other| {
            map.get(one).and_then(Option::as_deref) == Some(other)
        };
        stands(&ids.forth, control, candidate) && stands(&ids.back, candidate, control)
    }
}

impl Links {
    /// Takes from the ids of an answer what earlier answers contradict, and learns the rest.
    pub(crate) fn link(&mut self, ids: &mut Ids) {
        for (of, ids) in ids.0.iter_mut().filter(|(of, _)| !of.is_empty()) {
            for (control, candidate) in &mut ids.forth {
                let Some(other) = candidate.as_deref() else { continue };
                let (one, other) = (hash(of, control), hash(of, other));
                if !self.learn(one, other) {
                    *candidate = None;
                }
            }
        }
    }

    /// Whether nothing that is known contradicts it.
    fn learn(&mut self, one: u64, other: u64) -> bool {
        match (self.forth.get(&one), self.back.get(&other)) {
            (None, None) => {
                self.forth.insert(one, other);
                self.back.insert(other, one);
                self.order.push_back((one, other));
                if self.order.len() > PAIRS
                    && let Some((one, other)) = self.order.pop_front()
                {
                    self.forth.remove(&one);
                    self.back.remove(&other);
                }
                true
            }
            (forth, back) => forth == Some(&other) && back == Some(&one),
        }
    }
}

fn hash(of: &str, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (of, id).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(pairs: &[(&str, &str)]) -> Ids {
        let mut ids = Ids::default();
        for (control, candidate) in pairs {
            ids.add("order", control, candidate);
        }
        ids
    }

    fn agree(ids: &Ids, control: &str, candidate: &str) -> bool {
        ids.agree("order", control, candidate)
    }

    #[test]
    fn an_id_stands_for_one_other_and_back() {
        let ids = ids(&[("7", "12"), ("8", "13"), ("7", "12"), ("9", "14"), ("9", "15")]);
        assert!(agree(&ids, "7", "12") && agree(&ids, "8", "13"));
        assert!(!agree(&ids, "9", "14") && !agree(&ids, "9", "15"), "whichever comes first");
        assert!(!agree(&ids, "7", "13") && !agree(&ids, "1", "1"));
        assert!(!ids.agree("", "7", "12"), "of something else");
    }

    #[test]
    fn two_ids_do_not_stand_for_the_same_one() {
        let ids = ids(&[("7", "12"), ("8", "12")]);
        assert!(!agree(&ids, "7", "12") && !agree(&ids, "8", "12"));
    }

    #[test]
    fn an_id_that_stands_for_itself_elsewhere_stands_for_no_other() {
        assert!(!agree(&ids(&[("7", "12"), ("7", "7")]), "7", "12"));
    }

    #[test]
    fn earlier_answers_are_linked() {
        let mut links = Links::default();
        let mut linked = |pairs: &[(&str, &str)]| {
            let mut ids = ids(pairs);
            links.link(&mut ids);
            ids
        };
        assert!(agree(&linked(&[("7", "12")]), "7", "12"));
        assert!(agree(&linked(&[("7", "12"), ("8", "13")]), "8", "13"), "once more");
        assert!(!agree(&linked(&[("7", "14")]), "7", "14"), "7 is 12");
        assert!(!agree(&linked(&[("9", "12")]), "9", "12"), "12 is 7");
        assert!(agree(&linked(&[("9", "14")]), "9", "14"), "what was contradicted is not learnt");
    }

    #[test]
    fn without_a_name_nothing_is_linked() {
        let mut links = Links::default();
        for candidate in ["12", "13"] {
            let mut ids = Ids::default();
            ids.add("", "7", candidate);
            links.link(&mut ids);
            assert!(ids.agree("", "7", candidate));
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut links = Links::default();
        for id in 0..2 * PAIRS as u64 {
            assert!(links.learn(id, id));
        }
        assert_eq!([links.forth.len(), links.back.len(), links.order.len()], [PAIRS; 3]);
        assert!(links.learn(0, 1_000_000), "forgotten");
        assert!(!links.learn(2 * PAIRS as u64 - 1, 0), "remembered");
    }
}
