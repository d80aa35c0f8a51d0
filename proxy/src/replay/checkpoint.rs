//! How far a replay has come, kept in a file, so that it can go on. Encrypted with the recording's
//! key where there is one: it holds cookies.

use std::{
    cell::Cell,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
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

/// How often the file is written.
const INTERVAL: Duration = Duration::from_secs(1);

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
    #[error("{0} is of a run of another build, or with other arguments; remove it to begin anew")]
    OtherRun(String),
}

/// Where a run says how far it has come.
#[derive(Debug)]
pub(super) struct Checkpoint {
    file: PathBuf,
    key: Option<Key>,
    run: String,
    written: Cell<Instant>,
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

impl Checkpoint {
    /// The checkpoint in this file, and how far a run had come that has stopped.
    pub(super) fn open(
        file: &Path,
        key: Option<&Key>,
        arguments: &Replay,
    ) -> Result<(Self, Option<State>), CheckpointError> {
        let Replay { route, writes, values, recording, .. } = arguments;
        let run = format!("{} {} {route:?} {writes} {values}", build::id(), recording.display());
        let written = Cell::new(Instant::now());
        let checkpoint = Self { file: file.to_owned(), key: key.cloned(), run, written };
        let name = || file.display().to_string();
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((checkpoint, None)),
            Err(error) => return Err(CheckpointError::Read(name(), error)),
        };
        let record = recording::unseal(&bytes, key);
        let record = record.map_err(|it| CheckpointError::Foreign(name(), it))?;
        let state = record.and_then(|it| serde_json::from_slice::<State>(&it).ok());
        let state = state.ok_or_else(|| CheckpointError::Damaged(name()))?;
        if state.run != checkpoint.run {
            return Err(CheckpointError::OtherRun(name()));
        }
        Ok((checkpoint, Some(state)))
    }

    /// The run has come to this request; the file says so within a second.
    pub(super) fn reached(
        &self,
        entry: &Entry,
        tally: &Tally,
        sessions: &Sessions,
    ) -> Result<(), CheckpointError> {
        if self.written.get().elapsed() < INTERVAL {
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
        self.written.set(Instant::now());
        let state = State {
            run: self.run.clone(),
            last: Some((entry.at.unix_timestamp_nanos(), entry.id.clone())),
            tally: tally.clone(),
            aliases: sessions.aliases(),
        };
        let name = || self.file.display().to_string();
        let record = serde_json::to_vec(&state).map_err(|_| CheckpointError::Damaged(name()))?;
        let written = recording::seal(&self.file, self.key.as_ref(), record);
        written.map_err(|it| CheckpointError::Write(name(), it))
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
    use tempfile::tempdir;

    use super::*;
    use crate::{
        config::{Cli, Command},
        recording::tests::recorded,
        replay::tally::Outcome,
    };

    fn arguments(flags: &[&str]) -> Replay {
        let cli = Cli::try_parse_from(["banyan", "replay", "DIR"].iter().chain(flags)).unwrap();
        let Command::Replay(arguments) = cli.command else { panic!("not replay") };
        *arguments
    }

    #[test]
    fn a_run_goes_on_behind_the_request_that_it_had_come_to() {
        let folder = tempdir().unwrap();
        let key = Key::parse(&"1".repeat(64)).unwrap();
        let archive = recorded(folder.path(), &key, &["a", "b", "c"]);
        let file = folder.path().join("replay.state");
        let sessions = Sessions::new(Application::default());
        let mut tally = Tally::default();
        let (checkpoint, found) = Checkpoint::open(&file, Some(&key), &arguments(&[])).unwrap();
        assert!(found.is_none());
        for entry in &archive.entries[..2] {
            tally.count(entry, None, Outcome::Same.into());
        }
        checkpoint.write(&archive.entries[1], &tally, &sessions).unwrap();

        let (again, found) = Checkpoint::open(&file, Some(&key), &arguments(&[])).unwrap();
        let found = found.unwrap();
        let left = archive.entries.iter().filter(|it| found.is_before(it));
        assert_eq!(left.map(|it| it.id.as_str()).collect::<Vec<_>>(), ["c"]);
        assert_eq!(found.tally, tally);

        let other = Checkpoint::open(&file, Some(&key), &arguments(&["--writes"]));
        assert!(matches!(other, Err(CheckpointError::OtherRun(_))));
        let locked = Checkpoint::open(&file, None, &arguments(&[]));
        assert!(matches!(locked, Err(CheckpointError::Foreign(_, NotASegment::NoKey))));
        let mut bytes = fs::read(&file).unwrap();
        bytes.pop();
        fs::write(&file, bytes).unwrap();
        let torn = Checkpoint::open(&file, Some(&key), &arguments(&[]));
        assert!(matches!(torn, Err(CheckpointError::Damaged(_))));

        again.remove().unwrap();
        assert!(Checkpoint::open(&file, Some(&key), &arguments(&[])).unwrap().1.is_none());
    }
}
