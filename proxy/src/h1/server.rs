//! One client's HTTP/1.1 connection: request after request, each answered before the next is read.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Method, Request, Response, header};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::Service;

use super::{
    connection::Connection,
    decode::Decoder,
    deliver::{self, Delivery, Ended},
    framing::{self, Framing},
    head,
    incoming::{Meeting, Upload},
    scan::{HeadSpan, Scan},
    write::Writer,
};
use crate::{
    arrival::{Arrival, Persistence},
    body::{Body, Intake, IntakeSource},
    error::ProxyError,
    io::{Reader, Timer, WriteHalf},
    limits::{Limit, Policy},
    metrics::ProxyMetrics,
    tunnel,
};

/// When a drain begins, what a client has sent already is still read: for so long.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// While a request is answered, so much of what follows it is read ahead; it is also how a client
/// that has gone is noticed.
const READ_AHEAD: usize = 16 * 1024;

/// What a connection is served with.
#[derive(Debug)]
pub struct Serving<S, P> {
    /// Answers each request.
    pub service: S,
    /// The limits in force now.
    pub policy: P,
    /// Counts the limits that fire between requests.
    pub metrics: ProxyMetrics,
    /// Cancelled when a drain begins.
    pub drain: CancellationToken,
}

/// Serves one connection until it is closed.
pub async fn serve<S, P>(reader: Reader, write: WriteHalf, serving: Serving<S, P>)
where
    S: Service<Arrival, Response = Response<Body>, Error = Infallible>,
    P: Fn() -> Policy,
{
    let Serving { mut service, policy, metrics, drain } = serving;
    let mut session = Session {
        reader: Some(reader),
        unread: false,
        writer: Writer::new(write),
        timer: Timer::default(),
        draining: Box::pin(drain.cancelled_owned()),
        drained: false,
        metrics,
    };
    let mut first = true;
    loop {
        let policy = policy();
        let (mut arrival, exchange) = match session.next(&policy).await {
            Next::Request(span) => session.arrival(span),
            Next::Unreadable(error) => (Arrival::unreadable(error), Exchange::unreadable()),
            Next::Closed => return,
        };
        arrival.first = std::mem::replace(&mut first, false);
        // In a box: a connection that waits for its next request shall own little.
        let answering = Box::pin(service.call(arrival));
        let Some(mut response) = session.until_answered(answering, &exchange).await else {
            return;
        };
        if let Some(server) = response.body_mut().take_tunnel() {
            return session.tunnel(response, *server, &policy).await;
        }
        match session.respond(response, exchange, &policy).await {
            After::Next => {}
            After::Close => return,
            After::Reset => return session.writer.reset(),
        }
    }
}

/// A connection between and during requests.
struct Session {
    /// `None` while an upload owns it.
    reader: Option<Reader>,
    /// Part of a request's body was never read: no other request may follow.
    unread: bool,
    writer: Writer,
    timer: Timer,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
    drained: bool,
    metrics: ProxyMetrics,
}

/// What comes next on a connection.
enum Next {
    Request(HeadSpan),
    Unreadable(ProxyError),
    Closed,
}

/// What comes after an answer.
enum After {
    /// Another request may follow.
    Next,
    /// The connection ends.
    Close,
    /// The connection ends such that nobody takes it for the answer's end.
    Reset,
}

/// What has to be remembered of a request while it is answered.
struct Exchange {
    persistence: Persistence,
    is_head: bool,
    /// Where the read half comes back from an upload.
    meeting: Option<Meeting>,
    /// The request was refused: what follows it cannot be trusted.
    refused: bool,
}

impl Exchange {
    const fn unreadable() -> Self {
        let persistence = Persistence { old: false, keep: false };
        Self { persistence, is_head: false, meeting: None, refused: true }
    }
}

