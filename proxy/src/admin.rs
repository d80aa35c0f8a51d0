//! The admin listener: health, metrics and the pages. Read-only, and not for the internet.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use dashboards::{LiveRoute, LiveRoutes, LiveTable};
use prometheus::{Registry, TextEncoder};
use shadow::Reports;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::Side,
    route::{Candidate, Plan, Route, Routes},
};

/// How long a stop waits for requests that are under way.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// The running admin listener.
#[derive(Debug)]
pub struct Admin {
    /// Where it listens, with its real port.
    pub address: SocketAddr,
    ready: Arc<AtomicBool>,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Admin {
    /// Starts to answer: `/healthz`, `/readyz`, `/metrics`, and the pages at `/`.
    ///
    /// # Errors
    /// When `listener` is none.
    pub fn start(
        listener: std::net::TcpListener,
        registry: Registry,
        reports: Reports,
        routes: Routes,
    ) -> io::Result<Self> {
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let ready = Arc::new(AtomicBool::new(false));
        let stop = CancellationToken::new();
        let app = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz).with_state(Arc::clone(&ready)))
            .route("/metrics", get(metrics).with_state(registry))
            .merge(dashboards::pages(reports, Arc::new(Live(routes))));
        let stopped = stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stopped);
            if let Err(error) = served.await {
                tracing::error!(%error, "the admin listener ended");
            }
        });
        Ok(Self { address, ready, stop, server })
    }

    /// From now on `/readyz` says 200: buyers are served.
    pub fn ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// From now on `/readyz` says 503, so that no new buyers are sent here.
    pub fn not_ready(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }

    /// Finishes open requests, but waits for no client that is slow, and closes the listener.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if timeout(STOP_LIMIT, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

async fn readyz(State(ready): State<Arc<AtomicBool>>) -> impl IntoResponse {
    if ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn metrics(State(registry): State<Registry>) -> impl IntoResponse {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([("content-type", prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics: {error}\n")).into_response()
        }
    }
}

/// The route table in force, as the pages show it.
#[derive(Debug)]
struct Live(Routes);

impl LiveRoutes for Live {
    fn table(&self) -> LiveTable {
        let (table, status) = (self.0.current(), self.0.status());
        LiveTable {
            generation: status.generation,
            hash: table.hash.clone(),
            loaded_at: status.loaded_at.into(),
            last_rejected: status.rejected.map(|it| it.faults.to_string()),
            routes: table.routes().map(|it| live(it)).collect(),
        }
    }
}

fn live(route: &Route) -> LiveRoute {
    let (extraction, candidate) = match &route.plan {
        Plan::Monolith | Plan::Upstream => (None, None),
        Plan::Shadow { candidate: Candidate::Upstream(it), .. } => (None, Some(it.name())),
        Plan::Shadow { candidate: Candidate::Extraction(it), .. }
        | Plan::Extracted { extraction: it, .. } => (Some(it.id), None),
    };
    LiveRoute {
        id: route.id.to_string(),
        methods: route.methods.names().map(str::to_owned).collect(),
        path: route.pattern.to_string(),
        stage: route.plan.stage(),
        extraction: extraction.map(str::to_owned),
        candidate: candidate.map(str::to_owned),
        by_monolith: route.metrics.answered_by(Side::Monolith),
        by_extraction: route.metrics.answered_by(Side::Extraction),
        fallbacks: route.metrics.fallbacks(),
        failed: route.metrics.failed(),
        breaker: route.guard.as_ref().map(|it| it.breaker().label()),
    }
}
