//! Hot reload: the file changes → compile → swap. A bad file changes nothing, and is remembered.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use sha2::{Digest as _, Sha256};
use tokio::{runtime::Handle, sync::watch};

use super::{At, Compiled, Compiler, Diagnostic, Faults, RouteTable, Severity, notices::Notices};
use crate::{limits::Policy, upstream::health};

/// A route file larger than this is a mistake.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// A file is read when it has not changed for this long, so that most half-written states are never
/// looked at.
const QUIET: Duration = Duration::from_millis(20);

/// It is read after this long at the latest: the directory may hold files that never rest, such as
/// a store's journal.
const BUSY: Duration = Duration::from_millis(200);

/// The file is looked at this often even if nothing was reported: network file systems report
/// nothing.
const POLL: Duration = Duration::from_secs(2);

/// The route table in force. Cloning is cheap and shares it.
#[derive(Debug, Clone)]
pub struct Routes {
    table: Arc<ArcSwap<RouteTable>>,
    status: Arc<Mutex<Status>>,
    /// The generation, for those who wait for the next.
    changes: watch::Sender<u64>,
    /// Makes the watcher look at once.
    wake: Option<mpsc::Sender<()>>,
    /// Stops the watcher when the last clone is gone.
    _stop: Option<Arc<mpsc::Sender<()>>>,
}

/// What is in force since when, and what was rejected.
#[derive(Debug, Clone)]
pub struct Status {
    /// How many tables were in force; 1 at first.
    pub generation: u64,
    /// When the table in force was loaded.
    pub loaded_at: SystemTime,
    /// The newest content of the file, if it was rejected.
    pub rejected: Option<Rejected>,
}

/// What the command line says of a table that is to come into force.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandLine {
    /// Where the monolith is, whatever the file says.
    pub pinned: bool,
    /// Where recordings go, and their key.
    pub records: bool,
}

/// A state of the file that did not come into force.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// When it was looked at.
    pub at: SystemTime,
    /// What was wrong with it.
    pub faults: Faults,
}

impl Routes {
    /// A table that never changes.
    pub fn fixed(table: RouteTable) -> Self {
        let status = Status { generation: 1, loaded_at: SystemTime::now(), rejected: None };
        Self {
            table: Arc::new(ArcSwap::from_pointee(table)),
            status: Arc::new(Mutex::new(status)),
            changes: watch::Sender::new(1),
            wake: None,
            _stop: None,
        }
    }

    /// Loads `file`, and from now on follows it: written in place, replaced by a rename, removed
    /// and made again, or swapped behind a symbolic link as Kubernetes does.
    ///
    /// # Errors
    /// At the start there is no last good table to keep, so a bad or missing file is an error.
    pub fn watch(file: PathBuf, compiler: Compiler, told: CommandLine) -> Result<Self, Faults> {
        let shown = file.display().to_string();
        let unreadable =
            |error: &dyn std::fmt::Display| fault(&shown, &format!("cannot be read: {error}"));
        let text = read(&file).map_err(|error| unreadable(&error))?;
        let first = compiler.compile(&text, &shown).and_then(|it| told.allows(it, &shown))?;
        warn(&shown, &first.warnings);
        compiler.metrics.table_loaded(1);

        let routes = Self::fixed(first.table);
        let (wake, woken) = mpsc::channel();
        let waker = wake.clone();
        let notices = Notices::of(&file, wake.clone()).inspect_err(|error| {
            tracing::warn!(%error, file = shown, "no change notices; the file is polled instead");
        });
        let follower = Follower {
            notices: notices.ok(),
            seen: digest(&text),
            file,
            compiler,
            table: Arc::clone(&routes.table),
            status: Arc::clone(&routes.status),
            changes: routes.changes.clone(),
            runtime: Handle::try_current().ok(),
            told,
        };
        check_health(follower.runtime.as_ref(), &routes.current(), told.pinned);
        let (stop, stopped) = mpsc::channel::<()>();
        thread::Builder::new()
            .name("routes".into())
            .spawn(move || {
                follower.follow(&woken, &stopped);
                // Held until here: without a sender the follower would think that it has to end.
                drop(wake);
            })
            .map_err(|error| unreadable(&error))?;
        Ok(Self { wake: Some(waker), _stop: Some(Arc::new(stop)), ..routes })
    }

    /// The table in force. A request keeps the one that it began with.
    pub fn current(&self) -> Arc<RouteTable> {
        self.table.load_full()
    }

    /// What holds in the table in force where no route says otherwise.
    pub fn policy(&self) -> Policy {
        // A guard, not a clone: its count would be shared by all workers.
        self.table.load().policy
    }

