//! Whom Banyan speaks to beside the shop: a collector of spans, and a service that answers badly.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Answers every request alike, and keeps what it was sent.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
    serving: JoinHandle<()>,
}

impl Peer {
    pub(crate) async fn answering(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let all = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, answer.clone(), Arc::clone(&all)));
            }
        });
        Self { address, seen, serving }
    }

    pub(crate) fn seen(&self) -> Vec<u8> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut client: TcpStream, answer: String, seen: Arc<Mutex<Vec<u8>>>) {
    let (mut unread, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        while let Some(length) = whole(&unread) {
            unread.drain(..length);
            if client.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
        match client.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                unread.extend_from_slice(&buffer[..length]);
                seen.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        }
    }
}

/// The length of the first request, if all of it has come.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let fields = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let body =
        fields.lines().find_map(|it| it.strip_prefix("content-length:")?.trim().parse().ok());
    let length = head + body.unwrap_or(0);
    (bytes.len() >= length).then_some(length)
}
