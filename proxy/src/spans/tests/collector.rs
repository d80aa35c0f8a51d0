//! A collector in the test's own process: it shows each request to the test, which answers it.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message as _;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::LIMIT;

pub(super) struct Collector {
    exchanges: mpsc::UnboundedReceiver<Exchange>,
    _server: AbortOnDropHandle<()>,
}

/// A request to the collector, which waits for its answer.
pub(super) struct Exchange {
    pub(super) headers: HeaderMap,
    request: ExportTraceServiceRequest,
    answer: oneshot::Sender<Response>,
}

impl Collector {
    pub(super) fn serve(listener: TcpListener) -> Self {
        async fn traces(
            State(seen): State<mpsc::UnboundedSender<Exchange>>,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let (answer, answered) = oneshot::channel();
            seen.send(Exchange { headers, request, answer }).unwrap();
            answered.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        let (seen, exchanges) = mpsc::unbounded_channel();
        let router = Router::new().route("/v1/traces", post(traces)).with_state(seen);
        let server = async move { axum::serve(listener, router).await.unwrap() };
        Self { exchanges, _server: AbortOnDropHandle::new(tokio::spawn(server)) }
    }

    /// The next request, which waits.
    pub(super) async fn next(&mut self) -> Exchange {
        timeout(LIMIT, self.exchanges.recv()).await.expect("no request came").unwrap()
    }

    /// The next batch, which is taken.
    pub(super) async fn take(&mut self) -> Vec<Span> {
        spans_of(self.next().await.answer(StatusCode::OK))
    }
}

impl Exchange {
    pub(super) fn answer(self, with: impl IntoResponse) -> ExportTraceServiceRequest {
        self.answer.send(with.into_response()).unwrap();
        self.request
    }
}

pub(super) fn spans_of(request: ExportTraceServiceRequest) -> Vec<Span> {
    let scopes = request.resource_spans.into_iter().flat_map(|it| it.scope_spans);
    scopes.flat_map(|it| it.spans).collect()
}
