//! A buyer's request, passed on to the monolith, and the answer passed back.

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as _;

use super::{Monolith, ServerAddr, Tunnels, headers, upgrade};
use crate::{body::Body, downstream::Downstream, error::ProxyError};

/// The way to the monolith for buyers: connections, and tunnels where a request switches protocols.
#[derive(Debug)]
pub struct Forward {
    /// The worker's connections.
    pub monolith: Monolith,
    /// The worker's open tunnels.
    pub tunnels: Tunnels,
}

impl Forward {
    /// Passes `request` on; returns when the head of its answer is there.
    ///
    /// # Errors
    /// As [`Monolith::send`]; and when the monolith switches to a protocol nobody asked for.
    pub async fn forward(
        &self,
        address: &ServerAddr,
        mut request: Request<Body>,
        downstream: &Downstream,
    ) -> Result<Response<Body>, ProxyError> {
        let asked = upgrade::requested(&request);
        let client = asked.is_some().then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        headers::to_monolith(&mut parts.headers, downstream);
        if let Some(protocol) = &asked {
            upgrade::ask(&mut parts.headers, protocol.clone());
        }
        frame(&mut parts.headers, &body);
        let mut response = self.monolith.send(address, Request::from_parts(parts, body)).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let (Some(asked), Some(client)) = (asked, client) else {
                return Err(ProxyError::UnaskedSwitch);
            };
            if !upgrade::accepted(&response, &asked) {
                return Err(ProxyError::UnaskedSwitch);
            }
            self.tunnels.join(client, hyper::upgrade::on(&mut response));
            headers::strip_hop_by_hop(response.headers_mut());
            upgrade::ask(response.headers_mut(), asked);
            return Ok(response.map(|_| Body::empty()));
        }
        headers::strip_hop_by_hop(response.headers_mut());
        Ok(response)
    }
}

/// hyper sends the body of a GET only where the head says that there is one: without this line a
/// GET with a chunked body would reach Rails cut off.
fn frame(headers: &mut http::HeaderMap, body: &Body) {
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}
