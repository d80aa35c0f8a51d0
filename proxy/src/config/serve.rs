//! The arguments of `banyan serve`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum, builder::NonEmptyStringValueParser};
use http::HeaderName;
use ipnet::IpNet;

use super::{DEFAULT_STORE, Listen, Rails, Recordings, Retention, Secret};
use crate::{
    events::{Brokers, TopicPrefix},
    route::Percent,
    spans::Collector,
    upstream::ServerAddr,
};

/// `banyan serve`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::doc_markdown, reason = "the texts are shown by --help, without markup")]
pub struct Serve {
    /// The monolith: http://HOST:PORT, https://…, h2://…, h2c://… or unix:///PATH; wins over the
    /// route file
    #[arg(long, env = "BANYAN_MONOLITH", value_name = "URL")]
    pub monolith: Option<ServerAddr>,

    /// The route file; without one, everything passes through to the monolith
    #[arg(long, env = "BANYAN_ROUTES", value_name = "FILE")]
    pub routes: Option<PathBuf>,

    /// Where buyers connect: ADDRESS:PORT, https://…, h2c://… or unix:///PATH; repeatable; add
    /// ?proxy-protocol where the load balancer speaks it
    #[arg(long, env = "BANYAN_LISTEN", value_name = "URL", value_delimiter = ',')]
    #[arg(default_value = "127.0.0.1:8080")]
    pub listen: Vec<Listen>,

    /// A certificate chain in PEM, for https:// listeners; repeatable, each with its --tls-key
    #[arg(long, env = "BANYAN_TLS_CERT", value_name = "FILE", value_delimiter = ',')]
    pub tls_cert: Vec<PathBuf>,

    /// The key of the --tls-cert in the same place
    #[arg(long, env = "BANYAN_TLS_KEY", value_name = "FILE", value_delimiter = ',')]
    pub tls_key: Vec<PathBuf>,

    /// Clients may show a certificate of this CA; one that shows another is refused
    #[arg(long, env = "BANYAN_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,

    /// Refuse clients that show no certificate
    #[arg(long, env = "BANYAN_TLS_CLIENT_REQUIRED", requires = "tls_client_ca")]
    pub tls_client_required: bool,

    /// Where a new process takes the sockets of this one over, without a gap: a socket file
    #[arg(long, env = "BANYAN_UPGRADE_SOCKET", value_name = "PATH")]
    pub upgrade_socket: Option<PathBuf>,

    /// Send the files that the monolith names in X-Sendfile from DIR, or those in X-Accel-Redirect
    /// from /PREFIX=DIR; repeatable
    #[arg(long, env = "BANYAN_SENDFILE", value_name = "DIR", value_delimiter = ',')]
    pub sendfile: Vec<String>,

    /// Where health, metrics and the pages are; keep it off the internet
    #[arg(long, env = "BANYAN_ADMIN", value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub admin: SocketAddr,

    /// Where the reports are kept: sqlite://PATH, mysql://USER:PASSWORD@HOST/NAME or
    /// postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, env = "BANYAN_STORE", value_name = "URL", default_value = DEFAULT_STORE)]
    #[arg(hide_env_values = true)]
    pub store: String,

    /// What the reports remember.
    #[command(flatten)]
    pub retention: Retention,

    /// What the hashes of values in the reports are made with, beside the store's own key: whoever has
    /// only the store cannot try values out
    #[arg(long, env = "BANYAN_REDACTION_KEY", value_name = "TEXT", hide_env_values = true)]
    pub redaction_key: Option<Secret>,

    /// The monolith's MySQL, for the extractions: mysql://USER:PASSWORD@HOST/NAME
    #[arg(long, env = "BANYAN_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<Secret>,

    /// The monolith's Redis, for the jobs of extractions: redis://:PASSWORD@HOST:PORT/NUMBER
    #[arg(long, env = "BANYAN_REDIS", value_name = "URL", hide_env_values = true)]
    pub redis: Option<Secret>,

    /// What the monolith's Sidekiq puts before its keys, by the gem redis-namespace
    #[arg(long, env = "BANYAN_REDIS_NAMESPACE", value_name = "NAME", requires = "redis")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub redis_namespace: Option<String>,

    /// The monolith's own settings.
    #[command(flatten)]
    pub rails: Rails,

    /// The monolith's version, such as its commit: when it changes, verdicts begin anew
    #[arg(long, env = "BANYAN_MONOLITH_VERSION", value_name = "TEXT")]
    #[arg(conflicts_with = "monolith_version_header")]
    pub monolith_version: Option<String>,

    /// The header field in which the monolith says its version
    #[arg(long, env = "BANYAN_MONOLITH_VERSION_HEADER", value_name = "NAME")]
    pub monolith_version_header: Option<HeaderName>,

    /// Publish the events in the monolith's outbox_events to Kafka: HOST:PORT, several separated by
    /// commas
    #[arg(long, env = "BANYAN_KAFKA", value_name = "BROKERS", requires = "database")]
    pub kafka: Option<Brokers>,

    /// What the names of Kafka's topics begin with; the class of the aggregate follows in snake_case
    #[arg(long, env = "BANYAN_KAFKA_TOPIC_PREFIX", value_name = "PREFIX", requires = "kafka")]
    pub kafka_topic_prefix: Option<TopicPrefix>,

    /// Where raw requests are kept.
    #[command(flatten)]
    pub recordings: Recordings,

    /// A network whose X-Forwarded-*, X-Request-Id and traceparent are believed, such as 10.0.0.0/8;
    /// repeatable
    #[arg(long, env = "BANYAN_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpNet>,

    /// Send spans to this OpenTelemetry collector by OTLP/HTTP: http://HOST:4318
    #[arg(long, env = "BANYAN_OTLP", value_name = "URL")]
    pub otlp: Option<Collector>,

    /// What the spans say is their service
    #[arg(long, env = "BANYAN_OTLP_SERVICE", value_name = "NAME", default_value = "banyan")]
    pub otlp_service: String,

    /// The share of the requests that are traced, of those that come without a trusted traceparent
    #[arg(long, env = "BANYAN_TRACE_SAMPLE", value_name = "PERCENT", default_value = "100%")]
    pub trace_sample: Percent,

    /// Worker threads [default: one for each processor]
    #[arg(long, env = "BANYAN_WORKERS", value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,

    /// Seconds between failing readiness and refusing connections, for the load balancer to notice
    #[arg(long, env = "BANYAN_DRAIN_DELAY", value_name = "SECONDS", default_value_t = 0)]
    pub drain_delay: u32,

    /// Seconds that open requests get to finish after SIGTERM
    #[arg(long, env = "BANYAN_DRAIN_TIMEOUT", value_name = "SECONDS", default_value_t = 30)]
    pub drain_timeout: u32,

    /// How the log is written
    #[arg(long, env = "BANYAN_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,

    /// Which log lines: a level, or a filter such as info,access=off
    #[arg(long, env = "BANYAN_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// Write paths, user agents, messages of panics and libraries' lines into the log as they are:
    /// buyers' data may be in them
    #[arg(long, env = "BANYAN_LOG_UNREDACTED")]
    pub log_unredacted: bool,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people at a terminal.
    Text,
}
