//! Gathers the differences of one comparison, and asks the rules about each.

use super::{
    Class, Comparison, Difference, DifferenceKind, Finding, Fragment, Judgement, Path,
    rule::Excuses,
};

/// How many differences of one comparison are listed; of those that count, and of those that do
/// not. The others are only counted.
const LISTED: usize = 100;

pub(super) struct Collector<'a> {
    excuses: Excuses<'a>,
    comparison: Comparison<'a>,
    excused: usize,
}

impl<'a> Collector<'a> {
    pub(super) fn new(excuses: Excuses<'a>) -> Self {
        Self { excuses, comparison: Comparison::default(), excused: 0 }
    }

    pub(super) const fn excuses(&self) -> &Excuses<'a> {
        &self.excuses
    }

    pub(super) fn found(
        &mut self,
        path: &Path<'a>,
        kind: DifferenceKind,
        class: Class,
        control: Option<Fragment<'a>>,
        candidate: Option<Fragment<'a>>,
    ) {
        let difference = Difference { path: path.clone(), kind, class, control, candidate };
        let judgement = self.excuses.judge(&difference);
        let it = &mut self.comparison;
        let listed = if matches!(judgement, Judgement::Excused(_)) {
            self.excused += 1;
            self.excused
        } else {
            match class {
                Class::Critical => it.critical += 1,
                Class::Cosmetic => it.cosmetic += 1,
            }
            it.critical + it.cosmetic
        };
        if listed <= LISTED {
            it.findings.push(Finding { difference, judgement });
        } else {
            it.omitted += 1;
        }
    }

    pub(super) fn finish(self) -> Comparison<'a> {
        self.comparison
    }
}
