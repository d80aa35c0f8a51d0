//! How far a replay has come, kept in a file, so that it can go on. Encrypted with the recording's
//! key where there is one: it holds cookies.

use std::{
    cell::Cell,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::mysql::MySqlConnectOptions;
use time::OffsetDateTime;

use super::{
    sessions::{Alias, Sessions},
    tally::Tally,
};
use crate::{
    build,
    config::Replay,
    recording::{self, Entry, Key, NotASegment, WriteError},
};

/// How often the file is written, where that is quick.
const INTERVAL: Duration = Duration::from_secs(1);

/// Where it is not, the run goes on for so many times as long before the next time.
const REST: u32 = 20;

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("{0} cannot be read")]
    Read(String, #[source] io::Error),
    /// The file cannot be written.
    #[error("{0} cannot be written")]
    Write(String, #[source] WriteError),
    /// The file cannot be removed, now that it is not needed any more.
    #[error("{0} cannot be removed")]
    Remove(String, #[source] io::Error),
    /// The file is not a checkpoint.
    #[error("{0} {1}")]
    Foreign(String, NotASegment),
    /// The file does not say how far a run has come.
    #[error("{0} is no checkpoint, or is damaged; remove it to begin anew")]
    Damaged(String),
    /// The run was another one.
    #[error(
        "{0} is of another run: of another build, recording, monolith or database, with other routes \
         or other arguments; remove it to begin anew"
    )]
    OtherRun(String),
}

/// Where a run says how far it has come.
#[derive(Debug)]
pub(super) struct Checkpoint {
    file: PathBuf,
    key: Option<Key>,
    run: String,
    written: Cell<Instant>,
    /// How long that took.
    took: Cell<Duration>,
}

/// How far a run had come.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// Which run: what must be the same when it goes on.
    run: String,
    /// The last request that was replayed: its time, in nanoseconds since 1970, and its id.
    last: Option<(i128, String)>,
    pub(super) tally: Tally,
    pub(super) aliases: Vec<Alias>,
}

/// What must be the same when a run goes on, since the result is told as one: the build, the
/// recording and its first request, the text of the route file by its `hash`, both sides, and the
/// arguments that say what is asked.
pub(super) fn run(arguments: &Replay, hash: &str, first: Option<&Entry>) -> String {
    let Replay { route, writes, values, recording, monolith, .. } = arguments;
    let first = first.map(|it| (it.at.unix_timestamp_nanos(), &it.id));
    let database = arguments.database.as_ref().map(|it| place(it.expose()));
    let sides = format!("{hash} {monolith:?} {database:?} {first:?}");
    let sides = hex::encode(Sha256::digest(sides));
    format!("{} {} {route:?} {writes} {values} {sides}", build::id(), recording.display())
}

/// Which database a URL names, whatever the password and the connection's other settings are.
fn place(url: &str) -> Option<String> {
    let it: MySqlConnectOptions = url.parse().ok()?;
    let (host, port, socket) = (it.get_host(), it.get_port(), it.get_socket());
    Some(format!("{} {host} {port} {socket:?} {:?}", it.get_username(), it.get_database()))
}

/// How long a run goes on before its state is written again, which took so long the last time.
fn pause(took: Duration) -> Duration {
    INTERVAL.max(took.saturating_mul(REST))
}

impl Checkpoint {
    /// The checkpoint of a run in this file, and how far that had come when it stopped. Of the same
    /// [`run`] is one that goes on.
    pub(super) fn open(
        file: &Path,
        key: Option<&Key>,
        run: String,
    ) -> Result<(Self, Option<State>), CheckpointError> {
        let checkpoint = Self {
            file: file.to_owned(),
            key: key.cloned(),
            run,
            written: Cell::new(Instant::now()),
            took: Cell::default(),
        };
        let name = || file.display().to_string();
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((checkpoint, None)),
            Err(error) => return Err(CheckpointError::Read(name(), error)),
        };
        let text = recording::unseal(&bytes, key);
        let text = text.map_err(|it| CheckpointError::Foreign(name(), it))?;
        let state = text.and_then(|it| serde_json::from_slice::<State>(&it).ok());
        let state = state.ok_or_else(|| CheckpointError::Damaged(name()))?;
        if state.run != checkpoint.run {
            return Err(CheckpointError::OtherRun(name()));
        }
        Ok((checkpoint, Some(state)))
    }

    /// The run has come to this request; the file says so soon.
    pub(super) fn reached(
        &self,
        entry: &Entry,
        tally: &Tally,
        sessions: &Sessions,
    ) -> Result<(), CheckpointError> {
        if self.written.get().elapsed() < pause(self.took.get()) {
            return Ok(());
        }
        self.write(entry, tally, sessions)
    }

    /// The run has come to this request, and the file says so.
    pub(super) fn write(
        &self,
        entry: &Entry,
        tally: &Tally,
        sessions: &Sessions,
    ) -> Result<(), CheckpointError> {
        let began = Instant::now();
        let state = State {
            run: self.run.clone(),
            last: Some((entry.at.unix_timestamp_nanos(), entry.id.clone())),
            tally: tally.clone(),
            aliases: sessions.aliases(),
        };
        let name = || self.file.display().to_string();
        let text = serde_json::to_vec(&state).map_err(|_| CheckpointError::Damaged(name()))?;
        let written = recording::seal(&self.file, self.key.as_ref(), &text);
        written.map_err(|it| CheckpointError::Write(name(), it))?;
        self.written.set(Instant::now());
        self.took.set(began.elapsed());
        Ok(())
    }

    /// The run has ended, and the next one begins anew.
    pub(super) fn remove(self) -> Result<(), CheckpointError> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(CheckpointError::Remove(self.file.display().to_string(), error))
            }
            _ => Ok(()),
        }
    }
}

