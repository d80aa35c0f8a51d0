//! One line and one count per request, whatever happens below: when its answer's last byte has
//! passed, or when the client has gone.

mod spans;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderValue, Method, StatusCode, Uri, header};

use super::{Next, trace::Trace};
use crate::{
    access_line::{Clock, Lane, Line},
    body::{Body, End},
    downstream::Downstream,
    limits::Limit,
    match_route::{Answer, Routed},
    metrics::{Fallback, InFlight, Side},
    monolith::{Trip, headers::X_REQUEST_ID},
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
    downstream: Arc<Downstream>,
    method: Method,
    target: Uri,
    user_agent: Option<HeaderValue>,
    /// `--log-unredacted`
    unredacted: bool,
    /// `None` while there is no answer; a client that does not wait for it gets none.
    answered: Option<Answered>,
    complete: bool,
    limit: Option<Limit>,
    termination: &'static str,
    /// It is a tunnel now.
    tunnel: bool,
    in_flight: Option<InFlight>,
    trace: Option<Trace>,
    /// Where the line goes; `None` where no access log is wanted.
    lane: Option<Arc<Lane>>,
}

/// Who ended a request in which phase, after HAProxy's termination codes.
///
/// First letter: `C` the client, `S` the server, `P` the proxy, by closing or refusing; `c` and `s`
/// by not going on in time. Second letter: `R` while the request came in, `Q` in a queue, `C` while
/// a connection was opened, `H` before the answer's head, `D` while the answer's body passed, `T`
/// in a tunnel. `--`: it ended as it should.
const AS_IT_SHOULD: &str = "--";

#[derive(Debug)]
struct Answered {
    first_byte: Instant,
    id: Option<HeaderValue>,
    status: StatusCode,
    side: Side,
    fallback: Option<Fallback>,
    trip: Trip,
}

/// Whether a user agent tells who somebody is.
fn tells(user_agent: &[u8]) -> bool {
    may_tell(user_agent) && shadow::is_personal(&String::from_utf8_lossy(user_agent))
}

/// Whether it is worth to look closely, which takes longer than to write the line: few browsers have
/// an address in their names, a number of seven digits, however it is grouped, or a run of signs that
/// is long enough for a token.
fn may_tell(user_agent: &[u8]) -> bool {
    let (mut digits, mut signs) = (0, 0);
    user_agent.iter().any(|it| {
        digits = match it {
            b'0'..=b'9' => digits + 1,
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+' => digits,
            _ => 0,
        };
        let is_sign = it.is_ascii_alphanumeric() || b"_+=~-".contains(it);
        signs = if is_sign { signs + 1 } else { 0 };
        digits == 7 || signs == 20 || matches!(it, b'@' | b'%')
    })
}

/// What stands in the place of what is not shown.
const REDACTED: &[u8] = b"(redacted)";

/// What is logged and counted for a client that left before its answer began, after nginx's 499.
const CLIENT_GONE: u16 = 499;

/// Counts the request as in flight, and attaches its entry to the answer's body.
pub async fn access_log(
    mut routed: Box<Routed>,
    next: impl Next<Box<Routed>, Response = Answer>,
) -> http::Response<Body> {
    let mut entry = Box::new(Entry {
        bytes: 0,
        route: Arc::clone(&routed.route),
        arrived: routed.arrived,
        downstream: Arc::clone(&routed.downstream),
        method: routed.request.method().clone(),
        target: routed.request.uri().clone(),
        user_agent: routed.request.headers().get(header::USER_AGENT).cloned(),
        unredacted: routed.context.unredacted,
        answered: None,
        complete: false,
        limit: None,
        termination: "CH",
        tunnel: false,
        in_flight: Some(routed.route.metrics.request_started()),
        trace: routed.trace.take(),
        lane: routed.context.log.clone(),
    });
    let Answer { response, side, fallback, failure, trip } = next.answer(routed).await;
    if let Some(failure) = failure {
        (entry.limit, entry.termination) = (failure.limit, failure.termination);
    } else {
        entry.termination = "CD";
    }
    entry.answered = Some(Answered {
        first_byte: Instant::now(),
        id: response.headers().get(X_REQUEST_ID).cloned(),
        status: response.status(),
        side,
        fallback,
        trip,
    });
    response.map(|body| body.logged(entry))
}

