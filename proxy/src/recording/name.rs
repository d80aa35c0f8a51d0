//! The name of a segment in a folder: when it was begun, in milliseconds since 1970, and a part of its
//! salt. Names sort by time, and no two are the same.
//!
//! The header says the time too, and cannot be changed: where a clock was set back, segments are from
//! a time to come, and would be kept too long by as much. Such a one gets another name, that of the
//! moment at which it was found, and goes by that.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use time::OffsetDateTime;

use super::segment::{EXTENSION, Header, milliseconds};

/// Digits of the time, and of the salt.
const TIME: usize = 13;
const SALT: usize = 8;

/// What a segment is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    begun: i64,
    salt: String,
}

impl Name {
    pub(super) fn of(begun: OffsetDateTime, salt: &[u8; 16]) -> Self {
        Self { begun: milliseconds(begun), salt: hex::encode(&salt[..SALT / 2]) }
    }

    /// That of a segment that the recorder wrote; whoever carries one away calls it what they like.
    fn parse(path: &Path) -> Option<Self> {
        let (begun, salt) = path.file_stem()?.to_str()?.split_once('-')?;
        let is_one = begun.len() == TIME && salt.len() == SALT;
        let begun = begun.parse().ok().filter(|_| is_one)?;
        Some(Self { begun, salt: salt.to_owned() })
    }
}

/// The header of a segment, in which it was begun no later than its name says, nor than `now`.
pub(super) fn dated(path: &Path, mut header: Header, now: OffsetDateTime) -> Header {
    let named = Name::parse(path).map(|it| i128::from(it.begun) * 1_000_000);
    let named = named.and_then(|it| OffsetDateTime::from_unix_timestamp_nanos(it).ok());
    header.begun = header.begun.min(named.unwrap_or(now)).min(now);
    header
}

/// Takes the name of a time to come from a segment; returns what it is called.
pub(super) fn brought_back(path: PathBuf, now: OffsetDateTime) -> io::Result<PathBuf> {
    let now = milliseconds(now);
    let Some(name) = Name::parse(&path).filter(|it| it.begun > now) else { return Ok(path) };
    let renamed = path.with_file_name(Name { begun: now, ..name }.to_string());
    match fs::rename(&path, &renamed) {
        Ok(()) => Ok(renamed),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
        Err(error) => Err(error),
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0TIME$}-{}.{EXTENSION}", self.begun, self.salt)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn only_what_the_recorder_calls_a_segment_says_when_it_was_begun() {
        let name = Name::of(datetime!(2026-03-01 12:00 UTC), &[0xab; 16]);
        assert_eq!(name.to_string(), "1772366400000-abababab.recording");
        assert_eq!(Name::parse(Path::new("a/1772366400000-abababab.recording")), Some(name));
        for other in ["2026-11.recording", "show.recording", "177236640000x-abababab.recording"] {
            assert_eq!(Name::parse(Path::new(other)), None, "{other}");
        }
    }
}
