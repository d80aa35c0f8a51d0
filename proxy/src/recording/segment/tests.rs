//! What a segment must keep: its records, their order, and its secrets.

use proptest::prelude::*;
use tempfile::tempdir;
use time::macros::datetime;

use super::*;

const BEGUN: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
const KEEP: Duration = Duration::from_hours(24);

fn key(digit: char) -> Key {
    Key::parse(&digit.to_string().repeat(64)).unwrap()
}

/// A segment with these records.
fn written(key: Option<&Key>, records: &[&[u8]]) -> Vec<u8> {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.recording");
    let mut writer = Writer::export(&file, key, BEGUN, KEEP).unwrap();
    for record in records {
        writer.append(record.to_vec()).unwrap();
    }
    assert_eq!(writer.size, fs::metadata(&file).unwrap().len());
    fs::read(file).unwrap()
}

fn records(bytes: &[u8], key: Option<&Key>) -> Vec<Result<Vec<u8>, Unreadable>> {
    let segment = Segment::read(bytes, key).unwrap();
    segment.frames().0.into_iter().map(|it| segment.open(it)).collect()
}

fn refusal(bytes: &[u8], key: Option<&Key>) -> NotASegment {
    Segment::read(bytes, key).map(|it| it.header).unwrap_err()
}

#[test]
fn what_is_written_is_read_with_the_same_key_and_no_other() {
    for sealed in [None, Some(key('1'))] {
        let bytes = written(sealed.as_ref(), &[b"one", b"2", b"three"]);
        let read = records(&bytes, sealed.as_ref());
        assert_eq!(read, [b"one".to_vec(), b"2".to_vec(), b"three".to_vec()].map(Ok));
    }
    let sealed = written(Some(&key('1')), &[b"a buyer's"]);
    assert!(!sealed.windows(5).any(|it| it == b"buyer"));
    assert_eq!(refusal(&sealed, None), NotASegment::NoKey);
    assert_eq!(refusal(&sealed, Some(&key('2'))), NotASegment::OtherKey);
}

#[test]
fn a_torn_tail_costs_the_last_record_only() {
    let whole = written(Some(&key('1')), &[b"one", b"two"]);
    let one = written(Some(&key('1')), &[b"one"]).len();
    for length in one..whole.len() {
        let read = records(&whole[..length], Some(&key('1')));
        assert_eq!(read, [Ok(b"one".to_vec())], "cut after {length} bytes");
    }
    for length in MAGIC.len()..HEADER {
        assert_eq!(refusal(&whole[..length], Some(&key('1'))), NotASegment::Empty);
    }
}

#[test]
fn the_zeros_that_a_machine_leaves_behind_are_one_torn_tail() {
    for sealed in [None, Some(key('1'))] {
        let mut bytes = written(sealed.as_ref(), &[b"one"]);
        bytes.resize(bytes.len() + 8_192, 0);
        assert_eq!(records(&bytes, sealed.as_ref()), [Ok(b"one".to_vec())]);
        assert_eq!(Segment::read(&bytes, sealed.as_ref()).unwrap().frames().1, 8_192);
    }
    assert_eq!(refusal(&[0; 8_192], None), NotASegment::Empty, "its header as well");
}

#[test]
fn a_changed_byte_of_a_record_costs_that_record_only() {
    let mut bytes = written(Some(&key('1')), &[b"one", b"two", b"three"]);
    let second = HEADER + 4 + 3 + 16 + 4;
    bytes[second] ^= 1;
    let read = records(&bytes, Some(&key('1')));
    assert_eq!(read, [Ok(b"one".to_vec()), Err(Unreadable), Ok(b"three".to_vec())]);
}

#[test]
fn a_changed_header_costs_all_of_them() {
    let whole = written(Some(&key('1')), &[b"one"]);
    // How long it may be kept is under the seal as well.
    let mut longer = whole.clone();
    longer[HEADER - 2] ^= 1;
    assert_eq!(records(&longer, Some(&key('1'))), [Err(Unreadable)]);
    let mut later = whole.clone();
    later[MAGIC.len()] = 2;
    assert_eq!(refusal(&later, Some(&key('1'))), NotASegment::Version(2));
    let mut plain = whole.clone();
    plain[MAGIC.len() + 1] = 0;
    assert_ne!(records(&plain, None), [Ok(b"one".to_vec())]);
    assert_eq!(refusal(b"SQLite format 3\0", None), NotASegment::Foreign);
}

#[test]
fn records_cannot_change_places() {
    let bytes = written(Some(&key('1')), &[b"one", b"two"]);
    let (head, records) = bytes.split_at(HEADER);
    let (one, two) = records.split_at(records.len() / 2);
    let swapped = [head, two, one].concat();
    assert_eq!(self::records(&swapped, Some(&key('1'))), [Err(Unreadable), Err(Unreadable)]);
}

#[test]
fn a_segment_expires_when_its_oldest_record_must_have() {
    let bytes = written(None, &[]);
    let header = Segment::read(&bytes, None).unwrap().header;
    assert!(!header.is_expired(BEGUN + KEEP - Duration::from_millis(1)));
    assert!(header.is_expired(BEGUN + KEEP));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, behind: Vec<u8>, sealed: bool) {
        let key = key('1');
        let mut whole = written(sealed.then_some(&key), &[b"one"]);
        whole.extend_from_slice(&behind);
        for bytes in [bytes, whole] {
            if let Ok(segment) = Segment::read(&bytes, Some(&key)) {
                for frame in segment.frames().0 {
                    let _ = segment.open(frame);
                }
            }
        }
    }
}
