//! The process's settings: flags and `BANYAN_…` variables. Who answers is routes.toml's alone.

mod listen;
mod proof;
mod rails;
mod recordings;
mod replay;
mod retention;
mod secret;
mod serve;

use clap::{Parser, Subcommand, ValueEnum};

pub use listen::{Listen, Scheme};
pub use proof::{Check, Compare, Report, Verdict};
pub use rails::{CookiesSerializer, Rails, RailsError, Version};
pub use recordings::{RecordingKey, Recordings};
pub use replay::{Record, Replay, ReplayFormat};
pub use retention::Retention;
pub use secret::Secret;
pub use serve::{LogFormat, Serve};

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

/// The store in the working directory, for those who name none.
pub const DEFAULT_STORE: &str = "sqlite://banyan.db";

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs; its shape is a contract.
    Json,
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
}
