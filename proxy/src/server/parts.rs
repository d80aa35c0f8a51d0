//! The parts of a running proxy, as the settings want them.

use std::{io, sync::Arc, time::Duration};

use extracted::{Extraction, rails::job::Namespace};
use prometheus::Registry;
use shadow::{MonolithVersion, Shadow, Store};
use sqlx::MySqlPool;

use super::StartError;
use crate::{
    access_line::{AccessLog, FlushGuard},
    build,
    config::{Scheme, Secret, Serve},
    events::{self, Events},
    extraction::{Callers, Extractions, LIVE_CONCURRENCY, RedisQueue, Surroundings},
    layers::trace::Tracing,
    metrics::ProxyMetrics,
    mirror::{Complaints, Mirror},
    monolith::Monolith,
    recording::Recorder,
    route::{CommandLine, Compiler, RouteTable, Routes},
    spans::{self, Spans},
    tls::{self, Certificates, ClientAuth, PairFiles},
    upstream::Upstream,
    visitor::Visitors,
};

/// Candidates at once: few, because a buyer never waits for one.
const CANDIDATE_CONCURRENCY: usize = 8;

/// Those that are asked, and those that have answered and are still being rolled back: otherwise a
/// judge that has much to catch up with would be turned away, and drop what it could have judged.
const CANDIDATE_PERMITS: usize = 2 * CANDIDATE_CONCURRENCY;

