//! What counts are bound to: the build, the rules, and the monolith's version.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName};

/// A version that has not answered for so long is gone, so that an older one may be back.
const GONE: Duration = Duration::from_mins(1);

/// Versions that are remembered; a shop has seldom as many within one process's life.
const VERSIONS: usize = 100;

/// Versions with longer names are cut.
const NAME_LIMIT: usize = 100;

/// What was compared with what. When one of it changes, counting begins anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Binding {
    /// Of the program with its handlers.
    pub(crate) build: Arc<str>,
    /// A hash of how the route is judged, and of what is compared: see [`crate::Subject`].
    pub(crate) rules: Arc<str>,
    /// The monolith's version; `None` while it is not known.
    pub(crate) monolith: Option<Arc<str>>,
    /// Since when all of it holds in this process; `None` of a version of the monolith that is being
    /// replaced. Of two bindings the younger is what holds now: the other is that of a process that
    /// is about to end.
    pub(crate) since: Option<Instant>,
}

/// How the judge knows the monolith's version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MonolithVersion {
    /// Not at all.
    #[default]
    Untold,
    /// It was told.
    Told(String),
    /// From this field of its answers.
    Header(HeaderName),
}

/// The version that answers now. While a new one is rolled out, both answer: the new one counts.
#[derive(Debug)]
pub(crate) struct Monolith {
    source: MonolithVersion,
    current: Option<Current>,
    seen: HashSet<Arc<str>>,
}

#[derive(Debug, Clone)]
struct Current {
    name: Arc<str>,
    since: Instant,
    last_at: Instant,
}

/// Which version gave an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answered {
    /// Nobody knows.
    Unknown,
    /// The one that counts, since then.
    Current(Arc<str>, Instant),
    /// One that is being replaced.
    Replaced(Arc<str>),
}

impl Monolith {
    pub(crate) fn new(source: MonolithVersion, now: Instant) -> Self {
        let current = match &source {
            MonolithVersion::Told(name) => {
                Some(Current { name: cut(name).into(), since: now, last_at: now })
            }
            MonolithVersion::Untold | MonolithVersion::Header(_) => None,
        };
        Self { source, current, seen: HashSet::new() }
    }

    /// The version that counts, where there was no answer to read it from.
    pub(crate) fn now(&self) -> Answered {
        match &self.current {
            None => Answered::Unknown,
            Some(Current { name, since, .. }) => Answered::Current(Arc::clone(name), *since),
        }
    }

    /// The version that gave an answer with these fields.
    pub(crate) fn of(&mut self, headers: &HeaderMap, now: Instant) -> Answered {
        let MonolithVersion::Header(field) = &self.source else { return self.now() };
        let name = headers.get(field).and_then(|it| it.to_str().ok());
        let Some(name) = name.filter(|it| !it.is_empty()).map(cut) else { return self.now() };
        match &mut self.current {
            Some(current) if *current.name == *name => current.last_at = now,
            Some(current)
                if self.seen.contains(name)
                    && now.saturating_duration_since(current.last_at) < GONE =>
            {
                return Answered::Replaced(name.into());
            }
            current => {
                let name: Arc<str> = name.into();
                if self.seen.len() >= VERSIONS {
                    self.seen.clear();
                }
                self.seen.insert(Arc::clone(&name));
                *current = Some(Current { name, since: now, last_at: now });
            }
        }
        self.now()
    }
}

fn cut(name: &str) -> &str {
    name.get(..NAME_LIMIT).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use http::HeaderValue;

    use super::*;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    fn of(monolith: &mut Monolith, version: &'static str, seconds: u64) -> Answered {
        let mut headers = HeaderMap::new();
        headers.insert("x-version", HeaderValue::from_static(version));
        monolith.of(&headers, *START + Duration::from_secs(seconds))
    }

    fn current(name: &str, since: u64) -> Answered {
        Answered::Current(name.into(), *START + Duration::from_secs(since))
    }

    fn by_header() -> Monolith {
        let field = HeaderName::from_static("x-version");
        Monolith::new(MonolithVersion::Header(field), *START)
    }

    #[test]
    fn while_a_version_is_rolled_out_the_new_one_counts() {
        let mut monolith = by_header();
        assert_eq!(monolith.now(), Answered::Unknown);
        assert_eq!(of(&mut monolith, "1", 1), current("1", 1));
        assert_eq!(of(&mut monolith, "2", 5), current("2", 5));
        assert_eq!(of(&mut monolith, "1", 6), Answered::Replaced("1".into()));
        assert_eq!(of(&mut monolith, "2", 7), current("2", 5));
        assert_eq!(monolith.of(&HeaderMap::new(), *START), current("2", 5), "an error page");
    }

    #[test]
    fn a_version_that_is_rolled_back_to_counts_when_the_other_is_gone() {
        let mut monolith = by_header();
        of(&mut monolith, "1", 0);
        of(&mut monolith, "2", 1);
        assert_eq!(of(&mut monolith, "1", 60), Answered::Replaced("1".into()));
        assert_eq!(of(&mut monolith, "1", 61), current("1", 61));
    }

    #[test]
    fn a_version_that_was_told_stands() {
        let mut monolith = Monolith::new(MonolithVersion::Told("7".into()), *START);
        assert_eq!(of(&mut monolith, "8", 5), current("7", 0));
        let mut untold = Monolith::new(MonolithVersion::Untold, *START);
        assert_eq!(of(&mut untold, "8", 5), Answered::Unknown);
    }
}
