//! An answer on its way to an HTTP/2 client: read off the server as far as may wait, and given up
//! when the client does not open its window.
//!
//! hyper asks a body for its next piece only when the one before has found room, and what is not
//! asked for cannot watch a clock. So the task of each stream is wrapped, and looks after the body
//! whenever hyper has nothing to do.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::conduct::Conduct;
use crate::{
    body::{Body, BodyError, End},
    io::Timer,
    layers::access_log::Entry,
    limits::{Limit, Policy},
};

/// hyper asks again when the client has taken most of what it was given, so that is not much: what
/// fits into one frame of HTTP/2.
const PIECE: usize = 16 * 1024;

tokio::task_local! {
    /// What the stream of this task delivers: hyper hands nothing from a service to its task.
    static DELIVERED: Delivered;
}

/// Runs hyper's tasks, one for each stream.
#[derive(Debug, Clone)]
pub(super) struct Streams(pub(super) Arc<Conduct>);

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let conduct = Arc::clone(&self.0);
        tokio::spawn(async move {
            let _open = conduct.opened();
            let delivered = Delivered::default();
            let mut stream = pin!(stream);
            let watched = poll_fn(|cx| match stream.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => delivered.poll_stalled(cx),
            });
            // A stream that is dropped before its end is reset.
            DELIVERED.scope(delivered.clone(), watched).await;
        });
    }
}

/// A stream's answer, shared by hyper, which sends it, and the stream's task.
#[derive(Debug, Clone, Default)]
struct Delivered(Arc<Mutex<Option<State>>>);

/// The body that hyper sends.
#[derive(Debug)]
pub(super) struct Delivery(Delivered);

#[derive(Debug)]
struct State {
    /// `None` once it has ended.
    body: Option<Body>,
    broken: Option<BodyError>,
    /// What was read, and hyper has not asked for.
    ahead: VecDeque<Frame<Bytes>>,
    /// Bytes in it.
    waiting: usize,
    /// How many there may be.
    most: usize,
    /// hyper has a piece for which the client's window has no room.
    held: bool,
    write_idle: Duration,
    timer: Timer,
    entry: Option<Box<Entry>>,
    conduct: Arc<Conduct>,
}

impl Delivery {
    /// Takes over the access log's entry: what was read is not yet delivered.
    pub(super) fn new(mut body: Body, policy: &Policy, conduct: &Arc<Conduct>) -> Self {
        let hint = http_body::Body::size_hint(&body).exact();
        // Of known length, and not too long: the server must not wait for the client.
        let whole = hint.is_some_and(|it| it <= policy.limits.buffer as u64);
        let state = State {
            entry: body.take_entry(),
            body: Some(body),
            broken: None,
            ahead: VecDeque::new(),
            waiting: 0,
            most: if whole { policy.limits.buffer } else { 0 },
            held: false,
            write_idle: policy.timeouts.write_idle,
            timer: Timer::default(),
            conduct: Arc::clone(conduct),
        };
        let delivered = DELIVERED.try_with(Clone::clone).unwrap_or_default();
        *delivered.lock() = Some(state);
        Self(delivered)
    }
}

impl Delivered {
    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads ahead; ready when the client has taken nothing for too long.
    fn poll_stalled(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut delivered = self.lock();
        let Some(state) = delivered.as_mut().filter(|it| it.held) else { return Poll::Pending };
        state.read_ahead(cx);
        ready!(state.timer.poll_expired(cx));
        state.finish(End::Abandoned(Some(Limit::WriteIdle)));
        Poll::Ready(())
    }
}

impl State {
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        while self.waiting < self.most
            && let Some(body) = &mut self.body
        {
            match http_body::Body::poll_frame(Pin::new(body), cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting += frame.data_ref().map_or(0, Bytes::len);
                    self.ahead.push_back(frame);
                }
                Poll::Ready(Some(Err(error))) => (self.broken, self.body) = (Some(error), None),
                Poll::Ready(None) => self.body = None,
                Poll::Pending => return,
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.held = false;
        if let Some(frame) = self.ahead.pop_front() {
            self.waiting -= frame.data_ref().map_or(0, Bytes::len);
            return Poll::Ready(Some(Ok(self.piece(frame))));
        }
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let next = ready!(http_body::Body::poll_frame(Pin::new(body), cx));
        Poll::Ready(next.map(|it| it.map(|frame| self.piece(frame))))
    }

    /// As much of `frame` as hyper is given at once; the rest comes next.
    fn piece(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let mut data = match frame.into_data() {
            Ok(data) => data,
            Err(other) => return other,
        };
        if data.len() > PIECE {
            let rest = data.split_off(PIECE);
            self.waiting += rest.len();
            self.ahead.push_front(Frame::data(rest));
        }
        Frame::data(data)
    }

    fn is_ended(&self) -> bool {
        let body = self.body.as_ref();
        let ended = body.is_none_or(http_body::Body::is_end_stream);
        self.ahead.is_empty() && self.broken.is_none() && ended
    }

    /// Completes the access log's entry; the first call counts.
    fn finish(&mut self, end: End) {
        if let Some(entry) = self.entry.take() {
            entry.finish(end);
        }
    }
}

impl http_body::Body for Delivery {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut delivered = self.0.lock();
        let Some(state) = &mut *delivered else { return Poll::Ready(None) };
        let next = ready!(state.poll_next(cx));
        match &next {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                state.conduct.passed(length);
                if let Some(entry) = &mut state.entry {
                    entry.bytes += length as u64;
                }
                state.held = true;
                state.timer.set(state.write_idle);
            }
            Some(Err(error)) => {
                let limit = error.limit();
                state.finish(End::BrokenOff(limit));
            }
            None => {}
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().as_ref().is_none_or(State::is_ended)
    }

    fn size_hint(&self) -> SizeHint {
        let delivered = self.0.lock();
        let Some(state) = &*delivered else { return SizeHint::with_exact(0) };
        let left = state.body.as_ref().map_or(Some(0), |it| http_body::Body::size_hint(it).exact());
        left.map_or_else(SizeHint::default, |it| SizeHint::with_exact(it + state.waiting as u64))
    }
}

impl Drop for Delivery {
    /// hyper lets go of a body when all of it is on its way, or the client does not want it.
    fn drop(&mut self) {
        let Some(mut state) = self.0.lock().take() else { return };
        if state.is_ended() {
            state.conduct.answered();
            state.finish(End::Complete);
        }
        state.finish(End::Abandoned(None));
    }
}
