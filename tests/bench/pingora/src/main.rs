//! Pingora as a peer of `make bench`: a proxy to one origin, with an access log on standard output.
//!
//! usage: pingora-peer LISTEN ORIGIN, each an address and a port

use async_trait::async_trait;
use pingora::prelude::*;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use uuid::Uuid;

struct Proxy {
    origin: String,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&self.origin, false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        if let Some(client) = session.client_addr().and_then(|it| it.as_inet()) {
            request.insert_header("X-Forwarded-For", client.ip().to_string())?;
        }
        request.insert_header("X-Forwarded-Proto", "http")?;
        request.insert_header("X-Request-Id", Uuid::new_v4().to_string())
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, (): &mut ()) {
        let status = session.response_written().map_or(0, |it| it.status.as_u16());
        println!("{} {status} {}", session.request_summary(), session.body_bytes_sent());
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(origin)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: pingora-peer LISTEN ORIGIN");
        std::process::exit(2);
    };
    let mut server = Server::new(None).expect("Pingora starts without a configuration");
    server.bootstrap(); // one worker thread is its default
    let mut service = http_proxy_service(&server.configuration, Proxy { origin });
    service.add_tcp(&listen);
    server.add_service(service);
    server.run_forever();
}
