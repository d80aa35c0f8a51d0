//! The two halves of a connection, whatever it runs over, and the clock that watches it.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::{Buf as _, BytesMut};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream, tcp, unix},
    time::Sleep,
};

/// Anything that bytes flow through in both directions, such as a TLS session.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A connection, to a client or to a server.
pub enum Socket {
    /// Cleartext over TCP.
    Tcp(TcpStream),
    /// Cleartext over a Unix socket.
    Unix(UnixStream),
    /// Inside something else.
    Wrapped(Box<dyn Stream>),
}

/// What comes in.
pub enum ReadHalf {
    /// Of a TCP connection.
    Tcp(tcp::OwnedReadHalf),
    /// Of a Unix socket.
    Unix(unix::OwnedReadHalf),
    /// Of a wrapped connection.
    Wrapped(tokio::io::ReadHalf<Box<dyn Stream>>),
}

/// What goes out.
pub enum WriteHalf {
    /// Of a TCP connection.
    Tcp(tcp::OwnedWriteHalf),
    /// Of a Unix socket.
    Unix(unix::OwnedWriteHalf),
    /// Of a wrapped connection.
    Wrapped(tokio::io::WriteHalf<Box<dyn Stream>>),
}

impl Socket {
    /// Each half can be owned by somebody else: an upload and an answer flow at the same time.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Tcp(read), WriteHalf::Tcp(write))
            }
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Unix(read), WriteHalf::Unix(write))
            }
            Self::Wrapped(stream) => {
                let (read, write) = tokio::io::split(stream);
                (ReadHalf::Wrapped(read), WriteHalf::Wrapped(write))
            }
        }
    }
}

/// Calls the same method on whichever half it is.
macro_rules! each {
    ($half:expr, $($kind:ident)|+, $it:ident => $call:expr) => {
        match $half {
            $(Self::$kind($it) => $call,)+
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, Tcp | Unix | Wrapped, it => it.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_shutdown(cx))
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_read(cx, buf))
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, Tcp | Unix | Wrapped, it => it.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), Tcp | Unix | Wrapped, it => Pin::new(it).poll_shutdown(cx))
    }
}

/// A connection some of whose bytes were read already.
#[derive(Debug)]
pub struct Rewound {
    already: BytesMut,
    socket: Socket,
}

impl Rewound {
    /// `already` is read first, and then what `socket` brings.
    pub const fn new(socket: Socket, already: BytesMut) -> Self {
        Self { already, socket }
    }
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.already.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buf);
        }
        let size = self.already.len().min(buf.remaining());
        buf.put_slice(&self.already[..size]);
        self.already.advance(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

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

    /// The half and what was read ahead of its use.
    pub fn into_parts(self) -> (ReadHalf, BytesMut) {
        (self.half, self.buffer)
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Socket")
    }
}

impl std::fmt::Debug for ReadHalf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadHalf")
    }
}

impl std::fmt::Debug for WriteHalf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WriteHalf")
    }
}

/// A time-out that costs next to nothing to move: the runtime's timer is set for a short while
/// ahead, and set again only when it goes off, while the deadline itself is a number.
#[derive(Debug, Default)]
pub struct Timer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// How far ahead the runtime's timer is set at most.
const STRIDE: Duration = Duration::from_secs(10);

impl Timer {
    /// Goes off after `limit` from now.
    pub fn set(&mut self, limit: Duration) {
        self.deadline = Instant::now().checked_add(limit);
    }

    /// Goes off at `deadline`, if that is sooner than what is set.
    pub fn at_latest(&mut self, deadline: Option<Instant>) {
        self.deadline = match (self.deadline, deadline) {
            (Some(set), Some(deadline)) => Some(set.min(deadline)),
            (set, deadline) => set.or(deadline),
        };
    }

    /// Never goes off.
    pub const fn clear(&mut self) {
        self.deadline = None;
    }

    /// Ready once the deadline has passed.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        loop {
            let now = Instant::now();
            if deadline <= now {
                return Poll::Ready(());
            }
            let due = deadline.min(now + STRIDE).into();
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            // A timer that goes off sooner will be set anew then.
            if sleep.deadline() > due || sleep.is_elapsed() {
                sleep.as_mut().reset(due);
            }
            ready!(sleep.as_mut().poll(cx));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn a_timer_can_be_moved_and_cleared_and_goes_off_in_time() {
        let mut timer = Timer::default();
        timer.set(Duration::from_hours(1));
        assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx).is_pending())).await);
        let began = Instant::now();
        timer.set(Duration::from_millis(30));
        poll_fn(|cx| timer.poll_expired(cx)).await;
        assert!(began.elapsed() >= Duration::from_millis(30));
        timer.clear();
        assert!(poll_fn(|cx| Poll::Ready(timer.poll_expired(cx).is_pending())).await);
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
