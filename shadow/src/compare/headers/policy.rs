//! Policies of CSP Level 3, in a form in which equal texts mean the same, and their nonces.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use http::HeaderMap;

use super::text;

/// The fields with policies. What the second one forbids is done, and reported.
const FIELDS: [&str; 2] = ["content-security-policy", "content-security-policy-report-only"];

/// The nonces in the policies of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::compare) struct Nonces {
    has_policy: bool,
    known: HashSet<String>,
}

impl Nonces {
    /// Those in an answer's header.
    pub(in crate::compare) fn of(headers: &HeaderMap) -> Self {
        let mut nonces = Self::default();
        for value in FIELDS.iter().flat_map(|it| headers.get_all(*it)) {
            text(value).split(',').for_each(|it| nonces.add(it));
        }
        nonces
    }

    /// And those of one more policy.
    pub(in crate::compare) fn add(&mut self, policy: &str) {
        let directives = directives(policy);
        self.has_policy |= !directives.is_empty();
        let sources = directives.into_values().flatten();
        self.known.extend(sources.filter_map(nonce).map(str::to_owned));
    }

    /// What stands for a nonce in the answer's page: one that is not that of its own policy lets no
    /// script run. Where the answer has no policy, whoever adds one knows the nonce.
    pub(in crate::compare) fn told(&self, nonce: &str) -> &'static str {
        if !self.has_policy || self.known.contains(nonce) { "(nonce)" } else { "(another nonce)" }
    }
}

/// The policies of a field's line.
pub(super) fn policies(value: &str) -> Vec<String> {
    value.split(',').map(policy).filter(|it| !it.is_empty()).collect()
}

/// The directives of a policy in any order, each with its sources as a set; of a nonce, which is made
/// anew for each answer, that it is there.
pub(in crate::compare) fn policy(value: &str) -> String {
    let directive = |(name, sources): (String, BTreeSet<&str>)| {
        let told = |it| if nonce(it).is_some() { "'nonce-(nonce)'" } else { it };
        let sources: BTreeSet<_> = sources.into_iter().map(told).collect();
        [&*name].into_iter().chain(sources).collect::<Vec<_>>().join(" ")
    };
    directives(value).into_iter().map(directive).collect::<Vec<_>>().join("; ")
}

/// By name, with their sources. Of those with one name browsers take the first (CSP §2.2.1).
fn directives(policy: &str) -> BTreeMap<String, BTreeSet<&str>> {
    let mut directives = BTreeMap::new();
    for directive in policy.split(';') {
        let mut words = directive.split_ascii_whitespace();
        if let Some(name) = words.next() {
            directives.entry(name.to_ascii_lowercase()).or_insert_with(|| words.collect());
        }
    }
    directives
}

/// The nonce of a source that is one (CSP §2.3.1). Any other is compared as it is.
fn nonce(source: &str) -> Option<&str> {
    const PREFIX: &str = "'nonce-";
    let prefix = source.get(..PREFIX.len())?;
    let nonce = source[PREFIX.len()..].strip_suffix('\'')?;
    let digits = nonce.strip_suffix("==").or(nonce.strip_suffix('=')).unwrap_or(nonce);
    let is_digit = |it: u8| it.is_ascii_alphanumeric() || b"+/-_".contains(&it);
    let is_nonce =
        prefix.eq_ignore_ascii_case(PREFIX) && !digits.is_empty() && digits.bytes().all(is_digit);
    is_nonce.then_some(nonce)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn nonces(name: &'static str, value: &'static str) -> Nonces {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        Nonces::of(&HeaderMap::from_iter([(name, value)]))
    }

    #[test]
    fn policies_that_mean_the_same_are_equal_and_others_are_not() {
        for (one, same, other) in [
            ("a 'nonce-x1+/=='; b", "B ; a  'NONCE-y2-_'", "a 'nonce-'; b"),
            ("a 'nonce-'", "a 'nonce-'", "a 'nonce-x'"),
            ("a 'nonce-x", "a 'nonce-x", "a 'nonce-x'"),
            ("a 'nonce-x y'", "a y' 'nonce-x", "a 'nonce-x' y"),
            ("a x; a y", "a x", "a y; a x"),
            ("a x; A y; b z", "b z; a x", "a x y; b z"),
        ] {
            assert_eq!(policy(one), policy(same), "{one} / {same}");
            assert_ne!(policy(one), policy(other), "{one} / {other}");
        }
        assert_eq!(policies("a x; b, ,c"), ["a x; b", "c"]);
    }

    #[test]
    fn a_nonce_is_an_answers_own_where_its_policies_have_it() {
        let told = |value, nonce| nonces(FIELDS[0], value).told(nonce);
        let [own, another] = ["(nonce)", "(another nonce)"];
        for (value, nonce, expected) in [
            ("script-src 'nonce-a1'", "a1", own),
            ("script-src 'nonce-a1'", "A1", another),
            ("script-src 'nonce-a1'; script-src 'nonce-b2'", "b2", another),
            ("script-src 'self', style-src 'nonce-b2'", "b2", own),
            ("script-src 'nonce-'", "b2", another),
            ("script-src 'self'", "b2", another),
            ("", "b2", own),
            (" ; ", "b2", own),
        ] {
            assert_eq!(told(value, nonce), expected, "{value} / {nonce}");
        }
        assert_eq!(nonces(FIELDS[1], "script-src 'nonce-a1'").told("b2"), another);
        assert_eq!(nonces("x-policy", "script-src 'nonce-a1'").told("b2"), own);
    }
}
