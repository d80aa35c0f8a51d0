//! What was recorded, to be read: a folder of segments, or one file of `banyan record`.

use std::{
    cell::RefCell,
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use time::OffsetDateTime;

use super::{
    Key,
    exchange::Exchange,
    folder,
    name::dated,
    segment::{NotASegment, Segment},
};

/// Everything that can be read of a recording, in the order in which the requests came.
#[derive(Debug)]
pub struct Archive {
    /// One for each exchange, by time.
    pub entries: Vec<Entry>,
    /// What cannot be read.
    pub loss: Loss,
    files: Vec<PathBuf>,
    key: Option<Key>,
    /// The file that was read last: neighbours in time are mostly neighbours in a file.
    last: RefCell<Option<(usize, Vec<u8>)>>,
}

/// Where an exchange is, and which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// When its request came.
    pub at: OffsetDateTime,
    /// Its request's id.
    pub id: String,
    /// The route that it took.
    pub route: String,
    /// When it expires.
    pub until: OffsetDateTime,
    file: usize,
    number: u64,
    offset: usize,
}

/// What is there and cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// Records that were not written whole: the last of a segment in a folder, of a process that died
    /// or writes right now.
    pub torn: usize,
    /// Records that were changed since they were written, or are cut off in a file that was written
    /// whole.
    pub damaged: usize,
    /// Segments that have expired and are not deleted yet.
    pub expired: usize,
    /// Segments that are encrypted with another key.
    pub other_key: usize,
}

impl Loss {
    /// What belongs to the recording and is missing.
    #[must_use]
    pub const fn missing(self) -> Self {
        Self { torn: 0, expired: 0, ..self }
    }

    /// What is no fault: the record that a process had no time to write, and what has had its time. A
    /// moment later neither may be there to be counted.
    #[must_use]
    pub const fn ordinary(self) -> Self {
        Self { damaged: 0, other_key: 0, ..self }
    }

    /// Whether all of it can be read.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Records that cannot be read.
    pub const fn records(&self) -> usize {
        self.torn + self.damaged
    }

