//! The real shop: Rails on Puma with its own MariaDB, Redis and Sidekiq, started and stopped here
//! for the tests and the demo alike.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::project::{self, Scratch};

/// A running shop. It stops, with all its processes, when this is dropped or when the process that
/// holds it ends in whatever way: the shop watches a pipe that only we hold open.
#[derive(Debug)]
pub struct Shop {
    /// Where its parts listen.
    pub addresses: Addresses,
    // Before the directory that it runs in.
    _run: Run,
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

impl Addresses {
    /// The flags by which extractions find the shop's Redis and read its sessions.
    pub fn flags(&self) -> Vec<String> {
        let flags = [
            ["--redis", &self.redis_url],
            ["--secret-key-base", &self.secret_key_base],
            ["--session-cookie", "_shop_session"],
        ];
        flags.as_flattened().iter().map(|it| (*it).to_owned()).collect()
    }
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

    /// As [`Shop::start`], with this `secret_key_base` and without Sidekiq: jobs stay where they are.
    ///
    /// # Errors
    /// As [`Shop::start`].
    pub fn start_without_workers(secret_key_base: &str) -> io::Result<Self> {
        let mut script = script();
        script.env("SHOP_WORKERS", "off").env("SECRET_KEY_BASE", secret_key_base);
        Self::serve(script, Scratch::new("shop"))
    }

    /// Where the files of uploads are.
    pub fn storage(&self) -> PathBuf {
        self.state.path().join("storage")
    }

    /// Where the shop's mails are: a file for each recipient, one mail after the other.
    pub fn mails(&self) -> PathBuf {
        self.state.path().join("mail")
    }

    fn serve(mut script: Command, state: Scratch) -> io::Result<Self> {
        copy(&prepared()?, state.path())?;
        let (run, addresses) = Run::start(script.arg("serve").arg(state.path()))?;
        Ok(Self { addresses, _run: run, state })
    }

    /// Starts one more Puma on the same database, on a free port.
    ///
    /// # Errors
    /// As [`Shop::start`].
    pub fn another_puma(&self) -> io::Result<Puma> {
        self.another_puma_with(&[])
    }

    /// As [`Shop::another_puma`], with switches of the shop's README: names and values.
    ///
    /// # Errors
    /// As [`Shop::start`].
    pub fn another_puma_with(&self, switches: &[(&str, &str)]) -> io::Result<Puma> {
        let mut script = script();
        script.envs(switches.iter().copied());
        script.arg("puma").arg(self.state.path());
        let Addresses { database_url, redis_url, secret_key_base, .. } = &self.addresses;
        script.env("DATABASE_URL", database_url.replacen("mysql:", "mysql2:", 1));
        script.env("REDIS_URL", redis_url).env("SECRET_KEY_BASE", secret_key_base);
        let (run, place): (_, Place) = Run::start(&mut script)?;
        script.env("SHOP_BIND", place.url.replacen("http:", "tcp:", 1));
        Ok(Puma { url: place.url.clone(), place, script, run: Some(run) })
    }
}

/// One of several Pumas of a shop. It stops when this is dropped.
#[derive(Debug)]
pub struct Puma {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub url: String,
    place: Place,
    script: Command,
    run: Option<Run>,
}

/// What a Puma says of itself when it is ready.
#[derive(Debug, Deserialize)]
struct Place {
    url: String,
    pid: i32,
    log: PathBuf,
}

impl Puma {
    /// Stops it as a service manager does, with SIGTERM, and starts it again in the same place;
    /// returns when it answers.
    ///
    /// # Errors
    /// As [`Shop::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        // It finishes what it has before it ends.
        self.run = None;
        let (run, place) = Run::start(&mut self.script)?;
        (self.run, self.place) = (Some(run), place);
        Ok(())
    }

    /// Lets it replace itself, with SIGUSR2; returns when it listens again.
    ///
    /// # Errors
    /// When it is gone, or has not done so within a minute.
    pub fn replace(&mut self) -> io::Result<()> {
        let starts =
            || Ok::<_, io::Error>(fs::read_to_string(&self.place.log)?.matches(UP).count());
        let (before, begin) = (starts()?, Instant::now());
        let status = Command::new("kill").args(["-USR2", &self.place.pid.to_string()]).status()?;
        if !status.success() {
            return Err(io::Error::other("Puma has gone"));
        }
        while starts()? == before {
            if begin.elapsed() > Duration::from_mins(1) {
                return Err(io::Error::other("Puma has not replaced itself"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// What Puma's log says when it serves.
const UP: &str = "Use Ctrl-C to stop";

/// A run of the shop's script; dropping it ends that.
#[derive(Debug)]
struct Run {
    process: Child,
    /// Closing it is what stops the script.
    lifeline: Option<ChildStdin>,
}

impl Run {
    /// Returns when the script says where it serves.
    fn start<T: DeserializeOwned>(script: &mut Command) -> io::Result<(Self, T)> {
        let mut process = script
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
        let run = Self { process, lifeline };
        if let Ok(places) = serde_json::from_str(&line) {
            return Ok((run, places));
        }
        drop(run);
        let said = complaints.join().unwrap_or_default();
        Err(io::Error::other(format!("the shop did not start: {line}{said}")))
    }
}

impl Drop for Run {
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
