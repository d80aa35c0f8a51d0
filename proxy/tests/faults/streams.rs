//! What a stream of many small pieces costs whoever keeps it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{self, Sender},
    thread,
};

use tempfile::TempDir;

use crate::{
    banyan::{Banyan, PATIENCE, command},
    client::{get, read_until, send},
};

const CHUNKS: usize = 10_000;

/// Each is read alone.
const CHUNK: &str = "30\r\nid,sku,name,price,stock,updated_at,warehouse,bin\r\n";

const RECORDED: &str = r#"
[[route]]
id     = "stream"
match  = { method = "GET", path = "/stream" }
stage  = "monolith"
record = "100%"
"#;

/// A server that streams, each chunk after a word from here.
fn stream() -> (SocketAddr, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (word, words) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.set_nodelay(true).unwrap();
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        for () in words {
            stream.write_all(CHUNK.as_bytes()).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    (address, word)
}

#[test]
fn a_recorded_stream_of_many_small_chunks_takes_no_more_memory_than_it_has_bytes() {
    let (server, word) = stream();
    let folder = TempDir::new().unwrap();
    let mut command = command(&folder, "http://127.0.0.1:0", RECORDED, &[server]);
    command.args(["--recordings", "recordings"]).env("BANYAN_RECORDING_KEY", "1".repeat(64));
    let banyan = Banyan::run(command, folder);
    let mut buyer = send(banyan.address, &get("/stream"));
    buyer.set_read_timeout(Some(PATIENCE)).unwrap();
    read_until(&mut buyer, "\r\n\r\n");
    let mut chunk = [0; CHUNK.len()];
    let mut take = |chunks: usize| {
        for _ in 0..chunks {
            word.send(()).unwrap();
            buyer.read_exact(&mut chunk).unwrap();
            assert_eq!(chunk, CHUNK.as_bytes());
        }
    };
    take(100);
    let memory = banyan.memory();
    take(CHUNKS);
    let grown = banyan.memory().saturating_sub(memory);
    // A page for each chunk would be 39 MiB.
    assert!(grown < 16 * 1024, "{grown} KiB more for {} KiB", CHUNKS * CHUNK.len() / 1024);
    drop(word);
    banyan.until("banyan_recorded_total{result=\"written\"}", 1.0);
}
