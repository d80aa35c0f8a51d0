//! What the monolith's own differences at one place are like, and whether another is like them.

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    compare::{Difference, Fragment, Value},
    suggestion::{Form, Forms},
};

/// After so many pairs it is known how far apart values are, to a factor of two.
pub(super) const PAIRS: u64 = 20;

/// After so many texts it is known which signs they have, and to a factor of two how long they are.
const TEXTS: u64 = 200;

/// So many texts that are not like the monolith's are taken for rare ones; then for a fault.
const STRANGERS: u64 = 2;

/// What the monolith's own differences at one place are like.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Range {
    /// Exact while the process runs. What outlives it is a little wider, or begins anew.
    #[serde(serialize_with = "kept")]
    forms: Forms,
    values: Values,
}

/// What its values there are like.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Values {
    /// Bits: 1 for each type that was seen.
    types: u8,
    /// Bits: 1 for each kind of signs that was seen in a text.
    signs: u8,
    /// Characters of the shortest text and of the longest.
    lengths: Option<(usize, usize)>,
    texts: u64,
    /// Texts of the extraction's that were not like these.
    strangers: u64,
}

fn kept<S: Serializer>(forms: &Forms, serializer: S) -> Result<S::Ok, S::Error> {
    forms.kept().serialize(serializer)
}