    /// What cannot be read, for people: a sentence for each reason that there is.
    pub fn sentences(&self) -> Vec<String> {
        let all = [
            (self.torn, ["record was", "records were"], "not written whole"),
            (self.damaged, ["record was", "records were"], "damaged since"),
            (self.expired, ["segment has", "segments have"], "expired"),
            (self.other_key, ["segment is", "segments are"], "encrypted with another key"),
        ];
        let lost = all.into_iter().filter(|it| it.0 > 0);
        let said = lost.map(|(count, [one, more], how)| {
            format!("{count} {} {how}", if count == 1 { one } else { more })
        });
        said.collect()
    }
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or folder cannot be read.
    #[error("{0} cannot be read")]
    Io(String, #[source] io::Error),
    /// A file is no segment, or cannot be opened.
    #[error("{0} {1}")]
    Segment(String, NotASegment),
    /// It was there a moment ago.
    #[error("a recorded request has been deleted while it was looked for")]
    Gone,
}

impl Archive {
    /// Looks through a folder, or one file, as it is now. Each exchange is opened once, to see that
    /// it can be.
    ///
    /// # Errors
    /// [`ReadError`]; not for a part that is lost, which [`Archive::loss`] tells of.
    pub fn open(path: &Path, key: Option<&Key>, now: OffsetDateTime) -> Result<Self, ReadError> {
        let io = |it| ReadError::Io(path.display().to_string(), it);
        let is_folder = fs::metadata(path).map_err(io)?.is_dir();
        let files =
            if is_folder { folder::segments(path).map_err(io)? } else { vec![path.to_owned()] };
        let (entries, loss, last) = (Vec::new(), Loss::default(), RefCell::default());
        let mut archive = Self { entries, loss, files, key: key.cloned(), last };
        let mut locked = None;
        for index in 0..archive.files.len() {
            match archive.look(index, is_folder, now) {
                Ok(()) => {}
                Err(ReadError::Segment(_, NotASegment::Empty)) if is_folder => {}
                Err(ReadError::Segment(file, NotASegment::OtherKey)) if is_folder => {
                    archive.loss.other_key += 1;
                    locked = Some(ReadError::Segment(file, NotASegment::OtherKey));
                }
                // A running proxy deletes what has expired.
                Err(ReadError::Io(_, error))
                    if is_folder && error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        match locked {
            Some(error) if archive.entries.is_empty() => Err(error),
            _ => {
                archive.entries.sort();
                Ok(archive)
            }
        }
    }

    fn look(&mut self, file: usize, is_folder: bool, now: OffsetDateTime) -> Result<(), ReadError> {
        let name = self.files[file].display().to_string();
        let bytes = fs::read(&self.files[file]).map_err(|it| ReadError::Io(name.clone(), it))?;
        let segment = Segment::read(&bytes, self.key.as_ref());
        let segment = segment.map_err(|it| ReadError::Segment(name, it))?;
        let header = dated(&self.files[file], segment.header, now);
        if header.is_expired(now) {
            self.loss.expired += 1;
            return Ok(());
        }
        let until = header.until();
        let (frames, torn) = segment.frames();
        let cut_off = if is_folder { &mut self.loss.torn } else { &mut self.loss.damaged };
        *cut_off += usize::from(torn > 0);
        for frame in frames {
            let record = segment.open(frame).ok();
            match record.and_then(|it| Exchange::decode(&it.into()).ok()) {
                Some(it) => {
                    let (at, id) = (it.at, it.id().to_owned());
                    self.entries.push(Entry {
                        at,
                        id,
                        route: it.route,
                        until,
                        file,
                        number: frame.number,
                        offset: frame.offset,
                    });
                }
                None => self.loss.damaged += 1,
            }
        }
        Ok(())
    }

    /// The exchange of an entry.
    ///
    /// # Errors
    /// [`ReadError::Gone`].
    pub fn exchange(&self, entry: &Entry) -> Result<Exchange, ReadError> {
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|it| it.0 != entry.file) {
            let bytes = fs::read(&self.files[entry.file]).map_err(|_| ReadError::Gone)?;
            *last = Some((entry.file, bytes));
        }
        let bytes = last.as_ref().map(|it| &it.1[..]).unwrap_or_default();
        let segment = Segment::read(bytes, self.key.as_ref()).map_err(|_| ReadError::Gone)?;
        let frame = segment.frame(entry.number, entry.offset).ok_or(ReadError::Gone)?;
        let record: Bytes = segment.open(frame).map_err(|_| ReadError::Gone)?.into();
        Exchange::decode(&record).map_err(|_| ReadError::Gone)
    }

    /// Whether what is in it is encrypted, as far as it can be read.
    pub const fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::tempdir;
    use time::macros::datetime;

    use super::*;
    use crate::recording::{exchange::tests::exchange, segment::Writer};

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
    const KEEP: Duration = Duration::from_hours(24);

    fn key(digit: char) -> Key {
        Key::parse(&digit.to_string().repeat(64)).unwrap()
    }

    fn segment(folder: &Path, digit: char, begun: OffsetDateTime, ids: &[&str]) {
        let mut writer = Writer::begin(folder, &key(digit), begun, KEEP).unwrap();
        for (later, id) in ids.iter().enumerate() {
            let mut exchange = exchange(id, "/");
            exchange.at = begun + Duration::from_secs(10 * later as u64);
            writer.append(exchange.encode().unwrap()).unwrap();
        }
    }

    fn ids(archive: &Archive) -> Vec<&str> {
        archive.entries.iter().map(|it| it.id.as_str()).collect()
    }

    #[test]
    fn exchanges_of_several_segments_are_in_the_order_of_time() {
        let folder = tempdir().unwrap();
        segment(folder.path(), '1', NOW, &["a", "c"]);
        segment(folder.path(), '1', NOW + Duration::from_secs(5), &["b", "d"]);
        let archive = Archive::open(folder.path(), Some(&key('1')), NOW).unwrap();
        assert_eq!(ids(&archive), ["a", "b", "c", "d"]);
        assert_eq!(archive.loss, Loss::default());
        for entry in &archive.entries {
            assert_eq!(archive.exchange(entry).unwrap().id(), entry.id);
        }
    }

    #[test]
    fn what_is_lost_is_counted_and_the_rest_is_read() {
        let folder = tempdir().unwrap();
        segment(folder.path(), '1', NOW - Duration::from_hours(25), &["old"]);
        segment(folder.path(), '2', NOW - Duration::from_hours(2), &["locked"]);
        segment(folder.path(), '1', NOW - Duration::from_hours(1), &["a", "torn"]);
        segment(folder.path(), '1', NOW, &["damaged"]);
        fs::write(folder.path().join("0.recording"), "BANY").unwrap();
        let files = folder::segments(folder.path()).unwrap();
        let mut bytes = fs::read(&files[3]).unwrap();
        bytes.pop();
        fs::write(&files[3], bytes).unwrap();
        let mut bytes = fs::read(&files[4]).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&files[4], bytes).unwrap();
        let archive = Archive::open(folder.path(), Some(&key('1')), NOW).unwrap();
        assert_eq!(ids(&archive), ["a"]);
        assert_eq!(archive.loss, Loss { torn: 1, damaged: 1, expired: 1, other_key: 1 });
    }

    #[test]
    fn a_file_that_is_cut_off_is_damaged_and_a_segment_that_is_misses_nothing() {
        let folder = tempdir().unwrap();
        segment(folder.path(), '1', NOW, &["a", "b"]);
        let file = folder::segments(folder.path()).unwrap().remove(0);
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        for (path, loss, missing) in [
            (folder.path(), Loss { torn: 1, ..Loss::default() }, 0),
            (&file, Loss { damaged: 1, ..Loss::default() }, 1),
        ] {
            let archive = Archive::open(path, Some(&key('1')), NOW).unwrap();
            assert_eq!((ids(&archive), archive.loss), (vec!["a"], loss));
            assert_eq!(
                (loss.missing().records(), loss.ordinary().records()),
                (missing, 1 - missing)
            );
        }
    }

    #[test]
    fn a_wrong_key_and_a_missing_one_are_told_apart() {
        let folder = tempdir().unwrap();
        segment(folder.path(), '1', NOW, &["a"]);
        for (key, expected) in [(None, NotASegment::NoKey), (Some(key('2')), NotASegment::OtherKey)]
        {
            match Archive::open(folder.path(), key.as_ref(), NOW) {
                Err(ReadError::Segment(_, found)) => assert_eq!(found, expected),
                other => panic!("{other:?}"),
            }
        }
        let missing = Archive::open(&folder.path().join("none"), None, NOW);
        assert!(matches!(missing, Err(ReadError::Io(..))));
    }
}