    /// Looks at the file now, without waiting to be told that it has changed.
    pub fn look_again(&self) {
        if let Some(wake) = &self.wake {
            // The watcher ends only with the process.
            let _ = wake.send(());
        }
    }

    /// Tells of every table that comes into force from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What is in force since when, and what was rejected.
    pub fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl CommandLine {
    /// A table that records comes into force only where recordings can be kept.
    fn allows(self, compiled: Compiled, file: &str) -> Result<Compiled, Faults> {
        match &compiled.recording {
            Some(fault) if !self.records => {
                Err(Faults { file: file.to_owned(), found: vec![fault.clone()] })
            }
            _ => Ok(compiled),
        }
    }
}

/// The thread that follows the file.
struct Follower {
    file: PathBuf,
    notices: Option<Notices>,
    compiler: Compiler,
    table: Arc<ArcSwap<RouteTable>>,
    status: Arc<Mutex<Status>>,
    changes: watch::Sender<u64>,
    /// Where health is checked; `None` where nobody is served.
    runtime: Option<Handle>,
    told: CommandLine,
    /// What was looked at last; the same again is not news.
    seen: [u8; 32],
}

impl Follower {
    fn follow(mut self, woken: &Receiver<()>, stopped: &Receiver<()>) {
        while let Err(mpsc::TryRecvError::Empty) = stopped.try_recv() {
            match woken.recv_timeout(POLL) {
                Ok(()) => {
                    let woke = Instant::now();
                    while woke.elapsed() < BUSY && woken.recv_timeout(QUIET).is_ok() {}
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look();
        }
    }

    fn look(&mut self) {
        if let Some(notices) = &mut self.notices {
            notices.follow_link();
        }
        let shown = self.file.display().to_string();
        let content = read(&self.file);
        let seen =
            content.as_ref().map_or_else(|error| digest(&error.to_string()), |it| digest(it));
        let rejected = self.status().rejected.clone();
        let known = std::mem::replace(&mut self.seen, seen) == seen;
        // What was rejected may have become good by itself: the file may name others.
        if known && rejected.is_none() && !self.table.load().is_outdated() {
            return;
        }
        let compiled = match content {
            Ok(text) => {
                let before = self.table.load();
                let compiled = self.compiler.compile_after(Some(&before), &text, &shown);
                compiled.and_then(|it| self.told.allows(it, &shown))
            }
            Err(error) => Err(fault(&shown, &format!("cannot be read: {error}"))),
        };
        if let (true, Some(rejected), Err(faults)) = (known, &rejected, &compiled)
            && rejected.faults == *faults
        {
            return;
        }
        self.take(compiled, &shown);
    }

    /// Brings a table into force, or remembers why there is none.
    fn take(&self, compiled: Result<Compiled, Faults>, shown: &str) {
        let mut status = self.status();
        match compiled {
            Ok(compiled) => {
                warn(shown, &compiled.warnings);
                let (generation, hash) = (status.generation + 1, compiled.table.hash.clone());
                check_health(self.runtime.as_ref(), &compiled.table, self.told.pinned);
                self.table.store(Arc::new(compiled.table));
                *status = Status { generation, loaded_at: SystemTime::now(), rejected: None };
                self.changes.send_replace(generation);
                self.compiler.metrics.reload_accepted(generation);
                tracing::info!(generation, hash, file = shown, "route table loaded");
            }
            Err(faults) => {
                for finding in &faults.found {
                    tracing::error!("{}", At(shown, finding));
                }
                let generation = status.generation;
                tracing::error!(
                    generation,
                    file = shown,
                    "route file rejected, the last good table stays"
                );
                status.rejected = Some(Rejected { at: SystemTime::now(), faults });
                self.compiler.metrics.reload_rejected();
            }
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The servers of a table that comes into force are asked for their health from now on; not those of
/// a monolith that is `pinned` somewhere else, which nobody asks anything.
fn check_health(runtime: Option<&Handle>, table: &RouteTable, pinned: bool) {
    let Some(runtime) = runtime else { return };
    let monolith = table.monolith.iter().filter(|_| !pinned);
    for upstream in monolith.chain(table.upstreams()) {
        runtime.spawn(health::run(Arc::downgrade(upstream)));
    }
}

/// Reads the file's text, as far as a route file may go.
pub(crate) fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(file)?.take(SIZE_LIMIT + 1).read_to_string(&mut text)?;
    if read as u64 > SIZE_LIMIT {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    Ok(text)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn fault(file: &str, message: &str) -> Faults {
    let (line, column) = (1, 1);
    let found = Diagnostic { line, column, severity: Severity::Error, message: message.to_owned() };
    Faults { file: file.to_owned(), found: vec![found] }
}

fn warn(file: &str, warnings: &[Diagnostic]) {
    for warning in warnings {
        tracing::warn!("{}", At(file, warning));
    }
}
