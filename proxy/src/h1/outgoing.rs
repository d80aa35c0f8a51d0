//! The body of a request on its way to a server over HTTP/1.1.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderValue, header};
use http_body::Body as _;

use super::write::{Coding, Writer};
use crate::{
    body::{Body, BodyError},
    monolith::headers,
};

/// So much of an upload is read ahead of what the server takes.
const UPLOAD_AHEAD: usize = 64 * 1024;

/// A request's body on its way to the server.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// `None` once it has ended.
    body: Option<Body>,
    coding: Coding,
    /// There was no body at all.
    pub(super) bodiless: bool,
    /// All was put, but not all may be written.
    flushed: bool,
    /// The server takes no more.
    pub(super) failed: bool,
}

impl Outgoing {
    /// States in `headers` how the body will be framed.
    pub(super) fn new(body: Body, headers: &mut HeaderMap) -> Self {
        let bodiless = body.is_end_stream();
        let mut coding = Coding::Plain;
        headers.remove(header::TRANSFER_ENCODING);
        match body.size_hint().exact() {
            Some(0) if bodiless => {}
            Some(length) => {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            None => {
                headers.remove(header::CONTENT_LENGTH);
                headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                coding = Coding::Chunked;
            }
        }
        let body = (!bodiless).then_some(body);
        Self { body, coding, bodiless, flushed: false, failed: false }
    }

    /// Whether nothing is left to be sent.
    pub(super) const fn is_over(&self) -> bool {
        self.flushed || self.failed
    }

    /// Reads from the client and writes to the server, as far as both go.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut Writer,
    ) -> Poll<Result<(), BodyError>> {
        while !self.is_over() {
            let read = match self.poll_body(cx, writer) {
                Poll::Ready(Err(error)) => {
                    // What is there must not look like the whole of it.
                    (self.failed, self.body) = (true, None);
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(())) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            };
            if writer.queued() == 0 && self.body.is_some() {
                ready!(read);
                continue;
            }
            if ready!(writer.poll_flush(cx)).is_ok() {
                self.flushed = self.body.is_none();
            } else {
                // The server may have said why before it closed: that is for the reader to find.
                (self.failed, self.body) = (true, None);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Puts what the client has sent; ready when there is enough or no more.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut Writer,
    ) -> Poll<Result<(), BodyError>> {
        while let Some(body) = &mut self.body {
            if writer.queued() >= UPLOAD_AHEAD {
                break;
            }
            let mut trailers = None;
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        writer.data(data, self.coding);
                        if !body.is_end_stream() {
                            continue;
                        }
                    }
                    Err(frame) => {
                        trailers = frame.into_trailers().ok();
                        trailers.iter_mut().for_each(headers::strip_trailers);
                    }
                },
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => {}
            }
            if self.coding == Coding::Chunked {
                writer.last_chunk(trailers.as_ref());
            }
            self.body = None;
        }
        Poll::Ready(Ok(()))
    }
}
