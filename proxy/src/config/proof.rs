//! The arguments of what needs no proxy: `banyan check`, `compare`, `report` and `verdict`.

use std::path::PathBuf;

use clap::Args;
use shadow::Share;

use super::{DEFAULT_STORE, Format};
use crate::route::Percent;

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
    /// Distinct requests beside them that could not be compared
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
