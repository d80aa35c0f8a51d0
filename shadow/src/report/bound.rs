//! What a route's counts are bound to, and since when.

use sqlx::Row as _;

use super::{
    clock::Now,
    database::{Tx, rows},
};
use crate::binding::Binding;

/// What the counts in the store are bound to.
pub(super) struct Bound {
    pub(super) build: String,
    rules: String,
    monolith: Option<String>,
    /// Since when.
    at: i64,
}

impl Bound {
    pub(super) async fn read(tx: &mut Tx, route: &str) -> Result<Option<Self>, sqlx::Error> {
        let statement = "SELECT build, rules, monolith, bound_at FROM routes WHERE route = $1";
        let found = tx.fetch(statement, &[route.into()]).await?;
        let bound = rows(&found, |it| {
            let (build, rules) = (it.try_get("build")?, it.try_get("rules")?);
            let (monolith, at) = (it.try_get("monolith")?, it.try_get("bound_at")?);
            Ok(Self { build, rules, monolith, at })
        });
        Ok(bound?.pop())
    }

    /// What differs, for a person. A version of the monolith that nobody knows differs from none.
    pub(super) fn changes(&self, binding: &Binding) -> Vec<String> {
        let mut changes = Vec::new();
        if *self.build != *binding.build {
            changes.push(match self.build.as_str() {
                "" => format!("the build is {} now", binding.build),
                build => format!("the build changed from {build} to {}", binding.build),
            });
        }
        if *self.rules != *binding.rules {
            changes.push("what the route is judged by changed".to_owned());
        }
        match (&self.monolith, &binding.monolith) {
            (Some(old), Some(new)) if **old != **new => {
                changes.push(format!("the monolith changed from {old} to {new}"));
            }
            _ => {}
        }
        changes
    }

    /// Since when it holds, as far as that can be: nothing began in the future, but a clock may have
    /// been ahead when it was noted.
    pub(super) fn since(&self, now: Now) -> Option<i64> {
        Some(self.at).filter(|it| *it <= now.at)
    }
}
