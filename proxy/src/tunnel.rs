//! `WebSocket`s and other upgrades: after the server's 101 the connection is a tunnel.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio_util::io::{InspectReader, InspectWriter};

use crate::{
    body::End,
    h1::{connection::Connection, write::Writer},
    io::{Reader, joined},
    layers::access_log::Entry,
    limits::Limit,
};

/// A buffer in each direction.
const BUFFER: usize = 8 * 1024;

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
    if flushed.is_ok() {
        join(joined(ahead, read, writer.into_half()), server, entry, idle).await;
    }
}

/// Joins two ends until both have closed, one broke, or nothing has passed for `idle`.
pub async fn join(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    server: Connection,
    mut entry: Option<Box<Entry>>,
    idle: Duration,
) {
    let passed = AtomicU64::new(0);
    let count = |bytes: &[u8]| {
        passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    };
    let (read, ahead, write) = server.into_parts();
    // What one side sends is what the other is sent: read and written here, it is all that passes.
    let server = InspectWriter::new(joined(ahead, read, write), count);
    let mut server = InspectReader::new(server, count);
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
