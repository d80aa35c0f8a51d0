//! A server of the monolith that does what a test says, for as long as the process lives.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use crate::client::reset;

/// What it does after it has read a request, its body not counted.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Nothing more until the other side closes.
    Silence,
    Close,
    Reset,
}

/// A server that does for each target what `script` says.
pub(crate) fn scripted(script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> SocketAddr {
    serving(TcpListener::bind("127.0.0.1:0").unwrap(), script)
}

/// The same where the test has chosen the address.
pub(crate) fn serving(
    listener: TcpListener,
    script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static,
) -> SocketAddr {
    let (address, script) = (listener.local_addr().unwrap(), Arc::new(script));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, script) = (stream.unwrap(), Arc::clone(&script));
            thread::spawn(move || serve(stream, &*script));
        }
    });
    address
}

fn serve(mut stream: TcpStream, script: &impl Fn(&str) -> Vec<Step>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((target, length)) = head(&mut reader) {
        for step in script(&target) {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).is_err() {
                        return;
                    }
                }
                Step::Silence => {
                    // However it ends.
                    let _ = reader.read_to_end(&mut Vec::new());
                    return;
                }
                Step::Close => return,
                Step::Reset => {
                    drop(reader);
                    return reset(stream);
                }
            }
        }
        let mut body = (&mut reader).take(length);
        if std::io::copy(&mut body, &mut std::io::sink()).is_err() {
            return;
        }
    }
}

/// A request's target and the length of its body; `None` at the end of the connection.
fn head(reader: &mut impl std::io::BufRead) -> Option<(String, u64)> {
    let mut lines = reader.lines().map_while(Result::ok);
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    for line in lines {
        if line.is_empty() {
            return Some((target, length));
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    None
}

/// A plain answer.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// An answer of this length that breaks off after a few bytes.
pub(crate) const BEGINNING: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello";

/// Says `hello` to everything but a few targets that say what becomes of them.
pub(crate) fn usual(target: &str) -> Vec<Step> {
    let begin = || Step::Send(BEGINNING.to_vec());
    match target.split('?').next().unwrap_or_default() {
        "/silent" | "/upload" => vec![Step::Silence],
        "/stalls" => vec![begin(), Step::Silence],
        "/closes" => vec![Step::Close],
        "/resets" => vec![Step::Reset],
        "/resets-in-the-head" => vec![Step::Send(b"HTTP/1.1 200 OK\r\nCont".to_vec()), Step::Reset],
        "/resets-in-the-body" => vec![begin(), Step::Reset],
        "/closes-in-the-body" => vec![begin(), Step::Close],
        "/resets-after" => vec![Step::Send(ok("hello")), Step::Reset],
        "/large" => vec![Step::Send(ok(&"x".repeat(64 << 20)))],
        "/tunnel" => {
            let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\
                        Upgrade: websocket\r\n\r\n";
            vec![Step::Send(head.into()), Step::Silence]
        }
        _ => vec![Step::Send(ok("hello"))],
    }
}
