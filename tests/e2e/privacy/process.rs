//! Banyan as a process of its own: only so is everything that it writes to be had.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tests::project::Scratch;

use crate::support::eventually;

/// A running process, and the directory that is all it may write to.
pub(crate) struct Careless {
    child: Child,
    state: Scratch,
    pub(crate) url: String,
    pub(crate) admin: String,
}

impl Careless {
    /// Starts it with these routes and flags, and a log that says as much as there is.
    pub(crate) async fn start(routes: &str, flags: &[String]) -> Self {
        let state = Scratch::new("careless");
        fs::create_dir(state.path().join("tmp")).unwrap();
        fs::write(state.path().join("routes.toml"), routes).unwrap();
        let log = |name: &str| File::create(state.path().join(name)).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_careless"), "serve"])
            .args(["--listen=h2c://127.0.0.1:0", "--admin=127.0.0.1:0", "--routes=routes.toml"])
            .args(["--log=debug", "--workers=1"])
            .args(flags)
            .current_dir(state.path())
            .env("TMPDIR", state.path().join("tmp"))
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(log("stdout"))
            .stderr(log("stderr"))
            .spawn()
            .unwrap();
        let mut process = Self { child, state, url: String::new(), admin: String::new() };
        let serving = eventually("Banyan to serve", || async { process.says("serving") }).await;
        let place = |name: &str| {
            let address = serving[name].as_str().unwrap();
            format!("http://{}", address.rsplit('/').next().unwrap())
        };
        (process.url, process.admin) = (place("addresses"), place("admin"));
        process
    }

    /// The first line of the log with this message. Whatever is no line ends the test.
    pub(crate) fn says(&self, message: &str) -> Option<Value> {
        let log = self.log();
        let read = |it: &str| serde_json::from_str::<Value>(it).unwrap_or_else(|_| panic!("{log}"));
        // The last line may be written at this moment.
        let (whole, _) = log.rsplit_once('\n').unwrap_or_default();
        whole.lines().map(read).find(|it| it["message"] == message)
    }

    /// All of the log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.state.path().join("stderr")).unwrap()
    }

    pub(crate) fn store(&self) -> String {
        format!("sqlite://{}", self.state.path().join("banyan.db").display())
    }

    /// What `banyan` says to these arguments.
    pub(crate) fn asked(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_careless"));
        command.args(arguments).current_dir(self.state.path()).output().unwrap()
    }

    /// Every file that it has written by now.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        list(self.state.path(), &mut files);
        files.retain(|it| it.file_name().is_some_and(|it| it != "routes.toml"));
        files
    }

    /// Files that should have been removed again.
    pub(crate) fn left_behind(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        list(&self.state.path().join("tmp"), &mut files);
        files
    }

    /// Ends it as an operator does, and returns whether it ended well.
    pub(crate) fn stop(&mut self) -> bool {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        told.unwrap().success() && self.child.wait().unwrap().success()
    }
}

impl Drop for Careless {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}
