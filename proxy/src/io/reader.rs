//! What comes in, and what was read ahead of its use.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::ReadHalf;

/// How much is read at once where nothing is known of what comes.
const SHORT_READ: usize = 8 * 1024;
/// How much is read at once in the middle of a long body.
const LONG_READ: usize = 64 * 1024;

/// A read half and what was read from it. An idle one holds no buffer.
#[derive(Debug)]
pub struct Reader {
    half: ReadHalf,
    /// What was read and is not used yet.
    pub buffer: BytesMut,
}

impl Reader {
    /// A reader that begins with `buffer`, which was read already.
    pub const fn new(half: ReadHalf, buffer: BytesMut) -> Self {
        Self { half, buffer }
    }

    /// Reads once more. `Ok(0)`: the other side has closed.
    ///
    /// # Errors
    /// What the operating system says of the connection.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.is_empty() {
            // On the stack, so that a connection that waits owns no memory.
            let mut space = [MaybeUninit::uninit(); SHORT_READ];
            let mut space = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.half).poll_read(cx, &mut space))?;
            self.buffer = BytesMut::from(space.filled());
            return Poll::Ready(Ok(self.buffer.len()));
        }
        self.buffer.reserve(SHORT_READ);
        tokio_util::io::poll_read_buf(Pin::new(&mut self.half), cx, &mut self.buffer)
    }

    /// Reads once more, in the middle of a body of which `left` bytes are to come.
    ///
    /// # Errors
    /// As [`Reader::poll_fill`].
    pub fn poll_fill_long(
        &mut self,
        cx: &mut Context<'_>,
        left: Option<u64>,
    ) -> Poll<io::Result<usize>> {
        let wanted = left.map_or(LONG_READ as u64, |it| it.min(LONG_READ as u64));
        if wanted <= SHORT_READ as u64 {
            return self.poll_fill(cx);
        }
        let wanted = usize::try_from(wanted).unwrap_or(LONG_READ);
        self.buffer.reserve(wanted.saturating_sub(self.buffer.len()));
        tokio_util::io::poll_read_buf(Pin::new(&mut self.half), cx, &mut self.buffer)
    }

    /// Whether the connection has been quiet so far: neither closed nor sent anything. It asks what
    /// the event queue has reported, so what happened this very moment may not be known.
    pub fn is_quiet(&mut self, cx: &mut Context<'_>) -> bool {
        let ready = match &self.half {
            ReadHalf::Tcp(half) => half.as_ref().poll_read_ready(cx).is_ready(),
            ReadHalf::Unix(half) => half.as_ref().poll_read_ready(cx).is_ready(),
            ReadHalf::Wrapped(_) => true,
        };
        self.buffer.is_empty() && (!ready || self.poll_fill(cx).is_pending())
    }

    /// The same, asked of the system itself: a system call more, for what must not go wrong.
    pub fn is_quiet_now(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = match &self.half {
            ReadHalf::Tcp(half) => SockRef::from(half.as_ref()).peek(&mut byte),
            ReadHalf::Unix(half) => SockRef::from(half.as_ref()).peek(&mut byte),
            ReadHalf::Wrapped(_) => return true,
        };
        peeked.is_err_and(|it| it.kind() == io::ErrorKind::WouldBlock)
    }

    /// Nothing is expected for a while: the room of a long body is given back, if all of it was used.
    pub fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// The half and what was read ahead of its use.
    pub fn into_parts(self) -> (ReadHalf, BytesMut) {
        (self.half, self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{io::AsyncWriteExt as _, net::UnixStream};

    use super::*;
    use crate::io::Socket;

    #[tokio::test]
    async fn a_connection_that_rests_holds_no_room_of_a_long_body() {
        let (mut server, client) = UnixStream::pair().unwrap();
        let mut reader = Reader::new(Socket::Unix(client).split().0, BytesMut::new());
        server.write_all(b"all of it").await.unwrap();
        poll_fn(|cx| reader.poll_fill_long(cx, None)).await.unwrap();
        let _used = reader.buffer.split();
        assert!(reader.buffer.capacity() > 0);
        reader.rest();
        assert_eq!(reader.buffer.capacity(), 0);
    }

    #[tokio::test]
    async fn a_quiet_connection_is_told_from_one_that_spoke_or_closed() {
        for last_word in ["", "garbage"] {
            let (mut server, client) = UnixStream::pair().unwrap();
            let (half, _write) = Socket::Unix(client).split();
            let mut reader = Reader::new(half, BytesMut::new());
            assert!(poll_fn(|cx| Poll::Ready(reader.is_quiet(cx))).await);
            server.write_all(last_word.as_bytes()).await.unwrap();
            drop(server);
            poll_fn(|cx| if reader.is_quiet(cx) { Poll::Pending } else { Poll::Ready(()) }).await;
        }
    }
}
