//! A file on its way to a buyer.

use std::{
    fs::File,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use tokio_util::io::poll_read_buf;

/// How much is read at a time, in bytes: what a slow buyer costs in memory, twice.
pub(super) const CHUNK: usize = 64 * 1024;

/// A part of a file. It is read when it is asked for, on the runtime's threads for blocking work.
///
/// It has the length that was promised or ends with an error: also when the file becomes shorter
/// while it is sent.
#[derive(Debug, Default)]
pub struct FileBody {
    file: Option<tokio::fs::File>,
    /// Bytes that are still to come.
    left: u64,
}

impl FileBody {
    /// No body: the answer to HEAD, or one that says that nothing has changed.
    pub(super) const fn empty() -> Self {
        Self { file: None, left: 0 }
    }

    /// The next `length` bytes of `file`.
    pub(super) fn new(file: File, length: u64) -> Self {
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(CHUNK);
        Self { file: Some(file), left: length }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let left = self.left;
        let Some(file) = self.file.as_mut().filter(|_| left > 0) else { return Poll::Ready(None) };
        let size = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let mut chunk = BytesMut::with_capacity(size).limit(size);
        let read = ready!(poll_read_buf(Pin::new(file), cx, &mut chunk)).and_then(some);
        match read {
            Ok(read) => self.left -= read as u64,
            // Nobody may read on behind an error.
            Err(_) => self.file = None,
        }
        Poll::Ready(Some(read.map(|_| Frame::data(chunk.into_inner().freeze()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn some(read: usize) -> io::Result<usize> {
    let short = "the file became shorter while it was sent";
    if read == 0 { Err(io::Error::new(io::ErrorKind::UnexpectedEof, short)) } else { Ok(read) }
}
