//! One exchange with a server over HTTP/1.1: the request goes out, while the answer is looked for.
//!
//! A server may answer before it has read the whole request, and close: what it says is read in any
//! case, and a request that cannot be written any further is no error as long as an answer comes.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use super::{
    answer::Answer,
    connection::Connection,
    decode::{Decoder, Piece},
    framing::{self, FramingFault},
    head,
    outgoing::Outgoing,
    scan::{HeadFault, Scan},
};
use crate::{
    body::{Body, BodyError},
    limits::{ANSWER_HEAD, Limit, Timeouts},
    monolith::headers::connection_says,
    pool::Home,
};

/// A server may send so many 1xx answers before the real one.
pub(crate) const INTERIM_LIMIT: usize = 16;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The client's body broke off: not the server's fault.
    #[error("the request's body broke off")]
    Client(#[source] BodyError),
    /// The server closed the connection, or it broke.
    #[error("the server broke off before it answered")]
    Broken(#[source] io::Error),
    /// The server's answer has no head that can be read in one way only.
    #[error("the server's answer is malformed")]
    Head(#[source] HeadFault),
    /// The server's answer has no body whose length is certain.
    #[error("the server's answer is framed in two ways")]
    Framing(#[source] FramingFault),
    /// The server reset the HTTP/2 stream, or its connection ended.
    #[error("the server broke the HTTP/2 stream off before it answered")]
    Stream(#[source] h2::Error),
    /// The request's `Host` or path cannot be said in HTTP/2.
    #[error("the request's target cannot be said in HTTP/2")]
    Target,
    /// The request wants to switch to a protocol that this server does not speak over HTTP/2.
    #[error("the server does not offer {0} over HTTP/2: give it an http:// or https:// address")]
    NoUpgrade(&'static str),
    /// A limit fired.
    #[error("the server ran into the limit `{}`", .0.label())]
    Limit(Limit),
}

/// A failed exchange.
#[derive(Debug)]
pub struct Failed {
    /// What went wrong.
    pub error: ExchangeError,
    /// The request, where it had no body: it can be sent again.
    pub request: Option<Request<Body>>,
    /// Nothing was heard of the server, not a byte.
    pub silent: bool,
}

/// How an exchange is limited.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// For the answer's head, once the request is sent.
    pub answer: Duration,
    /// For each piece of the answer's body.
    pub answer_idle: Duration,
    /// For everything.
    pub deadline: Option<Instant>,
}

impl Allowance {
    /// What a route allows from now on.
    pub fn of(timeouts: &Timeouts, arrived: Instant) -> Self {
        Self {
            answer: timeouts.answer,
            answer_idle: timeouts.answer_idle,
            deadline: timeouts.total.map(|total| arrived + total),
        }
    }
}

/// Sends `request` and returns when the answer's head is there. The connection goes `home` when the
/// answer has been read whole.
///
/// # Errors
/// [`Failed`]; the connection is closed then.
pub async fn exchange(
    connection: Connection,
    request: Request<Body>,
    allowance: Allowance,
    home: Home,
) -> Result<Response<Body>, Box<Failed>> {
    let (mut parts, body) = request.into_parts();
    let mut exchange = Exchange::new(connection, &mut parts, body, allowance);
    let result = poll_fn(|cx| exchange.poll(cx)).await;
    let Exchange { connection, upload, heard, .. } = exchange;
    match result {
        Ok((head, decoder)) => Ok(answer(head, decoder, connection, upload, allowance, home)),
        Err(error) => {
            let request = upload.bodiless.then(|| Request::from_parts(parts, Body::empty()));
            Err(Box::new(Failed { error, request, silent: !heard }))
        }
    }
}

/// An exchange until its answer's head.
struct Exchange {
    connection: Connection,
    upload: Outgoing,
    scan: Scan,
    interim: usize,
    method: Method,
    allowance: Allowance,
    /// The server has sent something.
    heard: bool,
    /// The request is out, and the answer's time has begun.
    sent: bool,
}

impl Exchange {
    fn new(
        mut connection: Connection,
        parts: &mut http::request::Parts,
        body: Body,
        allowance: Allowance,
    ) -> Self {
        let upload = Outgoing::new(body, &mut parts.headers);
        let expects_body = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
        if upload.bodiless && expects_body {
            // RFC 9110 §8.6: some servers wait for a length otherwise.
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        connection.writer.request(&parts.method, &parts.uri, &parts.headers);
        connection.timer.watch(None, allowance.deadline);
        let (scan, method) = (Scan::default(), parts.method.clone());
        Self { connection, upload, scan, interim: 0, method, allowance, heard: false, sent: false }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Response<()>, Decoder), ExchangeError>> {
        if let Poll::Ready(Err(error)) = self.upload.poll(cx, &mut self.connection.writer) {
            return Poll::Ready(Err(ExchangeError::Client(error)));
        }
        if !self.sent && self.upload.is_over() {
            self.sent = true;
            let Allowance { answer, deadline, .. } = self.allowance;
            self.connection.timer.watch(Some(answer), deadline);
        }
        loop {
            if let Some(answer) = self.head()? {
                return Poll::Ready(Ok(answer));
            }
            match self.connection.reader.poll_fill(cx) {
                Poll::Ready(Ok(0)) => {
                    let closed = io::ErrorKind::UnexpectedEof.into();
                    return Poll::Ready(Err(ExchangeError::Broken(closed)));
                }
                Poll::Ready(Ok(_)) => self.heard = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(ExchangeError::Broken(error))),
                Poll::Pending => break,
            }
        }
        ready!(self.connection.timer.poll_expired(cx));
        let limit = expired(self.allowance.deadline, Limit::Answer);
        Poll::Ready(Err(ExchangeError::Limit(limit)))
    }

    /// Takes the answer's head out of what was read, if it is there.
    fn head(&mut self) -> Result<Option<(Response<()>, Decoder)>, ExchangeError> {
        let buffer = &mut self.connection.reader.buffer;
        while let Some(span) =
            self.scan.advance(buffer, ANSWER_HEAD).map_err(ExchangeError::Head)?
        {
            self.scan = Scan::default();
            let bytes = buffer.split_to(span.end).freeze().slice(span.start..);
            let head = head::response(&bytes).map_err(ExchangeError::Head)?;
            let status = head.status();
            let framing =
                framing::of_response(&self.method, status, head.version(), head.headers())
                    .map_err(ExchangeError::Framing)?;
            // 100, 102, 103: of this connection only, or of no use to a client that did not ask.
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Some((head, Decoder::new(framing))));
            }
            self.interim += 1;
            if self.interim > INTERIM_LIMIT {
                let why = "more interim answers than anybody sends";
                return Err(ExchangeError::Head(HeadFault::Malformed(why)));
            }
        }
        Ok(None)
    }
}

/// Makes the answer's body: whole where it is here already, a tunnel after a 101, a stream else.
fn answer(
    head: Response<()>,
    mut decoder: Decoder,
    mut connection: Connection,
    upload: Outgoing,
    allowance: Allowance,
    home: Home,
) -> Response<Body> {
    let (parts, ()) = head.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Response::from_parts(parts, Body::tunnel(Box::new(connection)));
    }
    let persists = persists(&parts);
    let here = connection.reader.buffer.len() as u64;
    if upload.is_over() && decoder.left().is_some_and(|left| left <= here) {
        let body = match decoder.decode(&mut connection.reader.buffer) {
            Ok(Piece::Data(data)) => Body::full(data),
            _ => Body::empty(),
        };
        if persists && !upload.failed && connection.reader.buffer.is_empty() {
            home.give_back(connection);
        }
        return Response::from_parts(parts, body);
    }
    let stream = parts.headers.get(header::CONTENT_TYPE).is_some_and(is_event_stream);
    let answer = Answer {
        connection: Some(connection),
        decoder,
        upload,
        idle: (!stream).then_some(allowance.answer_idle),
        deadline: allowance.deadline,
        watched: false,
        home: persists.then_some(home),
    };
    Response::from_parts(parts, Body::answer(Box::new(answer)))
}

/// Which limit a timer has run into that watches over one exchange: the whole of it, or this part.
pub(crate) fn expired(deadline: Option<Instant>, part: Limit) -> Limit {
    if deadline.is_some_and(|it| it <= Instant::now()) { Limit::Total } else { part }
}

/// Whether the server keeps the connection open after this answer.
fn persists(head: &http::response::Parts) -> bool {
    match head.version {
        http::Version::HTTP_11 => !connection_says(&head.headers, "close"),
        _ => connection_says(&head.headers, "keep-alive"),
    }
}

/// Server-Sent Events are silent for as long as nothing happens.
pub(crate) fn is_event_stream(content_type: &HeaderValue) -> bool {
    content_type
        .as_bytes()
        .get(..17)
        .is_some_and(|it| it.eq_ignore_ascii_case(b"text/event-stream"))
}
