//! A `banyan serve` that a test starts: its log, its counts and its descriptors.

use std::{
    fmt::Display,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{get, once};

/// How long anything that must happen may take. Long, since the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with the test, however that ends.
#[derive(Debug)]
pub(crate) struct Banyan {
    pub(crate) child: Child,
    /// Where buyers connect.
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    log: Arc<Log>,
    /// Its working directory.
    _folder: TempDir,
}

/// The lines that the process has logged.
#[derive(Debug, Default)]
struct Log {
    lines: Mutex<Vec<Value>>,
    more: Condvar,
}

impl Banyan {
    /// Starts a process with `routes` before this `[monolith]`'s servers, on free ports.
    pub(crate) fn start(routes: &str, servers: &[SocketAddr]) -> Self {
        let folder = TempDir::new().unwrap();
        Self::run(command(&folder, "http://127.0.0.1:0", routes, servers), folder)
    }

    /// Runs this command, and returns when it serves.
    pub(crate) fn run(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::<Log>::default();
        let (stderr, written) = (child.stderr.take().unwrap(), Arc::clone(&log));
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // What is no JSON is a complaint of somebody else's, such as the shell.
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                written.lines.lock().unwrap().push(line);
                written.more.notify_all();
            }
        });
        let serving = log.wait("the start", |line| line["message"] == "serving");
        let addresses = serving["addresses"].as_str().unwrap();
        Self {
            child,
            address: addresses.parse().unwrap(),
            admin: serving["admin"].as_str().unwrap().parse().unwrap(),
            log,
            _folder: folder,
        }
    }

    /// The first line of the access log for `path`; that is `*` where the head could not be read.
    pub(crate) fn line(&self, path: &str) -> Value {
        self.log.wait(&format!("the line of {path}"), |line| {
            line["target"] == "access" && line["path"] == path
        })
    }

    /// The first line of the log that fits.
    pub(crate) fn said(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.log.wait(what, fits)
    }

    /// How many lines of `path` the access log has by now.
    pub(crate) fn lines(&self, path: &str) -> usize {
        self.count(|it| it["target"] == "access" && it["path"] == path)
    }

    /// How many lines that fit the log has by now.
    pub(crate) fn count(&self, fits: impl Fn(&Value) -> bool) -> usize {
        self.log.lines.lock().unwrap().iter().filter(|it| fits(it)).count()
    }

    /// The value of a series, or of the first of that name; `None` where there is none.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let text = once(self.admin, &get("/metrics"));
        let is_it = |line: &&str| {
            line.strip_prefix(series).is_some_and(|rest| rest.starts_with([' ', '{']))
        };
        let line = text.lines().find(is_it)?;
        line.rsplit(' ').next().map(|it| it.parse().unwrap())
    }

    /// Waits until a series has this value.
    pub(crate) fn until(&self, series: &str, value: f64) {
        until(&format!("{series} to be {value}"), || {
            let seen = self.metric(series);
            seen.is_some_and(|it| (it - value).abs() < 0.5).then_some(()).ok_or(seen)
        });
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Its resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Banyan {
    fn drop(&mut self) {
        // One that has ended already is what a test wants.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `banyan serve` in `folder`, with a route file there.
pub(crate) fn command(
    folder: &TempDir,
    listen: &str,
    routes: &str,
    servers: &[impl Display],
) -> Command {
    let servers: Vec<_> = servers.iter().map(|it| format!("\"http://{it}\"")).collect();
    let servers = format!("monolith.servers = [{}]\n", servers.join(", "));
    fs::write(folder.path().join("routes.toml"), servers + routes).unwrap();
    let mut command = bare(folder.path());
    command.args(["serve", "--routes", "routes.toml", "--workers", "2", "--drain-timeout", "0"]);
    // Lines are found by the path that a test has asked for.
    command.args(["--listen", listen, "--admin", "127.0.0.1:0", "--log-unredacted"]);
    command
}

/// The program without arguments and without the environment of this process.
pub(crate) fn bare(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banyan"));
    command.current_dir(folder).env_clear();
    command
}

impl Log {
    /// Waits for the first line that `fits`.
    fn wait(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let lines = self.lines.lock().unwrap();
        let (lines, _) = self
            .more
            .wait_timeout_while(lines, PATIENCE, |lines| !lines.iter().any(&fits))
            .unwrap();
        let found = lines.iter().find(|it| fits(it)).cloned();
        found.unwrap_or_else(|| panic!("waited in vain for {what}: {lines:#?}"))
    }
}

/// Waits until `look` finds something; what it sees instead is shown when it never does.
pub(crate) fn until<T, E: std::fmt::Debug>(what: &str, look: impl Fn() -> Result<T, E>) -> T {
    let begin = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(begin.elapsed() < PATIENCE, "waited for {what}: {seen:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}
