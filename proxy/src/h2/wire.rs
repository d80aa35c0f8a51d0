//! A connection's bytes on their way to h2, of which only the heads of the frames are looked at.
//!
//! Source: RFC 9113 §4.1 (the frame's head), §6 (its types), §6.2 (blocks of fields).

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::conduct::Conduct;
use crate::{io::Timer, limits::Limit};

/// What h2 reads from and writes to.
#[derive(Debug)]
pub(super) struct Wire<S> {
    inner: S,
    frames: Frames,
    conduct: Arc<Conduct>,
    /// Runs from the first byte of a head to its last.
    timer: Timer,
    /// How long a head may take.
    head: Duration,
}

/// Bytes of what a client sends before its first frame (RFC 9113 §3.4).
const PREFACE: usize = 24;
/// Bytes of a frame's head.
const HEAD: usize = 9;

/// A frame by its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Bytes that follow the head.
    pub(super) length: usize,
    /// It is the last of a block of fields.
    pub(super) ends_head: bool,
}

/// The types that make a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// With a payload, or at the end of a body.
    Data,
    Headers,
    Reset,
    Continuation,
    /// Settings, pings, priorities, windows, whatever is unknown, and data without a byte.
    Other,
}

impl<S> Wire<S> {
    /// `head` is how long the fields of a request may take, from their first byte to their last.
    pub(super) fn new(inner: S, conduct: Arc<Conduct>, head: Duration) -> Self {
        let mut timer = Timer::default();
        timer.set(head);
        Self { inner, frames: Frames::new(), conduct, timer, head }
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        let before = self.frames.within_head();
        let (conduct, mut now) = (&*self.conduct, None);
        self.frames.advance(bytes, |frame| {
            conduct.received(frame, *now.get_or_insert_with(Instant::now))
        })?;
        match (before, self.frames.within_head()) {
            (false, true) => self.timer.set(self.head),
            (true, false) => self.timer.clear(),
            _ => {}
        }
        Ok(())
    }

    fn end(&self, limit: Limit) -> Poll<io::Result<()>> {
        self.conduct.end(limit);
        Poll::Ready(Err(io::Error::other(limit.label())))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => match self.received(&buf.filled()[before..]) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(limit) => self.end(limit),
            },
            Poll::Pending => {
                ready!(self.timer.poll_expired(cx));
                self.end(Limit::HeadTimeout)
            }
            broken @ Poll::Ready(Err(_)) => broken,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Where in a frame the next byte belongs.
#[derive(Debug)]
struct Frames {
    head: [u8; HEAD],
    /// Bytes of the head that are there.
    filled: usize,
    /// Bytes to be skipped before the next head.
    skip: usize,
    /// A block of fields has begun, and its last frame has not.
    block: bool,
    /// What is skipped is the preface, or belongs to a block of fields.
    awaited: bool,
}

impl Frames {
    const fn new() -> Self {
        Self { head: [0; HEAD], filled: 0, skip: PREFACE, block: false, awaited: true }
    }

    /// Whether part of a request's head is there, and part of it is not.
    const fn within_head(&self) -> bool {
        self.block || (self.awaited && self.skip > 0)
    }

    /// Calls `seen` for each frame whose head is complete with `bytes`.
    fn advance<E>(
        &mut self,
        mut bytes: &[u8],
        mut seen: impl FnMut(Frame) -> Result<(), E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let taken = (HEAD - self.filled).min(bytes.len());
            self.head[self.filled..][..taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled == HEAD {
                seen(self.begin())?;
            }
        }
        Ok(())
    }

    /// The head is complete: what it says, and how much follows it.
    fn begin(&mut self) -> Frame {
        let [high, middle, low, kind, flags, ..] = self.head;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        // 0x1 is END_STREAM of DATA, 0x4 is END_HEADERS of HEADERS and CONTINUATION.
        let kind = match kind {
            0x0 if length > 0 || flags & 0x1 != 0 => Kind::Data,
            0x1 => Kind::Headers,
            0x3 => Kind::Reset,
            0x9 => Kind::Continuation,
            _ => Kind::Other,
        };
        self.awaited = matches!(kind, Kind::Headers | Kind::Continuation);
        let ends_head = self.awaited && flags & 0x4 != 0;
        if self.awaited {
            self.block = !ends_head;
        }
        (self.filled, self.skip) = (0, length);
        Frame { kind, length, ends_head }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let [.., high, middle, low] = length.to_be_bytes();
        let mut bytes = vec![high, middle, low, kind, flags, 0, 0, 0, 1];
        // Payloads that look like heads of frames.
        bytes.extend(std::iter::repeat_n(3, length));
        bytes
    }

    fn seen(frames: &mut Frames, bytes: &[u8]) -> Vec<Frame> {
        let mut seen = Vec::new();
        let Ok(()) = frames.advance(bytes, |it| {
            seen.push(it);
            Ok::<_, Infallible>(())
        });
        seen
    }

    proptest! {
        #[test]
        fn frames_are_seen_however_the_bytes_arrive(
            frames in prop::collection::vec((0u8..12, any::<u8>(), 0usize..100), 0..20),
            cut in 1usize..40,
        ) {
            let mut bytes = vec![0; PREFACE];
            bytes.extend(frames.iter().flat_map(|it| frame(it.0, it.1, it.2)));
            let whole = seen(&mut Frames::new(), &bytes);
            prop_assert_eq!(whole.len(), frames.len());
            prop_assert!(whole.iter().zip(&frames).all(|(seen, sent)| seen.length == sent.2));
            let mut scan = Frames::new();
            let pieces: Vec<_> = bytes.chunks(cut).flat_map(|it| seen(&mut scan, it)).collect();
            prop_assert_eq!(pieces, whole);
        }
    }

    #[test]
    fn a_head_is_under_way_from_its_first_frame_to_its_last_byte() {
        let mut frames = Frames::new();
        assert!(frames.within_head());
        seen(&mut frames, &[0; PREFACE]);
        assert!(!frames.within_head());
        seen(&mut frames, &frame(6, 0, 8));
        assert!(!frames.within_head());
        seen(&mut frames, &frame(1, 0, 10));
        assert!(frames.within_head());
        let last = frame(9, 4, 10);
        seen(&mut frames, &last[..last.len() - 1]);
        assert!(frames.within_head());
        seen(&mut frames, &last[last.len() - 1..]);
        assert!(!frames.within_head());
    }

    #[test]
    fn data_is_of_use_if_it_has_a_byte_or_an_end() {
        let kind = |flags, length| {
            let bytes = [vec![0; PREFACE], frame(0, flags, length)].concat();
            seen(&mut Frames::new(), &bytes)[0].kind
        };
        assert_eq!((kind(0, 1), kind(1, 0), kind(0, 0)), (Kind::Data, Kind::Data, Kind::Other));
    }
}
