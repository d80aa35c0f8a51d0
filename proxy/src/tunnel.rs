//! `WebSocket`s and other upgrades: after the server's 101 the connection is a tunnel.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};

use crate::{
    body::End,
    h1::{connection::Connection, write::Writer},
    io::{ReadHalf, Reader, WriteHalf},
    layers::access_log::Entry,
    limits::Limit,
};

/// A buffer in each direction.
const BUFFER: usize = 8 * 1024;

/// One end of a tunnel: what was read ahead comes first, and what passes is counted.
#[derive(Debug)]
pub struct Side {
    ahead: BytesMut,
    read: ReadHalf,
    write: WriteHalf,
    /// Bytes that came in here, over both sides of one tunnel.
    passed: Arc<AtomicU64>,
}

/// Joins an HTTP/1.1 client with `server`, from the head of the 101 on, which `writer` still holds.
pub async fn open(
    reader: Reader,
    mut writer: Writer,
    server: Connection,
    entry: Option<Box<Entry>>,
    idle: Duration,
) {
    let flushed = std::future::poll_fn(|cx| writer.poll_flush(cx)).await;
    let (read, ahead) = reader.into_parts();
    let passed = Arc::new(AtomicU64::new(0));
    let client = Side { ahead, read, write: writer.into_half(), passed: Arc::clone(&passed) };
    if flushed.is_ok() {
        join(client, Side::server(server, &passed), entry, idle, &passed).await;
    }
}

impl Side {
    /// The server's end.
    pub fn server(connection: Connection, passed: &Arc<AtomicU64>) -> Self {
        let (read, ahead, write) = connection.into_parts();
        Self { ahead, read, write, passed: Arc::clone(passed) }
    }
}

/// Joins two ends until both have closed, one broke, or nothing has passed for `idle`.
pub async fn join(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut server: Side,
    mut entry: Option<Box<Entry>>,
    idle: Duration,
    passed: &AtomicU64,
) {
    if let Some(entry) = &mut entry {
        entry.switched();
    }
    let end = {
        let copying = copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER, BUFFER);
        let mut copying = std::pin::pin!(copying);
        let mut seen = passed.load(Ordering::Relaxed);
        loop {
            if tokio::time::timeout(idle, copying.as_mut()).await.is_ok() {
                break End::Complete;
            }
            let now = passed.load(Ordering::Relaxed);
            if std::mem::replace(&mut seen, now) == now {
                break End::Abandoned(Some(Limit::TunnelIdle));
            }
        }
    };
    if let Some(mut entry) = entry {
        entry.bytes = passed.load(Ordering::Relaxed);
        entry.finish(end);
    }
}

impl AsyncRead for Side {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        if self.ahead.is_empty() {
            std::task::ready!(Pin::new(&mut self.read).poll_read(cx, buf))?;
        } else {
            let size = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead[..size]);
            self.ahead.advance(size);
        }
        self.passed.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Side {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(cx)
    }
}
