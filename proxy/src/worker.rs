//! A worker thread: its own runtime, sockets and connections to the monolith, nothing shared with
//! its neighbours but the route table and the counters.

use std::{io, net::SocketAddr, sync::Arc, thread, time::Duration};

use bytes::BytesMut;
use futures_util::FutureExt as _;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access_line::Lane,
    dispatch::Backends,
    downstream::Downstream,
    h1::server::{Serving, serve},
    io::Socket,
    listener::accept,
    metrics::ProxyMetrics,
    route::Routes,
    stack::stack,
};

/// How often connections to servers are closed that nobody needs any more.
const SWEEP: Duration = Duration::from_secs(5);

/// What a worker serves with.
#[derive(Debug)]
pub struct Worker {
    /// One socket for each address that is listened on.
    pub sockets: Vec<std::net::TcpListener>,
    /// Who answers.
    pub routes: Routes,
    /// How they are reached.
    pub backends: Arc<Backends>,
    /// The hops whose word we take.
    pub trusted: Arc<[IpNet]>,
    /// Where its requests are logged; `None` where no access log is wanted.
    pub log: Option<Lane>,
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
        for socket in sockets {
            let listener = TcpListener::from_std(socket)?;
            accepting.spawn(Arc::clone(&worker).accept_all(listener, connections.clone()));
        }
        accepting.close();
        let pool = worker.backends.monolith.monolith.pool().clone();
        let sweeping = async {
            loop {
                tokio::time::sleep(SWEEP).await;
                pool.sweep(worker.routes.current().policy.timeouts.pool_idle);
            }
        };
        tokio::select! {
            () = accepting.wait() => {}
            () = sweeping => {}
        }
        worker.finish(connections).await;
        Ok(())
    }

    /// Accepts until the drain begins; then takes what the kernel has queued already, since closing
    /// the socket would reset those buyers.
    async fn accept_all(self: Arc<Self>, listener: TcpListener, connections: TaskTracker) {
        loop {
            tokio::select! {
                biased;
                () = self.drain.cancelled() => break,
                (stream, peer) = accept(&listener) => self.connected(stream, peer, &connections),
            }
        }
        while let Some((stream, peer)) = accept(&listener).now_or_never() {
            self.connected(stream, peer, &connections);
        }
    }

    fn connected(&self, stream: TcpStream, peer: SocketAddr, connections: &TaskTracker) {
        let downstream = Downstream::new(peer, &self.trusted);
        let (routes, backends) = (self.routes.clone(), Arc::clone(&self.backends));
        let serving = Serving {
            service: stack(routes.clone(), backends, downstream, self.log.clone()),
            policy: move || routes.current().policy,
            metrics: self.metrics.clone(),
            drain: self.drain.clone(),
        };
        connections.spawn(serve(Socket::Tcp(stream), BytesMut::new(), serving));
    }

    async fn finish(&self, connections: TaskTracker) {
        connections.close();
        if tokio::time::timeout(self.drain_limit, connections.wait()).await.is_err() {
            tracing::warn!(limit = ?self.drain_limit, "drain: connections were cut off");
        }
    }
}
