//! Values that are random on either side, and which stands for which.

use std::collections::BTreeMap;

/// A bijection between texts of the left side and of the right.
#[derive(Debug, Default)]
pub(super) struct Twins {
    rights: BTreeMap<String, String>,
    lefts: BTreeMap<String, String>,
    /// Ids that differ: an insert that was rolled back has used one up.
    ids: BTreeMap<String, String>,
}

impl Twins {
    /// Whether the two may stand for each other: neither has another twin.
    pub(super) fn pair(&mut self, left: &str, right: &str) -> bool {
        let known = (self.rights.get(left), self.lefts.get(right));
        match known {
            (None, None) => {
                self.rights.insert(left.to_owned(), right.to_owned());
                self.lefts.insert(right.to_owned(), left.to_owned());
                true
            }
            (Some(twin), Some(_)) => twin == right,
            _ => false,
        }
    }

    /// As [`Twins::pair`], for ids of rows, which stand for each other as whole words only.
    pub(super) fn pair_ids(&mut self, left: i64, right: i64) {
        if left != right {
            self.ids.insert(left.to_string(), right.to_string());
        }
    }

    /// What a row of the left side is called on the right.
    pub(super) fn right_id(&self, left: i64) -> i64 {
        let right = self.ids.get(&left.to_string()).and_then(|it| it.parse().ok());
        right.unwrap_or(left)
    }

    /// The left side's text, in the words of the right side.
    pub(super) fn translated(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (left, right) in &self.rights {
            if left != right && text.contains(left.as_str()) {
                text = text.replace(left.as_str(), right);
            }
        }
        if self.ids.is_empty() { text } else { self.with_ids(&text) }
    }

    fn with_ids(&self, text: &str) -> String {
        let mut translated = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(begin) = rest.find(|it: char| it.is_ascii_alphanumeric()) {
            let word = &rest[begin..];
            let end = word.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(word.len());
            let word = &word[..end];
            translated.push_str(&rest[..begin]);
            translated.push_str(self.ids.get(word).map_or(word, String::as_str));
            rest = &rest[begin + end..];
        }
        translated + rest
    }
}

#[test]
fn a_value_has_one_twin_on_either_side() {
    let mut twins = Twins::default();
    assert!(twins.pair("a", "b"));
    assert!(twins.pair("a", "b"));
    assert!(!twins.pair("a", "c"), "a's twin is b");
    assert!(!twins.pair("d", "b"), "b's twin is a");
    assert_eq!(twins.translated("[a]"), "[b]");
}

#[test]
fn an_id_is_a_whole_word() {
    let mut twins = Twins::default();
    twins.pair_ids(12, 11);
    assert_eq!(twins.translated("/orders/12?x=121&y=a12"), "/orders/11?x=121&y=a12");
}