impl State {
    /// Whether this request is still to come.
    pub(super) fn is_before(&self, entry: &Entry) -> bool {
        let at = |it: OffsetDateTime| it.unix_timestamp_nanos();
        self.last.as_ref().is_none_or(|(last, id)| (*last, id) < (at(entry.at), &entry.id))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use extracted::Application;
    use serde_json::json;
    use tempfile::tempdir;

    use super::*;
    use crate::{
        config::{Cli, Command},
        recording::tests::recorded,
        replay::tally::Outcome,
    };

    fn key() -> Key {
        Key::parse(&"1".repeat(64)).unwrap()
    }

    #[test]
    fn a_run_goes_on_behind_the_request_that_it_had_come_to() {
        let folder = tempdir().unwrap();
        let key = key();
        let archive = recorded(folder.path(), &key, &["a", "b", "c"]);
        let file = folder.path().join("replay.state");
        let open = |key: Option<&Key>, run: &str| Checkpoint::open(&file, key, run.to_owned());
        let sessions = Sessions::new(Application::default());
        let mut tally = Tally::default();
        let (checkpoint, found) = open(Some(&key), "this").unwrap();
        assert!(found.is_none());
        for entry in &archive.entries[..2] {
            tally.count(entry, None, Outcome::Same.into());
        }
        checkpoint.write(&archive.entries[1], &tally, &sessions).unwrap();

        let (again, found) = open(Some(&key), "this").unwrap();
        let found = found.unwrap();
        let left = archive.entries.iter().filter(|it| found.is_before(it));
        assert_eq!(left.map(|it| it.id.as_str()).collect::<Vec<_>>(), ["c"]);
        assert_eq!(found.tally, tally);

        assert!(matches!(open(Some(&key), "other"), Err(CheckpointError::OtherRun(_))));
        let locked = open(None, "this");
        assert!(matches!(locked, Err(CheckpointError::Foreign(_, NotASegment::NoKey))));
        let mut bytes = fs::read(&file).unwrap();
        bytes.pop();
        fs::write(&file, bytes).unwrap();
        assert!(matches!(open(Some(&key), "this"), Err(CheckpointError::Damaged(_))));

        again.remove().unwrap();
        assert!(open(Some(&key), "this").unwrap().1.is_none());
    }

    #[test]
    fn a_run_that_has_learnt_very_many_sessions_goes_on_too() {
        let folder = tempdir().unwrap();
        let key = key();
        let archive = recorded(folder.path(), &key, &["a"]);
        let file = folder.path().join("replay.state");
        let alias = |it: usize| {
            let value = format!("{it:0800}");
            serde_json::from_value(json!({"name": "_shop", "recorded": value, "now": value}))
        };
        let aliases: Vec<Alias> = (0..30_000).map(|it| alias(it).unwrap()).collect();
        let sessions = Sessions::new(Application::default());
        sessions.resume(aliases.clone());
        let (checkpoint, _) = Checkpoint::open(&file, Some(&key), "this".into()).unwrap();
        checkpoint.write(&archive.entries[0], &Tally::default(), &sessions).unwrap();

        let found = Checkpoint::open(&file, Some(&key), "this".into()).unwrap().1.unwrap();
        let later = Sessions::new(Application::default());
        later.resume(found.aliases);
        let all = |it: &Sessions| {
            let aliases = it.aliases();
            let mut all: Vec<_> = aliases.iter().map(|it| json!(it).to_string()).collect();
            all.sort();
            all
        };
        assert_eq!(all(&later).len(), 30_000);
        assert!(all(&later) == all(&sessions));
    }

    #[test]
    fn what_takes_long_to_write_is_written_less_often() {
        assert_eq!(pause(Duration::from_millis(3)), INTERVAL);
        assert_eq!(pause(Duration::from_secs(2)), Duration::from_secs(40));
    }

    #[test]
    fn a_run_is_known_by_its_sides_its_rules_and_its_recording() {
        const URL: &str = "mysql://banyan:s3cret@db/shop";
        let folder = tempdir().unwrap();
        let entries = recorded(folder.path(), &key(), &["a", "b"]).entries;
        let known = |hash: &str, first: usize, flags: &[&str]| {
            let before = ["banyan", "replay", "DIR"];
            let cli = Cli::try_parse_from(before.iter().chain(flags)).unwrap();
            let Command::Replay(arguments) = cli.command else { panic!("not replay") };
            run(&arguments, hash, entries.get(first))
        };
        let this = known("0a1b", 0, &["--database", URL]);
        for (hash, first, flags) in [
            ("ffff", 0, &["--database", URL][..]),
            ("0a1b", 1, &["--database", URL]),
            ("0a1b", 2, &["--database", URL]),
            ("0a1b", 0, &["--database", "mysql://banyan:s3cret@db/other"]),
            ("0a1b", 0, &["--database", "mysql://banyan:s3cret@db/shop?socket=/run/db.sock"]),
            ("0a1b", 0, &["--database", URL, "--monolith", "http://other"]),
            ("0a1b", 0, &["--database", URL, "--writes"]),
            ("0a1b", 0, &["--database", URL, "--route", "cart"]),
        ] {
            assert_ne!(this, known(hash, first, flags), "{hash} {first} {flags:?}");
        }
        let password = "mysql://banyan:changed@db/shop";
        assert_eq!(this, known("0a1b", 0, &["--database", password, "--rate", "5"]));
        assert!(!this.contains("s3cret") && !this.contains("banyan@"));
    }
}
