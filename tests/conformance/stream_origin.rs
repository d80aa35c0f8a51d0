//! A server that speaks HTTP/2 and does for each request what a test says.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use h2::{
    RecvStream, SendStream,
    server::{Builder, SendResponse},
};
use http::{HeaderMap, Request, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::wire::PATIENCE;

/// One request, and the way to answer it.
pub(crate) struct Exchange {
    /// The number of the request among all, and that of its connection.
    pub(crate) number: usize,
    pub(crate) connection: usize,
    pub(crate) request: Request<RecvStream>,
    pub(crate) respond: SendResponse<Bytes>,
}

impl Exchange {
    /// Reads the body to its end.
    pub(crate) async fn body(&mut self) -> Result<(Vec<u8>, Option<HeaderMap>), h2::Error> {
        let body = self.request.body_mut();
        let mut bytes = Vec::new();
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok((bytes, body.trailers().await?))
    }

    /// Answers 200 with this body.
    pub(crate) fn ok(&mut self, body: impl Into<Bytes>) {
        let mut stream = self.begin(Response::new(()));
        stream.send_data(body.into(), true).unwrap();
    }

    /// Sends the head of an answer that has a body.
    pub(crate) fn begin(&mut self, head: Response<()>) -> SendStream<Bytes> {
        self.respond.send_response(head, false).unwrap()
    }
}

/// Answers with what it was sent, as the body and the trailers.
pub(crate) async fn echo(mut exchange: Exchange) {
    let (body, trailers) = exchange.body().await.unwrap();
    let head = Response::builder().header("content-length", body.len()).body(()).unwrap();
    let mut stream = exchange.begin(head);
    stream.send_data(body.into(), trailers.is_none()).unwrap();
    if let Some(trailers) = trailers {
        stream.send_trailers(trailers).unwrap();
    }
}

/// A listening server, and what it has seen.
pub(crate) struct StreamOrigin {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    accepting: AbortHandle,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    closed: AtomicUsize,
    requests: AtomicUsize,
    heads: Mutex<Vec<Request<()>>>,
}

/// How the server is set up beside its script.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) streams: Option<u32>,
    pub(crate) websockets: bool,
}

impl StreamOrigin {
    /// A server without TLS that does for each request what `script` says.
    pub(crate) async fn start<F>(script: impl Fn(Exchange) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::with(Settings::default(), script).await
    }

    pub(crate) async fn with<F>(
        settings: Settings,
        script: impl Fn(Exchange) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, script) = (Arc::new(Seen::default()), Arc::new(script));
        let all = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = all.connections.fetch_add(1, Ordering::SeqCst);
                let (all, script, settings) = (all.clone(), script.clone(), settings.clone());
                tokio::spawn(async move {
                    match &settings.tls {
                        None => serve(number, stream, &settings, &all, &*script).await,
                        Some(tls) => {
                            // A client that does not believe us ends the handshake.
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(number, stream, &settings, &all, &*script).await;
                            }
                        }
                    }
                    all.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen, accepting: accepting.abort_handle() }
    }

    /// Its address without TLS, as routes.toml has it.
    pub(crate) fn url(&self) -> String {
        format!("h2c://{}", self.address)
    }

    /// Connections that were opened.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Heads of the requests that came, in order.
    pub(crate) fn heads(&self) -> Vec<Request<()>> {
        self.seen.heads.lock().unwrap().clone()
    }

    /// How often the target was asked for.
    pub(crate) fn times(&self, path: &str) -> usize {
        self.heads().iter().filter(|it| it.uri().path() == path).count()
    }

    /// Waits until all its connections are closed.
    pub(crate) async fn all_closed(&self) -> bool {
        let closed = async {
            while self.seen.closed.load(Ordering::SeqCst) < self.connections() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, closed).await.is_ok()
    }
}

impl Drop for StreamOrigin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve<F: Future<Output = ()> + Send + 'static>(
    connection: usize,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    settings: &Settings,
    seen: &Seen,
    script: &impl Fn(Exchange) -> F,
) {
    let mut builder = Builder::new();
    if let Some(streams) = settings.streams {
        builder.max_concurrent_streams(streams);
    }
    if settings.websockets {
        builder.enable_connect_protocol();
    }
    let Ok(mut server) = builder.handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = server.accept().await {
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        seen.heads.lock().unwrap().push(head);
        let number = seen.requests.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(script(Exchange { number, connection, request, respond }));
    }
}
