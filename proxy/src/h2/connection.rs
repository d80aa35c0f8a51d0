//! A connection to a server that speaks HTTP/2, and the streams of it that are in use.
//!
//! h2 speaks it, without the client that hyper puts around it: an exchange must know how many streams
//! are free and why one was refused, and it needs no task of its own.

use std::{
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::{Either, select};
use h2::{
    Ping, PingPong, Reason,
    client::{Builder, SendRequest},
};

use crate::{
    error::Chain,
    io::{Socket, Stream},
    limits::ANSWER_HEAD,
};

/// Requests at once on one connection, if the server allows so many; more go over a further one.
const STREAMS: usize = 100;

/// How much of an answer is on its way to us at most, on one stream.
const STREAM_WINDOW: u32 = 256 * 1024;

/// The same on all streams of a connection together: a client that does not take its answer must not
/// stop those of others.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * 100;

/// So much of an upload waits in a stream until the server takes it.
const SEND_BUFFER: usize = 64 * 1024;

/// Streams that we have reset, and whose late frames are still known to be theirs.
const RESET_STREAMS: usize = 200;

/// A server is asked whether it is there this often, and is gone when it takes longer to answer.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no HTTP/2 on a connection that was opened.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("the server does not speak HTTP/2 there: write http:// or https:// for HTTP/1.1")]
    Broken(#[source] h2::Error),
    #[error("the server takes no requests on a new connection")]
    NoStreams,
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        Self::other(error)
    }
}

/// One connection. Cloning shares it; it ends when nobody has it any more and its streams are over.
#[derive(Debug, Clone)]
pub struct Connection {
    sender: SendRequest<Bytes>,
    load: Arc<Mutex<Load>>,
}

/// Used by one thread, so the lock is never waited for.
#[derive(Debug)]
struct Load {
    streams: usize,
    /// When it was opened, or its last stream ended.
    idle_since: Instant,
}

/// The right to use one stream of a connection.
#[derive(Debug)]
pub struct Lease {
    pub(super) sender: SendRequest<Bytes>,
    pub(super) slot: Slot,
}

/// One stream that is in use, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Mutex<Load>>);

impl Connection {
    /// Opens HTTP/2 on `socket`. When this returns the server has answered a ping: it does speak
    /// HTTP/2, and its settings are known.
    ///
    /// # Errors
    /// The server speaks something else, or broke off.
    pub async fn open(socket: Socket) -> io::Result<Self> {
        let handshake = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(ANSWER_HEAD.head).unwrap_or(u32::MAX))
            .max_send_buffer_size(SEND_BUFFER)
            .max_concurrent_reset_streams(RESET_STREAMS)
            // A server whose answers are wrong again and again must not cost the others on the
            // connection their streams.
            .max_local_error_reset_streams(None)
            .handshake(socket.joined());
        let (sender, mut connection) = handshake.await.map_err(OpenError::Broken)?;
        let mut pings = connection.ping_pong().ok_or(OpenError::NoStreams)?;
        let answered = Box::pin(pings.ping(Ping::opaque()));
        match select(answered, &mut connection).await {
            Either::Left((pong, _)) => pong.map(drop),
            Either::Right((ended, _)) => ended.and_then(|()| Err(Reason::NO_ERROR.into())),
        }
        .map_err(OpenError::Broken)?;
        tokio::spawn(drive(connection, pings));
        let load = Load { streams: 0, idle_since: Instant::now() };
        Ok(Self { sender, load: Arc::new(Mutex::new(load)) })
    }

    /// A stream, if one is free.
    pub(super) fn lease(&self) -> Option<Lease> {
        let mut load = self.load();
        if load.streams >= STREAMS.min(self.sender.current_max_send_streams()) {
            return None;
        }
        load.streams += 1;
        let slot = Slot(Arc::clone(&self.load));
        Some(Lease { sender: self.sender.clone(), slot })
    }

    /// A stream of a connection that was just opened.
    ///
    /// # Errors
    /// The server allows none.
    pub fn first_lease(&self) -> io::Result<Lease> {
        Ok(self.lease().ok_or(OpenError::NoStreams)?)
    }

    /// Whether it can carry further requests: it is neither closed nor about to be, and has not been
    /// idle for `limit`.
    pub(super) fn is_usable(&mut self, limit: Duration) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let broken = matches!(self.sender.poll_ready(&mut context), std::task::Poll::Ready(Err(_)));
        let load = self.load();
        !broken && (load.streams > 0 || load.idle_since.elapsed() < limit)
    }

    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut load = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        load.streams -= 1;
        load.idle_since = Instant::now();
    }
}

/// Reads and writes until the connection ends, and sees whether the server is still there.
async fn drive(mut connection: h2::client::Connection<impl Stream, Bytes>, mut pings: PingPong) {
    loop {
        let ping = async {
            tokio::time::sleep(PING_INTERVAL).await;
            tokio::time::timeout(PING_TIMEOUT, pings.ping(Ping::opaque())).await.is_ok()
        };
        let connected = poll_fn(|cx| std::pin::Pin::new(&mut connection).poll(cx));
        match select(std::pin::pin!(connected), std::pin::pin!(ping)).await {
            Either::Left((ended, _)) => {
                if let Err(error) = ended {
                    tracing::debug!(error = %Chain(&error), "connection to a server ended");
                }
                return;
            }
            Either::Right((true, _)) => {}
            Either::Right((false, _)) => {
                tracing::debug!("a server answers no ping, its connection is closed");
                return;
            }
        }
    }
}
