//! One exchange with a server over HTTP/2: the request goes out, while the answer is looked for.
//!
//! Sources: RFC 9113 §8.1 (exchanges), §8.2.2 and §8.3.1 (fields), §8.7 (what is safe to send again).

use std::{
    future::{Future as _, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::{
    Reason, RecvStream,
    client::{ResponseFuture, SendRequest},
};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
    request::Parts,
    uri::{PathAndQuery, Scheme},
};
use http_body::Body as _;

use super::{
    answer::{Answer, Streaming},
    connection::{Lease, Slot},
    outgoing::Outgoing,
    websocket::Wish,
};
use crate::{
    body::Body,
    h1::{
        client::{Allowance, ExchangeError, INTERIM_LIMIT, expired, is_event_stream},
        scan::HeadFault,
    },
    io::Timer,
    limits::{ANSWER_HEAD, Limit},
};

/// A failed exchange.
#[derive(Debug)]
pub struct Failed {
    /// What went wrong.
    pub error: ExchangeError,
    /// The request, where its body is known whole: it can be sent again.
    pub request: Option<Request<Body>>,
    /// The server has certainly not begun with it: it refused the stream, or went away before.
    pub unprocessed: bool,
    /// The connection ended, and nothing was heard of the request before.
    pub silent: bool,
}

/// Sends `request` over a stream of its own and returns when the answer's head is there.
///
/// # Errors
/// [`Failed`]; the stream is closed then.
pub async fn exchange(
    lease: Lease,
    request: Request<Body>,
    scheme: Scheme,
    allowance: Allowance,
) -> Result<Response<Body>, Box<Failed>> {
    let (parts, body) = request.into_parts();
    let again = body.again();
    let failed = |parts, Ended { error, heard }| {
        let silent = !heard && is_lost(&error);
        let unprocessed = !heard && is_unprocessed(&error);
        let request = again.map(|body| Request::from_parts(parts, body));
        Box::new(Failed { error, request, unprocessed, silent })
    };
    let Lease { mut sender, slot } = lease;
    let made = match head(&parts, &body, scheme, &sender) {
        Ok(made) => made,
        Err(error) => return Err(failed(parts, Ended { error, heard: false })),
    };
    let (head, websocket) = made;
    let ends = body.is_end_stream() && websocket.is_none();
    let (response, stream) = match sender.send_request(head, ends) {
        Ok(sent) => sent,
        Err(error) => {
            let error = ExchangeError::Stream(error);
            return Err(failed(parts, Ended { error, heard: false }));
        }
    };
    let mut exchange = Exchange::new(response, Outgoing::new(body, stream), allowance);
    match poll_fn(|cx| exchange.poll(cx)).await {
        Ok(response) => Ok(match websocket {
            Some(wish) if response.status().is_success() => {
                wish.granted(response, exchange.upload, slot)
            }
            _ => answer(response, &parts.method, exchange, slot),
        }),
        Err(error) => Err(failed(parts, Ended { error, heard: exchange.heard })),
    }
}

/// How an exchange failed.
struct Ended {
    error: ExchangeError,
    heard: bool,
}

/// RFC 9113 §8.7: a stream that the server refused, or one above the last that a GOAWAY names.
fn is_unprocessed(error: &ExchangeError) -> bool {
    let ExchangeError::Stream(error) = error else { return false };
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// Whether the connection ended under the exchange, as it does when a server is killed.
fn is_lost(error: &ExchangeError) -> bool {
    matches!(error, ExchangeError::Stream(error) if error.is_io())
}

/// An exchange until its answer's head.
struct Exchange {
    response: ResponseFuture,
    upload: Outgoing,
    timer: Timer,
    interim: usize,
    allowance: Allowance,
    /// The server has answered something.
    heard: bool,
    /// The request is out, and the answer's time has begun.
    sent: bool,
}

impl Exchange {
    fn new(response: ResponseFuture, upload: Outgoing, allowance: Allowance) -> Self {
        let mut timer = Timer::default();
        timer.at_latest(allowance.deadline);
        Self { response, upload, timer, interim: 0, allowance, heard: false, sent: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<RecvStream>, ExchangeError>> {
        if let Poll::Ready(Err(error)) = self.upload.poll(cx) {
            return Poll::Ready(Err(ExchangeError::Client(error)));
        }
        if !self.sent && self.upload.is_over() {
            self.sent = true;
            self.timer.set(self.allowance.answer);
            self.timer.at_latest(self.allowance.deadline);
        }
        while let Poll::Ready(Some(Ok(_))) = self.response.poll_informational(cx) {
            self.heard = true;
            self.interim += 1;
            if self.interim > INTERIM_LIMIT {
                let why = "more interim answers than anybody sends";
                return Poll::Ready(Err(ExchangeError::Head(HeadFault::Malformed(why))));
            }
        }
        if let Poll::Ready(response) = Pin::new(&mut self.response).poll(cx) {
            return Poll::Ready(response.map_err(ExchangeError::Stream).and_then(checked));
        }
        ready!(self.timer.poll_expired(cx));
        let limit = expired(self.allowance.deadline, Limit::Answer);
        Poll::Ready(Err(ExchangeError::Limit(limit)))
    }
}

/// What h2 does not refuse. It has compared the lengths, and refused fields of a connection.
fn checked(mut response: Response<RecvStream>) -> Result<Response<RecvStream>, ExchangeError> {
    if response.headers().len() > ANSWER_HEAD.fields {
        return Err(ExchangeError::Head(HeadFault::TooManyFields));
    }
    let odd_name = |it: &http::HeaderName| !it.as_str().bytes().all(crate::h1::head::is_token);
    if response.headers().keys().any(odd_name) {
        let why = "a field name with a character that no name has";
        return Err(ExchangeError::Head(HeadFault::Malformed(why)));
    }
    // Several that say the same are one.
    if let Some(length) = response.headers().get(header::CONTENT_LENGTH).cloned() {
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    Ok(response)
}

/// The head as HTTP/2 has it, and the wish for a WebSocket that it expresses.
fn head(
    parts: &Parts,
    body: &Body,
    scheme: Scheme,
    sender: &SendRequest<Bytes>,
) -> Result<(Request<()>, Option<Wish>), ExchangeError> {
    let wish = Wish::of(parts).map_err(ExchangeError::NoUpgrade)?;
    if wish.is_some() && !sender.is_extended_connect_protocol_enabled() {
        return Err(ExchangeError::NoUpgrade("WebSockets (RFC 8441)"));
    }
    let mut request = Request::new(());
    *request.version_mut() = Version::HTTP_2;
    *request.method_mut() = parts.method.clone();
    let headers = request.headers_mut();
    headers.clone_from(&parts.headers);
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        headers.remove(name);
    }
    // What follows a body is passed on, in both directions.
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    match body.size_hint().exact() {
        Some(0) if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Some(0) => {}
        Some(length) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        None => {
            headers.remove(header::CONTENT_LENGTH);
        }
    }
    let host = headers.remove(header::HOST);
    *request.uri_mut() = target(parts, host.as_ref(), scheme).ok_or(ExchangeError::Target)?;
    if wish.is_some() {
        Wish::ask(&mut request);
    }
    Ok((request, wish))
}

/// `Host` becomes `:authority` (RFC 9113 §8.3.1); the path is as it came.
fn target(parts: &Parts, host: Option<&HeaderValue>, scheme: Scheme) -> Option<Uri> {
    let mut target = http::uri::Parts::default();
    target.scheme = Some(scheme);
    target.authority = Some(host?.as_bytes().try_into().ok()?);
    let path = parts.uri.path_and_query().cloned();
    target.path_and_query = Some(path.unwrap_or(PathAndQuery::from_static("/")));
    Uri::from_parts(target).ok()
}

/// Makes the answer's body: none where there is none, a stream else.
fn answer(
    response: Response<RecvStream>,
    method: &Method,
    exchange: Exchange,
    slot: Slot,
) -> Response<Body> {
    let (mut parts, incoming) = response.into_parts();
    parts.version = Version::HTTP_11;
    let none = matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if none || *method == Method::HEAD || incoming.is_end_stream() {
        return Response::from_parts(parts, Body::empty());
    }
    let stream = parts.headers.get(header::CONTENT_TYPE).is_some_and(is_event_stream);
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let left = length.and_then(|it| it.to_str().ok()?.parse().ok());
    let Exchange { upload, timer, allowance, .. } = exchange;
    let answer = Answer {
        stream: Some(Streaming { incoming, upload, _slot: slot }),
        idle: (!stream).then_some(allowance.answer_idle),
        deadline: allowance.deadline,
        timer,
        watched: false,
        left,
    };
    Response::from_parts(parts, Body::stream(Box::new(answer)))
}
