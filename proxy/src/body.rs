//! A body on its way through, and what is due when it ends.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::oneshot;

use crate::{layers::access_log::Entry, mirror::Tap, monolith::Lease};

/// A request's or an answer's body. Streams pass through frame by frame, neither boxed nor copied.
#[derive(Debug)]
pub struct Body {
    source: Source,
    /// In one box, since a body is moved from layer to layer many times before it is read.
    riders: Option<Box<Riders>>,
}

#[derive(Debug)]
enum Source {
    Empty,
    Full(Bytes),
    Stream(Incoming),
}

/// Who has something to do with what passes, or at the end. Each is told once, when the body has
/// ended or was dropped.
#[derive(Debug, Default)]
struct Riders {
    /// The connection that the stream is read from, reusable only after its last byte.
    lease: Option<Lease>,
    /// Sampled answers only.
    tap: Option<Box<Tap>>,
    entry: Option<Box<Entry>>,
    /// Dropped with the body; see [`Body::on_end`].
    held: Option<oneshot::Sender<Infallible>>,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last byte.
    Complete,
    /// Whoever sent it stopped in the middle.
    BrokenOff,
    /// Whoever should have read it has gone.
    Abandoned,
}

impl Body {
    /// No body at all.
    pub const fn empty() -> Self {
        Self { source: Source::Empty, riders: None }
    }

    /// A body that is known whole.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let source = if bytes.is_empty() { Source::Empty } else { Source::Full(bytes) };
        Self { source, riders: None }
    }

    /// A body that is still arriving.
    pub const fn stream(incoming: Incoming) -> Self {
        Self { source: Source::Stream(incoming), riders: None }
    }

    /// Hands the connection back to its pool once the body has ended, and closes it otherwise.
    pub(crate) fn leased(mut self, lease: Lease) -> Self {
        self.riders().lease = Some(lease);
        self
    }

    /// Copies what passes to the mirror.
    pub(crate) fn tapped(mut self, tap: Box<Tap>) -> Self {
        self.riders().tap = Some(tap);
        self
    }

    /// Completes an access log entry with what passes.
    pub(crate) fn logged(mut self, entry: Box<Entry>) -> Self {
        self.riders().entry = Some(entry);
        self
    }

    /// Resolves when the body has ended or was dropped; at once where there is none.
    pub(crate) fn on_end(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let held = (!http_body::Body::is_end_stream(self)).then(oneshot::channel);
        let ended = held.map(|(sender, receiver)| {
            self.riders().held = Some(sender);
            receiver
        });
        async {
            if let Some(ended) = ended {
                // Nothing is ever sent: an error means that the sender is gone, which is the event.
                let _ = ended.await;
            }
        }
    }

    fn riders(&mut self) -> &mut Riders {
        self.riders.get_or_insert_default()
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        let (Some(data), Some(riders)) = (frame.data_ref(), &mut self.riders) else { return };
        if let Some(entry) = &mut riders.entry {
            entry.bytes += data.len() as u64;
        }
        if let Some(tap) = &mut riders.tap {
            tap.push(data);
        }
    }

    /// Tells everybody who rides along; safe to call twice, the first call counts.
    fn ended(&mut self, end: End) {
        let Some(riders) = self.riders.take() else { return };
        let Riders { lease, tap, entry, held } = *riders;
        drop(held);
        if let Some(lease) = lease.filter(|_| end == End::Complete) {
            lease.give_back();
        }
        if let Some(tap) = tap {
            tap.finish(end);
        }
        if let Some(entry) = entry {
            entry.finish(end);
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let next = match &mut self.source {
            Source::Empty => None,
            Source::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Empty;
                Some(Ok(Frame::data(bytes)))
            }
            Source::Stream(incoming) => ready!(Pin::new(incoming).poll_frame(cx)),
        };
        match &next {
            Some(Ok(frame)) => self.passed(frame),
            Some(Err(_)) => self.ended(End::BrokenOff),
            None => self.ended(End::Complete),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Full(_) => false,
            Source::Stream(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Stream(incoming) => incoming.size_hint(),
        }
    }
}

impl Drop for Body {
    /// hyper stops polling once it knows that a body has ended, so the end is often seen here.
    fn drop(&mut self) {
        let complete = http_body::Body::is_end_stream(self);
        self.ended(if complete { End::Complete } else { End::Abandoned });
    }
}

/// Why a body was not read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than the limit.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// Reads a body that has to be whole, up to `limit` bytes.
///
/// # Errors
/// [`ReadError`]; the rest of the body is not read then.
pub async fn read_up_to(mut body: Body, limit: usize) -> Result<Bytes, ReadError> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(ReadError::Broken)?.into_data() {
            if read.len() + data.len() > limit {
                return Err(ReadError::TooLarge(limit));
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_no_further() {
        assert_eq!(read_up_to(Body::full("12345"), 5).await.unwrap(), "12345");
        assert!(matches!(read_up_to(Body::full("12345"), 4).await, Err(ReadError::TooLarge(4))));
        assert_eq!(read_up_to(Body::empty(), 0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn who_waits_for_the_end_is_told_when_the_body_is_dropped() {
        let mut body = Body::full("x");
        let ended = body.on_end();
        drop(body);
        ended.await;
        Body::empty().on_end().await;
    }
}
