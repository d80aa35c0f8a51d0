//! The `banyan` command: reads the command line, and names every part that it puts together.

use std::process::ExitCode;

use clap::Parser as _;
use proxy::{
    commands,
    config::{Cli, Command},
};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(settings) => commands::serve(&settings, extracted::all()),
        Command::Check(arguments) => commands::check(&arguments, extracted::all()),
        Command::Report(arguments) => commands::report(&arguments),
    }
}
