//! Recordings, which are read from files that anybody may have made.

use bytes::Bytes;
use proxy::recording::{Exchange, Key, Segment};

/// Whatever a file holds, each of its records is an exchange that is written as it was read, or none.
pub(crate) fn segment(input: &[u8]) {
    let key = Key::parse(&"1".repeat(64));
    for key in [None, key.ok()] {
        let Ok(segment) = Segment::read(input, key.as_ref()) else { continue };
        let (frames, torn) = segment.frames();
        assert!(torn < input.len());
        for (number, frame) in (0..).zip(frames) {
            assert_eq!(frame.number, number);
            if let Ok(record) = segment.open(frame) {
                exchange(&record.into());
            }
        }
    }
    exchange(&Bytes::copy_from_slice(input));
}

fn exchange(record: &Bytes) {
    let Ok(read) = Exchange::decode(record) else { return };
    let written = read.encode().map(Bytes::from);
    let again = written.as_ref().map(Exchange::decode);
    assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, ()>(Ok::<_, ()>(read))));
}
