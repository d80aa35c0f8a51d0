//! A server that speaks HTTP/2 frame by frame, for what no library would say.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// What the server does when a request's head has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// 200 without a body.
    Answer,
    /// GOAWAY that names this stream as the last, and nothing more: the other side closes.
    GoAway(u32),
    /// GOAWAY that names this stream as the last, and the connection is closed.
    GoAwayAndClose(u32),
    Close,
}

/// RFC 9113 §6 and §4.1.
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 5;
/// `:status: 200` of HPACK's static table (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

/// A listening server, and which streams came on which connection.
pub(crate) struct FramesOrigin {
    pub(crate) address: SocketAddr,
    came: Arc<Mutex<Vec<(usize, u32)>>>,
    accepting: AbortHandle,
}

impl FramesOrigin {
    /// A server that does for a stream of a connection what `script` says.
    pub(crate) async fn start(script: impl Fn(usize, u32) -> Deed + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (came, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(script));
        let record = Arc::clone(&came);
        let accepting = tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (record, script) = (Arc::clone(&record), Arc::clone(&script));
                tokio::spawn(async move {
                    let deed = |stream| {
                        record.lock().unwrap().push((connection, stream));
                        script(connection, stream)
                    };
                    // Until one side closes.
                    let _ = serve(stream, deed).await;
                });
            }
        });
        Self { address, came, accepting: accepting.abort_handle() }
    }

    /// The connection and the stream of each request.
    pub(crate) fn came(&self) -> Vec<(usize, u32)> {
        self.came.lock().unwrap().clone()
    }
}

impl Drop for FramesOrigin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, deed: impl Fn(u32) -> Deed) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 24]).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).await?;
        let id = u32::from_be_bytes(id);
        let answer = match kind {
            SETTINGS if flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => frame(PING, ACK, 0, &payload),
            HEADERS => match deed(id) {
                Deed::Answer => frame(HEADERS, END_STREAM_AND_HEADERS, id, &[STATUS_200]),
                Deed::GoAway(last) => go_away(last),
                Deed::GoAwayAndClose(last) => return stream.write_all(&go_away(last)).await,
                Deed::Close => return Ok(()),
            },
            _ => continue,
        };
        stream.write_all(&answer).await?;
    }
}

fn go_away(last: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
