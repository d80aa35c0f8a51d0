//! Gathers the differences of one comparison, and asks the rules about each.

use super::{
    Class, Comparison, Difference, DifferenceKind, Finding, Fragment, Ids, Judgement, Path,
    rule::Excuses,
};

/// How many differences of one comparison are listed; of those that count, and of those that do
/// not. The others are only counted.
const LISTED: usize = 100;

pub(super) struct Collector<'a> {
    excuses: Excuses<'a>,
    comparison: Comparison<'a>,
    excused: usize,
    /// While ids are gathered, nothing else is.
    ids: Option<Ids>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(excuses: Excuses<'a>) -> Self {
        Self { excuses, comparison: Comparison::default(), excused: 0, ids: None }
    }

    /// Gathers which ids stand in the same places, beside those that were gathered so far. What they excuse depends on all of them.
    pub(super) fn of_ids(excuses: Excuses<'a>, so_far: Ids) -> Self {
        Self { ids: Some(so_far), ..Self::new(excuses) }
    }

    pub(super) const fn excuses(&self) -> &Excuses<'a> {
        &self.excuses
    }

    /// Two values stand in the same place, equal or not.
    pub(super) fn paired(&mut self, path: &Path<'_>, control: &str, candidate: &str) {
        if let Some(ids) = &mut self.ids
            && let Some(of) = self.excuses.id(path)
        {
            ids.add(of, control, candidate);
        }
    }

    pub(super) fn found(
        &mut self,
        path: &Path<'a>,
        kind: DifferenceKind,
        class: Class,
        control: Option<Fragment<'a>>,
        candidate: Option<Fragment<'a>>,
    ) {
        if self.ids.is_some() {
            return;
        }
        // Of one that counts, whatever it is, and is not listed, nothing more need be known.
        if self.excuses.are_none() && self.counted() >= LISTED {
            self.count(class);
            self.comparison.omitted += 1;
            return;
        }
        let (class, classed) = self.excuses.class(path, class);
        let difference = Difference { path: path.clone(), kind, class, control, candidate };
        let judgement = match self.excuses.judge(&difference) {
            Judgement::Counts => classed.unwrap_or(Judgement::Counts),
            judgement => judgement,
        };
        let listed = if matches!(judgement, Judgement::Excused(_)) {
            self.excused += 1;
            self.excused
        } else {
            self.count(class);
            self.counted()
        };
        let it = &mut self.comparison;
        if listed <= LISTED {
            it.findings.push(Finding { difference, judgement });
        } else {
            it.omitted += 1;
        }
    }

    const fn count(&mut self, class: Class) {
        match class {
            Class::Critical => self.comparison.critical += 1,
            Class::Cosmetic => self.comparison.cosmetic += 1,
        }
    }

    const fn counted(&self) -> usize {
        self.comparison.critical + self.comparison.cosmetic
    }

    /// What was gathered, and the rules again.
    pub(super) fn into_ids(self) -> (Ids, Excuses<'a>) {
        (self.ids.unwrap_or_default(), self.excuses)
    }

    pub(super) fn finish(self) -> Comparison<'a> {
        self.comparison
    }
}
