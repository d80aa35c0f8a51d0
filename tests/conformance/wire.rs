//! One TCP connection, byte for byte: the same for the buyer's end and for the origin's.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::message::{Framing, Message, fields};

/// How long anything that must happen may take. Long, since the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
    /// Not within [`PATIENCE`].
    Open,
}

/// A connection, and what was read from it but not looked at yet.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where every byte that comes in is written down.
    record: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.unwrap(), Arc::default())
    }

    pub(crate) fn new(stream: TcpStream, record: Arc<Mutex<Vec<u8>>>) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new(), record }
    }

    /// Writes all of it, or as much as the other side takes before it closes: what that means is for
    /// the reader to find out.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
    }

    /// Writes all of it, unless the other side has closed; whether it could.
    pub(crate) async fn send_now(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Whether something has come, or the connection has ended. It is not taken.
    pub(crate) fn has_news(&self) -> bool {
        let mut byte = [0];
        let seen = self.stream.peek(&mut byte).now_or_never();
        !self.buffer.is_empty() || seen.is_some()
    }

    /// Says that nothing more comes, and goes on reading.
    pub(crate) async fn half_close(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection with a reset, as the kernel of a killed process may.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Reads one answer to a request with `method`, whole. A 1xx answer is a fault.
    pub(crate) async fn answer(&mut self, method: &str) -> Result<Message, String> {
        let mut message = self.head().await?;
        if !message.first_line.starts_with("HTTP/1.") || message.status() < 200 {
            return Err(format!("{:?} where a final answer was due", message.first_line));
        }
        let framing = message.answer_framing(method)?;
        self.body(&mut message, framing).await?;
        Ok(message)
    }

    /// Reads one request, whole.
    pub(crate) async fn request(&mut self) -> Result<Message, String> {
        let mut message = self.head().await?;
        let framing = message.request_framing()?;
        self.body(&mut message, framing).await?;
        Ok(message)
    }

    /// Reads a head and nothing after it.
    pub(crate) async fn head(&mut self) -> Result<Message, String> {
        Message::head(&self.until(b"\r\n\r\n", "a head").await?)
    }

    async fn body(&mut self, message: &mut Message, framing: Framing) -> Result<(), String> {
        match framing {
            Framing::Empty => {}
            Framing::Length(length) => message.body = self.exactly(length).await?,
            Framing::UntilClose => {
                let (body, end) = self.rest().await;
                message.body = body;
                if end != End::Closed {
                    return Err(format!("a body until the close, but the end is {end:?}"));
                }
            }
            Framing::Chunked => {
                while let Some(chunk) = self.chunk().await? {
                    message.body.extend(chunk);
                }
                let mut lines = String::new();
                while !lines.ends_with("\r\n\r\n") && lines != "\r\n" {
                    let line = self.until(b"\r\n", "the trailers").await?;
                    lines.push_str(&String::from_utf8_lossy(&line));
                }
                message.trailers = fields(&lines)?;
            }
        }
        Ok(())
    }

    /// Reads one chunk; `None` is the last one, whose trailers are still to come.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, String> {
        let line = self.until(b"\r\n", "a chunk's size").await?;
        let digits = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
        let clean = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_hexdigit());
        let size = usize::from_str_radix(&digits, 16).ok().filter(|_| clean);
        let size = size.ok_or_else(|| format!("the chunk size {digits:?}"))?;
        if size == 0 {
            return Ok(None);
        }
        let mut data = self.exactly(size + 2).await?;
        if data.split_off(size) != b"\r\n" {
            return Err(format!("a chunk of {size} bytes that goes on"));
        }
        Ok(Some(data))
    }

    /// Everything up to the close, and which kind of close it is.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, End) {
        let end = loop {
            match timeout(PATIENCE, self.fill()).await {
                Ok(Ok(0)) => break End::Closed,
                Ok(Ok(_)) => {}
                Ok(Err(_)) => break End::Reset,
                Err(_) => break End::Open,
            }
        };
        (std::mem::take(&mut self.buffer), end)
    }

    /// Fails unless the other side ends the connection, and says nothing more before.
    pub(crate) async fn ends(&mut self) -> Result<(), String> {
        if !self.buffer.is_empty() {
            return Err(format!("the end was due, not {}", show(&self.buffer)));
        }
        match timeout(PATIENCE, self.fill()).await {
            Ok(Ok(0) | Err(_)) => Ok(()),
            Ok(Ok(_)) => Err(format!("the end was due, not {}", show(&self.buffer))),
            Err(_) => Err("the connection stays open".to_owned()),
        }
    }

    /// Fails if anything comes within `time`: for what must not happen, which cannot be waited for.
    pub(crate) async fn silent_for(&mut self, time: Duration) -> Result<(), String> {
        if self.buffer.is_empty() && timeout(time, self.fill()).await.is_err() {
            return Ok(());
        }
        Err(format!("silence was due, not {}", show(&self.buffer)))
    }

    /// The next `length` bytes.
    pub(crate) async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, String> {
        while self.buffer.len() < length {
            self.more(&format!("{length} bytes")).await?;
        }
        Ok(self.take(length))
    }

    async fn until(&mut self, mark: &[u8], what: &str) -> Result<Vec<u8>, String> {
        let mut seen = 0;
        loop {
            let found = self.buffer[seen..].windows(mark.len()).position(|it| it == mark);
            if let Some(found) = found {
                return Ok(self.take(seen + found + mark.len()));
            }
            seen = (self.buffer.len() + 1).saturating_sub(mark.len());
            self.more(what).await?;
        }
    }

    async fn more(&mut self, what: &str) -> Result<(), String> {
        let end = match timeout(PATIENCE, self.fill()).await {
            Ok(Ok(0)) => "closed",
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(_)) => "reset",
            Err(_) => "silent",
        };
        Err(format!("{end} where {what} was due, after {}", show(&self.buffer)))
    }

    async fn fill(&mut self) -> std::io::Result<usize> {
        let before = self.buffer.len();
        let read = self.stream.read_buf(&mut self.buffer).await?;
        self.record.lock().unwrap().extend_from_slice(&self.buffer[before..]);
        Ok(read)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// Bytes for a message of a test: readable where they are text, and not too long.
pub(crate) fn show(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(200)];
    if bytes.len() == start.len() {
        return format!("\"{}\"", start.escape_ascii());
    }
    format!("\"{}…\" ({} bytes)", start.escape_ascii(), bytes.len())
}
