//! Which members of two objects belong together.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Members, Value};

type Member<'a> = (&'a str, Value<'a>);

/// Among so few the next one is found sooner by looking through them than by a hash of its name.
const FEW: usize = 32;

/// The members in their order, in a list that seldom has to grow.
pub(super) fn gathered(members: Members<'_>) -> Vec<Member<'_>> {
    let mut all = Vec::with_capacity(FEW / 2);
    all.extend(members.iter());
    all
}

/// For each member of the one its counterpart's index in the other; `None` if all have the same names
/// in the same order.
pub(super) fn counterparts(
    ones: &[Member<'_>],
    others: &[Member<'_>],
) -> Option<Vec<Option<usize>>> {
    let names = ones.iter().map(|(name, _)| name);
    if names.clone().eq(others.iter().map(|(name, _)| name)) {
        return None;
    }
    if others.len() <= FEW {
        let mut left: Vec<_> = others.iter().map(|(name, _)| Some(*name)).collect();
        let mut take = |name: &str| {
            let at = left.iter().position(|it| *it == Some(name))?;
            left[at] = None;
            Some(at)
        };
        return Some(names.map(|name| take(name)).collect());
    }
    let mut places: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (at, (name, _)) in others.iter().enumerate() {
        places.entry(name).or_default().push_back(at);
    }
    Some(names.map(|name| places.get_mut(name)?.pop_front()).collect())
}

/// Whether the members that both have stand in another order.
pub(super) fn reordered(ones: &[Member<'_>], others: &[Member<'_>]) -> bool {
    fn common<'a>(ones: &[Member<'a>], others: &[Member<'_>]) -> Vec<&'a str> {
        let there: HashSet<&str> = others.iter().map(|(name, _)| *name).collect();
        let names = ones.iter().map(|(name, _)| *name);
        names.filter(|it| there.contains(it)).collect()
    }
    common(ones, others) != common(others, ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ones: &[&str], others: &[&str]) -> Option<Vec<Option<usize>>> {
        let [ones, others] = [ones, others]
            .map(|names| names.iter().map(|it| (*it, Value::Null)).collect::<Vec<_>>());
        counterparts(&ones, &others)
    }

    #[test]
    fn a_name_is_found_once_for_each_time_it_occurs() {
        assert_eq!(found(&["a", "b", "a"], &["a", "b", "a"]), None);
        let expected = [Some(1), Some(0), Some(2), None];
        assert_eq!(found(&["a", "b", "a", "a"], &["b", "a", "a", "c"]), Some(expected.into()));
    }

    #[test]
    fn many_names_are_found_as_few_are() {
        let names: Vec<_> = (0..=FEW).map(|it| (it / 2).to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let turned: Vec<_> = names.iter().rev().copied().collect();
        let found = found(&names, &turned).unwrap();
        assert!(found.iter().zip(&names).all(|(at, name)| turned[at.unwrap()] == *name));
        let mut all: Vec<_> = found.into_iter().flatten().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..=FEW));
    }
}
