//! Where recordings are, and their key.

use std::path::PathBuf;

use clap::Args;

use super::Secret;
use crate::{
    recording::{Key, KeyError, Settings},
    route::bytes,
};

/// The key of recordings, for whoever writes or reads them.
#[derive(Debug, Clone, Args)]
#[expect(clippy::doc_markdown, reason = "the texts are shown by --help, without markup")]
pub struct RecordingKey {
    /// The key that recordings are encrypted with, in a file: 64 hexadecimal digits; or in
    /// BANYAN_RECORDING_KEY
    #[arg(long, env = "BANYAN_RECORDING_KEY_FILE", value_name = "FILE")]
    pub recording_key_file: Option<PathBuf>,

    /// Hidden: a flag is seen by every user of the machine
    #[arg(long, env = "BANYAN_RECORDING_KEY", value_name = "KEY", hide = true)]
    #[arg(hide_env_values = true, conflicts_with = "recording_key_file")]
    pub recording_key: Option<Secret>,
}

/// Where the proxy records.
#[derive(Debug, Clone, Args)]
pub struct Recordings {
    /// The folder for raw requests of the routes that say `record`
    #[arg(long, env = "BANYAN_RECORDINGS", value_name = "DIR")]
    pub recordings: Option<PathBuf>,

    /// What all recordings may take of the disk; the oldest go first
    #[arg(long, env = "BANYAN_RECORDINGS_SIZE", value_name = "SIZE", default_value = "1GiB")]
    #[arg(value_parser = bytes)]
    pub recordings_size: u64,

    /// The key that they are encrypted with.
    #[command(flatten)]
    pub key: RecordingKey,
}

impl RecordingKey {
    /// The key, if there is one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(&self) -> Result<Option<Key>, KeyError> {
        match (&self.recording_key, &self.recording_key_file) {
            (Some(key), _) => Key::parse(key.expose()).map(Some),
            (None, Some(file)) => Key::load(file).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl Recordings {
    /// How the proxy records: not at all, unless it is told both where to and with which key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn settings(&self) -> Result<Option<Settings>, KeyError> {
        let folder = self.recordings.clone();
        let (key, limit) = (self.key.load()?, self.recordings_size);
        Ok(folder.zip(key).map(|(folder, key)| Settings { folder, key, limit }))
    }
}
