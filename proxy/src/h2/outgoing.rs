//! The body of a request on its way to a server over HTTP/2.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body as _;

use crate::{
    body::{Body, BodyError},
    monolith::headers,
};

/// A request's body on its way to the server.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// `None` once it has ended.
    body: Option<Body>,
    stream: SendStream<Bytes>,
    /// What the server has no room for yet.
    ahead: Bytes,
    /// All was sent, or the server takes no more.
    over: bool,
}

impl Outgoing {
    /// `stream` is closed already where there is no body.
    pub(super) fn new(body: Body, stream: SendStream<Bytes>) -> Self {
        let over = body.is_end_stream();
        Self { body: (!over).then_some(body), stream, ahead: Bytes::new(), over }
    }

    /// The stream, for something else than a body.
    pub(super) fn into_stream(self) -> SendStream<Bytes> {
        self.stream
    }

    /// Whether nothing is left to be sent.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// Reads from the client and sends to the server, as far as both go. A server that takes no more
    /// is no error: it may have answered.
    ///
    /// # Errors
    /// The client sends no more; the stream is reset then.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        while !self.over {
            if self.ahead.is_empty() {
                ready!(self.poll_body(cx))?;
            } else {
                ready!(self.poll_send(cx));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what the client has sent.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let Some(body) = &mut self.body else {
            self.over = true;
            return Poll::Ready(Ok(()));
        };
        match ready!(Pin::new(body).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.ahead = data,
                Err(frame) => {
                    let mut trailers = frame.into_trailers().unwrap_or_default();
                    headers::strip_trailers(&mut trailers);
                    // What cannot be sent is of no use to a server that takes no more.
                    let _ = self.stream.send_trailers(trailers);
                    self.end();
                }
            },
            Some(Err(error)) => {
                // What is there must not look like the whole of it.
                self.stream.send_reset(Reason::CANCEL);
                self.end();
                return Poll::Ready(Err(error));
            }
            None => self.send(Bytes::new(), true),
        }
        Poll::Ready(Ok(()))
    }

    /// Sends as much as the server has room for.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.reserve_capacity(self.ahead.len());
        if self.stream.capacity() == 0
            && !matches!(ready!(self.stream.poll_capacity(cx)), Some(Ok(_)))
        {
            self.end();
            return Poll::Ready(());
        }
        let room = self.stream.capacity();
        let piece = self.ahead.split_to(room.min(self.ahead.len()));
        let last = self.ahead.is_empty() && self.body.as_ref().is_none_or(Body::is_end_stream);
        if last || !piece.is_empty() {
            self.send(piece, last);
        }
        Poll::Ready(())
    }

    fn send(&mut self, piece: Bytes, last: bool) {
        if self.stream.send_data(piece, last).is_err() || last {
            self.end();
        }
    }

    fn end(&mut self) {
        (self.over, self.body, self.ahead) = (true, None, Bytes::new());
    }
}
