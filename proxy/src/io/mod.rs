//! The two halves of a connection, whatever it runs over, and the clock that watches it.

mod reader;
mod timer;

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream, tcp, unix},
};

pub use self::{reader::Reader, timer::Timer};

/// Anything that bytes flow through in both directions, such as a TLS session.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A connection, to a client or to a server, before it is split.
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

    /// Both directions in one, for those who want no halves.
    pub fn joined(self) -> impl Stream {
        let (read, write) = self.split();
        tokio::io::join(read, write)
    }
}

/// A connection as one stream again, which begins with what was `already` read from it.
pub fn joined(already: BytesMut, read: ReadHalf, write: WriteHalf) -> impl Stream {
    tokio::io::join(io::Cursor::new(already).chain(read), write)
}

/// Calls the same method on whichever half it is.
macro_rules! each {
    ($half:expr, $($kind:ident)|+, $it:ident => $call:expr) => {
        match $half {
            $(Self::$kind($it) => $call,)+
        }
    };
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

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket")
    }
}

impl fmt::Debug for ReadHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadHalf")
    }
}

impl fmt::Debug for WriteHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteHalf")
    }
}
