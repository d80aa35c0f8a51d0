//! Which servers a request may go to, and the choice among them.

use std::sync::Arc;

use tokio::time::Instant;

use super::Server;

/// Panic mode, in Envoy's terms: below this share of usable servers, in percent, all are used.
/// Those that are left would only be overrun, and checks that find most of a shop dead are wrong
/// more often than right.
const PANIC_PERCENT: usize = 50;

/// The servers that may be chosen, as of one version of what is known of them.
#[derive(Debug)]
pub(super) struct Candidates {
    version: u64,
    /// When the first of the ejected servers comes back by itself.
    readmission: Option<Instant>,
    /// Positions in the upstream's list.
    positions: Box<[usize]>,
    /// All are candidates because too few are usable.
    pub(super) panic: bool,
}

impl Candidates {
    /// Looks at every server. `is_checked`: the verdict of health checks counts.
    pub(super) fn assess(
        servers: &[Arc<Server>],
        is_checked: bool,
        version: u64,
        now: Instant,
    ) -> Self {
        let usable = |server: &Server| is_usable(server, is_checked, now);
        let positions = || servers.iter().enumerate();
        let mut chosen: Vec<usize> =
            positions().filter(|(_, it)| usable(it)).map(|(position, _)| position).collect();
        let panic = chosen.len() * 100 < servers.len() * PANIC_PERCENT;
        if panic {
            chosen = (0..servers.len()).collect();
        }
        Self {
            version,
            readmission: servers.iter().filter_map(|it| it.ejected_until(now)).min(),
            positions: chosen.into(),
            panic,
        }
    }

    /// Nothing has changed since `version`, and no ejection has ended.
    pub(super) fn is_current(&self, version: u64) -> bool {
        self.version == version && self.readmission.is_none_or(|at| Instant::now() < at)
    }

    /// When the first of the ejected servers comes back by itself.
    pub(super) const fn readmission(&self) -> Option<Instant> {
        self.readmission
    }

    /// Takes a slot of the less busy of two servers that are drawn at random (Mitzenmacher, "The
    /// Power of Two Choices in Randomized Load Balancing", 2001); when both are full, of any that
    /// has one. `avoid` is passed over as long as there is another.
    ///
    /// Returns the server's position; none when all slots are taken.
    pub(super) fn take(
        &self,
        servers: &[Arc<Server>],
        limit: u32,
        avoid: Option<usize>,
    ) -> Option<usize> {
        if servers.len() > 1 && avoid.is_some_and(|it| self.positions.iter().all(|at| *at == it)) {
            // The only one that is thought well of has just failed: rather ask one that may be
            // back, or wait for that where others had the same thought.
            let mut others = (0..servers.len()).filter(|it| Some(*it) != avoid);
            return others.find(|it| servers[*it].slots().take(limit));
        }
        let (first, second) = draw_two(self.positions.len())?;
        let avoid = avoid.filter(|_| first != second);
        let drawn = [first, second].map(|it| self.positions[it]);
        let allowed = |position: &usize| Some(*position) != avoid;
        let take = |position: &usize| servers[*position].slots().take(limit);
        let less_busy =
            drawn.into_iter().filter(allowed).min_by_key(|position| servers[*position].in_flight());
        if let Some(position) = less_busy.filter(take) {
            return Some(position);
        }
        let (before, after) = self.positions.split_at(first);
        after.iter().chain(before).copied().filter(allowed).find(take)
    }
}

/// Neither taken out by health checks nor ejected.
pub(super) fn is_usable(server: &Server, is_checked: bool, now: Instant) -> bool {
    (!is_checked || server.is_healthy()) && server.ejected_until(now).is_none()
}

/// Two of `0..count`, different where there are two.
fn draw_two(count: usize) -> Option<(usize, usize)> {
    match count {
        0 => None,
        1 => Some((0, 0)),
        _ => {
            let first = rand::random_range(0..count);
            let step = rand::random_range(1..count);
            Some((first, (first + step) % count))
        }
    }
}
