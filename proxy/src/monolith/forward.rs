//! A buyer's request, passed on to the monolith, and the answer passed back.

use http::{Request, Response, StatusCode, header};
use http_body::Body as _;

use super::{Hop, Monolith, headers, upgrade};
use crate::{body::Body, downstream::Downstream, error::ProxyError};

/// The way to the monolith for buyers.
#[derive(Debug)]
pub struct Forward {
    /// The worker's connections.
    pub monolith: Monolith,
}

impl Forward {
    /// Passes `request` on; returns when the head of its answer is there.
    ///
    /// # Errors
    /// As [`Monolith::send`]; and when the monolith switches to a protocol nobody asked for.
    pub async fn forward(
        &self,
        hop: Hop<'_>,
        request: Request<Body>,
        downstream: &Downstream,
    ) -> Result<Response<Body>, ProxyError> {
        let asked = upgrade::requested(&request);
        let (mut parts, mut body) = request.into_parts();
        let waits = parts.headers.contains_key(header::EXPECT);
        if !body.is_end_stream() && body.size_hint().exact().is_some() && !waits {
            // A slow client must not hold a connection of the server's before there is something
            // to send. One that streams, or waits to be told to send, may wait for the answer.
            Box::pin(body.gather()).await.map_err(ProxyError::Downstream)?;
        }
        headers::to_monolith(&mut parts.headers, downstream);
        if let Some(protocols) = &asked {
            upgrade::ask(&mut parts.headers, protocols.clone());
        }
        if !parts.headers.contains_key(header::HOST) {
            // HTTP/1.0 may lack one; HTTP/1.1, which the server is spoken to in, may not.
            parts.headers.insert(header::HOST, hop.upstream.servers()[0].address().host());
        }
        let mut response = self.monolith.send(hop, Request::from_parts(parts, body)).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            headers::strip_hop_by_hop(response.headers_mut());
            return Ok(response);
        }
        let protocol = asked.and_then(|asked| upgrade::accepted(&response, &asked));
        let Some(protocol) = protocol else { return Err(ProxyError::UnaskedSwitch) };
        headers::strip_hop_by_hop(response.headers_mut());
        upgrade::ask(response.headers_mut(), protocol);
        Ok(response)
    }
}
