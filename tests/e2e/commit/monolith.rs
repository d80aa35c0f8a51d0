//! A monolith of a few lines: it reads a request whole and answers what it is told to.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running one. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Monolith {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Monolith {
    /// Answers every request with what `answer` makes of its body.
    pub(super) async fn answering<F, A>(answer: F) -> Self
    where
        F: Fn(Vec<u8>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Vec<u8>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let ended = stop.clone();
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((client, _)) = listener.accept().await {
                let serve = serve(client, answer.clone());
                tokio::spawn(ended.clone().run_until_cancelled_owned(serve));
            }
        }));
        Self { address, _stop: stop.drop_guard() }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve<F, A>(mut client: TcpStream, answer: F)
where
    F: Fn(Vec<u8>) -> A,
    A: Future<Output = Vec<u8>>,
{
    let mut read = Vec::new();
    while let Some((length, body)) = request(&mut client, &mut read).await {
        read.drain(..length);
        let body = answer(body).await;
        let mut text =
            format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        text.extend(body);
        if client.write_all(&text).await.is_err() {
            return;
        }
    }
}

/// The next request's length, and its body.
async fn request(client: &mut TcpStream, read: &mut Vec<u8>) -> Option<(usize, Vec<u8>)> {
    loop {
        if let Some(found) = parsed(read) {
            return Some(found);
        }
        if client.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}

fn parsed(read: &[u8]) -> Option<(usize, Vec<u8>)> {
    let head = read.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|it| it.strip_prefix("content-length: "));
    if let Some(length) = length {
        let whole = head + length.parse::<usize>().unwrap();
        return (read.len() >= whole).then(|| (whole, read[head..whole].to_vec()));
    }
    if !text.contains("transfer-encoding: chunked") {
        return Some((head, Vec::new()));
    }
    let (mut at, mut body) = (head, Vec::new());
    loop {
        let line = at + read[at..].windows(2).position(|it| it == b"\r\n")?;
        let size = std::str::from_utf8(&read[at..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let end = line + 2 + size;
        if read.len() < end + 2 {
            return None;
        }
        body.extend(&read[line + 2..end]);
        at = end + 2;
        if size == 0 {
            return Some((at, body));
        }
    }
}
