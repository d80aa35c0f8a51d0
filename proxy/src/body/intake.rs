//! A client's request body, held to its limits: size, pauses and rate.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

use super::{BodyError, Held, Room, Whole};
use crate::{
    h1::incoming::Upload,
    io::Timer,
    limits::{Limit, Policy, RATE_GRACE},
};

/// A request's body as it comes in.
#[derive(Debug)]
pub struct Intake {
    source: Source,
    policy: Policy,
    timer: Timer,
    /// When the first byte was asked for.
    began: Option<Instant>,
    received: u64,
    /// What was gathered already, and is to be read before anything else.
    ahead: VecDeque<Frame<Bytes>>,
}

/// A body that is known to be no longer is gathered whole.
const GATHER: u64 = 64 * 1024;

/// Where a request's body comes from.
#[derive(Debug)]
pub enum Source {
    /// An HTTP/1.1 connection.
    H1(Upload),
    /// An HTTP/2 stream.
    H2(Incoming),
}

/// Takes a piece of so many bytes off what is left, if it is no longer.
fn take(left: &mut u64, data: usize) -> bool {
    let rest = left.checked_sub(data as u64);
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

impl Intake {
    /// A body that was not looked at yet, held to the limits of all routes.
    pub fn new(source: Source) -> Self {
        let policy = Policy::default();
        let (timer, ahead) = (Timer::default(), VecDeque::new());
        Self { source, policy, timer, began: None, received: 0, ahead }
    }

    /// From now on it is held to these limits.
    pub(super) const fn restrict(&mut self, policy: &Policy) {
        self.policy = *policy;
    }

    /// Waits for all of a short body, and returns it; or for the first frame of another.
    pub(super) async fn gather(&mut self) -> Result<Option<Bytes>, BodyError> {
        let short = self.left().is_some_and(|it| it <= GATHER);
        let mut left = if short { GATHER } else { 0 };
        self.take_while(|data| take(&mut left, data)).await
    }

    /// Waits for all of a body of up to `limit` bytes for which there is room, and returns it. Of
    /// another, or of one that has trailers, nothing is lost: what was read already is read again.
    /// One that says that it is longer is not waited for.
    pub(super) async fn whole(
        &mut self,
        limit: u64,
        room: &Room,
    ) -> Result<(Option<Bytes>, Whole), BodyError> {
        if self.left().is_some_and(|it| it > limit) {
            return Ok((None, Whole::TooLong));
        }
        let (mut left, mut held, mut full) = (limit, Held::default(), false);
        let whole = self.take_while(|data| {
            let short = take(&mut left, data);
            full = short && !room.take(data, &mut held);
            short && !full
        });
        Ok(match whole.await? {
            Some(whole) => (Some(whole), Whole::Kept(held)),
            None if full => (None, Whole::NoRoom),
            None => (None, Whole::TooLong),
        })
    }

    /// All of the body, as long as `fits` says so of each piece's length.
    async fn take_while(
        &mut self,
        mut fits: impl FnMut(usize) -> bool,
    ) -> Result<Option<Bytes>, BodyError> {
        let mut whole = BytesMut::new();
        while !self.is_ended() {
            let Some(frame) = poll_fn(|cx| self.poll_frame(cx)).await.transpose()? else { break };
            let rest = match frame.into_data() {
                Ok(data) if fits(data.len()) => {
                    whole.extend_from_slice(&data);
                    continue;
                }
                Ok(data) => Frame::data(data),
                Err(trailers) => trailers,
            };
            self.ahead.push_front(rest);
            if !whole.is_empty() {
                self.ahead.push_front(Frame::data(whole.freeze()));
            }
            return Ok(None);
        }
        Ok(Some(whole.freeze()))
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if self.began.is_none() {
            self.began = Some(Instant::now());
            self.timer.set(self.policy.timeouts.body_idle);
        }
        let polled = match &mut self.source {
            Source::H1(upload) => upload.poll_frame(cx),
            Source::H2(incoming) => Pin::new(incoming)
                .poll_frame(cx)
                .map(|it| it.map(|it| it.map_err(BodyError::Stream))),
        };
        let Poll::Ready(next) = polled else {
            ready!(self.timer.poll_expired(cx));
            return Poll::Ready(Some(Err(BodyError::Limit(Limit::BodyIdle))));
        };
        if let Some(Ok(frame)) = &next
            && let Some(data) = frame.data_ref()
        {
            self.received += data.len() as u64;
            self.timer.set(self.policy.timeouts.body_idle);
            if let Some(limit) = self.broken_limit() {
                return Poll::Ready(Some(Err(BodyError::Limit(limit))));
            }
        }
        Poll::Ready(next)
    }

    fn broken_limit(&self) -> Option<Limit> {
        if self.received > self.policy.limits.body {
            return Some(Limit::Body);
        }
        let took = self.began?.elapsed();
        let due = took.as_secs().saturating_mul(self.policy.limits.min_rate);
        (took > RATE_GRACE && self.received < due).then_some(Limit::MinRate)
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ahead.is_empty()
            && match &self.source {
                Source::H1(upload) => upload.is_ended(),
                Source::H2(incoming) => incoming.is_end_stream(),
            }
    }

    pub(super) fn left(&self) -> Option<u64> {
        let left = match &self.source {
            Source::H1(upload) => upload.left(),
            Source::H2(incoming) => incoming.size_hint().exact(),
        };
        let ahead: usize = self.ahead.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
        left.map(|it| it + ahead as u64)
    }
}
