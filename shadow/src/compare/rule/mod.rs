//! Excuses for differences: each with a place, a reason, and a last day.

mod forms;
mod ids;
mod matcher;
mod pattern;

use time::Date;

pub(crate) use self::{
    forms::{is_masked_token, is_uuid, parse_time},
    ids::Links,
};
pub use self::{ids::Ids, matcher::Matcher, pattern::Pattern};
use crate::compare::{Class, Difference, Judgement, Path, PathPattern, path::Root};

/// The rules of one route.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Rule>);

/// One rule, for one place. What it excuses is still counted, as `ignored`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where. [`Excuse::Ignore`] and [`Excuse::Classify`] cover the place and everything below it,
    /// the others are for the place.
    pub at: PathPattern,
    /// What.
    pub excuse: Excuse,
    /// The reason, for people.
    pub why: String,
    /// The last day (UTC) on which the rule excuses. Afterwards the difference counts again, and
    /// its report names the rule that has expired.
    pub until: Option<Date>,
}

/// What a rule excuses, or has count for more than it would.
#[derive(Debug, Clone)]
pub enum Excuse {
    /// Any difference.
    Ignore,
    /// A changed value, when both sides have the form that the matcher asks for.
    Tolerate(Matcher),
    /// Nothing, but differences are of this class.
    Classify(Class),
    /// Nothing: the order counts in which an object's members stand, or a header's words, where it
    /// would mean nothing.
    Order,
}

/// The rules as they stand on one day.
#[derive(Debug)]
pub(super) struct Excuses<'a> {
    active: Vec<&'a Rule>,
    expired: Vec<&'a Rule>,
    /// What the ids of the answer stand for; none while they are gathered.
    ids: Ids,
    /// How often it was asked whether to blur.
    #[cfg(test)]
    pub(super) asked: std::cell::Cell<usize>,
}

impl Rules {
    /// In the order in which they are tried: the first that excuses a difference is named.
    pub const fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    pub(super) fn on(&self, today: Date) -> Excuses<'_> {
        let (active, expired): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|it| it.until.is_none_or(|until| today <= until));
        Excuses {
            active,
            expired,
            ids: Ids::default(),
            #[cfg(test)]
            asked: std::cell::Cell::default(),
        }
    }
}

impl<'a> Excuses<'a> {
    /// The same, now that it is known what ids stand for.
    pub(super) fn knowing(self, ids: Ids) -> Self {
        Self { ids, ..self }
    }

    /// Whether there is no rule, nor was one.
    pub(super) const fn are_none(&self) -> bool {
        self.active.is_empty() && self.expired.is_empty()
    }

    pub(super) fn judge(&self, difference: &Difference<'_>) -> Judgement<'a> {
        let excusing =
            |rules: &[&'a Rule]| rules.iter().copied().find(|it| it.excuses(difference, &self.ids));
        if let Some(rule) = excusing(&self.active) {
            Judgement::Excused(rule)
        } else if let Some(rule) = excusing(&self.expired) {
            Judgement::Expired(rule)
        } else {
            Judgement::Counts
        }
    }

    /// The class of a difference at this place, if by itself it is of `class`, and the rule that
    /// says so, or said so until it expired.
    pub(super) fn class(&self, path: &Path<'_>, class: Class) -> (Class, Option<Judgement<'a>>) {
        let classifying = |rules: &[&'a Rule]| {
            rules.iter().copied().find_map(|it| match it.excuse {
                Excuse::Classify(class) if it.at.covers(path) => Some((class, it)),
                _ => None,
            })
        };
        match (classifying(&self.active), classifying(&self.expired)) {
            (Some((other, rule)), _) if other != class => (other, Some(Judgement::Classed(rule))),
            (None, Some((other, rule))) if other != class => {
                (class, Some(Judgement::Expired(rule)))
            }
            _ => (class, None),
        }
    }

    /// Whether values that are equal must be looked at too, in places that start from this root.
    pub(super) fn look_closely(&self, root: Root) -> bool {
        self.active.iter().any(|it| {
            it.at.root() == root
                && matches!(it.excuse, Excuse::Order | Excuse::Tolerate(Matcher::Id { .. }))
        })
    }

    /// Whether what is excused depends on what other ids of the answer stand for.
    pub(super) fn concern_ids(&self) -> bool {
        self.active.iter().any(|it| matches!(it.excuse, Excuse::Tolerate(Matcher::Id { .. })))
    }

    /// Whether the value at this place is an id, and of what.
    pub(super) fn id(&self, path: &Path<'_>) -> Option<&'a str> {
        self.active.iter().find_map(|it| match &it.excuse {
            Excuse::Tolerate(Matcher::Id { of }) if it.at.matches(path) => Some(&**of),
            _ => None,
        })
    }

    /// Whether the order counts where it would mean nothing.
    pub(super) fn order(&self, path: &Path<'_>) -> bool {
        self.active.iter().any(|it| matches!(it.excuse, Excuse::Order) && it.at.matches(path))
    }

    /// Whether any rule is for places that start from this root.
    pub(super) fn reach(&self, root: Root) -> bool {
        self.active.iter().any(|it| it.at.root() == root)
    }

    /// Whether a rule may excuse what the value at this place is: such a value says nothing of
    /// which elements of two lists belong together.
    pub(super) fn blur(&self, path: &Path<'_>) -> bool {
        #[cfg(test)]
        self.asked.update(|it| it + 1);
        self.active.iter().any(|rule| match rule.excuse {
            Excuse::Ignore => rule.at.covers(path),
            Excuse::Tolerate(Matcher::AnyOrder | Matcher::Keyed { .. })
            | Excuse::Classify(_)
            | Excuse::Order => false,
            Excuse::Tolerate(_) => rule.at.matches(path),
        })
    }

    /// Whether the list at this place may have any order.
    pub(super) fn any_order(&self, path: &Path<'_>) -> bool {
        self.active.iter().any(|it| {
            matches!(it.excuse, Excuse::Tolerate(Matcher::AnyOrder | Matcher::Keyed { .. }))
                && it.at.matches(path)
        })
    }

    /// The member by which the elements of the list at this place are known.
    pub(super) fn key(&self, path: &Path<'_>) -> Option<&'a str> {
        self.active.iter().find_map(|it| match &it.excuse {
            Excuse::Tolerate(Matcher::Keyed { by }) if it.at.matches(path) => Some(&**by),
            _ => None,
        })
    }
}

impl Rule {
    fn excuses(&self, difference: &Difference<'_>, ids: &Ids) -> bool {
        match &self.excuse {
            Excuse::Ignore => self.at.covers(&difference.path),
            Excuse::Tolerate(matcher) => {
                self.at.matches(&difference.path) && matcher.excuses(difference, ids)
            }
            Excuse::Classify(_) | Excuse::Order => false,
        }
    }
}

#[cfg(test)]
mod tests;
