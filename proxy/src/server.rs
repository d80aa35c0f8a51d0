//! The running proxy: puts the parts together, and takes them apart again in a drain.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use extracted::Extraction;
use prometheus::Registry;
use shadow::{Shadow, Store, StoreError};
use sqlx::MySqlPool;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    accept::Kind,
    access_line::{AccessLog, FlushGuard},
    admin::Admin,
    config::{Scheme, Serve},
    dispatch::Backends,
    error::Chain,
    extraction::{Extractions, JobQueue, LIVE_CONCURRENCY, RedisQueue},
    handover::{HandoverError, Offer, Sockets, SystemdError},
    layers::trace::Tracing,
    listener::{self, Address},
    listening::Listening,
    metrics::ProxyMetrics,
    mirror::Mirror,
    monolith::{Forward, Monolith},
    route::{Compiler, Faults, RouteTable, Routes},
    sendfile::{RootError, Roots},
    spans::{self, Spans},
    stack::Context,
    tls::{self, Certificates, ClientAuth, PairFiles, TlsError},
    upstream::{self, Endpoint, ServerAddr, Trust, Upstream},
    worker::Worker,
};

/// The judge gets so long at least: what it has counted must reach the store.
const LAST_LOOK: Duration = Duration::from_secs(1);

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
    Listen(Address, #[source] io::Error),
    /// The running process did not hand its sockets over.
    #[error("the running process has not handed its sockets over; it serves on")]
    Handover(#[source] HandoverError),
    /// systemd's sockets are not those of the settings.
    #[error("systemd's sockets cannot be used")]
    Systemd(#[source] SystemdError),
    /// The certificates cannot be used.
    #[error("the certificates cannot be used")]
    Tls(#[source] TlsError),
    /// A directory of files cannot be used.
    #[error(transparent)]
    Sendfile(RootError),
    /// No spans can be exported.
    #[error("--otlp cannot be used")]
    Otlp(#[source] spans::StartError),
    /// Nobody is believed to be the monolith.
    #[error("the certificates of --monolith cannot be checked")]
    Trust(#[source] TlsError),
    /// Not as many keys as certificates.
    #[error("give --tls-key once for each --tls-cert, in the same order")]
    TlsPairs,
    /// The report store cannot be opened.
    #[error("the report store {0} cannot be opened; check --store")]
    Store(String, #[source] StoreError),
    /// The database URL cannot be read.
    #[error("--database must be mysql://USER:PASSWORD@HOST/NAME")]
    Database(#[source] sqlx::Error),
    /// The Redis URL cannot be read.
    #[error("--redis must be redis://:PASSWORD@HOST:PORT/NUMBER, without what is the default")]
    Redis(#[source] redis::RedisError),
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
    /// Where buyers can connect, with the real ports.
    pub addresses: Vec<Address>,
    /// The admin listener's address, with its real port.
    pub admin: SocketAddr,
    workers: Vec<JoinHandle<()>>,
    /// Dropping it begins the workers' drain.
    drain: DropGuard,
    drain_delay: Duration,
    drain_limit: Duration,
    judge: Shadow,
    spans: Option<Spans>,
    /// `None` once a successor answers in its place.
    console: Option<Admin>,
    routes: Routes,
    certificates: Option<Certificates>,
    metrics: ProxyMetrics,
    /// All sockets, while the workers accept from clones of them: for a successor, or for nobody.
    offer: Option<Offer>,
    sockets: Option<Sockets>,
    /// Writes the last lines when everything else has ended.
    _log: Option<FlushGuard>,
}

impl Banyan {
    /// Starts everything; returns when buyers are served.
    ///
    /// # Errors
    /// Every [`StartError`]; nothing is left running then, and a process that was to be succeeded
    /// serves on.
    pub async fn start(
        settings: &Serve,
        extractions: &'static [Extraction],
    ) -> Result<Self, StartError> {
        let registry = Registry::new();
        let metrics = ProxyMetrics::register(&registry).map_err(StartError::Metrics)?;
        let routes = routes(settings, extractions, &metrics)?;
        let certificates = certificates(settings, &metrics)?;
        let files = Roots::parse(&settings.sendfile).map_err(StartError::Sendfile)?;
        let tracing = tracing(settings, &registry)?;
        let store = Store::open(&settings.store)
            .await
            .map_err(|error| StartError::Store(settings.store.clone(), error))?;
        let reports = store.reports();
        let judge = Shadow::start(shadow::Settings::default(), store, &registry)
            .map_err(StartError::Judge)?;
        let mut listening = Listening::take(settings).await?;
        let admin = listening.admin(settings.admin)?;
        let console = Admin::start(admin, registry, reports, routes.clone())
            .map_err(|error| StartError::Listen(Address::Tcp(settings.admin), error))?;
        let drain = CancellationToken::new();
        // On as `--log` says; nobody listens to tests that install no log.
        let log = tracing::enabled!(target: "access", tracing::Level::INFO)
            .then(|| AccessLog::start(io::stderr(), metrics.log_lines_dropped()))
            .transpose()
            .map_err(StartError::Threads)?;
        let pinned = pinned(settings, &metrics)?;
        let crew = Crew {
            routes: routes.clone(),
            mirror: mirror(settings, &judge, &metrics)?,
            live: live(settings, &metrics)?,
            log: log.as_ref().map(|(log, _)| log.clone()),
            certificates: certificates.clone(),
            files,
            tracing: tracing.clone(),
            pinned,
            metrics: metrics.clone(),
            drain: drain.clone(),
            settings,
        };
        let (addresses, workers) = crew.start(&mut listening)?;
        let (controls, tables) = (crew.mirror.controls.pool().clone(), routes.clone());
        let ended = drain.clone();
        tokio::spawn(async move {
            ended.run_until_cancelled(controls.sweep_regularly(&tables)).await;
        });
        let drain = drain.drop_guard();
        console.ready();
        let (offer, sockets) = listening.keep().await?;
        tracing::info!(addresses = %joined(&addresses), admin = %console.address, "serving");
        Ok(Self {
            addresses,
            admin: console.address,
            workers,
            drain,
            drain_delay: Duration::from_secs(settings.drain_delay.into()),
            drain_limit: drain_limit(settings),
            judge,
            spans: tracing.spans,
            console: Some(console),
            routes,
            certificates,
            metrics,
            offer,
            sockets,
            _log: log.map(|(_, guard)| guard),
        })
    }

    /// Reads the route file and the certificates again; what is bad changes nothing.
    pub fn reload(&self) {
        self.routes.look_again();
        let Some(certificates) = &self.certificates else { return };
        match certificates.reload() {
            Ok(changed) => {
                self.metrics.certificates(&certificates.expiries());
                tracing::info!(?changed, "certificates read");
            }
            Err(error) => {
                let error = Chain(&error);
                tracing::error!(%error, "certificates rejected, the last good ones stay");
            }
        }
    }

    /// What a successor is given, where there is an upgrade socket: once.
    pub fn offer(&mut self) -> Option<Offer> {
        self.offer.take()
    }

    /// Readiness fails first, for as long as the load balancer needs to see it; then open requests
    /// get their time, the judge finishes what it holds in what is left of it, and everything ends.
    pub async fn drain(self) {
        if let Some(console) = &self.console {
            console.not_ready();
        }
        tokio::time::sleep(self.drain_delay).await;
        self.end().await;
    }

    /// The same where a successor has taken over: whoever asks is to be answered by that.
    pub async fn retire(mut self) {
        if let Some(console) = self.console.take() {
            console.stop().await;
        }
        self.end().await;
    }

    async fn end(self) {
        drop(self.offer);
        drop(self.sockets);
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
        if let Some(spans) = self.spans {
            spans.drain(LAST_LOOK).await;
        }
        if let Some(console) = self.console {
            console.stop().await;
        }
        tracing::info!("drained");
    }
}

fn joined(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The certificates, if there is a listener that needs them.
fn certificates(
    settings: &Serve,
    metrics: &ProxyMetrics,
) -> Result<Option<Certificates>, StartError> {
    if settings.tls_cert.len() != settings.tls_key.len() {
        return Err(StartError::TlsPairs);
    }
    if settings.listen.iter().all(|it| it.scheme != Scheme::Https) {
        return Ok(None);
    }
    let pairs = settings.tls_cert.iter().zip(&settings.tls_key);
    let client_auth = settings.tls_client_ca.as_ref().map(|ca_file| ClientAuth {
        ca_file: ca_file.clone(),
        required: settings.tls_client_required,
    });
    let files = tls::Settings {
        pairs: pairs
            .map(|(cert, key)| PairFiles { cert: cert.clone(), key: key.clone() })
            .collect(),
        client_auth,
    };
    let certificates = Certificates::load(files).map_err(StartError::Tls)?;
    metrics.certificates(&certificates.expiries());
    Ok(Some(certificates))
}

fn tracing(settings: &Serve, registry: &Registry) -> Result<Tracing, StartError> {
    let service_name = settings.otlp_service.clone();
    let collector = settings.otlp.clone();
    let spans = collector
        .map(|collector| Spans::start(&spans::Settings { collector, service_name }, registry))
        .transpose()
        .map_err(StartError::Otlp)?;
    Ok(Tracing { sample: settings.trace_sample, spans })
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
            let compiler = Compiler { extractions, metrics: metrics.clone() };
            Routes::watch(file.clone(), compiler, settings.monolith.is_some())
                .map_err(StartError::Routes)?
        }
        None => Routes::fixed(RouteTable::pass_through(metrics)),
    };
    if settings.monolith.is_none() && routes.current().monolith.is_none() {
        return Err(StartError::NoMonolith);
    }
    Ok(routes)
}

/// `--monolith`: servers behind TLS must have a certificate of the system's CAs.
fn pinned(settings: &Serve, metrics: &ProxyMetrics) -> Result<Option<Arc<Upstream>>, StartError> {
    let server = match &settings.monolith {
        None => return Ok(None),
        Some(ServerAddr::Clear(address)) => Endpoint::Clear(address.clone()),
        Some(ServerAddr::Tls(address)) => {
            let trust = Trust::load(None, None).map_err(StartError::Trust)?;
            Endpoint::Tls(address.clone(), trust)
        }
    };
    let settings = upstream::Settings::new(vec![server]);
    Ok(Some(Upstream::new("pinned", settings, None, metrics.upstreams())))
}

/// The handlers that answer buyers.
fn live(settings: &Serve, metrics: &ProxyMetrics) -> Result<Extractions, StartError> {
    let queue = settings.redis.as_ref().map(|it| RedisQueue::new(it.expose())).transpose();
    let queue = queue.map_err(StartError::Redis)?.map(|it| Arc::new(it) as Arc<dyn JobQueue>);
    handlers("extraction", LIVE_CONCURRENCY, queue, settings, metrics)
}

/// A runtime for handlers with its own connections to the monolith's database.
fn handlers(
    name: &str,
    concurrency: usize,
    jobs: Option<Arc<dyn JobQueue>>,
    settings: &Serve,
    metrics: &ProxyMetrics,
) -> Result<Extractions, StartError> {
    let connections = u32::try_from(concurrency).unwrap_or(u32::MAX);
    let url = settings.database.as_ref();
    let database: Option<MySqlPool> = url
        .map(|url| extracted::rails::database::pool(url.expose(), connections))
        .transpose()
        .map_err(StartError::Database)?;
    let metrics = metrics.extractions();
    Extractions::start(name, 2, concurrency, database, jobs, metrics).map_err(StartError::Threads)
}

fn mirror(settings: &Serve, judge: &Shadow, metrics: &ProxyMetrics) -> Result<Mirror, StartError> {
    Ok(Mirror {
        judge: judge.clone(),
        candidates: handlers("candidate", CANDIDATE_CONCURRENCY, None, settings, metrics)?,
        controls: Monolith::new(metrics.clone()),
    })
}

/// What the worker threads are made of.
struct Crew<'a> {
    routes: Routes,
    mirror: Mirror,
    live: Extractions,
    metrics: ProxyMetrics,
    certificates: Option<Certificates>,
    /// `--sendfile`.
    files: Roots,
    tracing: Tracing,
    /// `--monolith`.
    pinned: Option<Arc<Upstream>>,
    log: Option<AccessLog>,
    drain: CancellationToken,
    settings: &'a Serve,
}

impl Crew<'_> {
    /// Listens on every address, and starts one worker for each processor.
    fn start(
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
        let monolith = Monolith::new(self.metrics.clone());
        Worker {
            sockets,
            open: Arc::clone(open),
            context: Arc::new(Context {
                routes: self.routes.clone(),
                backends: Backends {
                    monolith: Forward { monolith, files: self.files.clone() },
                    pinned: self.pinned.clone(),
                    extractions: self.live.clone(),
                    mirror: self.mirror.clone(),
                },
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
