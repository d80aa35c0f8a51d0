//! The real shop: Rails on Puma with its own MariaDB, Redis and Sidekiq, started and stopped here
//! for the tests and the demo alike.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

use serde::Deserialize;

use crate::project::{self, Scratch};

/// A running shop. It stops, with all its processes, when this is dropped or when the process that
/// holds it ends in whatever way: the shop watches a pipe that only we hold open.
#[derive(Debug)]
pub struct Shop {
    /// Where its parts listen.
    pub addresses: Addresses,
    process: Child,
    /// Closing it is what stops the shop.
    lifeline: Option<ChildStdin>,
    state: Scratch,
}

/// What the shop says of itself when it is ready.
#[derive(Debug, Clone, Deserialize)]
pub struct Addresses {
    /// Puma: `http://127.0.0.1:PORT`, or `unix:///PATH`.
    pub url: String,
    /// MariaDB over TCP: `mysql://USER:PASSWORD@127.0.0.1:PORT/shop`.
    pub database_url: String,
    /// Redis: `redis://127.0.0.1:PORT/0`.
    pub redis_url: String,
    /// What Rails derives its cookie keys from.
    pub secret_key_base: String,
}

impl Shop {
    /// Starts a shop with fresh seeds, and returns when it answers.
    ///
    /// # Errors
    /// When it does not come up; the message holds the end of what it said.
    pub fn start() -> io::Result<Self> {
        Self::serve(script(), Scratch::new("shop"))
    }

    /// As [`Shop::start`], with Puma on a Unix socket: the address is `unix:///PATH`.
    ///
    /// # Errors
    /// As [`Shop::start`].
    pub fn start_on_a_socket() -> io::Result<Self> {
        let (mut script, state) = (script(), Scratch::new("shop"));
        script.env("SHOP_BIND", format!("unix://{}/puma.sock", state.path().display()));
        Self::serve(script, state)
    }

    /// As [`Shop::start`], with uploads that Rails only names in this field: see [`Shop::storage`].
    ///
    /// # Errors
    /// As [`Shop::start`].
    pub fn start_naming_files(field: &str) -> io::Result<Self> {
        let mut script = script();
        script.env("SHOP_SENDFILE", field);
        Self::serve(script, Scratch::new("shop"))
    }

    /// Where the files of uploads are.
    pub fn storage(&self) -> PathBuf {
        self.state.path().join("storage")
    }

    fn serve(mut script: Command, state: Scratch) -> io::Result<Self> {
        copy(&prepared()?, state.path())?;
        let mut process = script
            .arg("serve")
            .arg(state.path())
            // Ctrl-C in a terminal is for us; the shop stops when we let go of it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let lifeline = process.stdin.take();
        let complaints = process.stderr.take();
        // Read all the time: a full pipe would stop the shop.
        let complaints = thread::spawn(move || {
            let mut text = String::new();
            complaints.map(|mut it| it.read_to_string(&mut text));
            text
        });
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if let Ok(addresses) = serde_json::from_str(&line) {
            return Ok(Self { addresses, process, lifeline, state });
        }
        drop(lifeline);
        process.wait()?;
        let said = complaints.join().unwrap_or_default();
        Err(io::Error::other(format!("the shop did not start: {line}{said}")))
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It ends by itself now; waiting keeps it from outliving us.
        let _ = self.process.wait();
    }
}

fn script() -> Command {
    Command::new(project::root().join("tests/shop/bin/shop"))
}

/// The seeded state, made once for each version of the shop's sources.
fn prepared() -> io::Result<PathBuf> {
    let home = project::target().join("shop");
    fs::create_dir_all(&home)?;
    // Several test processes may come here at once; the first prepares, the others wait for it.
    let lock = File::create(home.join("prepare.lock"))?;
    lock.lock()?;
    let output = script().arg("prepare").arg(home.join("seeds")).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("the shop could not be prepared: {said}")));
    }
    Ok(home.join("seeds"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let status =
        Command::new("cp").arg("-a").arg("--reflink=auto").arg(from.join(".")).arg(to).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("the seeds could not be copied")) }
}
