//! Debian's Chromium, as tests drive it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use fantoccini::{Client, ClientBuilder, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use tests::project::Scratch;

/// `chromedriver` on a port of its own, with a profile of its own.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    profile: Scratch,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "chromedriver", "--port=0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver must be installed: `make test` installs it");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines
            .filter_map(|it| it.rsplit_once("on port ")?.1.trim_end_matches('.').parse().ok())
            // It first repeats what it was asked for, and then says what it took.
            .find(|port| *port != 0)
            .expect("chromedriver must say its port");
        Self { process, port, profile: Scratch::new("chromium") }
    }

    /// A browser with these flags beside those that every test needs.
    pub(crate) async fn browser(&self, flags: &[&str]) -> Client {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut arguments = vec![profile];
        arguments.extend(flags.iter().map(|it| (*it).to_owned()));
        arguments.extend(
            [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--window-size=1280,900",
            ]
            .map(str::to_owned),
        );
        arguments.extend(
            ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
                .map(str::to_owned),
        );
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".into(), serde_json::json!({ "args": arguments }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        builder.connect(&format!("http://127.0.0.1:{}", self.port)).await.unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // A test that failed has not closed its browser, whose lock then still names `HOST-PROCESS`.
        let lock = fs::read_link(self.profile.path().join("SingletonLock"));
        let lock = lock.map(|it| it.display().to_string()).unwrap_or_default();
        if let Some((_, process)) = lock.rsplit_once('-') {
            let _ = Command::new("kill").args(["-KILL", process]).status();
        }
    }
}
