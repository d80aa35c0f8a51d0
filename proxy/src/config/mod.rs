//! The process's settings: flags and `BANYAN_…` variables. Who answers is routes.toml's alone.

mod rails;
mod recordings;
mod replay;
mod retention;

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use http::HeaderName;
use ipnet::IpNet;
use shadow::Share;

pub use rails::{CookiesSerializer, Rails, RailsError, Version};
pub use recordings::{RecordingKey, Recordings};
pub use replay::{Record, Replay, ReplayFormat};
pub use retention::Retention;

use crate::{
    events::{Brokers, TopicPrefix},
    listener::Address,
    route::Percent,
    spans::Collector,
    upstream::ServerAddr,
};

/// A reverse proxy that takes a Rails monolith apart one endpoint at a time, and proves each step.
#[derive(Debug, Parser)]
#[command(name = "banyan", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the proxy
    Serve(Box<Serve>),
    /// Validate a route file: exit status 0 when it is good, 1 when it has a fault
    Check(Check),
    /// Compare two stored answers: exit status 0 when they are the same, 1 when they differ
    Compare(Compare),
    /// Show what is recorded, or write a part of it into one file
    Record(Record),
    /// Run recorded requests against the monolith and this build's handlers: exit status 0 when no
    /// answer differs, 1 when one does
    Replay(Box<Replay>),
    /// Show the verdicts, or one route's differences
    Report(Report),
    /// Ask what the verdict would be: exit status 0 ready, 1 not ready, 3 undecided
    Verdict(Verdict),
}

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

/// The store in the working directory, for those who name none.
pub const DEFAULT_STORE: &str = "sqlite://banyan.db";

/// `banyan check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The route file
    #[arg(default_value = "routes.toml")]
    pub file: PathBuf,
    /// How the faults are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `banyan compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The monolith's answer, as `curl -i` writes it; - is standard input
    pub control: PathBuf,
    /// The extraction's answer
    pub candidate: PathBuf,
    /// The files are bodies alone, of this type
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// The route file whose rules hold
    #[arg(long, value_name = "FILE", requires = "route")]
    pub routes: Option<PathBuf>,
    /// The route whose rules hold
    #[arg(long, value_name = "ID", requires = "routes")]
    pub route: Option<String>,
    /// How the differences are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `banyan report`.
#[derive(Debug, Args)]
pub struct Report {
    /// One route's id; all routes when absent
    pub route: Option<String>,
    /// Where the reports are kept
    #[arg(long, env = "BANYAN_STORE", value_name = "URL", default_value = DEFAULT_STORE)]
    #[arg(hide_env_values = true)]
    pub store: String,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `banyan verdict`: the verdict's arithmetic, without a store.
#[derive(Debug, Clone, Args)]
pub struct Verdict {
    /// The share of mismatched requests at which a route must not be called ready: more than 0%,
    /// less than 100%
    #[arg(long, value_name = "PERCENT", default_value = "0.1%", value_parser = share)]
    pub budget: Share,
    /// How sure the verdict must be: more than 0%, less than 100%
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = share)]
    pub confidence: Share,
    /// Distinct requests that were compared, the mismatched ones among them
    #[arg(long, value_name = "N")]
    pub samples: u64,
    /// Those of them that differed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub mismatches: u64,
    /// Requests beside them that could not be compared
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub unknowns: u64,
    /// How the verdict is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

fn share(text: &str) -> Result<Share, &'static str> {
    let percent: Percent = text.parse()?;
    Share::new(percent.share()).ok_or("must be more than 0% and less than 100%")
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs; its shape is a contract.
    Json,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people at a terminal.
    Text,
}

/// Where to listen, and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address, or the socket file.
    pub address: Address,
    /// What is spoken.
    pub scheme: Scheme,
    /// Every connection begins with a PROXY protocol header.
    pub proxy_protocol: bool,
}

/// What is spoken on a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP/1.1.
    Http,
    /// TLS, and HTTP/2 or HTTP/1.1 in it.
    Https,
    /// HTTP/1.1, or HTTP/2 by prior knowledge.
    H2c,
}

impl FromStr for Listen {
    type Err = String;

    /// `ADDRESS:PORT`, `http://…`, `https://…`, `h2c://…` or `unix:///PATH`, with `?proxy-protocol`
    /// behind it where the load balancer in front speaks that.
    fn from_str(text: &str) -> Result<Self, String> {
        let (place, query) = text.split_once('?').map_or((text, None), |(a, b)| (a, Some(b)));
        if query.is_some_and(|it| it != "proxy-protocol") {
            return Err("can be followed by ?proxy-protocol and nothing else".to_owned());
        }
        let (scheme, place) = match place.split_once("://") {
            None | Some(("unix", _)) => (Scheme::Http, place),
            Some(("http", place)) => (Scheme::Http, place),
            Some(("https", place)) => (Scheme::Https, place),
            Some(("h2c", place)) => (Scheme::H2c, place),
            Some((scheme, _)) => {
                let known = "http://, https://, h2c:// or unix://";
                return Err(format!("{scheme}:// cannot be listened on; use {known}"));
            }
        };
        let place = if place.starts_with("unix:") { place } else { place.trim_end_matches('/') };
        Ok(Self { address: place.parse()?, scheme, proxy_protocol: query.is_some() })
    }
}

/// A setting that holds a password: it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn one_argument_is_enough_to_serve() {
        let cli = Cli::try_parse_from(["banyan", "serve", "--monolith", "http://127.0.0.1:3000"]);
        let Command::Serve(serve) = cli.unwrap().command else { panic!("not serve") };
        assert_eq!(serve.listen, ["127.0.0.1:8080".parse().unwrap()]);
        assert_eq!(serve.store, "sqlite://banyan.db");
        assert_eq!(serve.routes, None);
    }

    #[test]
    fn a_listener_says_what_is_spoken_there() {
        for (text, scheme, proxy_protocol) in [
            ("127.0.0.1:1", Scheme::Http, false),
            ("http://127.0.0.1:1/", Scheme::Http, false),
            ("https://[::1]:1", Scheme::Https, false),
            ("h2c://127.0.0.1:1?proxy-protocol", Scheme::H2c, true),
            ("unix:///run/banyan.sock?proxy-protocol", Scheme::Http, true),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!((listen.scheme, listen.proxy_protocol), (scheme, proxy_protocol), "{text}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_listened_on_says_what_can() {
        assert!("ftp://0.0.0.0:21".parse::<Listen>().unwrap_err().contains("http://"));
        assert!("localhost".parse::<Listen>().unwrap_err().contains("numeric"));
        assert!("127.0.0.1:1?proxy".parse::<Listen>().unwrap_err().contains("?proxy-protocol"));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret: Secret = "mysql://shop:hunter2@db/shop".parse().unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
