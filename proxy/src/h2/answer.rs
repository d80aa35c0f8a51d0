//! The body of an answer as it comes in from a server over HTTP/2.

use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use h2::RecvStream;
use http_body::Frame;

use super::{connection::Slot, outgoing::Outgoing};
use crate::{body::BodyError, h1::client::expired, io::Timer, limits::Limit, monolith::headers};

/// An answer's body as it comes in; what is left of the request's body goes out at the same time.
#[derive(Debug)]
pub struct Answer {
    /// `None` once it has ended. What is left of the stream is reset then.
    pub(super) stream: Option<Streaming>,
    pub(super) idle: Option<Duration>,
    pub(super) deadline: Option<Instant>,
    pub(super) timer: Timer,
    /// The timer is set.
    pub(super) watched: bool,
    /// Bytes that the server has promised and not sent, where it says how many they are.
    pub(super) left: Option<u64>,
}

/// Both directions of the stream.
#[derive(Debug)]
pub(super) struct Streaming {
    pub(super) incoming: RecvStream,
    pub(super) upload: Outgoing,
    /// Free when both are over.
    pub(super) _slot: Slot,
}

impl Answer {
    /// The next frame.
    ///
    /// # Errors
    /// [`BodyError`]; nothing more comes then.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = ready!(self.poll_next(cx));
        if !matches!(next, Some(Ok(_))) || self.is_ended() {
            self.stream = None;
        }
        Poll::Ready(next)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(Streaming { incoming, upload, .. }) = &mut self.stream else {
            return Poll::Ready(None);
        };
        // What happens to the rest of the upload does not matter any more: the answer is known.
        let _ = upload.poll(cx);
        // h2 has compared the length with what was promised.
        while let Poll::Ready(data) = incoming.poll_data(cx) {
            match data {
                Some(Ok(data)) => {
                    // Only what was taken makes room for more: a slow client slows its server down.
                    let _ = incoming.flow_control().release_capacity(data.len());
                    self.watched = false;
                    self.left = self.left.map(|it| it.saturating_sub(data.len() as u64));
                    if !data.is_empty() || incoming.is_end_stream() {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Reset(error)))),
                None => match incoming.poll_trailers(cx) {
                    Poll::Ready(Ok(Some(mut fields))) => {
                        headers::strip_trailers(&mut fields);
                        return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                    }
                    Poll::Ready(Ok(None)) => return Poll::Ready(None),
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Some(Err(BodyError::Reset(error))));
                    }
                    Poll::Pending => break,
                },
            }
        }
        if !std::mem::replace(&mut self.watched, true) {
            self.timer.watch(self.idle, self.deadline);
        }
        ready!(self.timer.poll_expired(cx));
        let limit = expired(self.deadline, Limit::AnswerIdle);
        Poll::Ready(Some(Err(BodyError::Limit(limit))))
    }

    /// Whether the last byte has been taken.
    pub fn is_ended(&self) -> bool {
        self.stream.as_ref().is_none_or(|it| it.incoming.is_end_stream())
    }

    /// How many bytes are left, where that is known.
    pub const fn left(&self) -> Option<u64> {
        self.left
    }
}
