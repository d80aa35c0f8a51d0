//! Banyan in front of a shop, in this process: every thread and every port is its own.

use std::{fs, net::SocketAddr, path::PathBuf};

use clap::Parser as _;
use extracted::Extraction;
use proxy::{
    config::{Cli, Command},
    listener::Address,
    server::{Banyan, StartError},
};

use crate::project::Scratch;

/// A running proxy with a store and a route file of its own.
#[derive(Debug)]
pub struct Proxy {
    banyan: Banyan,
    state: Scratch,
}

/// How a proxy is started; the rest is as an operator gets it by default.
#[derive(Debug, Default, Clone)]
pub struct Setup {
    /// `--monolith`; empty: the route file's.
    pub monolith: String,
    /// The text of routes.toml; none passes everything through.
    pub routes: Option<String>,
    /// `--database`.
    pub database: Option<String>,
    /// `--listen`; a free port when absent.
    pub listen: Option<String>,
    /// `--admin`; a free port when absent.
    pub admin: Option<String>,
    /// More flags.
    pub flags: Vec<String>,
}

impl Proxy {
    /// Starts Banyan with `extractions`, on free ports.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    ///
    /// # Panics
    /// When a flag is malformed or target/ cannot be written: faults of the test.
    #[expect(clippy::expect_used, reason = "faults of the test itself")]
    pub async fn start(
        setup: Setup,
        extractions: &'static [Extraction],
    ) -> Result<Self, StartError> {
        let state = Scratch::new("banyan");
        let mut flags: Vec<String> = ["banyan", "serve"].map(str::to_owned).into();
        flags.extend(["--listen".into(), setup.listen.unwrap_or_else(free_port)]);
        flags.extend(["--admin".into(), setup.admin.unwrap_or_else(free_port)]);
        flags.extend(["--store".into(), store_url(&state)]);
        if !setup.monolith.is_empty() {
            flags.extend(["--monolith".into(), setup.monolith]);
        }
        if let Some(routes) = setup.routes {
            let file = state.path().join("routes.toml");
            fs::write(&file, routes).expect("target/ must be writable");
            flags.extend(["--routes".into(), file.display().to_string()]);
        }
        flags.extend(setup.database.into_iter().flat_map(|url| ["--database".into(), url]));
        flags.extend(setup.flags);
        let cli = Cli::try_parse_from(flags).expect("flags of a test are well-formed");
        let Command::Serve(settings) = cli.command else { unreachable!("the command is serve") };
        Ok(Self { banyan: Banyan::start(&settings, extractions).await?, state })
    }

    /// Where buyers connect.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where buyers connect, as an address.
    ///
    /// # Panics
    /// When the test listens on a socket file first.
    pub fn address(&self) -> SocketAddr {
        match self.banyan.addresses[0] {
            Address::Tcp(address) => address,
            Address::Unix(_) => panic!("the first listener is a socket file"),
        }
    }

    /// Where health, metrics and pages are.
    pub fn admin(&self) -> String {
        format!("http://{}", self.banyan.admin)
    }

    /// The route file that is watched.
    pub fn route_file(&self) -> PathBuf {
        self.state.path().join("routes.toml")
    }

    /// The report store.
    pub fn store(&self) -> String {
        store_url(&self.state)
    }

    /// Reads routes and certificates again, as on SIGHUP.
    pub fn reload(&self) {
        self.banyan.reload();
    }

    /// Drains and ends it.
    pub async fn stop(self) {
        self.banyan.drain().await;
    }
}

fn free_port() -> String {
    "127.0.0.1:0".to_owned()
}

fn store_url(state: &Scratch) -> String {
    format!("sqlite://{}", state.path().join("banyan.db").display())
}
