//! One text alone in a file, in as many records of a segment as it needs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use time::OffsetDateTime;

use super::{
    Key,
    segment::{NotASegment, Segment, WriteError, Writer},
};

/// Bytes of the text in a record, at most: less than a record may have.
const PART: usize = 4 * 1024 * 1024;

/// Puts a text into a file, in the place of what is there. The file is the old one or the new one,
/// whenever the process dies.
///
/// # Errors
/// [`WriteError`].
pub fn seal(file: &Path, key: Option<&Key>, text: &[u8]) -> Result<(), WriteError> {
    let mut next = file.as_os_str().to_owned();
    next.push(".next");
    let next = PathBuf::from(next);
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut writer = Writer::export(&next, key, OffsetDateTime::now_utc(), Duration::MAX)?;
    for part in text.chunks(PART) {
        writer.append(part.to_vec())?;
    }
    fs::rename(next, file)?;
    Ok(())
}

/// The text of a file, as far as there are records of it; `None` where one is not whole, or was
/// changed.
///
/// # Errors
/// [`NotASegment`].
pub fn unseal(bytes: &[u8], key: Option<&Key>) -> Result<Option<Vec<u8>>, NotASegment> {
    let segment = Segment::read(bytes, key)?;
    let (frames, torn) = segment.frames();
    if torn > 0 {
        return Ok(None);
    }
    let mut text = Vec::with_capacity(bytes.len());
    for frame in frames {
        let Ok(part) = segment.open(frame) else { return Ok(None) };
        text.extend(part);
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;

    use super::*;
    use crate::recording::segment::HEADER;

    #[test]
    fn a_text_that_is_longer_than_a_record_is_read_as_it_was() {
        let folder = tempdir().unwrap();
        let file = folder.path().join("text");
        let key = Key::parse(&"1".repeat(64)).unwrap();
        let text: Vec<u8> = (0..=5 * PART).map(|it| u8::try_from(it % 251).unwrap()).collect();
        for key in [None, Some(&key)] {
            seal(&file, key, &text).unwrap();
            let bytes = fs::read(&file).unwrap();
            assert!(unseal(&bytes, key).unwrap().unwrap() == text);
            assert_eq!(unseal(&bytes[..bytes.len() - 1], key), Ok(None), "it is torn");
        }
        let mut bytes = fs::read(&file).unwrap();
        let last = Segment::read(&bytes, Some(&key)).unwrap().frames().0.pop().unwrap();
        let end = HEADER + last.offset;
        let cut = unseal(&bytes[..end], Some(&key)).unwrap().unwrap();
        assert!(cut == text[..5 * PART], "what is there is whole, and says less");
        bytes[HEADER + PART] ^= 1;
        assert_eq!(unseal(&bytes, Some(&key)), Ok(None), "it was changed");
    }
}