impl Range {
    /// Learns what one pair of the monolith's answers had there.
    pub(super) fn learn(&mut self, differences: &[&Difference<'_>]) {
        let forms = differences.iter().map(|it| Form::of(it));
        let form = forms.reduce(|all, it| all?.joined(&it?)).flatten();
        self.forms.add(Forms::one(form));
        for it in differences {
            self.values.learn(it.control.as_ref());
            self.values.learn(it.candidate.as_ref());
        }
    }

    /// Another request differs there: the monolith's side is one more of its own values.
    pub(super) fn see(&mut self, differences: &[&Difference<'_>]) {
        for it in differences {
            let is_strange = it.candidate.as_ref().is_some_and(|it| self.values.is_strange(it));
            self.values.strangers += u64::from(is_strange);
            self.values.learn(it.control.as_ref());
        }
    }

    /// Whether the monolith might show that difference against itself.
    pub(super) fn admits(&self, difference: &Difference<'_>) -> bool {
        let is_known = self.forms.requests() >= PAIRS;
        if let Some(value) = &difference.candidate
            && !self.values.admit(value)
        {
            return false;
        }
        // All of it had one form: a UUID, a time, a number.
        let Some(form) = self.forms.only() else { return true };
        match (form, Form::of(difference)) {
            (Form::Number(..), None) => !is_known,
            (_, None) => false,
            // Without its milliseconds a time is shorter.
            (Form::Time(_), Some(_))
                if is_known && !self.values.are_as_long(difference.candidate.as_ref()) =>
            {
                false
            }
            (form, Some(other)) => form.spans_twice(&other, is_known),
        }
    }
}

impl Values {
    fn learn(&mut self, value: Option<&Fragment<'_>>) {
        let Some(value) = value else { return };
        self.types |= kind(value);
        if let Some(text) = text(value) {
            let length = text.chars().count();
            self.texts += 1;
            self.signs |= signs(text);
            let (shortest, longest) = self.lengths.unwrap_or((length, length));
            self.lengths = Some((shortest.min(length), longest.max(length)));
        }
    }

    fn admit(&self, value: &Fragment<'_>) -> bool {
        let has_type = kind(value) & !self.types == 0;
        has_type && (self.strangers <= STRANGERS || !self.is_strange(value))
    }

    /// Whether a text has other signs than all that were seen, or another length.
    fn is_strange(&self, value: &Fragment<'_>) -> bool {
        let (Some(text), Some((shortest, longest))) = (text(value), self.lengths) else {
            return false;
        };
        let lengths = shortest.div_ceil(2)..=longest * 2;
        let is_like = signs(text) & !self.signs == 0 && lengths.contains(&text.chars().count());
        self.texts >= TEXTS && !is_like
    }

    fn are_as_long(&self, value: Option<&Fragment<'_>>) -> bool {
        let length = value.and_then(text).map(|it| it.chars().count());
        let is_between = |length, (shortest, longest)| (shortest..=longest).contains(&length);
        length.zip(self.lengths).is_none_or(|(length, it)| is_between(length, it))
    }
}

/// One bit for each type of a value.
const fn kind(value: &Fragment<'_>) -> u8 {
    match value {
        Fragment::Json(Value::Null) => 1,
        Fragment::Json(Value::Bool(_)) => 1 << 1,
        Fragment::Json(Value::Number(_)) => 1 << 2,
        Fragment::Json(Value::String(_)) => 1 << 3,
        Fragment::Json(Value::Array(_)) => 1 << 4,
        Fragment::Json(Value::Object(_)) => 1 << 5,
        Fragment::Status(_) | Fragment::Header(_) | Fragment::Text(_) => 1 << 6,
        Fragment::Element(_) | Fragment::Body(_) | Fragment::Digest(_) => 1 << 7,
    }
}

fn text<'f>(value: &'f Fragment<'_>) -> Option<&'f str> {
    match value {
        Fragment::Json(Value::String(text)) | Fragment::Text(text) => Some(text),
        Fragment::Header(text) => Some(text),
        _ => None,
    }
}

/// One bit for each kind of signs in a text.
fn signs(text: &str) -> u8 {
    let bit = |it: char| match it {
        '0'..='9' => 1,
        'a'..='z' => 1 << 1,
        'A'..='Z' => 1 << 2,
        ' ' => 1 << 3,
        _ if it.is_control() => 1 << 4,
        _ if it.is_ascii() => 1 << 5,
        _ if it.is_alphabetic() => 1 << 6,
        _ => 1 << 7,
    };
    text.chars().fold(0, |all, it| all | bit(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Class, DifferenceKind,
        compare::{Path, Root, Step},
    };

    /// Of numbers at `$.NAME`.
    fn difference<'a>(name: &'a str, one: &'a str, other: &'a str) -> Difference<'a> {
        let mut path = Path::at(Root::Document);
        path.push(Step::Member(name));
        let [control, candidate] = [one, other].map(|it| Some(Fragment::Json(Value::Number(it))));
        let (kind, class) = (DifferenceKind::Changed, Class::Critical);
        Difference { path, kind, class, control, candidate }
    }

    fn learnt(name: &str, one: &str, other: &str) -> Range {
        let mut range = Range::default();
        for _ in 0..PAIRS {
            range.learn(&[&difference(name, one, other)]);
        }
        range
    }

    fn admits(range: &Range, name: &str, one: &str, other: &str) -> bool {
        range.admits(&difference(name, one, other))
    }

    #[test]
    fn a_distance_is_exact_until_the_process_ends_and_then_a_little_wider() {
        let range = learnt("views", "471100", "475811");
        assert!(admits(&range, "views", "471100", "480522"), "twice 4711");
        assert!(!admits(&range, "views", "471100", "480523"));
        let kept = serde_json::to_string(&range).unwrap();
        assert!(kept.contains("4800") && !kept.contains("4711"), "{kept}");
        let range: Range = serde_json::from_str(&kept).unwrap();
        assert!(admits(&range, "views", "471100", "480700"), "twice 4800");
        assert!(!admits(&range, "views", "471100", "480701"));
    }

    #[test]
    fn a_distance_that_would_tell_what_numbers_are_is_learnt_anew_by_the_next_process() {
        const TELEPHONE: &str = "491701234567";
        for (name, one) in [("n", "0"), ("n", "200000000000"), ("phone", "491701230000")] {
            let range = learnt(name, one, TELEPHONE);
            assert!(admits(&range, name, one, TELEPHONE));
            assert!(!admits(&range, name, TELEPHONE, "-900000000000"));
            let kept = serde_json::to_string(&range).unwrap();
            assert!(!kept.contains("4917") && !kept.contains("2917"), "{kept}");
            let mut range: Range = serde_json::from_str(&kept).unwrap();
            for _ in 0..PAIRS {
                assert!(admits(&range, name, one, "900000000000000"), "it is not known yet");
                range.learn(&[&difference(name, one, TELEPHONE)]);
            }
            assert!(admits(&range, name, one, TELEPHONE));
            assert!(!admits(&range, name, one, "900000000000000"));
        }
    }
}
