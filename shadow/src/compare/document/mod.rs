//! JSON documents, compared by structure: the order of members and the way a string is escaped
//! mean nothing; the order of elements, the text of numbers and the type of values do.

mod digest;
mod equal;
mod graphql;
mod members;

use std::mem;

use self::{
    digest::{Digest, Known, are_in_place},
    equal::{Sameness, are_one},
    members::{counterparts, gathered, reordered},
};
use super::{
    Class, DifferenceKind, Elements, Fragment, Members, Value,
    collector::Collector,
    path::{Path, Step},
    sequence::{Key, align},
};

/// The member that says what an element is, where no rule names another.
const IDENTITY: &str = "id";

/// Walks two documents side by side. Recursion is bounded by the parser's depth limit.
pub(super) struct Walk<'w, 'a> {
    collector: &'w mut Collector<'a>,
    path: Path<'a>,
    /// Whether any rule is for places in such documents.
    has_rules: bool,
    /// Whether equal values must be looked at too.
    closely: bool,
    /// The documents are answers of GraphQL with errors.
    is_graphql: bool,
    known: Known,
    sameness: Sameness,
}

impl<'w, 'a> Walk<'w, 'a> {
    /// From the place where the two values are.
    pub(super) fn new(collector: &'w mut Collector<'a>, path: Path<'a>) -> Self {
        let has_rules = collector.excuses().reach(path.root());
        let closely = has_rules && collector.excuses().look_closely(path.root());
        let (known, sameness) = (Known::default(), Sameness::default());
        Self { collector, path, has_rules, closely, is_graphql: false, known, sameness }
    }

    /// Compares two whole answers in JSON; `is_graphql` if their content type says that they are
    /// GraphQL's. What else the control says of that is in it, and a candidate that says otherwise
    /// differs.
    pub(super) fn answers(mut self, is_graphql: bool, control: Value<'a>, candidate: Value<'a>) {
        self.is_graphql = graphql::has_errors(control)
            && graphql::has_errors(candidate)
            && (is_graphql || graphql::is_evident(control));
        self.values(control, candidate);
    }

    pub(super) fn values(&mut self, control: Value<'a>, candidate: Value<'a>) {
        match (control, candidate) {
            _ if !self.closely && are_one(control, candidate) => {}
            (Value::Object(one), Value::Object(other)) => self.objects(one, other),
            (Value::Array(one), Value::Array(other)) => self.arrays(one, other),
            _ if mem::discriminant(&control) != mem::discriminant(&candidate) => {
                self.found(DifferenceKind::Retyped, Some(control), Some(candidate));
            }
            _ => {
                if self.closely {
                    self.paired(control, candidate);
                }
                if control != candidate {
                    self.found(DifferenceKind::Changed, Some(control), Some(candidate));
                }
            }
        }
    }

    /// Of two values of one type, those that may be ids are pointed out.
    fn paired(&mut self, control: Value<'_>, candidate: Value<'_>) {
        match (control, candidate) {
            (Value::Number(one), Value::Number(other))
            | (Value::String(one), Value::String(other)) => {
                self.collector.paired(&self.path, one, other);
            }
            _ => {}
        }
    }

    /// A repeated name is compared with its repetition on the other side, in order.
    fn objects(&mut self, control: Members<'a>, candidate: Members<'a>) {
        let [ones, others] = [control, candidate].map(gathered);
        let Some(counterparts) = counterparts(&ones, &others) else {
            for (&(name, one), &(_, other)) in ones.iter().zip(&others) {
                self.within(Step::Member(name), |it| it.values(one, other));
            }
            return;
        };
        if self.closely && self.collector.excuses().order(&self.path) && reordered(&ones, &others) {
            let both = [control, candidate].map(|it| Some(Value::Object(it)));
            self.found(DifferenceKind::Moved, both[0], both[1]);
        }
        let mut is_extra = vec![true; others.len()];
        for (&(name, one), counterpart) in ones.iter().zip(counterparts) {
            self.within(Step::Member(name), |it| match counterpart {
                Some(at) => {
                    is_extra[at] = false;
                    it.values(one, others[at].1);
                }
                None => it.found(DifferenceKind::Missing, Some(one), None),
            });
        }
        for ((name, other), _) in others.into_iter().zip(is_extra).filter(|(_, it)| *it) {
            self.within(Step::Member(name), |it| {
                it.found(DifferenceKind::Extra, None, Some(other));
            });
        }
    }