impl Entry {
    /// The answer's body has ended. The answer to a HEAD has no body to be waited for.
    pub(crate) fn finish(mut self: Box<Self>, end: End) {
        let phase = |it: [&'static str; 2]| it[usize::from(self.tunnel)];
        let end = if self.method == Method::HEAD { End::Complete } else { end };
        let (limit, termination) = match end {
            End::Complete => (None, AS_IT_SHOULD),
            End::BrokenOff(limit @ Some(Limit::Total)) => (limit, "PD"),
            End::BrokenOff(limit @ Some(_)) => (limit, "sD"),
            End::BrokenOff(None) => (None, "SD"),
            End::Abandoned(limit @ Some(_)) => (limit, phase(["cD", "PT"])),
            End::Abandoned(None) => (None, phase(["CD", "CT"])),
        };
        self.complete = end == End::Complete;
        // An answer of ours says itself why there is one, also where its client has gone by then.
        if self.answered.as_ref().is_none_or(|it| it.side != Side::Proxy) {
            (self.limit, self.termination) = (limit, termination);
        }
    }

    /// The path as a log may have it: the route's template, since who a parameter is may be in it.
    fn path(&self) -> &str {
        if self.unredacted { self.target.path() } else { self.route.pattern.as_str() }
    }

    /// The method, unless a client made it up.
    fn method(&self) -> &str {
        if self.unredacted { self.method.as_str() } else { shadow::method_name(&self.method) }
    }

    /// What the client says it is, unless that tells who somebody is.
    fn user_agent(&self) -> Option<&[u8]> {
        let told = self.user_agent.as_ref().map(HeaderValue::as_bytes)?;
        Some(if !self.unredacted && tells(told) { REDACTED } else { told })
    }

    /// From now on it is a tunnel, and no request in flight.
    pub(crate) fn switched(&mut self) {
        self.tunnel = true;
        self.in_flight = None;
        self.termination = "PT";
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.arrived.elapsed();
        let gone = StatusCode::from_u16(CLIENT_GONE).unwrap_or(StatusCode::BAD_REQUEST);
        let answered = self.answered.as_ref();
        let (side, status) = answered.map_or((Side::Proxy, gone), |it| (it.side, it.status));
        self.route.metrics.answered(side, status, took);
        if let Some(limit) = self.limit {
            self.route.metrics.limited(limit);
        }
        if let Some(lane) = &self.lane {
            lane.write(|buffer, clock| self.line(buffer, clock, side, status, took));
        }
        if let Some(recording) = self.trace.as_ref().and_then(|it| it.recording.as_ref()) {
            self.record(recording, side);
        }
    }
}

impl Entry {
    /// The line; its shape is a contract: see docs/operations.md.
    fn line(
        &self,
        buffer: &mut Vec<u8>,
        clock: &mut Clock,
        side: Side,
        status: StatusCode,
        took: Duration,
    ) {
        let answered = self.answered.as_ref();
        let trip = answered.map(|it| &it.trip).filter(|it| it.asked.is_some());
        Line::new(buffer)
            .time("timestamp", SystemTime::now(), clock)
            .text("level", "INFO")
            .text("target", "access")
            .text("route", &*self.route.id)
            .text("stage", self.route.plan.stage())
            .text("side", side.label())
            .text("fallback", answered.and_then(|it| it.fallback).map(Fallback::label))
            .text("method", self.method())
            .text("path", self.path())
            .number("status", u64::from(status.as_u16()))
            .number("bytes", self.bytes)
            .flag("complete", self.complete)
            .text("termination", self.termination)
            .text("limit", self.limit.map(Limit::label))
            .text("limit_side", self.limit.map(Limit::side))
            .millis("total_ms", took)
            .millis("first_byte_ms", answered.map(|it| it.first_byte - self.arrived))
            .text("server", trip.and_then(|it| it.server.as_ref()).map(|it| it.label()))
            .millis("queue_ms", trip.map(|it| it.queued))
            .millis("connect_ms", trip.and_then(|it| it.connect))
            .millis("server_ms", trip.and_then(Trip::took))
            .number("retries", trip.map(|it| u64::from(it.retries)))
            .bytes("client", self.downstream.name.as_bytes())
            .bytes("request_id", answered.and_then(|it| it.id.as_ref()).map(HeaderValue::as_bytes))
            .hex("trace_id", self.trace.as_ref().map(|it| &it.id[..]))
            .bytes("user_agent", self.user_agent());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_that_tells_who_somebody_is_is_hidden() {
        for told in [
            "ShopApp/1.2 (+49 30 901820)",
            "ShopApp (555) 123-4567",
            "App 4242 4242 4242 4242",
            "ShopApp/3 dev=aZ3fK9q2LmX81bTrWc07YvNd",
            "ShopApp/3 pX27zsMNdViQKtaubGfL",
            "ShopApp/1.2 (jane@shop.test)",
            "ShopApp/1.2 (jane%40shop.test)",
        ] {
            assert!(tells(told.as_bytes()), "{told}");
        }
    }

    #[test]
    fn browsers_are_shown() {
        for told in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.204 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.6778.204 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.112",
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/131.0.6778.135 Mobile Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
            "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1.1 Safari/605.1.15",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1.1 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "ShopApp/412 CFNetwork/1568.200.51 Darwin/24.1.0",
            "okhttp/4.12.0",
            "curl/8.11.0",
        ] {
            assert!(!tells(told.as_bytes()), "{told}");
        }
    }
}
