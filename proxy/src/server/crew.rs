//! The worker threads.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    thread::JoinHandle,
};

use tokio_util::sync::CancellationToken;

use super::{StartError, parts::drain_limit};
use crate::{
    accept::Kind,
    access_line::AccessLog,
    config::Serve,
    dispatch::Backends,
    extraction::Extractions,
    layers::trace::Tracing,
    listener::{self, Address},
    listening::Listening,
    metrics::ProxyMetrics,
    mirror::Mirror,
    monolith::{Forward, Monolith},
    route::Routes,
    sendfile::Roots,
    stack::Context,
    tls::Certificates,
    upstream::Upstream,
    worker::Worker,
};

/// What the worker threads are made of.
pub(super) struct Crew<'a> {
    pub(super) routes: Routes,
    pub(super) mirror: Arc<Mirror>,
    pub(super) live: Extractions,
    pub(super) metrics: ProxyMetrics,
    pub(super) certificates: Option<Certificates>,
    /// `--sendfile`.
    pub(super) files: Roots,
    pub(super) tracing: Tracing,
    /// `--monolith`.
    pub(super) pinned: Option<Arc<Upstream>>,
    pub(super) log: Option<AccessLog>,
    pub(super) drain: CancellationToken,
    pub(super) settings: &'a Serve,
}

impl Crew<'_> {
    /// Listens on every address, and starts one worker for each processor.
    pub(super) fn start(
        &self,
        listening: &mut Listening,
    ) -> Result<(Vec<Address>, Vec<JoinHandle<()>>), StartError> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let count = self.settings.workers.map_or(processors, usize::from);
        let mut hands: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
        let mut addresses = Vec::new();
        for listen in &self.settings.listen {
            let kind = Kind {
                scheme: listen.scheme,
                proxy_protocol: listen.proxy_protocol,
                certificates: self.certificates.clone(),
            };
            let (address, dealt) = listening.open(&listen.address, count)?;
            addresses.push(address);
            for (hand, sockets) in hands.iter_mut().zip(dealt) {
                hand.extend(sockets.into_iter().map(|it| (it, kind.clone())));
            }
        }
        let open = Arc::default();
        let mut workers = Vec::with_capacity(count);
        for (index, sockets) in hands.into_iter().enumerate() {
            let worker = self.worker(sockets, &open);
            workers.push(worker.spawn(index).map_err(StartError::Threads)?);
        }
        Ok((addresses, workers))
    }

    fn worker(&self, sockets: Vec<(listener::Socket, Kind)>, open: &Arc<AtomicUsize>) -> Worker {
        Worker {
            sockets,
            open: Arc::clone(open),
            context: Arc::new(Context {
                routes: self.routes.clone(),
                backends: Backends {
                    monolith: Forward { monolith: Monolith::default(), files: self.files.clone() },
                    pinned: self.pinned.clone(),
                    extractions: self.live.clone(),
                    mirror: Arc::clone(&self.mirror),
                    recorder: self.mirror.recorder.clone(),
                },
                unredacted: self.settings.log_unredacted,
                log: self.log.as_ref().map(|log| Arc::new(log.lane())),
                tracing: self.tracing.clone(),
            }),
            trusted: self.settings.trusted_proxy.clone().into(),
            metrics: self.metrics.clone(),
            drain: self.drain.clone(),
            drain_limit: drain_limit(self.settings),
        }
    }
}
