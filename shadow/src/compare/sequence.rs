//! Which elements of two lists belong together.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    ops::Range,
};

/// What is known of an element without comparing it to any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// A hash of everything in it that no rule excuses.
    pub(super) content: u64,
    /// A hash of its `id`, if it has one: what it is, whatever else has changed in it.
    pub(super) identity: Option<u64>,
}

/// Two lists, laid side by side. Every index of either list occurs exactly once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// Indices of the control's and the candidate's elements that belong together.
    pub(super) pairs: Vec<(usize, usize)>,
    /// Indices of the control's elements that have no counterpart.
    pub(super) missing: Vec<usize>,
    /// Indices of the candidate's elements that have no counterpart.
    pub(super) extra: Vec<usize>,
    /// Whether some pairs stand in another order.
    pub(super) moved: bool,
}

/// Aligns two lists in `O(n log n)`. Equal elements belong together, then elements with the same
/// identity; what is left between two such pairs is paired by position (where the order means
/// nothing: what is left at all), as a changed element usually stands where it stood.
pub(super) fn align(control: &[Key], candidate: &[Key], ordered: bool) -> Alignment {
    let same = |(one, other): &(&Key, &Key)| one.content == other.content;
    let prefix = control.iter().zip(candidate).take_while(same).count();
    let [control, candidate] = [&control[prefix..], &candidate[prefix..]];
    let suffix = control.iter().rev().zip(candidate.iter().rev()).take_while(same).count();
    let [control_left, candidate_left] = [control, candidate].map(|it| it.len() - suffix);

    let mut alignment = Alignment::default();
    alignment.pairs.extend((0..prefix).map(|at| (at, at)));
    let matched = matched(&control[..control_left], &candidate[..candidate_left]);
    let anchors = longest_increasing(&matched);
    alignment.moved = anchors.len() < matched.len();
    let mut gaps =
        Gaps { control: vec![false; control_left], candidate: vec![false; candidate_left] };
    for &(one, other) in &matched {
        gaps.control[one] = true;
        gaps.candidate[other] = true;
        alignment.pairs.push((prefix + one, prefix + other));
    }
    let (mut from, mut other_from) = (0, 0);
    for (to, other_to) in
        anchors.into_iter().filter(|_| ordered).chain([(control_left, candidate_left)])
    {
        gaps.fill(from..to, other_from..other_to, prefix, &mut alignment);
        (from, other_from) = (to + 1, other_to + 1);
    }
    let tail = (0..suffix).map(|at| (prefix + control_left + at, prefix + candidate_left + at));
    alignment.pairs.extend(tail);
    alignment.pairs.sort_unstable();
    alignment
}

/// What no matched pair takes.
struct Gaps {
    control: Vec<bool>,
    candidate: Vec<bool>,
}

impl Gaps {
    /// Pairs what is left in two ranges by position, and reports what is left over.
    fn fill(
        &self,
        control: Range<usize>,
        candidate: Range<usize>,
        offset: usize,
        alignment: &mut Alignment,
    ) {
        let mut missing = control.filter(|&it| !self.control[it]).map(|it| it + offset);
        let mut extra = candidate.filter(|&it| !self.candidate[it]).map(|it| it + offset);
        loop {
            match (missing.next(), extra.next()) {
                (Some(one), Some(other)) => alignment.pairs.push((one, other)),
                (Some(one), None) => alignment.missing.push(one),
                (None, Some(other)) => alignment.extra.push(other),
                (None, None) => return,
            }
        }
    }
}

/// Pairs of equal elements, then of elements with the same identity, by the control's index.
fn matched(control: &[Key], candidate: &[Key]) -> Vec<(usize, usize)> {
    let mut counterparts = vec![None; control.len()];
    let mut taken = vec![false; candidate.len()];
    pair_by(control, candidate, &mut counterparts, &mut taken, |it| Some(it.content));
    pair_by(control, candidate, &mut counterparts, &mut taken, |it| it.identity);
    let pairs = counterparts.into_iter().enumerate();
    pairs.filter_map(|(one, other)| Some((one, other?))).collect()
}

