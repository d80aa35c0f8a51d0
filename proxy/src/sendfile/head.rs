//! An answer's head, made to fit the part of a file that is sent.

use std::{
    fs::{File, Metadata},
    io::{Seek as _, SeekFrom},
    time::{SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response};

use super::{
    asked::{Asked, Part, Validators},
    body::FileBody,
    open::OpenError,
};

/// What describes a body; an answer without one does not have them.
const DESCRIPTION: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_DISPOSITION,
    header::ACCEPT_RANGES,
];

/// Makes the answer's head fit the part of the file that is sent, and returns that part.
pub(super) fn fit(
    mut file: File,
    metadata: &Metadata,
    asked: &Asked,
    head: &mut response::Parts,
) -> Result<FileBody, OpenError> {
    let length = metadata.len();
    head.headers.remove(header::TRANSFER_ENCODING);
    head.headers.remove(header::CONTENT_RANGE);
    // Old Racks name the file also where they have answered a range; this is the whole file.
    if head.status == StatusCode::PARTIAL_CONTENT {
        head.status = StatusCode::OK;
    }
    set_validators(&mut head.headers, metadata);
    let part = match head.status {
        StatusCode::OK => {
            let accepts = HeaderValue::from_static("bytes");
            let accepts = head.headers.entry(header::ACCEPT_RANGES).or_insert(accepts) == "bytes";
            asked.part(&Validators::of(&head.headers), length, accepts)
        }
        status if has_no_body(status) => Part::None(status),
        _ => Part::Whole,
    };
    let (start, length) = set_part(head, part, length);
    if asked.is_head() || length == 0 {
        return Ok(FileBody::empty());
    }
    file.seek(SeekFrom::Start(start)).map_err(OpenError::Failed)?;
    Ok(FileBody::new(file, length))
}

/// Without a validator a browser cannot continue a download that broke off.
fn set_validators(headers: &mut HeaderMap, metadata: &Metadata) {
    if headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED) {
        return;
    }
    let Ok(modified) = metadata.modified() else { return };
    // A time before the epoch is no validator, nor is one that is yet to come.
    let Ok(since) = modified.duration_since(UNIX_EPOCH) else { return };
    if modified <= SystemTime::now() {
        set(headers, header::LAST_MODIFIED, httpdate::fmt_http_date(modified));
    }
    let tag = format!("\"{:x}-{:x}\"", since.as_nanos(), metadata.len());
    set(headers, header::ETAG, tag);
}

/// Sets status and fields for a part of a file of `length` bytes; returns where the part begins and
/// how long it is.
fn set_part(head: &mut response::Parts, part: Part, length: u64) -> (u64, u64) {
    let headers = &mut head.headers;
    let (start, length) = match part {
        Part::Whole => (0, length),
        Part::Range { first, last } => {
            head.status = StatusCode::PARTIAL_CONTENT;
            set(headers, header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"));
            (first, last - first + 1)
        }
        Part::None(status) => {
            head.status = status;
            for name in &DESCRIPTION {
                headers.remove(name);
            }
            if status == StatusCode::RANGE_NOT_SATISFIABLE {
                set(headers, header::CONTENT_RANGE, format!("bytes */{length}"));
            }
            (0, 0)
        }
    };
    if has_no_body(head.status) {
        headers.remove(header::CONTENT_LENGTH);
    } else {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    (start, length)
}

/// RFC 9110 §6.4.1 and §8.6: these have no body, whatever the length says.
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The texts above are ASCII without controls, which is always a field's value.
fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
