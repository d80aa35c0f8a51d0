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

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body as _, Frame};

use super::{
    connection::Connection,
    decode::{Decoder, Piece},
    framing::{self, FramingFault},
    head,
    scan::{HeadFault, Scan},
    write::{Coding, Writer},
};
use crate::{
    body::{Body, BodyError},
    limits::{ANSWER_HEAD, Limit, Timeouts},
    monolith::headers,
    pool::Home,
};

/// So much of an upload is read ahead of what the server takes.
const UPLOAD_AHEAD: usize = 64 * 1024;

/// A server may send so many 1xx answers before the real one.
const INTERIM_LIMIT: usize = 16;

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
    upload: Upload,
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
        let upload = Upload::new(body, &mut parts.headers);
        let expects_body = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
        if upload.bodiless && expects_body {
            // RFC 9110 §8.6: some servers wait for a length otherwise.
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        connection.writer.request(&parts.method, &parts.uri, &parts.headers);
        connection.timer.clear();
        connection.timer.at_latest(allowance.deadline);
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
            self.connection.timer.set(self.allowance.answer);
            self.connection.timer.at_latest(self.allowance.deadline);
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
        let total = self.allowance.deadline.is_some_and(|it| it <= Instant::now());
        let limit = if total { Limit::Total } else { Limit::Answer };
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
    upload: Upload,
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

/// Whether the server keeps the connection open after this answer.
fn persists(head: &http::response::Parts) -> bool {
    let says = |word: &str| {
        let values = head.headers.get_all(header::CONNECTION).iter();
        let mut words = values.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
        words.any(|it| it.trim().eq_ignore_ascii_case(word))
    };
    if head.version == http::Version::HTTP_11 { !says("close") } else { says("keep-alive") }
}

/// Server-Sent Events are silent for as long as nothing happens.
fn is_event_stream(content_type: &HeaderValue) -> bool {
    content_type
        .as_bytes()
        .get(..17)
        .is_some_and(|it| it.eq_ignore_ascii_case(b"text/event-stream"))
}

/// An answer's body as it comes in; what is left of the request's body goes out at the same time.
#[derive(Debug)]
pub struct Answer {
    /// `None` once it has ended.
    connection: Option<Connection>,
    decoder: Decoder,
    upload: Upload,
    idle: Option<Duration>,
    deadline: Option<Instant>,
    /// The timer is set.
    watched: bool,
    /// Where the connection goes at the end; `None` if the server closes it.
    home: Option<Home>,
}

impl Answer {
    /// The next frame.
    ///
    /// # Errors
    /// [`BodyError`]; nothing more comes then.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = ready!(self.poll_next(cx));
        match &next {
            Some(Err(_)) => self.connection = None,
            _ if self.decoder.is_ended() => self.end(),
            _ => {}
        }
        Poll::Ready(next)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(None) };
        // What happens to the rest of the upload does not matter any more: the answer is known.
        let _ = self.upload.poll(cx, &mut connection.writer);
        loop {
            match self.decoder.decode(&mut connection.reader.buffer) {
                Ok(Piece::Data(data)) => {
                    self.watched = false;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Piece::Trailers(mut fields)) => {
                    headers::strip_trailers(&mut fields);
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Piece::End) => return Poll::Ready(None),
                Err(fault) => return Poll::Ready(Some(Err(fault.into()))),
                Ok(Piece::More) => {}
            }
            match connection.reader.poll_fill_long(cx, self.decoder.left()) {
                Poll::Ready(Ok(0)) if self.decoder.closed() => return Poll::Ready(None),
                Poll::Ready(Ok(0)) => return Poll::Ready(Some(Err(BodyError::Closed))),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(BodyError::Io(error)))),
                Poll::Pending => break,
            }
        }
        if !std::mem::replace(&mut self.watched, true) {
            connection.timer.clear();
            if let Some(idle) = self.idle {
                connection.timer.set(idle);
            }
            connection.timer.at_latest(self.deadline);
        }
        ready!(connection.timer.poll_expired(cx));
        let total = self.deadline.is_some_and(|it| it <= Instant::now());
        let limit = if total { Limit::Total } else { Limit::AnswerIdle };
        Poll::Ready(Some(Err(BodyError::Limit(limit))))
    }

    /// The last byte has been read: the connection can carry the next exchange, if this one is over
    /// in both directions and nothing was sent that nobody asked for.
    fn end(&mut self) {
        let (Some(connection), Some(home)) = (self.connection.take(), self.home.take()) else {
            return;
        };
        if self.upload.is_over() && !self.upload.failed && connection.reader.buffer.is_empty() {
            home.give_back(connection);
        }
    }

    /// Whether the last byte has been taken.
    pub const fn is_ended(&self) -> bool {
        self.decoder.is_ended()
    }

    /// How many bytes are left, where that is known.
    pub const fn left(&self) -> Option<u64> {
        self.decoder.left()
    }
}

/// A request's body on its way to the server.
#[derive(Debug)]
struct Upload {
    /// `None` once it has ended.
    body: Option<Body>,
    coding: Coding,
    /// There was no body at all.
    bodiless: bool,
    /// All was put, but not all may be written.
    flushed: bool,
    /// The server takes no more.
    failed: bool,
}

impl Upload {
    /// States in `headers` how the body will be framed.
    fn new(body: Body, headers: &mut http::HeaderMap) -> Self {
        let bodiless = body.is_end_stream();
        let mut coding = Coding::Plain;
        headers.remove(header::TRANSFER_ENCODING);
        match body.size_hint().exact() {
            Some(0) if bodiless => {}
            Some(length) => {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            None => {
                headers.remove(header::CONTENT_LENGTH);
                headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                coding = Coding::Chunked;
            }
        }
        let body = (!bodiless).then_some(body);
        Self { body, coding, bodiless, flushed: false, failed: false }
    }

    /// Whether nothing is left to be sent.
    const fn is_over(&self) -> bool {
        self.flushed || self.failed
    }

    /// Reads from the client and writes to the server, as far as both go.
    fn poll(&mut self, cx: &mut Context<'_>, writer: &mut Writer) -> Poll<Result<(), BodyError>> {
        while !self.is_over() {
            let read = match self.poll_body(cx, writer) {
                Poll::Ready(Err(error)) => {
                    // What is there must not look like the whole of it.
                    (self.failed, self.body) = (true, None);
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(())) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            };
            if writer.queued() == 0 && self.body.is_some() {
                ready!(read);
                continue;
            }
            if ready!(writer.poll_flush(cx)).is_ok() {
                self.flushed = self.body.is_none();
            } else {
                // The server may have said why before it closed: that is for the reader to find.
                (self.failed, self.body) = (true, None);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Puts what the client has sent; ready when there is enough or no more.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut Writer,
    ) -> Poll<Result<(), BodyError>> {
        while let Some(body) = &mut self.body {
            if writer.queued() >= UPLOAD_AHEAD {
                break;
            }
            let mut trailers = None;
            match ready!(std::pin::Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        writer.data(data, self.coding);
                        if !body.is_end_stream() {
                            continue;
                        }
                    }
                    Err(frame) => {
                        trailers = frame.into_trailers().ok();
                        trailers.iter_mut().for_each(headers::strip_trailers);
                    }
                },
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => {}
            }
            if self.coding == Coding::Chunked {
                writer.last_chunk(trailers.as_ref());
            }
            self.body = None;
        }
        Poll::Ready(Ok(()))
    }
}
