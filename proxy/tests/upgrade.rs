//! A hundred upgrades under load: no connection is refused, no request fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

const UPGRADES: usize = 100;

/// A monolith that says `ok` to every request, for as long as the process lives.
fn monolith() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer_all(stream.unwrap()));
        }
    });
    address
}

fn answer_all(stream: TcpStream) {
    let mut writer = stream.try_clone().unwrap();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if line.is_empty() && writer.write_all(answer).is_err() {
            return;
        }
    }
}

/// A process that ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is what a test wants.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a process that takes over from the one before, and waits until it serves.
fn start(folder: &Path, monolith: SocketAddr, port: u16, admin: u16) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_banyan"))
        .current_dir(folder)
        .env_clear()
        .args(["serve", "--workers", "2", "--drain-timeout", "5"])
        .args(["--monolith", &format!("http://{monolith}"), "--upgrade-socket", "upgrade.sock"])
        .args(["--listen", &format!("127.0.0.1:{port}"), "--admin", &format!("127.0.0.1:{admin}")])
        .args(["--log", "info,access=off"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut log = BufReader::new(running.0.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.contains("\"serving\"") {
        assert!(log.read_line(&mut seen).unwrap() > 0, "it did not start: {seen}");
    }
    // Somebody must read on, or the process would wait for its log.
    thread::spawn(move || log.read_to_end(&mut Vec::new()));
    running
}

/// One request on a connection of its own.
fn ask(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let good = answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nok");
    if good { Ok(()) } else { Err(std::io::Error::other(format!("{answer:?}"))) }
}

#[test]
fn a_hundred_upgrades_under_load_fail_no_request() {
    let folder = TempDir::new().unwrap();
    let monolith = monolith();
    let (port, admin) = (free_port(), free_port());
    let mut running = start(folder.path(), monolith, port, admin);
    let (answers, answered) = mpsc::channel();
    for _ in 0..4 {
        let answers = answers.clone();
        // Until the test has seen enough.
        thread::spawn(move || while answers.send(ask(port)).is_ok() {});
    }
    let ten_succeed = || {
        for _ in 0..10 {
            answered.recv_timeout(Duration::from_secs(10)).unwrap().unwrap();
        }
    };
    for _ in 0..UPGRADES {
        let successor = start(folder.path(), monolith, port, admin);
        assert!(running.0.wait().unwrap().success(), "the predecessor ends by itself, and well");
        running = successor;
        // All that were answered while one process took over from the other, and some more.
        for answer in answered.try_iter() {
            answer.unwrap();
        }
        ten_succeed();
    }
    drop(answered);
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
