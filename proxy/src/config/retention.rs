//! What the report store remembers.

use std::time::Duration;

use clap::Args;

use crate::route::{bytes, span};

/// How long, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Retention {
    /// Forget samples after so long, and what was not seen for so long
    #[arg(long = "store-retention", env = "BANYAN_STORE_RETENTION", value_name = "TIME")]
    #[arg(default_value = "30d", value_parser = span)]
    pub age: Duration,

    /// Keep so many bytes of samples, the newest
    #[arg(long = "store-samples", env = "BANYAN_STORE_SAMPLES", value_name = "SIZE")]
    #[arg(default_value = "256MiB", value_parser = bytes)]
    pub samples: u64,
}

impl From<Retention> for shadow::Retention {
    fn from(Retention { age, samples }: Retention) -> Self {
        Self { age, samples }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::config::{Cli, Command};

    fn retention(flags: &[&str]) -> Option<shadow::Retention> {
        let line = ["banyan", "serve", "--monolith", "http://rails"].iter().chain(flags);
        match Cli::try_parse_from(line).ok()?.command {
            Command::Serve(serve) => Some(serve.retention.into()),
            _ => None,
        }
    }

    #[test]
    fn it_is_that_of_the_store_unless_it_is_said() {
        assert_eq!(retention(&[]), Some(shadow::Retention::default()));
        let said = retention(&["--store-retention", "36h", "--store-samples", "1GiB"]);
        let (age, samples) = (Duration::from_hours(36), 1 << 30);
        assert_eq!(said, Some(shadow::Retention { age, samples }));
        assert_eq!(retention(&["--store-retention", "forever"]), None);
    }
}
