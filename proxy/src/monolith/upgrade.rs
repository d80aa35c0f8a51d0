//! `WebSocket`s and other upgrades: after the monolith's 101 the connection is a tunnel.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper_util::rt::TokioIo;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::error::Chain;

/// The tunnels of one worker thread. They outlive their request, so a drain must wait for them.
#[derive(Debug, Clone, Default)]
pub struct Tunnels {
    open: TaskTracker,
    closing: CancellationToken,
}

/// The protocol that a request asks to switch to, taken before the hop-by-hop fields are stripped.
///
/// Only a GET without a body may ask: a body before the switch could be read as the tunnel's first
/// bytes by one side and as a request by the other.
pub(super) fn requested<B: http_body::Body>(request: &Request<B>) -> Option<HeaderValue> {
    let asks = request.method() == Method::GET
        && request.version() >= Version::HTTP_11
        && request.body().is_end_stream();
    (asks && names_upgrade(request.headers()))
        .then(|| request.headers().get(header::UPGRADE))?
        .cloned()
}

fn names_upgrade(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|it| it.to_str().ok());
    values.flat_map(|it| it.split(',')).any(|it| it.trim().eq_ignore_ascii_case("upgrade"))
}

/// Puts the wish to switch back, for the hop to the monolith.
pub(super) fn ask(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Whether the monolith agreed to switch to what was asked for.
pub(super) fn accepted<B>(response: &Response<B>, asked: &HeaderValue) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        && response
            .headers()
            .get(header::UPGRADE)
            .is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(asked.as_bytes()))
}

impl Tunnels {
    /// Joins the two connections once both have switched, until one side closes or the drain's
    /// deadline ends it.
    pub fn join(&self, client: hyper::upgrade::OnUpgrade, server: hyper::upgrade::OnUpgrade) {
        let closing = self.closing.clone();
        self.open.spawn(async move {
            let joined = async {
                let (client, server) = tokio::try_join!(client, server)?;
                let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                let copied = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                if let Err(error) = copied {
                    tracing::debug!(%error, "tunnel ended");
                }
                Ok::<(), hyper::Error>(())
            };
            tokio::select! {
                () = closing.cancelled() => {}
                result = joined => if let Err(error) = result {
                    tracing::debug!(error = %Chain(&error), "tunnel was not opened");
                },
            }
        });
    }

    /// Waits for the open tunnels, and closes what is left after `limit`.
    pub async fn drain(&self, limit: Duration) {
        self.open.close();
        if tokio::time::timeout(limit, self.open.wait()).await.is_err() {
            self.closing.cancel();
            self.open.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;

    fn request(method: Method, connection: &str, body: Body) -> Request<Body> {
        let builder = Request::builder().method(method).header("upgrade", "websocket");
        builder.header("connection", connection).body(body).unwrap()
    }

    #[test]
    fn only_a_get_without_a_body_that_names_upgrade_may_switch() {
        assert!(requested(&request(Method::GET, "keep-alive, Upgrade", Body::empty())).is_some());
        assert!(requested(&request(Method::GET, "keep-alive", Body::empty())).is_none());
        assert!(requested(&request(Method::POST, "upgrade", Body::empty())).is_none());
        assert!(requested(&request(Method::GET, "upgrade", Body::full("x"))).is_none());
    }

    #[test]
    fn a_switch_to_something_else_is_not_accepted() {
        let asked = HeaderValue::from_static("websocket");
        let answer = |status: u16, protocol: &str| {
            Response::builder().status(status).header("upgrade", protocol).body(()).unwrap()
        };
        assert!(accepted(&answer(101, "WebSocket"), &asked));
        assert!(!accepted(&answer(101, "h2c"), &asked));
        assert!(!accepted(&answer(200, "websocket"), &asked));
    }
}
