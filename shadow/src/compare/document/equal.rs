//! Whether two values are equal in meaning, found out without an allocation: most are.

use super::{Member, Value};

/// Objects with more members in another order are left to the comparison itself.
const MEMBERS: usize = u64::BITS as usize;

/// Whether there is no difference between two values. What is not the same may still turn out to
/// have none.
pub(super) fn same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Array(ones), Value::Array(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(a, b)| same(a, b))
        }
        (Value::Object(ones), Value::Object(others)) => same_members(ones, others),
        _ => one == other,
    }
}

/// The same for two objects.
pub(super) fn same_members(ones: &[Member<'_>], others: &[Member<'_>]) -> bool {
    if ones.len() != others.len() {
        return false;
    }
    let mut in_order = 0;
    for ((name, one), (other_name, other)) in ones.iter().zip(others) {
        if name != other_name {
            break;
        }
        if !same(one, other) {
            return false;
        }
        in_order += 1;
    }
    let [ones, others] = [&ones[in_order..], &others[in_order..]];
    if ones.len() > MEMBERS {
        return false;
    }
    let mut taken = 0_u64;
    ones.iter().all(|(name, value)| {
        let mut free = others.iter().enumerate().filter(|(at, _)| taken & (1 << at) == 0);
        let Some((at, (_, other))) = free.find(|(_, (it, _))| it == name) else { return false };
        taken |= 1 << at;
        same(value, other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::json::parse;

    fn are_same(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|it| parse(it.as_bytes()).unwrap());
        let same = same(&one, &other);
        assert_eq!(same, super::same(&other, &one), "{one:?} {other:?}");
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
