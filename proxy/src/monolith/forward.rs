//! A buyer's request, passed on to the monolith, and the answer passed back.

use http::{Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::{Hop, Monolith, Trip, headers, upgrade};
use crate::{
    body::Body,
    downstream::Downstream,
    error::ProxyError,
    sendfile::{Asked, Named, Roots},
};

/// The way to the monolith for buyers.
#[derive(Debug)]
pub struct Forward {
    /// The worker's connections.
    pub monolith: Monolith,
    /// Where the files are that the monolith names instead of sending.
    pub files: Roots,
}

impl Forward {
    /// Passes `request` on; returns when the head of its answer is there. `trip` tells of its way.
    ///
    /// # Errors
    /// As [`Monolith::send`]; when the monolith switches to a protocol nobody asked for; and when it
    /// names a file that cannot be sent.
    pub async fn forward(
        &self,
        hop: Hop<'_>,
        request: Request<Body>,
        downstream: &Downstream,
        trip: &mut Trip,
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
        self.files.announce(&mut parts.headers);
        if let Some(protocols) = &asked {
            upgrade::ask(&mut parts.headers, protocols.clone());
        }
        if !parts.headers.contains_key(header::HOST) {
            // HTTP/1.0 may lack one; HTTP/1.1, which the server is spoken to in, may not.
            parts.headers.insert(header::HOST, hop.upstream.servers()[0].address().host());
        }
        let file = self.files.asked(&parts.method, &parts.headers);
        let mut response = self.monolith.send(hop, Request::from_parts(parts, body), trip).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            headers::strip_hop_by_hop(response.headers_mut());
            return self.with_file(response, &file, downstream).await;
        }
        let protocol = asked.and_then(|asked| upgrade::accepted(&response, &asked));
        let Some(protocol) = protocol else { return Err(ProxyError::UnaskedSwitch) };
        headers::strip_hop_by_hop(response.headers_mut());
        upgrade::ask(response.headers_mut(), protocol);
        Ok(response)
    }

    /// The answer with the file that it names, or as it is when it names none.
    ///
    /// A trusted hop in front of us may be the server that these fields are meant for: it gets them
    /// where nobody said that the files are here.
    async fn with_file(
        &self,
        mut response: Response<Body>,
        asked: &Asked,
        downstream: &Downstream,
    ) -> Result<Response<Body>, ProxyError> {
        if self.files.are_none() && downstream.trusted {
            return Ok(response);
        }
        let Some(named) = Named::take(response.headers_mut()) else {
            headers::strip_accel(response.headers_mut());
            return Ok(response);
        };
        let (mut head, _) = response.into_parts();
        // Seldom, and large: in a box it does not make the future of every request larger.
        let file = Box::pin(self.files.answer(named, asked, &mut head)).await;
        let file = file.map_err(ProxyError::File)?;
        Ok(Response::from_parts(head, Body::file(file.boxed_unsync())))
    }
}
