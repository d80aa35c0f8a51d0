//! The running proxy: puts the parts together, and takes them apart again in a drain.

mod crew;
mod error;
mod parts;

use std::{
    net::SocketAddr,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use extracted::Extraction;
use prometheus::Registry;
use shadow::Shadow;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::crew::Crew;
pub use self::error::StartError;
use crate::{
    access_line::FlushGuard,
    admin::Admin,
    config::Serve,
    error::Chain,
    events::Events,
    handover::{Offer, Sockets},
    listener::Address,
    listening::Listening,
    metrics::ProxyMetrics,
    recording::Recorder,
    route::Routes,
    sendfile::Roots,
    spans::Spans,
    tls::Certificates,
};

/// The judge gets so long at least: what it has counted must reach the store.
const LAST_LOOK: Duration = Duration::from_secs(1);

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
    recorder: Option<Recorder>,
    spans: Option<Spans>,
    events: Option<Events>,
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
        let recorder = parts::recorder(settings, &registry)?;
        let routes = parts::routes(settings, extractions, recorder.is_some(), &metrics)?;
        let certificates = parts::certificates(settings, &metrics)?;
        let files = Roots::parse(&settings.sendfile).map_err(StartError::Sendfile)?;
        let tracing = parts::tracing(settings, &registry)?;
        let store = parts::store(settings).await?;
        let reports = store.reports();
        let judge =
            Shadow::start(parts::judge(settings), store, &registry).map_err(StartError::Judge)?;
        let mut listening = Listening::take(settings).await?;
        let admin = listening.admin(settings.admin)?;
        let console = Admin::start(admin, registry, reports, routes.clone())
            .map_err(|error| StartError::Listen(Address::Tcp(settings.admin), error))?;
        let drain = CancellationToken::new();
        let log = parts::access_log(&metrics)?;
        let crew = Crew {
            routes: routes.clone(),
            mirror: parts::mirror(settings, &judge, recorder.clone(), &metrics)?,
            live: parts::live(settings, &metrics)?,
            log: log.as_ref().map(|(log, _)| log.clone()),
            certificates: certificates.clone(),
            files,
            tracing: tracing.clone(),
            pinned: parts::pinned(settings, &metrics)?,
            metrics: metrics.clone(),
            drain: drain.clone(),
            settings,
        };
        let (addresses, workers) = crew.start(&mut listening)?;
        let events = parts::events(settings, &metrics)?;
        sweep_regularly(&crew, drain.clone());
        bind_verdicts(&judge, routes.clone(), drain.clone());
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
            drain_limit: parts::drain_limit(settings),
            judge,
            recorder,
            spans: tracing.spans,
            events,
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
        // Handlers have written their last events by now.
        let events = async {
            if let Some(events) = self.events {
                events.drain(left).await;
            }
        };
        tokio::join!(self.judge.drain(left), events);
        if let Some(recorder) = self.recorder {
            recorder.drain(LAST_LOOK).await;
        }
        if let Some(spans) = self.spans {
            spans.drain(LAST_LOOK).await;
        }
        if let Some(console) = self.console {
            console.stop().await;
        }
        tracing::info!("drained");
    }
}

/// Closes idle connections of the judge's own pool, until the drain.
fn sweep_regularly(crew: &Crew<'_>, drain: CancellationToken) {
    let (controls, tables) = (crew.mirror.controls.pool().clone(), crew.routes.clone());
    tokio::spawn(async move {
        drain.run_until_cancelled(controls.sweep_regularly(&tables)).await;
    });
}

/// Tells the judge how routes are judged from now on, and again after each change of the table.
fn bind_verdicts(judge: &Shadow, routes: Routes, drain: CancellationToken) {
    let (judge, mut changes) = (judge.clone(), routes.changes());
    let bind = async move {
        loop {
            routes.current().judged().for_each(|it| judge.bind(it));
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::spawn(async move { drain.run_until_cancelled(bind).await });
}

fn joined(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
