//! A worker thread: its own runtime, sockets and connections to the monolith, nothing shared with
//! its neighbours but the route table and the counters.

use std::time::{Duration, Instant};
use std::{io, net::SocketAddr, pin::pin, sync::Arc, thread};

use futures_util::FutureExt as _;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    dispatch::Backends, downstream::Downstream, error::Chain, listener::accept, route::Routes,
    stack::stack,
};

/// How long a client may take until its next request's head is there, idle time included. Longer
/// than the 60 s after which load balancers drop an idle connection: they must be the side that
/// closes first, or a request of theirs meets a closed connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// When a drain begins, what a client has sent already is still read: for so long.
const LAST_WORDS: Duration = Duration::from_millis(50);

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
        accepting.wait().await;
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
        let stack = stack(self.routes.clone(), Arc::clone(&self.backends), downstream);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(stack))
            .with_upgrades();
        let drain = self.drain.clone();
        connections.spawn(async move {
            let mut connection = pin!(connection);
            let drained = async {
                drain.cancelled().await;
                tokio::time::sleep(LAST_WORDS).await;
            };
            let ended = tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = drained => {
                    // The answer that is under way says `Connection: close`.
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(error = %Chain(&error), "connection ended");
            }
        });
    }

    async fn finish(&self, connections: TaskTracker) {
        let began = Instant::now();
        connections.close();
        if tokio::time::timeout(self.drain_limit, connections.wait()).await.is_err() {
            tracing::warn!(limit = ?self.drain_limit, "drain: connections were cut off");
        }
        // After the connections: the last of them may have become a tunnel.
        let left = self.drain_limit.saturating_sub(began.elapsed());
        self.backends.monolith.tunnels.drain(left).await;
    }
}