impl Session {
    /// Waits for the next request's head.
    async fn next(&mut self, policy: &Policy) -> Next {
        let Some(mut reader) = self.reader.take() else { return Next::Closed };
        let mut scan = Scan::default();
        let timeouts = &policy.timeouts;
        let began = !reader.buffer.is_empty();
        self.timer.set(if began { timeouts.head } else { timeouts.keep_alive });
        let next = poll_fn(|cx| self.poll_next(cx, &mut reader, &mut scan, policy)).await;
        self.reader = Some(reader);
        next
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut Reader,
        scan: &mut Scan,
        policy: &Policy,
    ) -> Poll<Next> {
        loop {
            match scan.advance(&reader.buffer, policy.limits.request_head()) {
                Ok(Some(head)) => return Poll::Ready(Next::Request(head)),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Next::Unreadable(fault.into())),
            }
            let first = reader.buffer.is_empty();
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Closed),
                Poll::Ready(Ok(_)) if first => self.timer.set(policy.timeouts.head),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => break,
            }
        }
        let idle = reader.buffer.is_empty();
        if self.poll_draining(cx) && idle {
            self.timer.set(LAST_WORDS);
        }
        if self.timer.poll_expired(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(match (idle, self.drained) {
            (true, true) => Next::Closed,
            (true, false) => {
                self.metrics.limited(Limit::KeepAlive);
                Next::Closed
            }
            (false, _) => Next::Unreadable(ProxyError::HeadTimeout(policy.timeouts.head)),
        })
    }

    /// Whether the drain begins with this very look.
    fn poll_draining(&mut self, cx: &mut Context<'_>) -> bool {
        !self.drained && {
            self.drained = self.draining.as_mut().poll(cx).is_ready();
            self.drained
        }
    }

    /// Takes a request's head out of what was read, and decides where its body ends.
    fn arrival(&mut self, span: HeadSpan) -> (Arrival, Exchange) {
        let unreadable = |error| (Arrival::unreadable(error), Exchange::unreadable());
        let Some(mut reader) = self.reader.take() else {
            return unreadable(ProxyError::Refused("a request without a connection"));
        };
        let head = reader.buffer.split_to(span.end).freeze().slice(span.start..);
        let request = match head::request(&head) {
            Ok(request) => request,
            Err(fault) => {
                self.reader = Some(reader);
                return unreadable(fault.into());
            }
        };
        let persistence = Persistence::of(request.version(), request.headers());
        let mut exchange = Exchange {
            persistence,
            is_head: request.method() == Method::HEAD,
            meeting: None,
            refused: false,
        };
        let framing = framing::of_request(request.version(), request.headers());
        let (refused, body) = match framing {
            Ok(Framing::Empty) => (None, Body::empty()),
            Ok(framing) => {
                let expects = !persistence.old && expects_continue(&request);
                let meeting = exchange.meeting.insert(Meeting::default()).clone();
                let upload = Upload::new(reader, Decoder::new(framing), meeting, expects);
                let body = Body::intake(Box::new(Intake::new(IntakeSource::H1(upload))));
                return (Arrival::new(request.map(|()| body)), exchange);
            }
            Err(fault) => (Some(fault.into()), Body::empty()),
        };
        self.reader = Some(reader);
        exchange.refused = refused.is_some();
        (Arrival { refused, ..Arrival::new(request.map(|()| body)) }, exchange)
    }

    /// Waits for the answer; `None` if the client does not.
    async fn until_answered<F>(
        &mut self,
        mut answering: Pin<Box<F>>,
        exchange: &Exchange,
    ) -> Option<Response<Body>>
    where
        F: Future<Output = Result<Response<Body>, Infallible>>,
    {
        poll_fn(|cx| {
            if let Poll::Ready(Ok(response)) = answering.as_mut().poll(cx) {
                return Poll::Ready(Some(response));
            }
            if let Some(meeting) = &exchange.meeting {
                if meeting.poll_wanted(cx) {
                    self.writer.raw(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                self.take_back(meeting);
            }
            // A client that cannot be written to will be found to be gone when it is answered.
            let _ = self.writer.poll_flush(cx);
            if exchange.refused { Poll::Pending } else { self.poll_gone(cx).map(|()| None) }
        })
        .await
    }

    /// Takes the read half back from an upload that has ended, or was given up.
    fn take_back(&mut self, meeting: &Meeting) {
        if let Some((reader, whole)) = meeting.take_back() {
            self.reader = Some(reader);
            self.unread |= !whole;
        }
    }

    /// Ready when the client has closed the connection without another request.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What is left of an unread body says nothing of the client.
        let Some(reader) = self.reader.as_mut().filter(|_| !self.unread) else {
            return Poll::Pending;
        };
        while reader.buffer.len() < READ_AHEAD {
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(0)) if !reader.buffer.is_empty() => break,
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    /// Switches protocols: from now on bytes pass both ways.
    async fn tunnel(mut self, response: Response<Body>, server: Connection, policy: &Policy) {
        let (head, mut body) = response.into_parts();
        self.writer.response(http::Version::HTTP_11, head.status, &head.headers);
        if let Some(reader) = self.reader.take() {
            let (entry, idle) = (body.take_entry(), policy.timeouts.tunnel_idle);
            tunnel::open(reader, self.writer, server, entry, idle).await;
        }
    }

    /// Writes the answer.
    async fn respond(
        &mut self,
        response: Response<Body>,
        exchange: Exchange,
        policy: &Policy,
    ) -> After {
        let (mut head, mut body) = response.into_parts();
        let entry = body.take_entry();
        if let Some(meeting) = &exchange.meeting {
            self.take_back(meeting);
        }
        // What is left of the body must not be taken for the next request.
        let unread = self.unread || self.reader.is_none();
        let coding = deliver::frame(&mut head, &body, exchange.is_head, exchange.persistence.old);
        // Our own refusals say so.
        let closes = head.headers.contains_key(header::CONNECTION);
        let keep = exchange.persistence.keep
            && !(closes || unread || exchange.refused || self.drained || self.draining_now())
            && coding != deliver::Coding::UntilClose;
        persistence_field(&mut head.headers, exchange.persistence.old, keep);
        self.writer.response(
            if exchange.persistence.old { http::Version::HTTP_10 } else { http::Version::HTTP_11 },
            head.status,
            &head.headers,
        );
        let mut delivery = Delivery::new(body, coding, entry, policy);
        let ended = poll_fn(|cx| {
            let ended = delivery.poll(cx, &mut self.writer, &mut self.timer);
            if ended.is_pending() && self.poll_gone(cx).is_ready() {
                return Poll::Ready(Ended::ClientGone);
            }
            ended
        })
        .await;
        delivery.finish(ended);
        match ended {
            Ended::Whole if keep => After::Next,
            Ended::Whole => {
                self.linger(exchange).await;
                After::Close
            }
            // A plain end would look like the end of the body.
            Ended::Broken if coding == deliver::Coding::UntilClose => After::Reset,
            Ended::Broken | Ended::ClientGone | Ended::Stalled => After::Close,
        }
    }

    fn draining_now(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.poll_draining(&mut cx);
        self.drained
    }

    /// Closes such that the answer arrives: a connection that is closed while the client is still
    /// sending is reset, and the reset may overtake the answer.
    async fn linger(&mut self, exchange: Exchange) {
        if let Some(meeting) = &exchange.meeting {
            self.take_back(meeting);
        }
        let Some(mut reader) = self.reader.take() else { return };
        deliver::linger(&mut reader, &mut self.writer, &mut self.timer).await;
    }
}

fn expects_continue<B>(request: &Request<B>) -> bool {
    let expect = request.headers().get(header::EXPECT);
    expect.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Says what happens to the connection, where that is not what the version says by itself.
fn persistence_field(headers: &mut HeaderMap, old: bool, keep: bool) {
    let value = match (old, keep) {
        (false, false) => "close",
        (true, true) => "keep-alive",
        _ => return,
    };
    headers.insert(header::CONNECTION, http::HeaderValue::from_static(value));
}
