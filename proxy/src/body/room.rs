//! How much of requests may wait in memory for handlers, all together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of bytes that everybody shares. Cloning shares it too.
#[derive(Debug, Clone)]
pub struct Room(Arc<Semaphore>);

/// Bytes that are taken until this is dropped.
#[derive(Debug, Default)]
pub struct Held(Option<OwnedSemaphorePermit>);

/// What has become of a body that was to be kept whole.
#[derive(Debug)]
pub enum Whole {
    /// It is at hand, and takes room until this is dropped.
    Kept(Held),
    /// It is longer than what is kept of one.
    TooLong,
    /// All together are longer than what is kept.
    NoRoom,
}

impl Room {
    /// Room for so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes so many more bytes, if they are free.
    pub(super) fn take(&self, bytes: usize, held: &mut Held) -> bool {
        let Ok(bytes) = u32::try_from(bytes) else { return false };
        let Ok(permit) = Arc::clone(&self.0).try_acquire_many_owned(bytes) else { return false };
        match &mut held.0 {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_when_it_is_dropped() {
        let room = Room::new(10);
        let (mut one, mut other) = (Held::default(), Held::default());
        assert!(room.take(4, &mut one) && room.take(3, &mut one) && room.take(3, &mut other));
        assert!(!room.take(1, &mut other), "nothing is left");
        drop(one);
        assert!(room.take(7, &mut other) && !room.take(1, &mut other));
    }
}
