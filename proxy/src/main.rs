//! The `banyan` command: reads the command line, and names every part that it puts together.

use std::process::ExitCode;

use clap::Parser as _;
use proxy::{
    commands,
    config::{Cli, Command},
};

/// A request makes and frees some thirty small values: docs/performance.md has what this saves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(settings) => commands::serve(&settings, extracted::all()),
        Command::Check(arguments) => commands::check(&arguments, extracted::all()),
        Command::Compare(arguments) => commands::compare(&arguments, extracted::all()),
        Command::Record(arguments) => commands::record(&arguments, extracted::all()),
        Command::Replay(arguments) => commands::replay(&arguments, extracted::all()),
        Command::Report(arguments) => commands::report(&arguments),
        Command::Verdict(arguments) => commands::verdict(&arguments),
    }
}
