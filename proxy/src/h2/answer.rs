//! The body of an answer that a server sends over HTTP/2.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

use crate::{body::BodyError, io::Timer, limits::Limit};

/// An answer's body as it comes in, held to its time-outs.
#[derive(Debug)]
pub struct StreamedAnswer {
    incoming: Incoming,
    timer: Timer,
    idle: Option<Duration>,
    deadline: Option<Instant>,
    watched: bool,
}

impl StreamedAnswer {
    /// A body each piece of which comes within `idle`, and all of it before `deadline`.
    pub fn new(incoming: Incoming, idle: Option<Duration>, deadline: Option<Instant>) -> Self {
        Self { incoming, timer: Timer::default(), idle, deadline, watched: false }
    }

    /// The next frame.
    ///
    /// # Errors
    /// [`BodyError`]; nothing more comes then.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(next) = Pin::new(&mut self.incoming).poll_frame(cx) {
            self.watched = false;
            return Poll::Ready(next.map(|it| it.map_err(BodyError::Stream)));
        }
        if !std::mem::replace(&mut self.watched, true) {
            self.timer.clear();
            if let Some(idle) = self.idle {
                self.timer.set(idle);
            }
            self.timer.at_latest(self.deadline);
        }
        ready!(self.timer.poll_expired(cx));
        let total = self.deadline.is_some_and(|it| it <= Instant::now());
        let limit = if total { Limit::Total } else { Limit::AnswerIdle };
        Poll::Ready(Some(Err(BodyError::Limit(limit))))
    }

    /// Whether the last byte has been taken.
    pub fn is_ended(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// How many bytes are left, where that is known.
    pub fn left(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }
}
