//! One line and one count per request, whatever happens below: when its answer's last byte has
//! passed, or when the client has gone.

use std::{sync::Arc, time::Instant};

use http::{HeaderValue, Method, StatusCode, Uri, header};

use super::Next;
use crate::{
    body::Body,
    downstream::Downstream,
    match_route::{Answer, Routed},
    metrics::{Fallback, InFlight, Side},
    monolith::headers::X_REQUEST_ID,
    route::Route,
};

/// What is known of a request; its end is still to come.
#[derive(Debug)]
pub struct Entry {
    /// Bytes of the answer's body that have passed.
    pub bytes: u64,
    route: Arc<Route>,
    arrived: Instant,
    first_byte: Instant,
    downstream: Downstream,
    method: Method,
    target: Uri,
    id: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    status: StatusCode,
    side: Side,
    fallback: Option<Fallback>,
    _in_flight: InFlight,
}

/// Counts the request as in flight, and attaches its entry to the answer's body.
pub async fn access_log(
    routed: Routed,
    downstream: Downstream,
    next: impl Next<Routed, Response = Answer>,
) -> http::Response<Body> {
    let in_flight = routed.route.metrics.request_started();
    let (route, arrived) = (routed.route.clone(), routed.arrived);
    let (method, target) = (routed.request.method().clone(), routed.request.uri().clone());
    let user_agent = routed.request.headers().get(header::USER_AGENT).cloned();
    let Answer { response, side, fallback } = next.answer(routed).await;
    let entry = Entry {
        bytes: 0,
        route,
        arrived,
        first_byte: Instant::now(),
        downstream,
        method,
        target,
        id: response.headers().get(X_REQUEST_ID).cloned(),
        user_agent,
        status: response.status(),
        side,
        fallback,
        _in_flight: in_flight,
    };
    response.map(|body| body.logged(entry))
}

impl Entry {
    /// Writes the line. `complete` is false when the client or the monolith broke off.
    pub(crate) fn finish(self, complete: bool) {
        let took = self.arrived.elapsed();
        self.route.metrics.answered(self.side, self.status, took);
        tracing::info!(
            target: "access",
            route = %self.route.id,
            stage = self.route.plan.stage(),
            side = self.side.label(),
            fallback = self.fallback.map(Fallback::label),
            method = %self.method,
            path = self.target.path(),
            status = self.status.as_u16(),
            bytes = self.bytes,
            complete,
            total_ms = milliseconds(took),
            first_byte_ms = milliseconds(self.first_byte.duration_since(self.arrived)),
            client = %self.downstream.peer,
            request_id = text(self.id.as_ref()),
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