/// Pairs the elements with the same key that are not taken yet, the first with the first.
fn pair_by<K: Eq + Hash>(
    control: &[Key],
    candidate: &[Key],
    counterparts: &mut [Option<usize>],
    taken: &mut [bool],
    key: impl Fn(&Key) -> Option<K>,
) {
    let mut places: HashMap<K, VecDeque<usize>> = HashMap::new();
    for (at, it) in candidate.iter().enumerate().filter(|&(at, _)| !taken[at]) {
        if let Some(key) = key(it) {
            places.entry(key).or_default().push_back(at);
        }
    }
    for (it, counterpart) in control.iter().zip(counterparts).filter(|(_, it)| it.is_none()) {
        if let Some(at) = key(it).and_then(|key| places.get_mut(&key)?.pop_front()) {
            taken[at] = true;
            *counterpart = Some(at);
        }
    }
}

/// The most pairs that stand in the same order on both sides: by patience sorting.
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tops: Vec<usize> = Vec::new();
    let mut below: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, &(_, other)) in pairs.iter().enumerate() {
        let pile = tops.partition_point(|&top| pairs[top].1 < other);
        below.push(pile.checked_sub(1).map(|pile| tops[pile]));
        if pile == tops.len() {
            tops.push(at);
        } else {
            tops[pile] = at;
        }
    }
    let mut chain = Vec::with_capacity(tops.len());
    let mut next = tops.last().copied();
    while let Some(at) = next {
        chain.push(pairs[at]);
        next = below[at];
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(contents: &[u64]) -> Vec<Key> {
        contents.iter().map(|&content| Key { content, identity: None }).collect()
    }

    fn aligned(control: &[u64], candidate: &[u64]) -> Alignment {
        align(&keys(control), &keys(candidate), true)
    }

    #[test]
    fn equal_lists_are_paired_in_place() {
        let expected = Alignment { pairs: vec![(0, 0), (1, 1)], ..Alignment::default() };
        assert_eq!(aligned(&[7, 7], &[7, 7]), expected);
        assert_eq!(aligned(&[], &[]), Alignment::default());
    }

    #[test]
    fn a_changed_element_is_paired_with_what_stands_in_its_place() {
        let it = aligned(&[1, 2, 3, 4], &[1, 3, 9]);
        assert_eq!(it.pairs, [(0, 0), (2, 1), (3, 2)]);
        assert_eq!((it.missing, it.extra, it.moved), (vec![1], vec![], false));
    }

    #[test]
    fn a_page_that_is_off_by_one_loses_one_and_gains_one() {
        let it = aligned(&[1, 2, 3], &[2, 3, 4]);
        assert_eq!(it.pairs, [(1, 0), (2, 1)]);
        assert_eq!((it.missing, it.extra, it.moved), (vec![0], vec![2], false));
    }

    #[test]
    fn a_changed_element_is_known_by_its_identity() {
        let key = |content, id| Key { content, identity: Some(id) };
        let control = [key(10, 1), key(20, 2)];
        let candidate = [key(90, 9), key(11, 1), key(21, 2)];
        let it = align(&control, &candidate, true);
        assert_eq!(it.pairs, [(0, 1), (1, 2)]);
        assert_eq!((it.missing, it.extra, it.moved), (vec![], vec![0], false));
    }

    #[test]
    fn without_an_order_what_is_left_is_paired() {
        let it = align(&keys(&[1, 2, 3, 4]), &keys(&[9, 3, 2, 1]), false);
        assert_eq!(it.pairs, [(0, 3), (1, 2), (2, 1), (3, 0)]);
        assert!(it.moved && it.missing.is_empty() && it.extra.is_empty());
    }

    proptest! {
        #[test]
        fn every_index_occurs_once(
            control in prop::collection::vec(0_u64..6, 0..12),
            candidate in prop::collection::vec(0_u64..6, 0..12),
            ordered: bool,
        ) {
            let it = align(&keys(&control), &keys(&candidate), ordered);
            let (ones, others): (Vec<_>, Vec<_>) = it.pairs.iter().copied().unzip();
            for (paired, rest, len) in
                [(ones, it.missing, control.len()), (others, it.extra, candidate.len())]
            {
                let mut all = [paired, rest].concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..len).collect::<Vec<_>>());
            }
        }

        #[test]
        fn a_permutation_only_moves(
            order in Just((0_u64..12).collect::<Vec<_>>()).prop_shuffle(),
            ordered: bool,
        ) {
            let sorted: Vec<_> = (0..12).collect();
            let it = align(&keys(&sorted), &keys(&order), ordered);
            prop_assert_eq!(it.moved, order != sorted);
            prop_assert!(it.missing.is_empty() && it.extra.is_empty());
            prop_assert!(it.pairs.iter().all(|&(one, other)| sorted[one] == order[other]));
        }
    }
}
