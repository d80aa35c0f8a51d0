//! The body of an answer as it comes in from a server over HTTP/1.1.

use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::Frame;

use super::{
    client::expired,
    connection::Connection,
    decode::{Decoder, Piece},
    outgoing::Outgoing,
};
use crate::{body::BodyError, limits::Limit, monolith::headers, pool::Home};

/// An answer's body as it comes in; what is left of the request's body goes out at the same time.
#[derive(Debug)]
pub struct Answer {
    /// `None` once it has ended.
    pub(super) connection: Option<Connection>,
    pub(super) decoder: Decoder,
    pub(super) upload: Outgoing,
    pub(super) idle: Option<Duration>,
    pub(super) deadline: Option<Instant>,
    /// The timer is set.
    pub(super) watched: bool,
    /// Where the connection goes at the end; `None` if the server closes it.
    pub(super) home: Option<Home>,
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
        match &next {
            Some(Err(_)) => self.connection = None,
            _ if self.decoder.is_ended() => self.end(),
            _ => {}
        }
        Poll::Ready(next)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(None) };
        // What happens to the rest of the upload does not matter any more: the answer is known.
        let _ = self.upload.poll(cx, &mut connection.writer);
        loop {
            match self.decoder.decode(&mut connection.reader.buffer) {
                Ok(Piece::Data(data)) => {
                    self.watched = false;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Piece::Trailers(mut fields)) => {
                    headers::strip_trailers(&mut fields);
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Piece::End) => return Poll::Ready(None),
                Err(fault) => return Poll::Ready(Some(Err(fault.into()))),
                Ok(Piece::More) => {}
            }
            match connection.reader.poll_fill_long(cx, self.decoder.left()) {
                Poll::Ready(Ok(0)) if self.decoder.closed() => return Poll::Ready(None),
                Poll::Ready(Ok(0)) => return Poll::Ready(Some(Err(BodyError::Closed))),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(BodyError::Io(error)))),
                Poll::Pending => break,
            }
        }
        if !std::mem::replace(&mut self.watched, true) {
            connection.timer.watch(self.idle, self.deadline);
        }
        ready!(connection.timer.poll_expired(cx));
        let limit = expired(self.deadline, Limit::AnswerIdle);
        Poll::Ready(Some(Err(BodyError::Limit(limit))))
    }

    /// The last byte has been read: the connection can carry the next exchange, if this one is over
    /// in both directions and nothing was sent that nobody asked for.
    fn end(&mut self) {
        let (Some(connection), Some(home)) = (self.connection.take(), self.home.take()) else {
            return;
        };
        if self.upload.is_over() && !self.upload.failed && connection.reader.buffer.is_empty() {
            home.give_back(connection);
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
}
