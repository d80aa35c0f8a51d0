//! One HTTP/2 connection, frame by frame: a client that says exactly what a test tells it to say.
//!
//! Source: RFC 9113 §4 and §6 (frames), RFC 7541 §5 and §6 (fields).

use std::{
    fmt::Debug,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::wire::{PATIENCE, show};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Settings: no table of fields that were sent before, so that every answer can be read alone.
const NO_TABLE: [u8; 6] = [0, 1, 0, 0, 0, 0];

/// Anything that bytes flow through.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A frame that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answer { status: u16, body: Vec<u8> },
    Reset(u32),
    GoAway(u32),
    Closed,
}

/// A connection, and what was read from it but not looked at yet.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects without TLS.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, &[]).await
    }

    /// Begins with these settings, six bytes each, after one of its own.
    pub(crate) async fn over(stream: impl Stream + 'static, settings: &[[u8; 6]]) -> Self {
        let mut client = Self { stream: Box::new(stream), buffer: Vec::new() };
        let settings = [&[NO_TABLE], settings].concat().concat();
        client.send([PREFACE, &frame(SETTINGS, 0, 0, &settings)].concat()).await;
        client
    }

    /// Writes all of it, or as much as the other side takes before it closes.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let written = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        let _ = timeout(PATIENCE, written).await;
    }

    /// Sends a request, and waits for what becomes of it.
    pub(crate) async fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) -> Outcome {
        self.send(headers(stream, END_STREAM, fields)).await;
        self.outcome(stream).await
    }

    /// Waits for what becomes of the stream; what belongs to others is lost.
    pub(crate) async fn outcome(&mut self, stream: u32) -> Outcome {
        let (mut status, mut body) = (0, Vec::new());
        loop {
            let Ok(frame) = self.next().await else { return Outcome::Closed };
            if frame.kind == GOAWAY && frame.code(4) != NO_ERROR {
                return Outcome::GoAway(frame.code(4));
            }
            if frame.stream != stream {
                continue;
            }
            match frame.kind {
                HEADERS if status == 0 => status = frame.status(),
                DATA => body.extend_from_slice(&frame.payload),
                RST_STREAM => return Outcome::Reset(frame.code(0)),
                _ => {}
            }
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
                return Outcome::Answer { status, body };
            }
        }
    }

    /// Waits for a frame of this type on this stream, and drops the others.
    pub(crate) async fn until(&mut self, kind: u8, stream: u32) -> Result<Frame, String> {
        loop {
            let frame = self.next().await?;
            if (frame.kind, frame.stream) == (kind, stream) {
                return Ok(frame);
            }
        }
    }

    /// The next frame, after settings and pings were answered.
    pub(crate) async fn next(&mut self) -> Result<Frame, String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let frame = self.frame().await?;
            if frame.flags & ACK == 0 && matches!(frame.kind, SETTINGS | PING) {
                let payload: &[u8] = if frame.kind == PING { &frame.payload } else { &[] };
                self.send(self::frame(frame.kind, ACK, 0, payload)).await;
            } else if !matches!(frame.kind, SETTINGS | PING) {
                return Ok(frame);
            }
        }
        Err("silent but for pings".to_owned())
    }

    /// Fails unless the other side closes the connection; what it says before is returned.
    pub(crate) async fn ends(&mut self) -> Result<Vec<Frame>, String> {
        let mut frames = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.next().await {
                Ok(frame) => frames.push(frame),
                Err(end) if end.starts_with("silent") => return Err(end),
                Err(_) => return Ok(frames),
            }
        }
        Err("the connection goes on".to_owned())
    }

    /// Fails if a frame of this stream comes within `time`, but for windows.
    pub(crate) async fn silent_for(&mut self, stream: u32, time: Duration) -> Result<(), String> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.next()).await {
                Err(_) => return Ok(()),
                Ok(frame) => {
                    let frame = frame?;
                    if frame.stream == stream && frame.kind != WINDOW_UPDATE {
                        return Err(format!("silence was due, not {frame:?}"));
                    }
                }
            }
        }
    }

    /// Sends what `piece` makes of 0, 1, 2… until the other side ends the connection, `most` of them
    /// at most; how many were sent, and the code of the GOAWAY, if there was one.
    pub(crate) async fn flood(
        &mut self,
        most: u32,
        mut piece: impl FnMut(u32) -> Vec<u8>,
    ) -> Result<(u32, Option<u32>), String> {
        for number in 0..most {
            let _ = timeout(PATIENCE, self.stream.write_all(&piece(number))).await;
            if number % 16 == 15 {
                tokio::task::yield_now().await;
            }
            if self.has_ended() {
                let goaway = self.ends().await?.iter().find_map(Frame::ending);
                return Ok((number, goaway));
            }
        }
        let goaway = self.ends().await?.iter().find_map(Frame::ending);
        Ok((most, goaway))
    }

    /// Whether the other side has ended the connection.
    pub(crate) fn has_ended(&mut self) -> bool {
        let mut read = [0; 16 * 1024];
        match self.stream.read(&mut read).now_or_never() {
            None => false,
            Some(Ok(length @ 1..)) => {
                self.buffer.extend_from_slice(&read[..length]);
                false
            }
            Some(_) => true,
        }
    }

    async fn frame(&mut self) -> Result<Frame, String> {
        self.fill(9).await?;
        let [a, b, c, kind, flags, stream @ ..] = *self.buffer.first_chunk::<9>().unwrap();
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        self.fill(9 + length).await?;
        let rest = self.buffer.split_off(9 + length);
        let payload = std::mem::replace(&mut self.buffer, rest).split_off(9);
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    async fn fill(&mut self, length: usize) -> Result<(), String> {
        while self.buffer.len() < length {
            let end = match timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(1..)) => continue,
                Ok(Ok(_)) => "closed",
                Ok(Err(_)) => "reset",
                Err(_) => "silent",
            };
            return Err(format!("{end} where a frame was due, after {}", show(&self.buffer)));
        }
        Ok(())
    }
}

