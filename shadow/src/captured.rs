//! A body as far as it is kept for a comparison: whole, or by its digest.

use std::fmt;

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

/// A longer body is not kept, but digested as it passes.
const KEPT: usize = 1024 * 1024;

/// A shorter piece is copied beside the others, unless it is the first: to keep each as it came would
/// take more memory than is in them.
const SMALL: usize = 4 * 1024;

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
    Kept(Pieces),
    Digested { bytes: u64, hasher: Sha256 },
}

/// Most answers come in one piece, which needs no list.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    rest: Vec<Bytes>,
    /// The small ones behind them, put together.
    tail: BytesMut,
    size: usize,
}

impl Capture {
    /// Of a body of this length, as far as it is known before.
    pub fn expecting(length: Option<u64>) -> Self {
        let is_long = length.is_some_and(|it| it > KEPT as u64);
        Self(if is_long { State::digested() } else { State::kept() })
    }

    /// The next piece. A large one is kept without being copied.
    pub fn push(&mut self, piece: &Bytes) {
        match &mut self.0 {
            State::Digested { bytes, hasher } => {
                *bytes += piece.len() as u64;
                hasher.update(piece);
            }
            State::Kept(pieces) if pieces.size + piece.len() <= KEPT => pieces.push(piece),
            State::Kept(pieces) => {
                let pieces = std::mem::take(pieces);
                self.0 = State::digested();
                for piece in pieces.all() {
                    self.push(&piece);
                }
                self.push(piece);
            }
        }
    }

    /// The length of what is kept so far. A piece that came off a connection may hold four times as
    /// much memory as it has bytes, and mostly holds no more than these.
    pub const fn size(&self) -> usize {
        if let State::Kept(pieces) = &self.0 { pieces.size } else { 0 }
    }

    /// The body has ended.
    pub fn finish(self) -> Captured {
        match self.0 {
            State::Kept(pieces) => Captured::Whole(pieces.whole()),
            State::Digested { bytes, hasher } => {
                Captured::Digested(Digest { bytes, sha256: hasher.finalize().into() })
            }
        }
    }
}

impl State {
    fn kept() -> Self {
        Self::Kept(Pieces::default())
    }

    fn digested() -> Self {
        Self::Digested { bytes: 0, hasher: Sha256::new() }
    }
}

impl Pieces {
    fn push(&mut self, piece: &Bytes) {
        if self.size == 0 {
            self.first = piece.clone();
        } else if piece.len() < SMALL {
            self.tail.extend_from_slice(piece);
        } else {
            if !self.tail.is_empty() {
                self.rest.push(self.tail.split().freeze());
            }
            self.rest.push(piece.clone());
        }
        self.size += piece.len();
    }

    fn all(self) -> impl Iterator<Item = Bytes> {
        [self.first].into_iter().chain(self.rest).chain([self.tail.freeze()])
    }

    fn whole(self) -> Bytes {
        if self.size == self.first.len() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.size);
        for piece in self.all() {
            whole.extend_from_slice(&piece);
        }
        whole.freeze()
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
            Self::Kept(it) => f.debug_struct("Kept").field("size", &it.size).finish(),
            Self::Digested { bytes, .. } => {
                f.debug_struct("Digested").field("bytes", bytes).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        for length in [1, 1_000, 5_000, 16_384, KEPT, KEPT + 1] {
            let pieces =
                |it: &Bytes| -> Vec<_> { it.chunks(length).map(|it| body.slice_ref(it)).collect() };
            for expected in [None, Some(KEPT as u64 + 1), Some(7)] {
                assert_eq!(captured(expected, &pieces(&body)), digest, "{length} {expected:?}");
            }
            assert_eq!(captured(None, &pieces(&whole)), Captured::Whole(whole.clone()), "{length}");
        }
        let mut rest = whole.clone();
        let lengths = [7, 10, SMALL, 5, 9_000, SMALL - 1, 1].into_iter().cycle();
        let mixed =
            lengths.map_while(|it| (!rest.is_empty()).then(|| rest.split_to(it.min(rest.len()))));
        assert_eq!(captured(None, &mixed.collect::<Vec<_>>()), Captured::Whole(whole));
        assert_eq!(captured(None, &[]), Captured::Whole(Bytes::new()));
        assert_eq!(Captured::from(body), digest);
    }

    /// A piece's bytes, in a buffer that is counted while somebody holds it.
    struct Buffer {
        _held: Arc<()>,
        bytes: Vec<u8>,
    }

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }

    /// How many buffers are held of a body that came in so many pieces of this length.
    fn held(pieces: usize, length: usize) -> usize {
        let buffers = Arc::new(());
        let mut capture = Capture::expecting(None);
        for _ in 0..pieces {
            let buffer = Buffer { _held: Arc::clone(&buffers), bytes: vec![b'a'; length] };
            capture.push(&Bytes::from_owner(buffer));
        }
        assert_eq!(capture.size(), pieces * length);
        let held = Arc::strong_count(&buffers) - 1;
        assert_eq!(capture.finish().size(), pieces * length);
        held
    }

    #[test]
    fn small_pieces_hold_no_buffer_but_the_first_and_large_ones_are_not_copied() {
        assert_eq!(held(20_000, 47), 1);
        assert_eq!(held(16, 64 * 1024), 16);
        assert_eq!(held(1, 47), 1);
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
