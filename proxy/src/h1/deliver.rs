//! An answer on its way to an HTTP/1.1 client: framed, written as fast as the client takes it, and
//! read off the server as fast as that may be.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, StatusCode, header, response::Parts};
use http_body::Body as _;

use super::write::{self, Writer};
use crate::{
    body::{Body, End},
    io::{Reader, Timer},
    layers::access_log::Entry,
    limits::{Limit, Policy},
};

/// So much of a stream is read ahead of what the client takes.
const STREAM_AHEAD: usize = 64 * 1024;

/// After the last answer, so much and for so long is read of what a client still sends.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(2);

/// How an answer's end is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// There is no body.
    Bodiless,
    /// By its length.
    Length,
    /// By a last chunk.
    Chunked,
    /// By the connection's end.
    UntilClose,
}

/// Decides how the body is framed, and says so in the head.
pub(super) fn frame(head: &mut Parts, body: &Body, is_head: bool, old: bool) -> Coding {
    let headers = &mut head.headers;
    if matches!(head.status, StatusCode::NO_CONTENT) || head.status.is_informational() {
        headers.remove(header::CONTENT_LENGTH);
        return Coding::Bodiless;
    }
    // What is stated is the length that a GET would have had.
    if is_head || head.status == StatusCode::NOT_MODIFIED {
        if let Some(length @ 1..) = body.size_hint().exact() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        return Coding::Bodiless;
    }
    if let Some(length) = body.size_hint().exact() {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        return Coding::Length;
    }
    headers.remove(header::CONTENT_LENGTH);
    if old {
        return Coding::UntilClose;
    }
    headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    Coding::Chunked
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client has taken all of it.
    Whole,
    /// The body broke off: the client must not believe that it has all.
    Broken,
    /// The client has closed the connection.
    ClientGone,
    /// The client has taken nothing for too long.
    Stalled,
}

/// One answer's body, and the client's state in taking it.
#[derive(Debug)]
pub(super) struct Delivery {
    /// `None` once all of it was put.
    body: Option<Body>,
    coding: Coding,
    entry: Option<Box<Entry>>,
    /// How much may wait to be written.
    ahead: usize,
    write_idle: Duration,
    /// The body broke off.
    broken: bool,
    /// The limit that it ran into, if it was one.
    limit: Option<Limit>,
    stalled: bool,
}

impl Delivery {
    pub(super) fn new(
        body: Body,
        coding: Coding,
        entry: Option<Box<Entry>>,
        policy: &Policy,
    ) -> Self {
        let buffer = policy.limits.buffer;
        // Of known length, and not too long: the server must not wait for the client.
        let whole = body.size_hint().exact().is_some_and(|it| it <= buffer as u64);
        let ahead = if whole { buffer.max(STREAM_AHEAD) } else { STREAM_AHEAD };
        let body = (coding != Coding::Bodiless).then_some(body);
        let write_idle = policy.timeouts.write_idle;
        Self { body, coding, entry, ahead, write_idle, broken: false, limit: None, stalled: false }
    }

    /// Moves as much as can be moved.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut Writer,
        timer: &mut Timer,
    ) -> Poll<Ended> {
        loop {
            self.fill(cx, writer);
            if writer.queued() == 0 {
                break;
            }
            match writer.poll_once(cx) {
                Poll::Ready(Ok(_)) => self.stalled = false,
                Poll::Ready(Err(_)) => return Poll::Ready(Ended::ClientGone),
                Poll::Pending => {
                    if !std::mem::replace(&mut self.stalled, true) {
                        timer.set(self.write_idle);
                    }
                    return timer.poll_expired(cx).map(|()| Ended::Stalled);
                }
            }
        }
        if self.body.is_some() {
            return Poll::Pending;
        }
        writer.poll_flush(cx).map(|flushed| match flushed {
            Ok(()) if self.broken => Ended::Broken,
            Ok(()) => Ended::Whole,
            Err(_) => Ended::ClientGone,
        })
    }

    /// Puts what there is of the body, as far as may wait to be written.
    fn fill(&mut self, cx: &mut Context<'_>, writer: &mut Writer) {
        while let Some(body) = &mut self.body {
            if writer.queued() >= self.ahead {
                return;
            }
            let Poll::Ready(next) = Pin::new(&mut *body).poll_frame(cx) else { return };
            let mut trailers = None;
            match next {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if let Some(entry) = &mut self.entry {
                            entry.bytes += data.len() as u64;
                        }
                        writer.data(data, self.coding.into());
                        if !body.is_end_stream() {
                            continue;
                        }
                    }
                    Err(frame) => trailers = frame.into_trailers().ok(),
                },
                Some(Err(error)) => {
                    (self.broken, self.limit) = (true, error.limit());
                    self.body = None;
                    return;
                }
                None => {}
            }
            self.body = None;
            if self.coding == Coding::Chunked {
                writer.last_chunk(trailers.as_ref());
            }
        }
    }

    /// Lets go of the body, and completes the access log's entry.
    pub(super) fn finish(self, ended: Ended) {
        drop(self.body);
        let Some(entry) = self.entry else { return };
        entry.finish(match ended {
            Ended::Whole => End::Complete,
            Ended::Broken => End::BrokenOff(self.limit),
            Ended::ClientGone => End::Abandoned(None),
            Ended::Stalled => End::Abandoned(Some(Limit::WriteIdle)),
        });
    }
}

impl From<Coding> for write::Coding {
    fn from(coding: Coding) -> Self {
        if coding == Coding::Chunked { Self::Chunked } else { Self::Plain }
    }
}

/// Says that nothing more is written, and reads for a while what the client still sends.
pub(super) async fn linger(reader: &mut Reader, writer: &mut Writer, timer: &mut Timer) {
    timer.set(LINGER);
    let mut left = LINGER_BYTES;
    let mut closed = false;
    poll_fn(|cx| {
        closed = closed || writer.poll_shutdown(cx).is_ready();
        while left > 0 {
            reader.buffer.clear();
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(read @ 1..)) => left = left.saturating_sub(read),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return timer.poll_expired(cx),
            }
        }
        Poll::Ready(())
    })
    .await;
}