    fn arrays(&mut self, control: Elements<'a>, candidate: Elements<'a>) {
        let [ones, others] = [control, candidate].map(|it| it.iter().collect::<Vec<_>>());
        let [at, other_at] = unequal(&ones, &others, &mut self.sameness);
        if self.closely {
            let equal = others_of(ones.len(), &at).zip(others_of(others.len(), &other_at));
            for (one, other) in equal {
                self.within(Step::Element(one), |it| it.values(ones[one], others[other]));
            }
        }
        let of_errors = self.is_graphql && graphql::is_list_of_errors(&self.path);
        if !self.has_rules && !of_errors && at == other_at && are_in_place(&ones, &others, &at) {
            for at in at {
                self.within(Step::Element(at), |it| it.values(ones[at], others[at]));
            }
            return;
        }
        let ordered = !of_errors && !self.collector.excuses().any_order(&self.path);
        let [keys, other_keys] = [(&ones, &at), (&others, &other_at)]
            .map(|(elements, at)| self.keys(elements, at, of_errors));
        let alignment = align(&keys, &other_keys, ordered);
        if alignment.moved && !of_errors {
            let both = [control, candidate].map(|it| Some(Value::Array(it)));
            self.found(DifferenceKind::Moved, both[0], both[1]);
        }
        for (one, other) in alignment.pairs {
            let (one, other) = (at[one], other_at[other]);
            self.within(Step::Element(one), |it| it.values(ones[one], others[other]));
        }
        for at in alignment.missing.into_iter().map(|it| at[it]) {
            self.within(Step::Element(at), |it| {
                it.found(DifferenceKind::Missing, Some(ones[at]), None);
            });
        }
        for at in alignment.extra.into_iter().map(|it| other_at[it]) {
            self.within(Step::Element(at), |it| {
                it.found(DifferenceKind::Extra, None, Some(others[at]));
            });
        }
    }

    fn keys(&mut self, elements: &[Value<'a>], at: &[usize], of_errors: bool) -> Vec<Key> {
        let (excuses, has_rules) = (self.collector.excuses(), self.has_rules);
        let name = excuses.key(&self.path).unwrap_or(IDENTITY);
        let path = self.path.clone();
        let mut digest = Digest { excuses, path, has_rules, known: &mut self.known };
        let key = |&at: &usize| {
            let mut key = digest.key(at, elements[at], name);
            if of_errors {
                key.identity = Some(graphql::identity(elements[at]));
            }
            key
        };
        at.iter().map(key).collect()
    }

    fn within(&mut self, step: Step<'a>, then: impl FnOnce(&mut Self)) {
        self.path.push(step);
        then(self);
        self.path.pop();
    }

    fn found(
        &mut self,
        kind: DifferenceKind,
        control: Option<Value<'a>>,
        candidate: Option<Value<'a>>,
    ) {
        let [control, candidate] = [control, candidate].map(|it| it.map(Fragment::Json));
        let class = if self.is_graphql { graphql::class(&self.path) } else { Class::Critical };
        self.collector.found(&self.path, kind, class, control, candidate);
    }
}

/// The indices up to `len` that are not among these, which are sorted.
fn others_of(len: usize, these: &[usize]) -> impl Iterator<Item = usize> {
    let mut these = these.iter().peekable();
    (0..len).filter(move |at| these.next_if_eq(&at).is_none())
}

/// The indices of the elements that are to be aligned: all but those that are equal where they stand.
/// Where less than half of two lists is, something has been put in or taken out, and only what is
/// equal at both ends stands where it stood.
fn unequal(ones: &[Value<'_>], others: &[Value<'_>], sameness: &mut Sameness) -> [Vec<usize>; 2] {
    let mut differ = |at: &usize| !sameness.of(ones[*at], others[*at]);
    let shorter = ones.len().min(others.len());
    if ones.len() == others.len() {
        let at: Vec<_> = (0..shorter).filter(&mut differ).collect();
        if at.len() <= shorter / 2 {
            return [at.clone(), at];
        }
    }
    let prefix = (0..shorter).take_while(|at| !differ(at)).count();
    let pairs = ones.iter().rev().zip(others.iter().rev()).take(shorter - prefix);
    let suffix = pairs.take_while(|(one, other)| sameness.of(**one, **other)).count();
    [ones.len(), others.len()].map(|it| (prefix..it - suffix).collect())
}

#[cfg(test)]
mod tests;
