//! What the log says of a side that gave the judge no answer. A handler that fails does so with each
//! of its requests, so it is not said of each.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use shadow::Unknown;

use crate::{error::Chain, snapshot::Snapshot};

/// From one line of a route and a reason to the next.
const PAUSE: Duration = Duration::from_mins(1);

/// Writes a line when a side fails, at most one a minute for each route and reason. Cloning shares
/// what was said.
#[derive(Debug, Clone, Default)]
pub struct Complaints(Arc<Mutex<HashMap<(String, Unknown), Said>>>);

/// The last line of a route and a reason.
#[derive(Debug)]
struct Said {
    at: Instant,
    /// How many would have followed it.
    kept_back: u64,
}

impl Complaints {
    /// A side gave no answer to `request`, of which only the id is said.
    pub(super) fn say(&self, request: &Snapshot, why: Unknown, error: &(dyn Error + 'static)) {
        let route = request.route.id.to_string();
        let (request_id, error) = (request.id(), Chain(error));
        if let Some(kept_back) = self.due(route.clone(), why, Instant::now()) {
            tracing::warn!(route, request_id, reason = %why, %error, kept_back, "not compared");
        }
    }

    /// How many lines were kept back since the last, if there may be one again.
    fn due(&self, route: String, why: Unknown, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match said.get_mut(&(route.clone(), why)) {
            Some(last) if now.duration_since(last.at) < PAUSE => {
                last.kept_back += 1;
                None
            }
            _ => {
                let last = said.insert((route, why), Said { at: now, kept_back: 0 });
                Some(last.map_or(0, |it| it.kept_back))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_followed_by_the_next_in_a_minute_which_says_how_many_were_kept_back() {
        let (complaints, began) = (Complaints::default(), Instant::now());
        let due = |route: &str, why, seconds| {
            complaints.due(route.to_owned(), why, began + Duration::from_secs(seconds))
        };
        assert_eq!(due("cart", Unknown::Failed, 0), Some(0));
        assert_eq!(due("cart", Unknown::Failed, 1), None);
        assert_eq!(due("cart", Unknown::Failed, 59), None);
        assert_eq!(due("cart", Unknown::Panicked, 59), Some(0), "another reason");
        assert_eq!(due("home", Unknown::Failed, 59), Some(0), "another route");
        assert_eq!(due("cart", Unknown::Failed, 60), Some(2));
        assert_eq!(due("cart", Unknown::Failed, 61), None);
    }
}