impl Frame {
    /// The four bytes of the payload from `at` on: an error code.
    pub(crate) fn code(&self, at: usize) -> u32 {
        u32::from_be_bytes(*self.payload[at..].first_chunk().unwrap())
    }

    /// The code of a GOAWAY that is no good-bye.
    pub(crate) fn ending(&self) -> Option<u32> {
        (self.kind == GOAWAY).then(|| self.code(4)).filter(|it| *it != NO_ERROR)
    }

    /// An answer's status, which is the first field of its block; 0 for what has none.
    pub(crate) fn status(&self) -> u16 {
        // A change of the table's size may come first (RFC 7541 §6.3).
        let block: Vec<_> =
            self.payload.iter().copied().skip_while(|it| it & 0xe0 == 0x20).collect();
        let indexed = [200, 204, 206, 304, 400, 404, 500];
        match *block {
            [at @ 0x88..=0x8e, ..] => indexed[usize::from(at - 0x88)],
            // Three digits, as they are or by Huffman's code (RFC 7541 Appendix B).
            [0x08 | 0x18 | 0x48, 3, a, b, c, ..] => {
                [a, b, c].iter().fold(0, |sum, it| sum * 10 + u16::from(it - b'0'))
            }
            [0x08 | 0x18 | 0x48, length, ref digits @ ..] if length > 0x80 => {
                huffman(&digits[..usize::from(length - 0x80)])
            }
            _ => 0,
        }
    }
}

fn huffman(bytes: &[u8]) -> u16 {
    let bits = bytes.iter().fold(0u64, |bits, it| bits << 8 | u64::from(*it));
    let (mut left, mut number) = (bytes.len() * 8, 0);
    let take = |count: usize, left: &mut usize| {
        *left -= count;
        u16::try_from(bits >> *left & ((1 << count) - 1)).unwrap()
    };
    for _ in 0..3 {
        let short = take(5, &mut left);
        number = number * 10
            + match short {
                0..=2 => short,
                _ => (short << 1 | take(1, &mut left)) - 0b01_1001 + 3,
            };
    }
    number
}

/// A frame's bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A whole block of fields in one frame.
pub(crate) fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, flags | END_HEADERS, stream, &block(fields))
}

/// Fields as literals, without tables and without Huffman's code: anything can be said.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            // One character for each byte.
            let bytes: Vec<_> =
                text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
            integer(&mut block, bytes.len());
            block.extend(bytes);
        }
    }
    block
}

/// RFC 7541 §5.1, with a prefix of seven bits.
fn integer(block: &mut Vec<u8>, number: usize) {
    if number < 127 {
        return block.push(u8::try_from(number).unwrap());
    }
    block.push(127);
    let mut left = number - 127;
    while left >= 128 {
        block.push(u8::try_from(left % 128).unwrap() | 128);
        left /= 128;
    }
    block.push(u8::try_from(left).unwrap());
}

pub(crate) fn data(stream: u32, flags: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    frame(DATA, flags, stream, bytes.as_ref())
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

pub(crate) fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

/// The pseudo-fields of a GET.
pub(crate) fn get(path: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "shop.test")]
}

/// The pseudo-fields of a POST.
pub(crate) fn post(path: &str) -> [(&str, &str); 4] {
    [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "shop.test")]
}
