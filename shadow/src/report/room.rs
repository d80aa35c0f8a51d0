//! How much may wait for the store, over all routes: one that is gone for long must not fill the
//! memory. Counts always wait, since they take no more than the route table does.

/// Fingerprints of requests that may wait. Beyond it those of the route that has most are halved.
const REQUESTS: usize = 200_000;

/// Differences that may wait.
const DIFFERENCES: usize = 20_000;

/// Bytes of samples that may wait.
const BYTES: usize = 32 * 1024 * 1024;

/// What is taken, and what found no room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Fingerprints that wait.
    pub(super) requests: usize,
    differences: usize,
    bytes: usize,
    pub(crate) lost: Lost,
}

/// What was seen, is counted, and is not known in detail.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Times that a further difference of a route was seen.
    pub(crate) differences: u64,
    pub(crate) samples: u64,
}

impl Room {
    /// Whether more fingerprints wait than may.
    pub(super) const fn is_crowded(&self) -> bool {
        self.requests > REQUESTS
    }

    pub(super) const fn for_difference(&mut self) -> bool {
        let has_room = self.differences < DIFFERENCES;
        self.differences += has_room as usize;
        has_room
    }

    pub(super) const fn for_sample(&mut self, bytes: usize) -> bool {
        let has_room = self.bytes + bytes <= BYTES;
        self.bytes += if has_room { bytes } else { 0 };
        has_room
    }

    pub(super) const fn give_back(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }
}
