//! One file of a recording: a header, and records behind it, each encrypted or, in a redacted
//! recording, plain.
//!
//! ```text
//! header   "BANYREC" version:u8 sealing:u8 key:[u8; 8] salt:[u8; 16] begun:i64 keep:u64
//! record   length:u32, then so many bytes: AES-256-GCM with its tag, or plain
//! ```
//!
//! Numbers are big-endian; `begun` is in milliseconds since 1970, `keep` in seconds. The header is
//! authenticated with every record, and so is a record's number. A file is only ever appended to, by
//! the process that began it, each record with one write: a process that dies loses the record that it
//! was writing, and none before it. Nothing is synced, so a machine that dies loses what its kernel had
//! not written yet, half a minute mostly. That may leave zeros behind, and no record is empty.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use time::OffsetDateTime;

use super::{
    key::{Key, KeyError, SegmentKey},
    name::Name,
};

/// The version of the format, in each header.
const VERSION: u8 = 1;

const MAGIC: &[u8; 7] = b"BANYREC";

/// The last moment that has a date here.
const LAST: OffsetDateTime = time::PrimitiveDateTime::MAX.assume_utc();

/// The bytes of a header.
pub(super) const HEADER: usize = 49;

/// The bytes of a record's length.
const LENGTH: usize = 4;

/// No record is longer: a request and an answer have at most 1 MiB each, and fields.
const RECORD_LIMIT: usize = 16 * 1024 * 1024;

/// How the names of segments end.
pub(super) const EXTENSION: &str = "recording";

/// What stands at the head of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether a key is needed.
    pub sealing: Sealing,
    salt: [u8; 16],
    /// When it was begun: no record was written earlier.
    pub begun: OffsetDateTime,
    /// How long after that the segment may be read; then it is to be deleted.
    pub keep: Duration,
}

/// Whether records are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// They are not: nothing of a buyer's is in them.
    Plain,
    /// With the key of this id.
    Sealed([u8; 8]),
}

/// Why bytes cannot be read as a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASegment {
    /// They are something else.
    #[error("is no recording")]
    Foreign,
    /// It ends within its header, or a machine that died has left only zeros: nothing was recorded in it.
    #[error("ends before its first record")]
    Empty,
    /// A later build wrote it.
    #[error(
        "is of version {0} of the format, and this build reads version {VERSION}: use a newer build"
    )]
    Version(u8),
    /// It is encrypted, and there is no key.
    #[error("is encrypted: give its key with --recording-key-file or in BANYAN_RECORDING_KEY")]
    NoKey,
    /// It is encrypted with another key.
    #[error("was encrypted with another key than the one that is given")]
    OtherKey,
}

/// A record was changed since it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("was changed or damaged since it was written")]
pub struct Unreadable;

/// A segment that is read.
#[derive(Debug)]
pub struct Segment<'a> {
    /// Its header.
    pub header: Header,
    head: &'a [u8],
    records: &'a [u8],
    key: Option<SegmentKey>,
}

/// One record, as it stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Counted from 0.
    pub number: u64,
    /// Where it begins, in bytes behind the header.
    pub(super) offset: usize,
    bytes: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`NotASegment`].
    pub fn read(bytes: &'a [u8], key: Option<&Key>) -> Result<Self, NotASegment> {
        let header = Header::read(bytes)?;
        let (head, records) = bytes.split_at_checked(HEADER).ok_or(NotASegment::Empty)?;
        let key = match (header.sealing, key) {
            (Sealing::Plain, _) => None,
            (Sealing::Sealed(_), None) => return Err(NotASegment::NoKey),
            (Sealing::Sealed(id), Some(key)) if id == key.id() => {
                Some(key.derive(&header.salt).map_err(|_| NotASegment::OtherKey)?)
            }
            (Sealing::Sealed(_), Some(_)) => return Err(NotASegment::OtherKey),
        };
        Ok(Self { header, head, records, key })
    }

    /// The header alone, of a file's first bytes.
    ///
    /// # Errors
    /// [`NotASegment`].
    pub(super) fn header(bytes: &[u8]) -> Result<Header, NotASegment> {
        Header::read(bytes)
    }

    /// Its records, and behind them the bytes of one that was not written whole.
    pub fn frames(&self) -> (Vec<Frame<'a>>, usize) {
        let (mut frames, mut offset) = (Vec::new(), 0);
        while let Some(frame) = self.frame(frames.len() as u64, offset) {
            offset += LENGTH + frame.bytes.len();
            frames.push(frame);
        }
        (frames, self.records.len() - offset)
    }

    /// The record of this number, which begins so many bytes behind the header.
    pub(super) fn frame(&self, number: u64, offset: usize) -> Option<Frame<'a>> {
        let (length, behind) = self.records.get(offset..)?.split_first_chunk::<LENGTH>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let is_possible = (1..=RECORD_LIMIT).contains(&length);
        let (bytes, _) = behind.split_at_checked(length).filter(|_| is_possible)?;
        Some(Frame { number, offset, bytes })
    }

    /// What a record holds.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn open(&self, frame: Frame<'_>) -> Result<Vec<u8>, Unreadable> {
        let mut text = frame.bytes.to_vec();
        if let Some(key) = &self.key {
            key.open(self.head, frame.number, &mut text).map_err(|_| Unreadable)?;
        }
        Ok(text)
    }
}

