//! One request that is being recorded: its answer is copied as it passes to the buyer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header::EXPECT};
use http_body::{Body as _, Frame};
use shadow::{Capture, Observation};
use time::OffsetDateTime;

use super::{Exchange, Recorder, metrics::Fate};
use crate::{
    body::{Body, BodyError, End, Held, Room, Whole},
    match_route::Routed,
};

/// A request with a longer body is not recorded, nor one with an answer that is not kept whole; they are
/// counted as too large.
const BODY_LIMIT: usize = 1024 * 1024;

/// Copies one exchange as it passes, and hands it over when it has passed. Whatever happens to it is
/// counted once.
#[derive(Debug)]
pub struct Take {
    recorder: Recorder,
    /// Its answer is not there yet.
    exchange: Option<Exchange>,
    keep: Duration,
    arrived: Instant,
    status: StatusCode,
    headers: HeaderMap,
    capture: Capture,
    fate: Fate,
    /// The room that the request's body takes.
    _held: Held,
}

impl Take {
    /// Begins to record a request, if its route is recorded and it is one of the sample. Its body
    /// is waited for: that of known length, up to 1 MiB, where `room` has that.
    ///
    /// # Errors
    /// [`BodyError`]: the client sends no more of its request.
    pub async fn begin(
        recorder: Option<&Recorder>,
        routed: &mut Routed,
        room: &Room,
    ) -> Result<Option<Box<Self>>, BodyError> {
        let permission = routed.route.record.filter(|it| it.sample.takes());
        let (Some(recorder), Some(permission)) = (recorder, permission) else { return Ok(None) };
        let length = routed.request.body().size_hint().exact();
        let waits = routed.request.headers().contains_key(EXPECT);
        if waits || length.is_none_or(|it| it > BODY_LIMIT as u64) {
            // One that streams, or waits to be told to send, may wait for its answer.
            recorder.count(Fate::TooLarge);
            return Ok(None);
        }
        let whole = routed.request.body_mut().keep(BODY_LIMIT, room).await?;
        let (Whole::Kept(held), Some(body)) = (whole, routed.request.body().whole()) else {
            recorder.count(Fate::Dropped);
            return Ok(None);
        };
        routed.is_recorded = true;
        let exchange = Exchange {
            at: OffsetDateTime::now_utc() - routed.arrived.elapsed(),
            route: routed.route.id.to_string(),
            downstream: (*routed.downstream).clone(),
            method: routed.request.method().clone(),
            target: routed.request.uri().clone(),
            headers: routed.request.headers().clone(),
            body,
            answer: None,
        };
        Ok(Some(Box::new(Self {
            recorder: recorder.clone(),
            exchange: Some(exchange),
            keep: permission.keep,
            arrived: routed.arrived,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            capture: Capture::expecting(None),
            fate: Fate::Incomplete,
            _held: held,
        })))
    }

    /// Rides along with the answer's body from now on. A tunnel has no answer to record.
    pub fn attach(mut self: Box<Self>, answer: Response<Body>) -> Response<Body> {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.exchange = None;
            return answer;
        }
        self.status = answer.status();
        self.headers = answer.headers().clone();
        self.capture = Capture::expecting(answer.body().size_hint().exact());
        answer.map(|body| body.recorded(self))
    }

    /// Keeps what passes.
    pub(crate) fn passed(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.capture.push(data);
        }
    }

    /// The answer's body has ended.
    pub(crate) fn finish(mut self: Box<Self>, end: End) {
        if end != End::Complete {
            return;
        }
        let body = std::mem::replace(&mut self.capture, Capture::expecting(None)).finish();
        if body.whole().is_none() {
            self.fate = Fate::TooLarge;
            return;
        }
        let Some(exchange) = self.exchange.take() else { return };
        let answer = Observation {
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body,
            trailers: HeaderMap::new(),
            took: self.arrived.elapsed(),
        };
        self.recorder.offer(Exchange { answer: Some(answer), ..exchange }, self.keep);
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        if self.exchange.is_some() {
            self.recorder.count(self.fate);
        }
    }
}
