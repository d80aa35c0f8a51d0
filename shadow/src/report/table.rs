//! Tables that are added to: a row is found by its key, and what comes is merged into what is there.

use std::fmt::Write as _;

/// A table as far as it is written.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// What a row is found by; empty where each row is a new one.
    pub(super) key: &'static [&'static str],
    pub(super) values: &'static [(&'static str, Merge)],
}

/// What becomes of a value in a row that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// The sum of both.
    Add,
    /// The greater of both.
    Latest,
    /// The one that was there.
    Keep,
    /// The one that comes, unless it is absent.
    Known,
    /// The one that comes.
    Replace,
}

impl Table {
    /// In the order in which their values are bound.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.key.iter().copied().chain(self.values.iter().map(|it| it.0))
    }

    /// The assignments, with `coming` for what a column is to be merged with, and `greatest` for the
    /// function of that name.
    pub(super) fn merges(&self, greatest: &str, coming: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        for (column, merge) in self.values {
            let (there, comes) = (format!("{}.{column}", self.name), coming(column));
            let merged = match merge {
                Merge::Keep => continue,
                Merge::Add => format!("{there} + {comes}"),
                Merge::Latest => format!("{greatest}({there}, {comes})"),
                Merge::Known => format!("COALESCE({comes}, {there})"),
                Merge::Replace => comes,
            };
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(text, "{comma}{column} = {merged}");
        }
        text
    }
}
