//! The folder that segments are in: what is there, what has expired, and what no longer fits.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use time::OffsetDateTime;

use super::{
    name::{brought_back, dated},
    segment::{EXTENSION, HEADER, NotASegment, Segment},
};

/// A file that is this old and has no header was given up; a younger one may be that of a process that
/// is just writing it.
const YOUNG: Duration = Duration::from_mins(1);

/// Makes the folder, for its owner alone, if it is not there.
pub(super) fn create(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The segments below `folder`, the oldest first: their names begin with their time.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == EXTENSION) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Deletes what has expired, and then the oldest segments until the rest has no more than `limit`
/// bytes; returns how many bytes are left. One that another process deletes at the same time is
/// gone just as well.
pub(super) fn tidy(folder: &Path, limit: u64, now: OffsetDateTime) -> io::Result<u64> {
    let mut kept = Vec::new();
    for path in segments(folder)? {
        let path = brought_back(path, now)?;
        if is_over(&path, now) {
            remove(&path)?;
        } else if let Ok(file) = fs::metadata(&path) {
            kept.push((path, file.len()));
        }
    }
    let mut total: u64 = kept.iter().map(|it| it.1).sum();
    for (path, size) in kept {
        if total <= limit {
            break;
        }
        remove(&path)?;
        total -= size;
    }
    Ok(total)
}

/// Whether a segment has expired, or has no header by which it ever would. Nothing else of it is looked
/// at, so that no key is needed.
fn is_over(path: &Path, now: OffsetDateTime) -> bool {
    let mut head = Vec::with_capacity(HEADER);
    let Ok(file) = File::open(path) else { return false };
    let written = file.metadata().and_then(|it| it.modified());
    if file.take(HEADER as u64).read_to_end(&mut head).is_err() {
        return false;
    }
    match Segment::header(&head) {
        Ok(header) => dated(path, header, now).is_expired(now),
        Err(NotASegment::Empty) => written.is_ok_and(|it| now - OffsetDateTime::from(it) >= YOUNG),
        Err(_) => false,
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;
    use time::macros::datetime;

    use super::*;
    use crate::recording::{Key, segment::Writer};

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    /// A segment that began before NOW, with a record.
    fn segment(folder: &Path, hours_ago: u64, keep_hours: u64) {
        let key = Key::parse(&"1".repeat(64)).unwrap();
        let (begun, keep) =
            (NOW - Duration::from_hours(hours_ago), Duration::from_hours(keep_hours));
        let mut writer = Writer::begin(folder, &key, begun, keep).unwrap();
        writer.append(vec![7; 1000]).unwrap();
    }

    #[test]
    fn what_has_expired_goes_and_then_the_oldest_until_the_rest_fits() {
        let folder = tempdir().unwrap();
        for (hours_ago, keep) in [(3, 2), (2, 24), (1, 24), (0, 24), (30, 48)] {
            segment(folder.path(), hours_ago, keep);
        }
        fs::write(folder.path().join("other.txt"), "of somebody else").unwrap();
        let left = tidy(folder.path(), u64::MAX, NOW).unwrap();
        assert_eq!((left > 4_000, segments(folder.path()).unwrap().len()), (true, 4));
        let left = tidy(folder.path(), 2_500, NOW).unwrap();
        let names = segments(folder.path()).unwrap();
        assert_eq!((left < 2_500, names.len()), (true, 2));
        let newest = (NOW.unix_timestamp() * 1000).to_string();
        assert!(names[1].file_name().unwrap().to_str().unwrap().starts_with(&newest), "{names:?}");
        assert!(folder.path().join("other.txt").exists());
    }

    #[test]
    fn a_file_without_a_header_goes_once_nobody_can_be_writing_it() {
        let folder = tempdir().unwrap();
        for (name, content, age) in [
            ("old", "", YOUNG),
            ("cut", "BANYREC", YOUNG),
            ("young", "", YOUNG / 2),
            ("foreign", "SQLite", YOUNG),
        ] {
            let path = folder.path().join(name).with_extension(EXTENSION);
            fs::write(&path, content).unwrap();
            File::options()
                .append(true)
                .open(path)
                .unwrap()
                .set_modified((NOW - age).into())
                .unwrap();
        }
        tidy(folder.path(), u64::MAX, NOW).unwrap();
        let left = segments(folder.path()).unwrap();
        let left: Vec<_> =
            left.iter().map(|it| it.file_stem().unwrap().to_str().unwrap()).collect();
        assert_eq!(left, ["foreign", "young"]);
    }

    #[test]
    fn a_segment_from_a_time_to_come_is_kept_from_when_it_is_found() {
        let folder = tempdir().unwrap();
        let key = Key::parse(&"1".repeat(64)).unwrap();
        let keep = Duration::from_hours(2);
        Writer::begin(folder.path(), &key, NOW + Duration::from_hours(5), keep).unwrap();
        let left = |now| {
            tidy(folder.path(), u64::MAX, now).unwrap();
            segments(folder.path()).unwrap().len()
        };
        assert_eq!(left(NOW), 1);
        assert_eq!(left(NOW + keep / 2), 1);
        assert_eq!(left(NOW + keep), 0);
    }
}
