//! Writes messages: heads, bodies, chunks, with as few system calls as there can be.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use tokio::io::AsyncWrite as _;

use crate::io::WriteHalf;

/// Data up to this size is copied beside its head: cheaper than a slice of its own.
const COPY_LIMIT: usize = 4 * 1024;
/// The system takes so many slices at once from us.
const SLICES: usize = 16;

/// A write half and what is to be written to it.
#[derive(Debug)]
pub struct Writer {
    half: WriteHalf,
    /// Whole pieces that come before `tail`.
    pieces: VecDeque<Bytes>,
    /// What is still being put together.
    tail: BytesMut,
    queued: usize,
    dirty: bool,
}

/// How a body's data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Plain,
    /// In chunks.
    Chunked,
}

impl Writer {
    /// A writer with nothing to write.
    pub fn new(half: WriteHalf) -> Self {
        Self { half, pieces: VecDeque::new(), tail: BytesMut::new(), queued: 0, dirty: false }
    }

    /// How many bytes wait to be written.
    pub const fn queued(&self) -> usize {
        self.queued
    }

    /// Puts a request's head. Its target goes in origin form.
    pub fn request(&mut self, method: &Method, target: &Uri, headers: &HeaderMap) {
        let before = self.tail.len();
        self.tail.reserve(1024);
        self.tail.put_slice(method.as_str().as_bytes());
        self.tail.put_u8(b' ');
        self.tail.put_slice(target.path_and_query().map_or("/", |it| it.as_str()).as_bytes());
        self.tail.put_slice(b" HTTP/1.1\r\n");
        self.fields(headers);
        self.tail.put_slice(b"\r\n");
        self.queued += self.tail.len() - before;
    }

    /// Puts an answer's head, with a `Date` where it has none (RFC 9110 §6.6.1).
    pub fn response(&mut self, version: Version, status: StatusCode, headers: &HeaderMap) {
        let before = self.tail.len();
        self.tail.reserve(1024);
        let version: &[u8] = if version == Version::HTTP_10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " };
        self.tail.put_slice(version);
        self.tail.put_slice(status.as_str().as_bytes());
        self.tail.put_u8(b' ');
        self.tail.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        self.tail.put_slice(b"\r\n");
        self.fields(headers);
        if !status.is_informational() && !headers.contains_key(header::DATE) {
            self.tail.put_slice(b"date: ");
            super::date::with_now(|now| self.tail.put_slice(now));
            self.tail.put_slice(b"\r\n");
        }
        self.tail.put_slice(b"\r\n");
        self.queued += self.tail.len() - before;
    }

    fn fields(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            self.field(name.as_str(), value.as_bytes());
        }
    }

    fn field(&mut self, name: &str, value: &[u8]) {
        self.tail.reserve(name.len() + value.len() + 4);
        self.tail.put_slice(name.as_bytes());
        self.tail.put_slice(b": ");
        self.tail.put_slice(value);
        self.tail.put_slice(b"\r\n");
    }

    /// Puts bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.queued += bytes.len();
    }

    /// Puts a piece of a body.
    pub fn data(&mut self, data: Bytes, coding: Coding) {
        if data.is_empty() {
            return; // an empty chunk would end the body
        }
        if coding == Coding::Chunked {
            self.raw(format!("{:x}\r\n", data.len()).as_bytes());
        }
        if data.len() <= COPY_LIMIT {
            self.raw(&data);
        } else {
            self.queued += data.len();
            if !self.tail.is_empty() {
                self.pieces.push_back(self.tail.split().freeze());
            }
            self.pieces.push_back(data);
        }
        if coding == Coding::Chunked {
            self.raw(b"\r\n");
        }
    }

    /// Puts the end of a body in chunks, with its trailers.
    pub fn last_chunk(&mut self, trailers: Option<&HeaderMap>) {
        self.raw(b"0\r\n");
        if let Some(trailers) = trailers {
            let before = self.tail.len();
            self.fields(trailers);
            self.queued += self.tail.len() - before;
        }
        self.raw(b"\r\n");
    }

    /// Writes what waits. Ready once nothing waits any more.
    ///
    /// # Errors
    /// What the operating system says; what was not written is given up.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.queued > 0 {
            if let Err(error) = ready!(self.poll_once(cx)) {
                self.queued = 0;
                return Poll::Ready(Err(error));
            }
        }
        if self.dirty {
            ready!(Pin::new(&mut self.half).poll_flush(cx))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes once; ready with how much the system took.
    ///
    /// # Errors
    /// As [`Writer::poll_flush`].
    pub fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let half = Pin::new(&mut self.half);
        let written = if self.pieces.is_empty() {
            ready!(half.poll_write(cx, &self.tail))?
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let waiting = self.pieces.iter().map(|it| &it[..]).chain([&self.tail[..]]);
            let count = slices.iter_mut().zip(waiting).map(|(slice, it)| *slice = IoSlice::new(it));
            let count = count.count();
            ready!(half.poll_write_vectored(cx, &slices[..count]))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.dirty = true;
        self.queued -= written;
        self.advance(written);
        Poll::Ready(Ok(written))
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.pieces.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.pieces.pop_front();
        }
        self.tail.advance(written);
        if self.tail.is_empty() {
            // An idle connection holds no buffer.
            self.tail = BytesMut::new();
        }
    }

    /// Closes this direction; the other side sees the end of what was written.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_shutdown(cx)
    }

    /// Makes the connection's end a reset, where a plain end would look like the end of a body.
    pub fn reset(self) {
        if let WriteHalf::Tcp(half) = self.half {
            // If it fails, the connection is gone already.
            let _ = socket2::SockRef::from(half.as_ref()).set_linger(Some(Duration::ZERO));
            // Dropped, it would end the connection properly first.
            half.forget();
        }
    }

    /// The half, for a tunnel. Nothing must wait to be written.
    pub fn into_half(self) -> WriteHalf {
        self.half
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{io::AsyncReadExt as _, net::UnixStream};

    use super::*;
    use crate::io::Socket;

    #[tokio::test]
    async fn what_was_put_arrives_in_order_whatever_its_size() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (read, write) = Socket::Unix(ours).split();
        let mut writer = Writer::new(write);
        let mut headers = HeaderMap::new();
        headers.insert("date", "now".parse().unwrap());
        writer.response(Version::HTTP_11, StatusCode::OK, &headers);
        writer.data(Bytes::from("small"), Coding::Chunked);
        writer.data(Bytes::from("L".repeat(9000)), Coding::Chunked);
        writer.data(Bytes::new(), Coding::Chunked);
        writer.last_chunk(Some(&headers));
        poll_fn(|cx| writer.poll_flush(cx)).await.unwrap();
        assert_eq!(writer.queued(), 0);
        drop((writer, read));
        let mut text = String::new();
        theirs.read_to_string(&mut text).await.unwrap();
        let large = "L".repeat(9000);
        let expected = format!(
            "HTTP/1.1 200 OK\r\ndate: now\r\n\r\n5\r\nsmall\r\n2328\r\n{large}\r\n0\r\ndate: now\r\n\r\n"
        );
        assert!(text == expected, "{text}");
    }
}
