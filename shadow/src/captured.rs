//! A body as far as it is kept for a comparison: whole, or by its digest.

use std::fmt;

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

/// A longer body is not kept, but digested as it passes.
const KEPT: usize = 1024 * 1024;

/// A body as it was on the wire, its content encoding still applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Captured {
    /// All of it.
    Whole(Bytes),
    /// It was longer than 1 MiB.
    Digested(Digest),
}

/// By which two long bodies are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// The body's length.
    pub bytes: u64,
    /// Its SHA-256 (FIPS 180-4).
    pub sha256: [u8; 32],
}

/// Takes up a body piece by piece, in bounded memory.
#[derive(Debug)]
pub struct Capture(State);

enum State {
    /// Most answers come in one piece, which needs no list.
    Kept {
        first: Bytes,
        rest: Vec<Bytes>,
        size: usize,
    },
    Digested {
        bytes: u64,
        hasher: Sha256,
    },
}

impl Capture {
    /// Of a body of this length, as far as it is known before.
    pub fn expecting(length: Option<u64>) -> Self {
        let is_long = length.is_some_and(|it| it > KEPT as u64);
        Self(if is_long { State::digested() } else { State::kept() })
    }

    /// The next piece. It is kept without being copied.
    pub fn push(&mut self, piece: &Bytes) {
        match &mut self.0 {
            State::Digested { bytes, hasher } => {
                *bytes += piece.len() as u64;
                hasher.update(piece);
            }
            State::Kept { first, rest, size } if *size + piece.len() <= KEPT => {
                if *size == 0 {
                    *first = piece.clone();
                } else {
                    rest.push(piece.clone());
                }
                *size += piece.len();
            }
            State::Kept { .. } => {
                let kept = std::mem::replace(&mut self.0, State::digested());
                if let State::Kept { first, rest, .. } = kept {
                    for piece in [first].iter().chain(&rest) {
                        self.push(piece);
                    }
                }
                self.push(piece);
            }
        }
    }

    /// The memory that it takes so far.
    pub const fn size(&self) -> usize {
        if let State::Kept { size, .. } = &self.0 { *size } else { 0 }
    }

    /// The body has ended.
    pub fn finish(self) -> Captured {
        match self.0 {
            State::Kept { first, rest, .. } if rest.is_empty() => Captured::Whole(first),
            State::Kept { first, rest, size } => {
                let mut whole = BytesMut::with_capacity(size);
                for piece in [first].iter().chain(&rest) {
                    whole.extend_from_slice(piece);
                }
                Captured::Whole(whole.freeze())
            }
            State::Digested { bytes, hasher } => {
                Captured::Digested(Digest { bytes, sha256: hasher.finalize().into() })
            }
        }
    }
}

impl State {
    const fn kept() -> Self {
        Self::Kept { first: Bytes::new(), rest: Vec::new(), size: 0 }
    }

    fn digested() -> Self {
        Self::Digested { bytes: 0, hasher: Sha256::new() }
    }
}

impl Captured {
    /// The body, if all of it is kept.
    pub const fn whole(&self) -> Option<&Bytes> {
        if let Self::Whole(bytes) = self { Some(bytes) } else { None }
    }

    /// The memory that it takes.
    pub(crate) const fn size(&self) -> usize {
        if let Self::Whole(bytes) = self { bytes.len() } else { 0 }
    }
}

impl Digest {
    /// Of a body that is kept.
    pub(crate) fn of(body: &[u8]) -> Self {
        Self { bytes: body.len() as u64, sha256: Sha256::digest(body).into() }
    }
}

/// A body that was never sent in pieces.
impl<T: Into<Bytes>> From<T> for Captured {
    fn from(body: T) -> Self {
        let body = body.into();
        let mut capture = Capture::expecting(Some(body.len() as u64));
        capture.push(&body);
        capture.finish()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept { size, .. } => f.debug_struct("Kept").field("size", size).finish(),
            Self::Digested { bytes, .. } => {
                f.debug_struct("Digested").field("bytes", bytes).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(expected: Option<u64>, pieces: &[Bytes]) -> Captured {
        let mut capture = Capture::expecting(expected);
        for piece in pieces {
            capture.push(piece);
        }
        capture.finish()
    }

    #[test]
    fn a_body_is_kept_up_to_its_bound_and_digested_beyond_however_it_comes() {
        let body: Vec<u8> = (0..251).cycle().take(KEPT + 1).collect();
        let body = Bytes::from(body);
        let digest = Captured::Digested(Digest::of(&body));
        let whole = body.slice(..KEPT);
        for length in [1_000, 16_384, KEPT, KEPT + 1] {
            let pieces =
                |it: &Bytes| -> Vec<_> { it.chunks(length).map(|it| body.slice_ref(it)).collect() };
            for expected in [None, Some(KEPT as u64 + 1), Some(7)] {
                assert_eq!(captured(expected, &pieces(&body)), digest, "{length} {expected:?}");
            }
            assert_eq!(captured(None, &pieces(&whole)), Captured::Whole(whole.clone()), "{length}");
        }
        assert_eq!(captured(None, &[]), Captured::Whole(Bytes::new()));
        assert_eq!(Captured::from(body), digest);
    }

    /// FIPS 180-4's example of a million letters, and a few.
    #[test]
    fn the_digest_is_sha_256() {
        let pieces: Vec<_> = vec![Bytes::from(vec![b'a'; 1_000]); 2_000];
        let Captured::Digested(one) = captured(None, &pieces) else { panic!("it is long") };
        assert_eq!(one, Digest::of(&vec![b'a'; 2_000_000]));
        let million = hex::encode(Digest::of(&vec![b'a'; 1_000_000]).sha256);
        assert_eq!(million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}
