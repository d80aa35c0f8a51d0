//! The monolith, as the proxy reaches it: a request goes out, its answer's head comes back.

mod forward;
pub mod headers;
mod pool;
mod upgrade;

use std::time::Duration;

use http::{Method, Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use self::pool::Pool;
pub use self::{forward::Forward, pool::Lease, upgrade::Tunnels};
pub use crate::upstream::{ServerAddr, ServerIo};
use crate::{body::Body, error::ProxyError, metrics::ProxyMetrics};

/// How long the monolith may take until its answer begins.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the monolith with its own keep-alive connections. Cloning shares them; use one per
/// runtime, since a connection lives on the runtime that opened it.
#[derive(Debug, Clone)]
pub struct Monolith {
    pool: Pool,
}

impl Monolith {
    /// A client without connections yet.
    pub fn new(metrics: ProxyMetrics) -> Self {
        Self { pool: Pool::new(metrics) }
    }

    /// Sends `request` and returns when the answer's head is there; the body streams.
    ///
    /// The request is sent again, once and on a new connection, only where that cannot do anything
    /// twice: nothing of it was sent, or its method is safe, it has no body, and the reused
    /// connection died before the head of an answer was there.
    ///
    /// # Errors
    /// [`ProxyError::Connect`], [`ProxyError::Upstream`] or [`ProxyError::UpstreamTimeout`].
    pub async fn send(
        &self,
        address: &ServerAddr,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, ProxyError> {
        // The monolith's time begins when it has the whole request: an upload takes what it takes.
        let sent = request.body_mut().on_end();
        let limit = async {
            sent.await;
            tokio::time::sleep(HEAD_TIMEOUT).await;
        };
        tokio::select! {
            biased;
            answer = self.exchange(address, request) => {
                let (response, lease) = answer?;
                Ok(response.map(|body| Body::stream(body).leased(lease)))
            }
            () = limit => Err(ProxyError::UpstreamTimeout(HEAD_TIMEOUT)),
        }
    }

    async fn exchange(
        &self,
        address: &ServerAddr,
        mut request: Request<Body>,
    ) -> Result<(Response<Incoming>, Lease), ProxyError> {
        *request.version_mut() = Version::HTTP_11;
        if let Some(mut lease) = self.pool.reuse(address) {
            let spare = spare(&request);
            match lease.sender.try_send_request(request).await {
                Ok(response) => return Ok((response, lease)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    // Garbage is an answer too: asking again would not make it better.
                    None if failed.error().is_parse() => {
                        return Err(broken_off(failed.into_error()));
                    }
                    None => request = spare.ok_or_else(|| broken_off(failed.into_error()))?,
                },
            }
        }
        // Seldom, and large: in a box it does not make the future of every request larger.
        let mut lease = Box::pin(self.pool.connect(address)).await?;
        let response = lease.sender.send_request(request).await.map_err(broken_off)?;
        Ok((response, lease))
    }
}

/// A copy for a second try, where a second try is harmless.
fn spare(request: &Request<Body>) -> Option<Request<Body>> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe || !request.body().is_end_stream() {
        return None;
    }
    Some(copy_head(request).map(|()| Body::empty()))
}

/// A request's head without its body.
fn copy_head<B>(request: &Request<B>) -> Request<()> {
    let mut copy = Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    request.headers().clone_into(copy.headers_mut());
    copy
}

/// hyper reports the client's failing body as an error of the request that carried it.
fn broken_off(error: hyper::Error) -> ProxyError {
    if error.is_user() { ProxyError::Downstream(error) } else { ProxyError::Upstream(error) }
}
