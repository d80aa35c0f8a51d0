//! Recordings: raw requests and the answers to them, kept for `banyan replay`. Only routes that say
//! `record` are recorded; what is written is encrypted, bounded in size, and expires.
//!
//! Invariant: nothing raw of a route without `record` is ever written, and nothing at all without a
//! key.

mod archive;
mod exchange;
mod export;
mod folder;
mod key;
mod metrics;
mod name;
mod recorder;
mod redacted;
mod sealed;
mod segment;
mod take;

pub use self::{
    archive::{Archive, Entry, Loss, ReadError},
    exchange::{Exchange, Malformed},
    export::{ExportError, record},
    key::{Key, KeyError},
    recorder::{Recorder, Settings, StartError},
    sealed::{seal, unseal},
    segment::{Frame, Header, NotASegment, Sealing, Segment, Unreadable, WriteError},
    take::Take,
};

use std::time::Duration;

use crate::route::Percent;

/// A route's `record`: that its requests may be kept raw, how many of them, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Of how many requests.
    pub sample: Percent,
    /// Until a recorded request is deleted.
    pub keep: Duration,
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use time::OffsetDateTime;

    use super::{Archive, Exchange, Key, exchange::tests::exchange, folder, segment::Writer};

    /// Requests of these ids, a second apart, recorded just now below `folder`.
    pub(crate) fn recorded(folder: &Path, key: &Key, ids: &[&str]) -> Archive {
        let folder = folder.join("recordings");
        folder::create(&folder).unwrap();
        let now = OffsetDateTime::now_utc();
        let keep = std::time::Duration::from_hours(1);
        let mut writer = Writer::begin(&folder, key, now, keep).unwrap();
        for (later, id) in ids.iter().enumerate() {
            let at = now + std::time::Duration::from_secs(later as u64);
            writer.append(Exchange { at, ..exchange(id, "/") }.encode().unwrap()).unwrap();
        }
        Archive::open(&folder, Some(key), now).unwrap()
    }
}