impl Header {
    /// What stands at the begin of a file.
    fn read(bytes: &[u8]) -> Result<Self, NotASegment> {
        // What a machine that died leaves of a file that was begun.
        if bytes.iter().take(HEADER).all(|it| *it == 0) {
            return Err(NotASegment::Empty);
        }
        if bytes.iter().zip(MAGIC).any(|(one, other)| one != other) {
            return Err(NotASegment::Foreign);
        }
        let mut rest = bytes;
        let mut take = |count: usize| {
            let (taken, behind) = rest.split_at_checked(count).ok_or(NotASegment::Empty)?;
            rest = behind;
            Ok(taken)
        };
        take(MAGIC.len())?;
        let [version, sealing] = fixed(take(2)?)?;
        if version != VERSION {
            return Err(NotASegment::Version(version));
        }
        let (id, salt) = (fixed(take(8)?)?, fixed(take(16)?)?);
        let begun = i64::from_be_bytes(fixed(take(8)?)?);
        let keep = u64::from_be_bytes(fixed(take(8)?)?);
        let begun = OffsetDateTime::from_unix_timestamp_nanos(i128::from(begun) * 1_000_000);
        let sealing = match sealing {
            0 => Sealing::Plain,
            1 => Sealing::Sealed(id),
            _ => return Err(NotASegment::Foreign),
        };
        Ok(Self {
            sealing,
            salt,
            begun: begun.map_err(|_| NotASegment::Foreign)?,
            keep: Duration::from_secs(keep),
        })
    }

    fn write(&self) -> Vec<u8> {
        let (sealing, id) = match self.sealing {
            Sealing::Plain => (0, [0; 8]),
            Sealing::Sealed(id) => (1, id),
        };
        let mut head = Vec::with_capacity(HEADER);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&[VERSION, sealing]);
        head.extend_from_slice(&id);
        head.extend_from_slice(&self.salt);
        head.extend_from_slice(&milliseconds(self.begun).to_be_bytes());
        head.extend_from_slice(&self.keep.as_secs().to_be_bytes());
        head
    }

    /// When it is to be deleted.
    pub fn until(&self) -> OffsetDateTime {
        let keep = time::Duration::try_from(self.keep).unwrap_or(time::Duration::MAX);
        // What is kept for ever ends with the calendar.
        self.begun.checked_add(keep).unwrap_or(LAST)
    }

    /// Whether it is to be deleted.
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.until() <= now
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], NotASegment> {
    bytes.try_into().map_err(|_| NotASegment::Empty)
}

pub(super) fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) path: PathBuf,
    file: File,
    pub(super) header: Header,
    head: Vec<u8>,
    key: Option<SegmentKey>,
    number: u64,
    pub(super) size: u64,
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk does not take it, or the file is there already.
    #[error("the file cannot be written")]
    Io(#[from] io::Error),
    /// The cryptography library refuses: a fault of this program.
    #[error("the record cannot be encrypted")]
    Key(#[from] KeyError),
    /// No record is longer.
    #[error("the record is longer than 16 MiB")]
    TooLong,
}

impl Writer {
    /// Begins a segment below `folder`, under a name that no other has and that sorts by time.
    pub(super) fn begin(
        folder: &Path,
        key: &Key,
        begun: OffsetDateTime,
        keep: Duration,
    ) -> Result<Self, WriteError> {
        let salt: [u8; 16] = rand::random();
        let name = Name::of(begun, &salt).to_string();
        Self::create(&folder.join(name), Some(key), salt, begun, keep)
    }

    /// Begins a segment in this file, which must not be there; without a key its records are plain.
    pub(super) fn export(
        file: &Path,
        key: Option<&Key>,
        begun: OffsetDateTime,
        keep: Duration,
    ) -> Result<Self, WriteError> {
        Self::create(file, key, rand::random(), begun, keep)
    }

    fn create(
        path: &Path,
        key: Option<&Key>,
        salt: [u8; 16],
        begun: OffsetDateTime,
        keep: Duration,
    ) -> Result<Self, WriteError> {
        let sealing = key.map_or(Sealing::Plain, |it| Sealing::Sealed(it.id()));
        let header = Header { sealing, salt, begun, keep };
        let key = key.map(|it| it.derive(&salt)).transpose()?;
        let head = header.write();
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        let path = path.to_owned();
        if let Err(error) = file.write_all(&head) {
            remove(&path);
            return Err(error.into());
        }
        let size = head.len() as u64;
        Ok(Self { path, file, header, head, key, number: 0, size })
    }

    /// Nothing more can be written. A segment without a record is of no use to anybody.
    pub(super) fn give_up(self) {
        if self.number == 0 {
            remove(&self.path);
        }
    }

    /// Writes one record, with one call of the system.
    ///
    /// # Errors
    /// [`WriteError`]; nothing can be appended to the segment any more.
    pub(super) fn append(&mut self, mut text: Vec<u8>) -> Result<(), WriteError> {
        if let Some(key) = &self.key {
            key.seal(&self.head, self.number, &mut text).map_err(|_| KeyError::Unusable)?;
        }
        if text.len() > RECORD_LIMIT {
            return Err(WriteError::TooLong);
        }
        let length = u32::try_from(text.len()).map_err(|_| WriteError::TooLong)?;
        text.splice(..0, length.to_be_bytes());
        self.file.write_all(&text)?;
        self.number += 1;
        self.size += text.len() as u64;
        Ok(())
    }
}

/// What cannot be removed either is found when the folder is tidied.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests;
