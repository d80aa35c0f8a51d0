//! The arguments of `banyan record` and `banyan replay`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{DEFAULT_STORE, Format, Rails, RecordingKey, Secret};
use crate::{route::span, upstream::ServerAddr};

/// `banyan record`.
#[derive(Debug, Args)]
pub struct Record {
    /// The folder that the proxy records in, or one file of this command
    #[arg(long, env = "BANYAN_RECORDINGS", value_name = "DIR")]
    pub recordings: PathBuf,

    /// The key that they are encrypted with.
    #[command(flatten)]
    pub key: RecordingKey,

    /// Only this route's requests
    #[arg(long, value_name = "ID")]
    pub route: Option<String>,

    /// Only what is not older: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub since: Option<Duration>,

    /// Write them into this file, for `banyan replay`
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Only what holds nothing of a buyer's: requests without session and body, and without values
    /// but those that their routes reveal; not encrypted
    #[arg(long)]
    pub redacted: bool,

    /// The route file, which says what of a request is a value; read with --redacted
    #[arg(long, env = "BANYAN_ROUTES", value_name = "FILE", default_value = "routes.toml")]
    pub routes: PathBuf,

    /// How it is told what they are
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `banyan replay`.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the texts are shown by --help, without markup")]
pub struct Replay {
    /// A folder that a proxy records in, or a file of `banyan record`
    #[arg(env = "BANYAN_RECORDINGS", value_name = "RECORDING")]
    pub recording: PathBuf,

    /// The key that it is encrypted with.
    #[command(flatten)]
    pub key: RecordingKey,

    /// The monolith; wins over the route file. Use one that is not the buyers': it counts what is
    /// looked at, and does what it is asked to
    #[arg(long, env = "BANYAN_MONOLITH", value_name = "URL")]
    pub monolith: Option<ServerAddr>,

    /// The route file, with the rules
    #[arg(long, env = "BANYAN_ROUTES", value_name = "FILE", default_value = "routes.toml")]
    pub routes: PathBuf,

    /// The MySQL of that monolith, for the handlers: mysql://USER:PASSWORD@HOST/NAME
    #[arg(long, env = "BANYAN_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<Secret>,

    /// The monolith's own settings.
    #[command(flatten)]
    pub rails: Rails,

    /// Only this route's requests
    #[arg(long, value_name = "ID")]
    pub route: Option<String>,

    /// Only the request with this id: that of a sample in the report
    #[arg(long, value_name = "REQUEST_ID", conflicts_with_all = ["route", "resume"])]
    pub sample: Option<String>,

    /// Where the reports are kept: --sample looks there for the route of an id that was not recorded
    #[arg(long, env = "BANYAN_STORE", value_name = "URL", default_value = DEFAULT_STORE)]
    #[arg(hide_env_values = true)]
    pub store: String,

    /// Requests a second, several at a time; without it one after the other, as fast as they are
    /// answered
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: Option<u32>,

    /// Replay writes too: the handler's are rolled back, the monolith's stay
    #[arg(long)]
    pub writes: bool,

    /// Go on where a run with this file has stopped; it is removed at the end
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,

    /// Show the values that differ, and what was asked for: a buyer's data
    #[arg(long)]
    pub values: bool,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t = ReplayFormat::Text)]
    pub format: ReplayFormat,
}

/// For people, programs, or a CI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// For people.
    Text,
    /// For programs; its shape is a contract.
    Json,
    /// `JUnit`'s XML: a test suite for each route.
    Junit,
}
