//! The body of a request as it comes in over HTTP/1.1. It owns the connection's read half while it
//! is read, and gives it back at its end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http_body::Frame;

use super::decode::{Decoder, Piece};
use crate::{body::BodyError, io::Reader};

/// Where an upload and its connection meet: they may be polled by different tasks.
#[derive(Debug, Clone, Default)]
pub struct Meeting(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Back from the upload, and whether the body had been read whole.
    returned: Option<(Reader, bool)>,
    /// The client waits for `100 Continue`, and somebody wants its body.
    wanted: bool,
    connection: Option<Waker>,
}

impl Meeting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the connection: whether somebody has begun to wait for the body of a client that waits
    /// for our word. True once; otherwise the caller is woken when something happens.
    pub fn poll_wanted(&self, cx: &mut Context<'_>) -> bool {
        let mut state = self.lock();
        if !state.wanted {
            state.connection = Some(cx.waker().clone());
        }
        std::mem::take(&mut state.wanted)
    }

    /// For the connection: the read half, once the upload has let go of it, and whether the body
    /// had been read whole.
    pub fn take_back(&self) -> Option<(Reader, bool)> {
        self.lock().returned.take()
    }
}

/// A body that is read off its connection.
#[derive(Debug)]
pub struct Upload {
    /// `None` once it was given back.
    reader: Option<Reader>,
    decoder: Decoder,
    meeting: Meeting,
    /// The client waits for `100 Continue`.
    expects: bool,
}

impl Upload {
    /// The body that begins where `reader` is. `expects`: the client waits to be told to send it.
    pub const fn new(reader: Reader, decoder: Decoder, meeting: Meeting, expects: bool) -> Self {
        Self { reader: Some(reader), decoder, meeting, expects }
    }

    /// The next frame.
    ///
    /// # Errors
    /// [`BodyError`]; nothing more comes then.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = ready!(self.poll_next(cx));
        if !matches!(next, Some(Ok(_))) || self.decoder.is_ended() {
            self.give_back();
        }
        Poll::Ready(next)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
        loop {
            match self.decoder.decode(&mut reader.buffer) {
                Ok(Piece::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Piece::Trailers(fields)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Piece::End) => return Poll::Ready(None),
                Err(fault) => return Poll::Ready(Some(Err(fault.into()))),
                Ok(Piece::More) => {}
            }
            if std::mem::take(&mut self.expects) {
                let mut state = self.meeting.lock();
                state.wanted = true;
                if let Some(connection) = state.connection.take() {
                    connection.wake();
                }
            }
            match ready!(reader.poll_fill_long(cx, self.decoder.left())) {
                Ok(0) => return Poll::Ready(Some(Err(BodyError::Closed))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(BodyError::Io(error)))),
            }
        }
    }

    /// Whether the last byte has been taken.
    pub const fn is_ended(&self) -> bool {
        self.decoder.is_ended()
    }

    /// How many bytes are left, where that is known.
    pub const fn left(&self) -> Option<u64> {
        self.decoder.left()
    }

    fn give_back(&mut self) {
        if let Some(reader) = self.reader.take() {
            let mut state = self.meeting.lock();
            state.returned = Some((reader, self.decoder.is_ended()));
            if let Some(connection) = state.connection.take() {
                connection.wake();
            }
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.give_back();
    }
}
