//! One line and one count per request, whatever happens below: when its answer's last byte has
//! passed, or when the client has gone.

use std::{sync::Arc, time::Instant};

use http::{HeaderValue, Method, StatusCode, Uri, header};

use super::Next;
use crate::{
    body::{Body, End},
    downstream::Downstream,
    match_route::{Answer, Routed},
    metrics::{Fallback, InFlight, Side},
    monolith::headers::X_REQUEST_ID,
    route::Route,
};

/// What is known of a request. Its line is written when it is dropped, so that there is one however
/// the request ends.
#[derive(Debug)]
pub struct Entry {
    /// Bytes of the answer's body that have passed.
    pub bytes: u64,
    route: Arc<Route>,
    arrived: Instant,
    downstream: Downstream,
    method: Method,
    target: Uri,
    user_agent: Option<HeaderValue>,
    /// `None` while there is no answer; a client that does not wait for it gets none.
    answered: Option<Answered>,
    complete: bool,
    _in_flight: InFlight,
}

#[derive(Debug)]
struct Answered {
    first_byte: Instant,
    id: Option<HeaderValue>,
    status: StatusCode,
    side: Side,
    fallback: Option<Fallback>,
}

/// What is logged and counted for a client that left before its answer began, after nginx's 499.
const CLIENT_GONE: u16 = 499;

/// Counts the request as in flight, and attaches its entry to the answer's body.
pub async fn access_log(
    routed: Routed,
    downstream: Downstream,
    next: impl Next<Routed, Response = Answer>,
) -> http::Response<Body> {
    let mut entry = Box::new(Entry {
        bytes: 0,
        route: Arc::clone(&routed.route),
        arrived: routed.arrived,
        downstream,
        method: routed.request.method().clone(),
        target: routed.request.uri().clone(),
        user_agent: routed.request.headers().get(header::USER_AGENT).cloned(),
        answered: None,
        complete: false,
        _in_flight: routed.route.metrics.request_started(),
    });
    let Answer { response, side, fallback } = next.answer(routed).await;
    entry.answered = Some(Answered {
        first_byte: Instant::now(),
        id: response.headers().get(X_REQUEST_ID).cloned(),
        status: response.status(),
        side,
        fallback,
    });
    response.map(|body| body.logged(entry))
}

impl Entry {
    /// The answer's body has ended. The answer to a HEAD has no body to be waited for.
    pub(crate) fn finish(mut self: Box<Self>, end: End) {
        self.complete = end == End::Complete || self.method == Method::HEAD;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.arrived.elapsed();
        let gone = StatusCode::from_u16(CLIENT_GONE).unwrap_or(StatusCode::BAD_REQUEST);
        let answered = self.answered.as_ref();
        let (side, status) = answered.map_or((Side::Proxy, gone), |it| (it.side, it.status));
        self.route.metrics.answered(side, status, took);
        tracing::info!(
            target: "access",
            route = %self.route.id,
            stage = self.route.plan.stage(),
            side = side.label(),
            fallback = answered.and_then(|it| it.fallback).map(Fallback::label),
            method = %self.method,
            path = self.target.path(),
            status = status.as_u16(),
            bytes = self.bytes,
            complete = self.complete,
            total_ms = milliseconds(took),
            first_byte_ms = answered.map(|it| milliseconds(it.first_byte - self.arrived)),
            client = %self.downstream.peer,
            request_id = text(answered.and_then(|it| it.id.as_ref())),
            user_agent = text(self.user_agent.as_ref()),
        );
    }
}

/// Milliseconds with microseconds' precision.
fn milliseconds(duration: std::time::Duration) -> f64 {
    f64::from(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|it| it.to_str().ok())
}
