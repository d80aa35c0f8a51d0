//! A value that never changes where the monolith's always does.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::compare::{Difference, Fragment};

/// So often the monolith's value must have changed while the extraction's stayed.
const OFTEN: u32 = 20;

/// How often in a row that was so at one place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Constant {
    /// Hashes of what each side last had there.
    last: Option<[u64; 2]>,
    times: u32,
}

impl Constant {
    /// Another request differs there.
    pub(super) fn see(&mut self, differences: &[&Difference<'_>]) {
        let control = hash(differences.iter().map(|it| it.control.as_ref()));
        let candidate = hash(differences.iter().map(|it| it.candidate.as_ref()));
        match self.last.replace([control, candidate]) {
            Some([before, stayed]) if stayed == candidate => {
                self.times = self.times.saturating_add(u32::from(before != control));
            }
            _ => self.times = 0,
        }
    }

    /// Whether it is no chance any more.
    pub(super) const fn is_stuck(self) -> bool {
        self.times >= OFTEN
    }
}

fn hash<'f>(values: impl Iterator<Item = Option<&'f Fragment<'f>>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for value in values {
        // Values have no hash of their own, and what is written of one is all that it is.
        format!("{value:?}").hash(&mut hasher);
    }
    hasher.finish()
}