/// The certificates, if there is a listener that needs them.
pub(super) fn certificates(
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

pub(super) fn tracing(settings: &Serve, registry: &Registry) -> Result<Tracing, StartError> {
    let service_name = settings.otlp_service.clone();
    let collector = settings.otlp.clone();
    let spans = collector
        .map(|collector| Spans::start(&spans::Settings { collector, service_name }, registry))
        .transpose()
        .map_err(StartError::Otlp)?;
    Ok(Tracing { sample: settings.trace_sample, spans })
}

pub(super) fn drain_limit(settings: &Serve) -> Duration {
    Duration::from_secs(settings.drain_timeout.into())
}

/// The route table: watched where there is a file, fixed where there is none.
pub(super) fn routes(
    settings: &Serve,
    extractions: &'static [Extraction],
    records: bool,
    metrics: &ProxyMetrics,
) -> Result<Routes, StartError> {
    let routes = match &settings.routes {
        Some(file) => {
            let compiler = Compiler { extractions, metrics: metrics.clone() };
            let pinned = settings.monolith.is_some();
            let told = CommandLine { pinned, records };
            Routes::watch(file.clone(), compiler, told).map_err(StartError::Routes)?
        }
        None => Routes::fixed(RouteTable::pass_through(metrics)),
    };
    if settings.monolith.is_none() && routes.current().monolith.is_none() {
        return Err(StartError::NoMonolith);
    }
    Ok(routes)
}

/// `--monolith`.
pub(super) fn pinned(
    settings: &Serve,
    metrics: &ProxyMetrics,
) -> Result<Option<Arc<Upstream>>, StartError> {
    let server = settings.monolith.as_ref();
    let pinned = server.map(|it| Upstream::pinned(it, metrics.upstreams())).transpose();
    pinned.map_err(StartError::Trust)
}

/// The handlers that answer buyers.
pub(super) fn live(settings: &Serve, metrics: &ProxyMetrics) -> Result<Extractions, StartError> {
    let namespace = Namespace::new(settings.redis_namespace.as_deref());
    let redis = settings.redis.as_ref().map(|it| RedisQueue::new(it.expose(), namespace));
    let queue = redis.transpose().map_err(StartError::Redis)?;
    handlers(Callers::Buyers, [LIVE_CONCURRENCY; 2], queue, settings, metrics)
}

/// The relay of events, where there is a Kafka for them.
pub(super) fn events(
    settings: &Serve,
    metrics: &ProxyMetrics,
) -> Result<Option<Events>, StartError> {
    let (Some(brokers), Some(database)) = (&settings.kafka, &settings.database) else {
        return Ok(None);
    };
    // Of the pool only its options are used: the relay's connections are its own.
    let database = extracted::rails::database::pool(database.expose(), 1);
    let settings = events::Settings {
        brokers: brokers.clone(),
        prefix: settings.kafka_topic_prefix.clone().unwrap_or_default(),
    };
    let database = database.map_err(StartError::Database)?;
    let events = Events::start(settings, &database, metrics.events().clone());
    events.map(Some).map_err(StartError::Threads)
}

/// The access log: on as `--log` says; nobody listens to tests that install no log.
pub(super) fn access_log(
    metrics: &ProxyMetrics,
) -> Result<Option<(AccessLog, FlushGuard)>, StartError> {
    ::tracing::enabled!(target: "access", ::tracing::Level::INFO)
        .then(|| AccessLog::start(io::stderr(), metrics.log_lines_dropped()))
        .transpose()
        .map_err(StartError::Threads)
}

/// Where the judge keeps what it finds.
pub(super) async fn store(settings: &Serve) -> Result<Store, StartError> {
    let secret = settings.redaction_key.as_ref().map(Secret::expose);
    let store = Store::open_or_wait(&settings.store, secret).await;
    store.map_err(|error| StartError::Store(Store::name(&settings.store), error))
}

/// The way to the recordings, where the settings name a folder and a key for them.
pub(super) fn recorder(
    settings: &Serve,
    registry: &Registry,
) -> Result<Option<Recorder>, StartError> {
    let settings = settings.recordings.settings().map_err(StartError::RecordingKey)?;
    let recorder = settings.map(|it| Recorder::start(it, registry)).transpose();
    recorder.map_err(StartError::Recordings)
}

/// How the judge works, and what its verdicts are bound to.
pub(super) fn judge(settings: &Serve) -> shadow::Settings {
    let monolith = match (&settings.monolith_version, &settings.monolith_version_header) {
        (Some(version), _) => MonolithVersion::Told(version.clone()),
        (None, Some(field)) => MonolithVersion::Header(field.clone()),
        (None, None) => MonolithVersion::Untold,
    };
    shadow::Settings {
        build: build::id().to_owned(),
        monolith,
        retention: settings.retention.into(),
        ..shadow::Settings::default()
    }
}

/// A runtime for so many handlers at once, with so many connections to the monolith's database.
fn handlers(
    callers: Callers,
    [concurrency, connections]: [usize; 2],
    jobs: Option<RedisQueue>,
    settings: &Serve,
    metrics: &ProxyMetrics,
) -> Result<Extractions, StartError> {
    let connections = u32::try_from(connections).unwrap_or(u32::MAX);
    let url = settings.database.as_ref();
    let database: Option<MySqlPool> = url
        .map(|url| extracted::rails::database::pool(url.expose(), connections))
        .transpose()
        .map_err(StartError::Database)?;
    let application = Arc::new(settings.rails.application().map_err(StartError::Rails)?);
    let surroundings = Surroundings { database, jobs, application };
    let metrics = metrics.extractions();
    Extractions::start(callers, 2, concurrency, surroundings, metrics).map_err(StartError::Threads)
}

pub(super) fn mirror(
    settings: &Serve,
    judge: &Shadow,
    recorder: Option<Recorder>,
    metrics: &ProxyMetrics,
) -> Result<Arc<Mirror>, StartError> {
    Ok(Arc::new(Mirror {
        judge: judge.clone(),
        visitors: Visitors::new(settings.rails.application().map_err(StartError::Rails)?),
        candidates: handlers(
            Callers::Judge,
            [CANDIDATE_PERMITS, CANDIDATE_CONCURRENCY],
            None,
            settings,
            metrics,
        )?,
        controls: Monolith::default(),
        recorder,
        complaints: Complaints::default(),
    }))
}
