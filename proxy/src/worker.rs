//! A worker thread: its own runtime, sockets and connections to the monolith, nothing shared with
//! its neighbours but the route table and the counters.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::FutureExt as _;
use ipnet::IpNet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accept::{self, Accepted, Kind},
    downstream::Downstream,
    h1::server::{Serving, serve},
    h2,
    io::Socket,
    limits::Limit,
    listener::{self, Listener},
    metrics::ProxyMetrics,
    stack::{Context, stack},
};

/// What a worker serves with.
#[derive(Debug)]
pub struct Worker {
    /// Where it accepts, and what is spoken there.
    pub sockets: Vec<(listener::Socket, Kind)>,
    /// Connections of clients, in the whole process.
    pub open: Arc<AtomicUsize>,
    /// What requests are answered with.
    pub context: Arc<Context>,
    /// The hops whose word we take.
    pub trusted: Arc<[IpNet]>,
    /// What it counts.
    pub metrics: ProxyMetrics,
    /// Cancelled when the worker shall take no more connections and finish those it has.
    pub drain: CancellationToken,
    /// How long the finishing may take.
    pub drain_limit: Duration,
}

impl Worker {
    /// Starts the thread; it ends when the drain is over.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn spawn(self, index: usize) -> io::Result<thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            if let Err(error) = runtime.block_on(self.serve()) {
                tracing::error!(%error, "a worker could not listen");
            }
        })
    }

    async fn serve(mut self) -> io::Result<()> {
        let (accepting, connections) = (TaskTracker::new(), TaskTracker::new());
        let sockets = std::mem::take(&mut self.sockets);
        let worker = Arc::new(self);
        for (socket, kind) in sockets {
            let listener = Listener::on(socket)?;
            accepting.spawn(Arc::clone(&worker).accept_all(listener, kind, connections.clone()));
        }
        accepting.close();
        let pool = worker.context.backends.monolith.monolith.pool();
        let sweeping = pool.sweep_regularly(&worker.context.routes);
        tokio::select! {
            () = accepting.wait() => {}
            () = sweeping => {}
        }
        worker.finish(connections).await;
        Ok(())
    }

    /// Accepts until the drain begins; then takes what the kernel has queued already, since closing
    /// the socket would reset those buyers.
    async fn accept_all(self: Arc<Self>, listener: Listener, kind: Kind, connections: TaskTracker) {
        let kind = Arc::new(kind);
        loop {
            tokio::select! {
                biased;
                () = self.drain.cancelled() => break,
                (socket, peer) = listener.accept() => {
                    self.connected(socket, peer, &kind, &connections);
                }
            }
        }
        while let Some((socket, peer)) = listener.accept().now_or_never() {
            self.connected(socket, peer, &kind, &connections);
        }
    }

    fn connected(
        self: &Arc<Self>,
        socket: Socket,
        peer: SocketAddr,
        kind: &Arc<Kind>,
        connections: &TaskTracker,
    ) {
        let open = Open::one_more(&self.open);
        if open.count > self.context.routes.policy().limits.connections {
            self.metrics.limited(Limit::Connections);
            return;
        }
        let worker = Arc::clone(self);
        if kind.is_plain() {
            connections.spawn(async move {
                worker.serve_one(Accepted::plain(socket), peer).await;
                drop(open);
            });
            return;
        }
        let kind = Arc::clone(kind);
        connections.spawn(async move {
            let limit = worker.context.routes.policy().timeouts.handshake;
            match accept::accepted(socket, &kind, limit).await {
                Ok(accepted) => worker.serve_one(accepted, peer).await,
                Err(error) => {
                    if matches!(error, accept::AcceptError::Timeout(_)) {
                        worker.metrics.limited(Limit::Handshake);
                    }
                    accept::log(&error);
                }
            }
            drop(open);
        });
    }

    async fn serve_one(&self, accepted: Accepted, peer: SocketAddr) {
        let Accepted { reader, write, client, h2, tls, shown } = accepted;
        let downstream = Arc::new(Downstream::new(client.unwrap_or(peer), tls, &self.trusted));
        let routes = self.context.routes.clone();
        // A hop that is believed who its client is, is believed for which host it asks too.
        let shown = shown.filter(|_| !downstream.trusted);
        let service = stack(Arc::clone(&self.context), downstream, shown);
        let drain = self.drain.clone();
        let policy = move || routes.policy();
        let metrics = self.metrics.clone();
        let serving = Serving { service, policy, metrics, drain };
        if h2 {
            return Box::pin(h2::server::serve(reader, write, serving)).await;
        }
        serve(reader, write, serving).await;
    }

    async fn finish(&self, connections: TaskTracker) {
        connections.close();
        if tokio::time::timeout(self.drain_limit, connections.wait()).await.is_err() {
            tracing::warn!(limit = ?self.drain_limit, "drain: connections were cut off");
        }
    }
}

/// One open connection; it counts until it is dropped.
struct Open {
    all: Arc<AtomicUsize>,
    /// With this one.
    count: usize,
}

impl Open {
    fn one_more(all: &Arc<AtomicUsize>) -> Self {
        Self { count: all.fetch_add(1, Ordering::Relaxed) + 1, all: Arc::clone(all) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}
