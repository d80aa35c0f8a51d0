//! A body on its way through, and what is due when it ends.

mod intake;
mod room;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;

pub use self::{
    intake::{Intake, Source as IntakeSource},
    room::{Held, Room, Whole},
};
use crate::{
    h1::{answer::Answer, connection::Connection, decode::ChunkFault},
    h2::Answer as StreamAnswer,
    layers::access_log::Entry,
    limits::{Limit, Policy},
    mirror::Tap,
    recording::Take,
    upstream::Permit,
};

/// A request's or an answer's body. Streams pass through frame by frame, not boxed, and not copied but
/// where a piece is a small part of the buffer that it was read into.
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
    /// From a client.
    Intake(Box<Intake>),
    /// From a server, over HTTP/1.1.
    Answer(Box<Answer>),
    /// From a server, over HTTP/2.
    Stream(Box<StreamAnswer>),
    /// From a disk.
    File(UnsyncBoxBody<Bytes, io::Error>),
    /// No body: after this head the connection to the server is a tunnel.
    Tunnel(Box<Connection>),
}

/// Who has something to do with what passes, or at the end. Each is told once, when the body has
/// ended or was dropped.
#[derive(Debug, Default)]
struct Riders {
    /// Of the server that answers.
    permit: Option<Permit>,
    /// Sampled answers only.
    tap: Option<Box<Tap>>,
    /// Recorded answers only.
    take: Option<Box<Take>>,
    entry: Option<Box<Entry>>,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last byte.
    Complete,
    /// Whoever sent it stopped in the middle; because of a limit, if there is one.
    BrokenOff(Option<Limit>),
    /// Whoever should have read it has gone, or took too long.
    Abandoned(Option<Limit>),
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Whoever sent it closed the connection before its end.
    #[error("the connection was closed before the body's end")]
    Closed,
    /// Its chunks cannot be read.
    #[error(transparent)]
    Chunk(#[from] ChunkFault),
    /// A limit fired.
    #[error("the body ran into the limit `{}`", .0.label())]
    Limit(Limit),
    /// The connection broke.
    #[error("the connection broke in the middle of a body")]
    Io(#[source] io::Error),
    /// A client's HTTP/2 stream broke.
    #[error("the stream broke in the middle of a body")]
    Stream(#[source] hyper::Error),
    /// A server's HTTP/2 stream broke, or was shorter or longer than promised.
    #[error("the server's stream broke in the middle of a body")]
    Reset(#[source] h2::Error),
}

impl BodyError {
    /// The limit that ended it.
    pub const fn limit(&self) -> Option<Limit> {
        if let Self::Limit(limit) = self { Some(*limit) } else { None }
    }
}

impl Body {
    /// No body at all.
    pub const fn empty() -> Self {
        Self::from(Source::Empty)
    }

    /// A body that is known whole.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::from(if bytes.is_empty() { Source::Empty } else { Source::Full(bytes) })
    }

    /// What a client is sending.
    pub fn intake(intake: Box<Intake>) -> Self {
        Self::from(Source::Intake(intake))
    }

    /// What a server is sending.
    pub(crate) const fn answer(answer: Box<Answer>) -> Self {
        Self::from(Source::Answer(answer))
    }

    /// What a server is sending over HTTP/2.
    pub(crate) const fn stream(answer: Box<StreamAnswer>) -> Self {
        Self::from(Source::Stream(answer))
    }

    /// A file that is being read.
    pub fn file(file: UnsyncBoxBody<Bytes, io::Error>) -> Self {
        Self::from(Source::File(file))
    }

    /// The server's end of a tunnel, behind the head of a 101.
    pub(crate) const fn tunnel(server: Box<Connection>) -> Self {
        Self::from(Source::Tunnel(server))
    }

    const fn from(source: Source) -> Self {
        Self { source, riders: None }
    }

    /// The same again, where it is known whole.
    pub(crate) fn again(&self) -> Option<Self> {
        match &self.source {
            Source::Empty => Some(Self::empty()),
            Source::Full(bytes) => Some(Self::full(bytes.clone())),
            _ => None,
        }
    }

    /// The server's end of a tunnel, if this is one.
    pub(crate) fn take_tunnel(&mut self) -> Option<Box<Connection>> {
        match std::mem::replace(&mut self.source, Source::Empty) {
            Source::Tunnel(server) => Some(server),
            other => {
                self.source = other;
                None
            }
        }
    }

    /// From now on what a client sends is held to `policy`; anything else is as it is.
    pub fn restrict(&mut self, policy: &Policy) {
        if let Source::Intake(intake) = &mut self.source {
            intake.restrict(policy);
        }
    }

    /// Waits for what a client sends first: all of a short body, the first piece of another.
    ///
    /// # Errors
    /// [`BodyError`]: the client sends no more.
    pub async fn gather(&mut self) -> Result<(), BodyError> {
        let Source::Intake(intake) = &mut self.source else { return Ok(()) };
        if let Some(whole) = intake.gather().await? {
            self.source = if whole.is_empty() { Source::Empty } else { Source::Full(whole) };
        }
        Ok(())
    }

    /// Waits for all that a client sends, if it is no more than `limit` bytes and `room` has them;
    /// otherwise the body is as before.
    ///
    /// # Errors
    /// [`BodyError`]: the client sends no more.
    pub async fn keep(&mut self, limit: usize, room: &Room) -> Result<Whole, BodyError> {
        let Source::Intake(intake) = &mut self.source else {
            return Ok(Whole::Kept(Held::default()));
        };
        let (bytes, whole) = intake.whole(limit as u64, room).await?;
        if let Some(bytes) = bytes {
            self.source = if bytes.is_empty() { Source::Empty } else { Source::Full(bytes) };
        }
        Ok(whole)
    }

    /// All of the body, where it is at hand.
    pub fn whole(&self) -> Option<Bytes> {
        match &self.source {
            Source::Empty => Some(Bytes::new()),
            Source::Full(bytes) => Some(bytes.clone()),
            Source::Intake(intake) if intake.is_ended() => Some(Bytes::new()),
            _ => None,
        }
    }

    /// Holds a server's slot until the body has ended, if the server has not sent all of it yet.
    pub(crate) fn holding(mut self, permit: Permit) -> Self {
        if matches!(self.source, Source::Answer(_) | Source::Stream(_)) {
            self.riders().permit = Some(permit);
        }
        self
    }

    /// Copies what passes to the mirror.
    pub(crate) fn tapped(mut self, tap: Box<Tap>) -> Self {
        self.riders().tap = Some(tap);
        self
    }

    /// Copies what passes to the recorder.
    pub(crate) fn recorded(mut self, take: Box<Take>) -> Self {
        self.riders().take = Some(take);
        self
    }

    /// Completes an access log entry with what passes.
    pub(crate) fn logged(mut self, entry: Box<Entry>) -> Self {
        self.riders().entry = Some(entry);
        self
    }

    /// The access log entry, for whoever knows better than the body when its last byte has passed.
    pub(crate) fn take_entry(&mut self) -> Option<Box<Entry>> {
        self.riders.as_mut()?.entry.take()
    }

    fn riders(&mut self) -> &mut Riders {
        self.riders.get_or_insert_default()
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        let Some(riders) = &mut self.riders else { return };
        if let (Some(entry), Some(data)) = (&mut riders.entry, frame.data_ref()) {
            entry.bytes += data.len() as u64;
        }
        if let Some(tap) = &mut riders.tap {
            tap.passed(frame);
        }
        if let Some(take) = &mut riders.take {
            take.passed(frame);
        }
    }

    /// Tells everybody who rides along; safe to call twice, the first call counts.
    fn ended(&mut self, end: End) {
        let Some(riders) = self.riders.take() else { return };
        let Riders { permit, tap, take, entry } = *riders;
        drop(permit);
        if let Some(tap) = tap {
            tap.finish(end);
        }
        if let Some(take) = take {
            take.finish(end);
        }
        if let Some(entry) = entry {
            entry.finish(end);
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = match &mut self.source {
            Source::Empty | Source::Tunnel(_) => None,
            Source::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Empty;
                Some(Ok(Frame::data(bytes)))
            }
            Source::Intake(intake) => ready!(intake.poll_frame(cx)),
            Source::Answer(answer) => ready!(answer.poll_frame(cx)),
            Source::Stream(answer) => ready!(answer.poll_frame(cx)),
            Source::File(file) => {
                ready!(Pin::new(file).poll_frame(cx)).map(|it| it.map_err(BodyError::Io))
            }
        };
        match &next {
            Some(Ok(frame)) => self.passed(frame),
            Some(Err(error)) => {
                let limit = error.limit();
                self.ended(End::BrokenOff(limit));
            }
            None => self.ended(End::Complete),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty | Source::Tunnel(_) => true,
            Source::Full(_) => false,
            Source::Intake(intake) => intake.is_ended(),
            Source::Answer(answer) => answer.is_ended(),
            Source::Stream(answer) => answer.is_ended(),
            Source::File(file) => file.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let left = match &self.source {
            Source::Empty | Source::Tunnel(_) => Some(0),
            Source::Full(bytes) => Some(bytes.len() as u64),
            Source::Intake(intake) => intake.left(),
            Source::Answer(answer) => answer.left(),
            Source::Stream(answer) => answer.left(),
            Source::File(file) => file.size_hint().exact(),
        };
        left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Body {
    /// Whoever reads a body stops once it knows that it has ended, so the end is often seen here.
    fn drop(&mut self) {
        let complete = http_body::Body::is_end_stream(self);
        self.ended(if complete { End::Complete } else { End::Abandoned(None) });
    }
}
