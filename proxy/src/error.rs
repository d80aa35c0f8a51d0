//! What can go wrong with a request, and the only place where an error becomes an answer.

use std::{error::Error, fmt, io, time::Duration};

use http::{HeaderValue, Response, StatusCode, header};

use crate::{body::Body, extraction::NoReply};

/// Whose fault it was decides the status and the log level.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The request is one that two servers could read differently, or that a proxy cannot serve.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The client stopped sending its body.
    #[error("the client's request body ended early")]
    Downstream(#[source] hyper::Error),
    /// No connection to the monolith could be opened; nothing was sent.
    #[error("the monolith could not be reached at {address}")]
    Connect {
        /// Where it was looked for.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The connection to the monolith broke before its answer began.
    #[error("the monolith broke off before it answered")]
    Upstream(#[source] hyper::Error),
    /// The monolith did not begin its answer in time.
    #[error("the monolith did not begin its answer within {0:?}")]
    UpstreamTimeout(Duration),
    /// A handler's commit may or may not have happened, so nobody may answer the request again.
    #[error("the request may or may not have taken effect")]
    CommitUnknown(#[source] NoReply),
    /// The monolith answered 101 to a request that did not ask for it, or with another protocol.
    #[error("the monolith switched protocols without being asked")]
    UnaskedSwitch,
    /// Neither routes.toml nor the command line names a monolith.
    #[error("no monolith is configured: give --monolith or a [monolith] section in routes.toml")]
    NoMonolith,
}

impl ProxyError {
    /// The status that the buyer gets.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) | Self::Downstream(_) => StatusCode::BAD_REQUEST,
            Self::Connect { .. } | Self::Upstream(_) | Self::UnaskedSwitch | Self::NoMonolith => {
                StatusCode::BAD_GATEWAY
            }
            Self::UpstreamTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::CommitUnknown(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The buyer learns the status; only the log learns the cause.
    pub fn into_response(self) -> Response<Body> {
        let status = self.status();
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), error = %Chain(&self), "request failed");
        } else {
            tracing::debug!(status = status.as_u16(), error = %Chain(&self), "request refused");
        }
        let text = match status {
            StatusCode::BAD_REQUEST => "The request could not be understood.\n",
            StatusCode::SERVICE_UNAVAILABLE => {
                "We do not know whether this went through. Please look before you try again.\n"
            }
            StatusCode::GATEWAY_TIMEOUT => "The shop took too long to answer. Please try again.\n",
            _ => "The shop could not be reached. Please try again in a moment.\n",
        };
        let mut response = Response::new(Body::full(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Displays an error and every source below it on one line: `outer: inner: innermost`.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
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
            "the monolith could not be reached at http://127.0.0.1:1: refused"
        );
        assert_eq!(error.into_response().status(), StatusCode::BAD_GATEWAY);
    }
}
