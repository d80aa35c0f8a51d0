//! The running proxy: puts the parts together, and takes them apart again in a drain.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use extracted::Extraction;
use prometheus::Registry;
use shadow::{Shadow, Store, StoreError};
use sqlx::MySqlPool;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    access_line::{AccessLog, FlushGuard},
    admin::Admin,
    config::Serve,
    dispatch::Backends,
    extraction::Extractions,
    listener,
    metrics::ProxyMetrics,
    mirror::Mirror,
    monolith::{Forward, Monolith},
    route::{Compiler, Faults, RouteTable, Routes},
    worker::Worker,
};

/// The judge gets so long at least: what it has counted must reach the store.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Live handlers at once, and the database connections that they may hold.
const LIVE_CONCURRENCY: usize = 32;
/// Candidates at once: few, because a buyer never waits for one.
const CANDIDATE_CONCURRENCY: usize = 8;

/// Why the proxy did not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No monolith, neither on the command line nor in a file.
    #[error(
        "say where the monolith is: --monolith URL, or --routes FILE with a [monolith] section"
    )]
    NoMonolith,
    /// The route file has faults; each of them is in the list.
    #[error("the route file was not accepted; correct it, and try it with `banyan check`")]
    Routes(#[source] Faults),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: is another process there? choose another --listen or --admin")]
    Listen(SocketAddr, #[source] io::Error),
    /// The report store cannot be opened.
    #[error("the report store {0} cannot be opened; check --store")]
    Store(String, #[source] StoreError),
    /// The database URL cannot be read.
    #[error("--database must be mysql://USER:PASSWORD@HOST/NAME")]
    Database(#[source] sqlx::Error),
    /// The judge could not start.
    #[error("the judge could not start")]
    Judge(#[source] shadow::StartError),
    /// The system gave no thread.
    #[error("the system gives no more threads")]
    Threads(#[source] io::Error),
    /// A series was registered twice: a fault of this program.
    #[error("the metrics could not be registered")]
    Metrics(#[source] prometheus::Error),
}

/// A proxy that runs. [`Banyan::drain`] ends it properly; dropping it lets the workers drain with
/// nobody waiting for them.
#[derive(Debug)]
pub struct Banyan {
    /// The addresses that buyers can connect to, with their real ports.
    pub addresses: Vec<SocketAddr>,
    /// The admin listener's address, with its real port.
    pub admin: SocketAddr,
    workers: Vec<JoinHandle<()>>,
    /// Dropping it begins the workers' drain.
    drain: DropGuard,
    drain_delay: Duration,
    drain_limit: Duration,
    judge: Shadow,
    console: Admin,
    /// Writes the last lines when everything else has ended.
    _log: Option<FlushGuard>,
}

impl Banyan {
    /// Starts everything; returns when buyers are served.
    ///
    /// # Errors
    /// Every [`StartError`]; nothing is left running then.
    pub async fn start(
        settings: Serve,
        extractions: &'static [Extraction],
    ) -> Result<Self, StartError> {
        let registry = Registry::new();
        let metrics = ProxyMetrics::register(&registry).map_err(StartError::Metrics)?;
        let routes = routes(&settings, extractions, &metrics)?;
        let store = Store::open(&settings.store)
            .await
            .map_err(|error| StartError::Store(settings.store.clone(), error))?;
        let reports = store.reports();
        let judge = Shadow::start(shadow::Settings::default(), store, &registry)
            .map_err(StartError::Judge)?;

        let console = Admin::start(settings.admin, registry, reports, routes.clone())
            .await
            .map_err(|error| StartError::Listen(settings.admin, error))?;
        let drain = CancellationToken::new();
        // On as `--log` says; nobody listens to tests that install no log.
        let log = tracing::enabled!(target: "access", tracing::Level::INFO)
            .then(|| AccessLog::start(io::stderr()))
            .transpose()
            .map_err(StartError::Threads)?;
        let crew = Crew {
            routes,
            mirror: mirror(&settings, &judge, &metrics)?,
            live: handlers("extraction", LIVE_CONCURRENCY, &settings)?,
            log: log.as_ref().map(|(log, _)| log.clone()),
            metrics,
            drain: drain.clone(),
            settings: &settings,
        };
        let (addresses, workers) = crew.start()?;
        console.ready();
        tracing::info!(?addresses, admin = %console.address, "serving");
        Ok(Self {
            addresses,
            admin: console.address,
            workers,
            drain: drain.drop_guard(),
            drain_delay: Duration::from_secs(settings.drain_delay.into()),
            drain_limit: drain_limit(&settings),
            judge,
            console,
            _log: log.map(|(_, guard)| guard),
        })
    }

    /// Readiness fails first, for as long as the load balancer needs to see it; then open requests
    /// get their time, the judge finishes what it holds in what is left of it, and everything ends.
    pub async fn drain(self) {
        self.console.not_ready();
        tokio::time::sleep(self.drain_delay).await;
        let began = Instant::now();
        drop(self.drain);
        let workers = self.workers;
        let ended = tokio::task::spawn_blocking(move || {
            workers.into_iter().map(JoinHandle::join).filter(Result::is_err).count()
        });
        if ended.await.is_ok_and(|panicked| panicked > 0) {
            tracing::error!("a worker thread had panicked");
        }
        let left = self.drain_limit.saturating_sub(began.elapsed()).max(LAST_LOOK);
        self.judge.drain(left).await;
        self.console.stop().await;
        tracing::info!("drained");
    }
}

fn drain_limit(settings: &Serve) -> Duration {
    Duration::from_secs(settings.drain_timeout.into())
}

/// The route table: watched where there is a file, fixed where there is none.
fn routes(
    settings: &Serve,
    extractions: &'static [Extraction],
    metrics: &ProxyMetrics,
) -> Result<Routes, StartError> {
    let routes = match &settings.routes {
        Some(file) => {
            Routes::watch(file.clone(), Compiler { extractions, metrics: metrics.clone() })
                .map_err(StartError::Routes)?
        }
        None => Routes::fixed(RouteTable::pass_through(metrics)),
    };
    if settings.monolith.is_none() && routes.current().monolith.is_none() {
        return Err(StartError::NoMonolith);
    }
    Ok(routes)
}

/// A runtime for handlers with its own connections to the monolith's database.
fn handlers(name: &str, concurrency: usize, settings: &Serve) -> Result<Extractions, StartError> {
    let connections = u32::try_from(concurrency).unwrap_or(u32::MAX);
    let url = settings.database.as_ref();
    let database: Option<MySqlPool> = url
        .map(|url| extracted::rails::database::pool(url.expose(), connections))
        .transpose()
        .map_err(StartError::Database)?;
    Extractions::start(name, 2, concurrency, database).map_err(StartError::Threads)
}

fn mirror(settings: &Serve, judge: &Shadow, metrics: &ProxyMetrics) -> Result<Mirror, StartError> {
    Ok(Mirror {
        judge: judge.clone(),
        candidates: handlers("candidate", CANDIDATE_CONCURRENCY, settings)?,
        controls: Monolith::new(metrics.clone()),
    })
}

/// What the worker threads are made of.
struct Crew<'a> {
    routes: Routes,
    mirror: Mirror,
    live: Extractions,
    metrics: ProxyMetrics,
    log: Option<AccessLog>,
    drain: CancellationToken,
    settings: &'a Serve,
}

impl Crew<'_> {
    /// Listens on every address, and starts one worker for each processor.
    fn start(&self) -> Result<(Vec<SocketAddr>, Vec<JoinHandle<()>>), StartError> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let count = self.settings.workers.map_or(processors, usize::from);
        let mut listeners = Vec::new();
        for address in &self.settings.listen {
            let bound = listener::bind(address.0, count)
                .map_err(|error| StartError::Listen(address.0, error))?;
            listeners.push(bound);
        }
        let addresses = listeners.iter().map(|it| it.address).collect();
        let mut workers = Vec::with_capacity(count);
        for index in 0..count {
            let sockets = listeners.iter_mut().filter_map(|it| it.sockets.pop()).collect();
            workers.push(self.worker(sockets).spawn(index).map_err(StartError::Threads)?);
        }
        Ok((addresses, workers))
    }

    fn worker(&self, sockets: Vec<std::net::TcpListener>) -> Worker {
        let monolith = Monolith::new(self.metrics.clone());
        Worker {
            sockets,
            routes: self.routes.clone(),
            backends: Arc::new(Backends {
                monolith: Forward { monolith },
                pinned: self.settings.monolith.clone(),
                extractions: self.live.clone(),
                mirror: self.mirror.clone(),
            }),
            trusted: self.settings.trusted_proxy.clone().into(),
            log: self.log.as_ref().map(AccessLog::lane),
            metrics: self.metrics.clone(),
            drain: self.drain.clone(),
            drain_limit: drain_limit(self.settings),
        }
    }
}
