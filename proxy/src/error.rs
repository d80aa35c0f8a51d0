//! What can go wrong with a request, and the only place where an error becomes an answer.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    body::{Body, BodyError},
    extraction::NoReply,
    h1::{client::ExchangeError, framing::FramingFault, scan::HeadFault},
    limits::Limit,
    quoting,
    route::Maintenance,
    sendfile::SendfileError,
    upstream::Unavailable,
};

/// Whose fault it was decides the status and the log level.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The request is one that two servers could read differently, or that a proxy cannot serve.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The request's head cannot be read in one way only, or is too large.
    #[error("refused")]
    Head(#[from] HeadFault),
    /// The length of the request's body is not certain.
    #[error("refused")]
    Framing(#[from] FramingFault),
    /// The client was shown a certificate that does not have the request's host among its names.
    #[error("refused: the connection's certificate is not for the request's host")]
    Misdirected,
    /// A method that a reverse proxy does not serve.
    #[error("refused: a method that is not for reverse proxies")]
    Method,
    /// The request's head did not arrive in time.
    #[error("the request's head did not arrive within {0:?}")]
    HeadTimeout(Duration),
    /// The request says that its body is longer than the limit.
    #[error("the request's body is longer than `limits.body`")]
    TooLarge,
    /// The client's body broke off, or ran into a limit.
    #[error("the client's request body ended early")]
    Downstream(#[source] BodyError),
    /// No connection to the server could be opened; nothing was sent.
    #[error("the server could not be reached at {address}")]
    Connect {
        /// Where it was looked for.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The connection broke before the answer began, or the answer cannot be passed on.
    #[error("the server gave no answer that can be passed on")]
    Upstream(#[source] ExchangeError),
    /// No server can take the request now.
    #[error("no server is free")]
    Busy(#[source] Unavailable),
    /// A handler's commit may or may not have happened, so nobody may answer the request again.
    #[error("the request may or may not have taken effect")]
    CommitUnknown {
        /// What happened.
        source: NoReply,
        /// The client asked for JSON.
        json: bool,
    },
    /// The server answered 101 to a request that did not ask for it, or with another protocol.
    #[error("the server switched protocols without being asked")]
    UnaskedSwitch,
    /// The monolith named a file instead of sending it, and it cannot be sent.
    #[error("the answer is a file, which cannot be sent")]
    File(#[source] SendfileError),
    /// Neither routes.toml nor the command line names a monolith.
    #[error("no monolith is configured: give --monolith or a [monolith] section in routes.toml")]
    NoMonolith,
    /// The route is in maintenance: [`Maintenance::Stop`].
    #[error("stopped for maintenance")]
    Stopped(Arc<Maintenance>),
    /// The route was paused for longer than a request may wait.
    #[error("paused for more than {0:?}")]
    Paused(Duration),
    /// More requests are in flight than may be.
    #[error("more than {0} requests are in flight: see `limits.in_flight`")]
    Overloaded(usize),
}

/// What a client is told of an error.
struct Told {
    status: StatusCode,
    /// The limit that fired.
    limit: Option<Limit>,
    /// Who ended the request in which phase: see [`crate::layers::access_log`].
    termination: &'static str,
}

const fn told(status: StatusCode, limit: Option<Limit>, termination: &'static str) -> Told {
    Told { status, limit, termination }
}

impl ProxyError {
    fn told(&self) -> Told {
        use StatusCode as S;
        match self {
            Self::Method => told(S::METHOD_NOT_ALLOWED, None, "PR"),
            Self::Misdirected => told(S::MISDIRECTED_REQUEST, None, "PR"),
            Self::Head(fault) => head(*fault),
            Self::Framing(FramingFault::UnknownCoding) => told(S::NOT_IMPLEMENTED, None, "PR"),
            Self::Refused(_) | Self::Framing(_) | Self::Upstream(ExchangeError::Target) => {
                told(S::BAD_REQUEST, None, "PR")
            }
            Self::HeadTimeout(_) => told(S::REQUEST_TIMEOUT, Some(Limit::HeadTimeout), "cR"),
            Self::TooLarge => told(S::PAYLOAD_TOO_LARGE, Some(Limit::Body), "PR"),
            Self::Downstream(BodyError::Limit(Limit::Body)) => {
                told(S::PAYLOAD_TOO_LARGE, Some(Limit::Body), "PR")
            }
            Self::Downstream(BodyError::Limit(limit)) => {
                told(S::REQUEST_TIMEOUT, Some(*limit), "cR")
            }
            Self::Downstream(_) => told(S::BAD_REQUEST, None, "CR"),
            Self::Connect { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
                told(S::GATEWAY_TIMEOUT, Some(Limit::Connect), "sC")
            }
            Self::Connect { .. } => told(S::BAD_GATEWAY, None, "SC"),
            Self::Upstream(ExchangeError::Limit(limit)) => {
                told(S::GATEWAY_TIMEOUT, Some(*limit), "sH")
            }
            Self::Upstream(ExchangeError::NoUpgrade(_)) | Self::UnaskedSwitch => {
                told(S::BAD_GATEWAY, None, "PH")
            }
            Self::Upstream(_) => told(S::BAD_GATEWAY, None, "SH"),
            Self::Busy(Unavailable::QueueFull { .. }) => {
                told(S::SERVICE_UNAVAILABLE, Some(Limit::Queue), "SQ")
            }
            Self::Busy(Unavailable::QueueTimeout { .. }) => {
                told(S::SERVICE_UNAVAILABLE, Some(Limit::QueueTimeout), "sQ")
            }
            Self::File(error) => told(error.status(), None, "PH"),
            Self::NoMonolith => told(S::BAD_GATEWAY, None, "PC"),
            Self::CommitUnknown { .. } => told(S::SERVICE_UNAVAILABLE, None, "PH"),
            Self::Stopped(_) | Self::Paused(_) => told(S::SERVICE_UNAVAILABLE, None, "PQ"),
            Self::Overloaded(_) => told(S::SERVICE_UNAVAILABLE, Some(Limit::InFlight), "PQ"),
        }
    }

    /// The status that the client gets.
    pub fn status(&self) -> StatusCode {
        self.told().status
    }

    /// The limit that fired, if one did.
    pub fn limit(&self) -> Option<Limit> {
        self.told().limit
    }

    /// Two letters for the access log.
    pub fn termination(&self) -> &'static str {
        self.told().termination
    }

    /// The client learns the status; only the log learns the cause.
    pub fn into_response(self) -> Response<Body> {
        let status = self.status();
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), error = %Chain(&self), "request failed");
        } else {
            tracing::debug!(status = status.as_u16(), error = %Chain(&self), "request refused");
        }
        let (kind, text) = match &self {
            Self::Stopped(stopped) => ("text/html; charset=utf-8", page(stopped)),
            Self::CommitUnknown { json: true, .. } => {
                let error = format!("{{\"error\":\"{}\"}}", self.text().trim_end());
                ("application/json; charset=utf-8", error.into())
            }
            _ => ("text/plain; charset=utf-8", self.text().into()),
        };
        let mut response = Response::new(Body::full(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closes() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if matches!(self, Self::Method) {
            let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            headers.insert(header::ALLOW, methods);
        }
        response
    }

    /// Whether what follows on the same connection cannot be trusted to be a request.
    fn closes(&self) -> bool {
        let status = self.status();
        status.is_client_error()
            || status == StatusCode::NOT_IMPLEMENTED
            || status == StatusCode::HTTP_VERSION_NOT_SUPPORTED
    }

    /// In how many seconds it is worth to try again.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy(_) | Self::Overloaded(_) | Self::Paused(_) => Some(1),
            Self::Stopped(maintenance) => match &**maintenance {
                Maintenance::Stop(stop) => Some(stop.retry_after.as_secs().max(1)),
                Maintenance::Pause(_) => None,
            },
            _ => None,
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::CommitUnknown { .. } => {
                "We do not know whether this went through. Please look before you try again.\n"
            }
            Self::Misdirected => "This connection is for another host. Please try again.\n",
            Self::Busy(_) | Self::Overloaded(_) | Self::Paused(_) => {
                "The shop is very busy. Please try again in a moment.\n"
            }
            _ => match self.status() {
                StatusCode::REQUEST_TIMEOUT => "The request did not arrive in time.\n",
                StatusCode::PAYLOAD_TOO_LARGE => "The request is too large.\n",
                StatusCode::GATEWAY_TIMEOUT => {
                    "The shop took too long to answer. Please try again.\n"
                }
                it if it.is_client_error() || it == StatusCode::NOT_IMPLEMENTED => {
                    "The request could not be understood.\n"
                }
                _ => "The shop could not be reached. Please try again in a moment.\n",
            },
        }
    }
}

/// The page of a shop that is stopped.
fn page(maintenance: &Maintenance) -> Bytes {
    let Maintenance::Stop(stop) = maintenance else { return Bytes::new() };
    let message = stop.message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let page = format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>Maintenance</title></head>\n\
         <body><p>{message}</p></body></html>\n"
    );
    page.into()
}

const fn head(fault: HeadFault) -> Told {
    match fault {
        HeadFault::FirstLineTooLong => {
            told(StatusCode::URI_TOO_LONG, Some(Limit::RequestLine), "PR")
        }
        HeadFault::TooLarge => {
            told(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Some(Limit::Head), "PR")
        }
        HeadFault::TooManyFields => {
            told(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Some(Limit::Fields), "PR")
        }
        HeadFault::Version => told(StatusCode::HTTP_VERSION_NOT_SUPPORTED, None, "PR"),
        HeadFault::Malformed(_) => told(StatusCode::BAD_REQUEST, None, "PR"),
    }
}

/// Displays an error and every source below it on one line: `outer: inner: innermost`, without what
/// errors of others quote of a buyer's data.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut error = self.0;
        loop {
            match quoting::instead(error) {
                None => write!(f, "{error}")?,
                Some(instead) => {
                    f.write_str(&instead.text)?;
                    if !instead.cause {
                        return Ok(());
                    }
                }
            }
            let Some(source) = error.source() else { return Ok(()) };
            f.write_str(": ")?;
            error = source;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_gets_the_whole_chain_and_the_buyer_only_the_status() {
        let error = ProxyError::Connect {
            address: "http://127.0.0.1:1".into(),
            source: io::Error::other("refused"),
        };
        assert_eq!(
            Chain(&error).to_string(),
            "the server could not be reached at http://127.0.0.1:1: refused"
        );
        assert_eq!(error.into_response().status(), StatusCode::BAD_GATEWAY);
    }
}
