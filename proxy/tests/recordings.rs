//! Recordings and replays as processes that are killed and interrupted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::Value;
use tempfile::TempDir;

const KEY: &str = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";

const ROUTES: &str = r#"
[[route]]
id     = "catalog.show"
match  = { method = "GET", path = "/api/products/{id}" }
stage  = "monolith"
record = "100%"
"#;

const JSON: [&str; 2] = ["--format", "json"];

/// Nothing here takes so long; a test that waits for it has failed.
const LONG: Duration = Duration::from_mins(1);

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < LONG, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A monolith that counts what it is asked, by the request's id, and can be made to wait.
struct Monolith {
    address: SocketAddr,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
    /// Each answer waits for a word from here, while there is somebody to say it.
    gate: Arc<Mutex<Option<Receiver<()>>>>,
    /// It answers 404.
    is_gone: Arc<AtomicBool>,
}

impl Monolith {
    fn start(body: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let monolith =
            Self { address, asked: Arc::default(), gate: Arc::default(), is_gone: Arc::default() };
        let (asked, gate) = (Arc::clone(&monolith.asked), Arc::clone(&monolith.gate));
        let is_gone = Arc::clone(&monolith.is_gone);
        let body = "x".repeat(body);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, gate, answer) = (Arc::clone(&asked), Arc::clone(&gate), answer.clone());
                let is_gone = Arc::clone(&is_gone);
                let answer = move || {
                    let status = if is_gone.load(Ordering::Relaxed) { 404 } else { 200 };
                    answer.replacen("200", &status.to_string(), 1)
                };
                thread::spawn(move || serve(&stream, answer, &asked, &gate));
            }
        });
        monolith
    }

    /// Makes it wait before each answer, until the sender says a word or is gone.
    fn hold(&self) -> Sender<()> {
        let (word, waits) = mpsc::channel();
        *self.gate.lock().unwrap() = Some(waits);
        word
    }

    fn asked(&self) -> BTreeMap<String, u64> {
        self.asked.lock().unwrap().clone()
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(
    mut stream: &TcpStream,
    answer: impl Fn() -> String,
    asked: &Mutex<BTreeMap<String, u64>>,
    gate: &Mutex<Option<Receiver<()>>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    loop {
        let head: Vec<_> = lines.by_ref().take_while(|it| !it.is_empty()).collect();
        if head.is_empty() {
            return;
        }
        let id = head
            .iter()
            .find_map(|it| it.to_lowercase().strip_prefix("x-request-id: ").map(str::to_owned));
        *asked.lock().unwrap().entry(id.unwrap()).or_default() += 1;
        if let Some(gate) = &*gate.lock().unwrap() {
            let _ = gate.recv();
        }
        if stream.write_all(answer().as_bytes()).is_err() {
            return;
        }
    }
}

/// A process that ends with the test, however that ends.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// So long may its files become from now on.
    fn limit_files(&self, current: Option<u64>) {
        let pid = Some(Pid::from_child(&self.0));
        let maximum = getrlimit(Resource::Fsize).maximum;
        prlimit(pid, Resource::Fsize, Rlimit { current, maximum }).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is what a test wants.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where a test records and replays.
struct Studio {
    folder: TempDir,
    monolith: Monolith,
}

impl Studio {
    fn new(body: usize) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("routes.toml"), ROUTES).unwrap();
        Self { folder, monolith: Monolith::start(body) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that may not grow is an error to it, as on a disk that is full, and no signal.
    fn banyan(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_banyan")]);
        command.current_dir(self.folder.path()).env_clear().env("BANYAN_RECORDING_KEY", KEY);
        command.args(arguments);
        command
    }

    /// Starts a proxy that records; returns it, and where it listens and says how it is.
    fn proxy(&self) -> (Running, String, String) {
        let monolith = self.monolith.url();
        let child = self
            .banyan(&["serve", "--monolith", &monolith, "--recordings", "recordings"])
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log", "info,access=off"])
            .args(["--routes", "routes.toml", "--workers", "2"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut running = Running(child);
        let mut log = BufReader::new(running.0.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        // Read on, so that a full pipe never stops the log.
        thread::spawn(move || log.read_to_end(&mut Vec::new()));
        let serving: Value = serde_json::from_str(&line).unwrap();
        let listen = serving["addresses"].as_str().unwrap().trim_matches(['[', ']']).to_owned();
        (running, listen, serving["admin"].as_str().unwrap().to_owned())
    }

    /// What `banyan record` says of the recordings: how many requests, and how many are lost.
    fn recorded(&self) -> (u64, u64) {
        let arguments = ["record", "--recordings", "recordings", "--format", "json"];
        let output = self.banyan(&arguments).output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let requests = said["routes"].as_array().unwrap().iter();
        (requests.map(|it| it["requests"].as_u64().unwrap()).sum(), said["lost"].as_u64().unwrap())
    }

    /// A replay against a database that is not there: the monolith is asked, no handler answers.
    fn replay(&self, flags: &[&str]) -> Command {
        self.replay_at(&self.monolith.url(), flags)
    }

    fn replay_at(&self, monolith: &str, flags: &[&str]) -> Command {
        let mut command = self.banyan(&["replay", "recordings", "--monolith", monolith]);
        command.args(["--routes", "routes.toml", "--database", "mysql://root@127.0.0.1:1/shop"]);
        command.args(flags);
        command
    }
}

fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// How many requests the proxy says that it has written.
fn written(admin: &str) -> u64 {
    recorded(admin, "written")
}

/// Of how many requests the proxy says that this has become of them.
fn recorded(admin: &str, result: &str) -> u64 {
    let metrics = get(admin, "/metrics").unwrap();
    let mut lines = metrics.lines();
    let series = format!("banyan_recorded_total{{result=\"{result}\"}} ");
    lines.find_map(|it| it.strip_prefix(&series)).map_or(0, |it| it.trim().parse().unwrap())
}

#[test]
fn a_full_disk_is_not_littered_and_is_written_to_when_there_is_room_again() {
    const REQUESTS: u64 = 20;
    let studio = Studio::new(2);
    let (proxy, listen, admin) = studio.proxy();
    proxy.limit_files(Some(0));
    for number in 0..REQUESTS {
        get(&listen, &format!("/api/products/{number}")).unwrap();
    }
    let failed = || (recorded(&admin, "failed") == REQUESTS).then_some(());
    eventually("each request to be counted", failed);
    assert_eq!(fs::read_dir(studio.path("recordings")).unwrap().count(), 0);
    proxy.limit_files(None);
    eventually("a request on the disk", || {
        get(&listen, "/api/products/1").unwrap();
        (written(&admin) > 0).then_some(())
    });
}

#[test]
fn what_was_written_before_a_kill_is_replayed_and_a_torn_record_is_told() {
    let studio = Studio::new(200_000);
    let (sent, mut acknowledged) = (AtomicU64::new(0), 0);
    for round in 1..=4 {
        let (proxy, listen, admin) = studio.proxy();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let number = sent.fetch_add(1, Ordering::Relaxed);
                        let _ = get(&listen, &format!("/api/products/{number}"));
                    }
                });
            }
            let enough = |it: u64| (it >= 20 * round).then_some(it);
            acknowledged += eventually("requests on the disk", || enough(written(&admin)));
            proxy.signal(Signal::KILL);
            is_over.store(true, Ordering::Relaxed);
        });
        let (recorded, lost) = studio.recorded();
        let sent = sent.load(Ordering::Relaxed);
        assert!((acknowledged..=sent).contains(&recorded), "{acknowledged}, {recorded}, {sent}");
        assert!(lost <= round, "at most one of each process: {lost}");
    }
    let (recorded, lost) = studio.recorded();
    // A process that dies while it writes leaves a record cut off anywhere.
    let segments = fs::read_dir(studio.path("recordings")).unwrap();
    let longest =
        segments.map(|it| it.unwrap().path()).max_by_key(|it| fs::metadata(it).unwrap().len());
    let longest = File::options().write(true).open(longest.unwrap()).unwrap();
    longest.set_len(longest.metadata().unwrap().len() - 1_000).unwrap();
    assert_eq!(studio.recorded(), (recorded - 1, lost + 1));

    let no_handler = ROUTES.replace("catalog.show", "products.page");
    fs::write(studio.path("routes.toml"), &no_handler).unwrap();
    let replayed = studio.replay(&JSON).output().unwrap();
    let said: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!(said["routes"][0]["skipped"]["no_handler"], recorded - 1, "each was read: {said}");
    assert_eq!(said["lost"], lost + 1);
    let Output { status, stdout, stderr } = studio.replay(&[]).output().unwrap();
    let [told, why] = [stdout, stderr].map(|it| String::from_utf8(it).unwrap());
    assert!(told.contains("not written whole"), "{told}");
    assert_eq!((status.code(), &*why), (Some(2), "banyan: nothing was compared\n"));
    let Output { status, stderr, .. } = studio.replay(&["--route", "nope"]).output().unwrap();
    assert_eq!((status.code(), &*stderr), (Some(2), &b"banyan: nothing was compared\n"[..]));

    let service = no_handler.replace("\"monolith\"", "\"shadow\"\ncandidate = \"returns-svc\"");
    let service = service + "[upstream.returns-svc]\nservers = [\"http://127.0.0.1:1\"]\n";
    fs::write(studio.path("routes.toml"), service).unwrap();
    let Output { stdout, .. } = studio.replay(&[]).output().unwrap();
    let told = String::from_utf8(stdout).unwrap();
    let skipped =
        format!("{} skipped: compared with a service, which is not replayed", recorded - 1);
    assert!(told.contains(&skipped), "{told}");
}

/// Records requests of a proxy that is then stopped.
fn record(studio: &Studio, requests: u64) {
    let (mut proxy, listen, _) = studio.proxy();
    for number in 0..requests {
        get(&listen, &format!("/api/products/{number}")).unwrap();
    }
    proxy.signal(Signal::TERM);
    assert!(proxy.0.wait().unwrap().success());
    assert_eq!(studio.recorded(), (requests, 0));
    studio.monolith.asked.lock().unwrap().clear();
}

/// A process, and the lines that it says on standard error.
fn started(mut command: Command) -> (Running, Receiver<String>) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let said = BufReader::new(running.0.stderr.take().unwrap());
    let (line, lines) = mpsc::channel();
    thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|it| line.send(it)));
    (running, lines)
}

fn output(running: &mut Running) -> String {
    let mut text = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_replay_that_is_interrupted_asks_for_nothing_twice_and_forgets_nothing() {
    const REQUESTS: u64 = 8;
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let studio = Studio::new(2);
        record(&studio, REQUESTS);
        let go_on = studio.monolith.hold();
        let (mut replay, lines) =
            started(studio.replay(&[&JSON[..], &["--resume", "replay.state"]].concat()));
        for _ in 0..2 {
            go_on.send(()).unwrap();
        }
        eventually("the third request", || (studio.monolith.asked().len() == 3).then_some(()));
        replay.signal(signal);
        let line = lines.recv_timeout(LONG).unwrap();
        assert!(line.contains("stopping behind what is under way"), "{line}");
        // What is under way is waited for, however long it takes.
        assert!(replay.0.try_wait().unwrap().is_none());
        drop(go_on);
        assert_eq!(replay.0.wait().unwrap().code(), Some(status));
        assert_eq!(output(&mut replay), "", "no result of a part");
        let line = lines.recv_timeout(LONG).unwrap();
        assert!(line.contains("stopped after 3 of 8") && line.contains("goes on"), "{line}");
        assert_eq!(studio.monolith.asked().len(), 3);

        let rest =
            studio.replay(&[&JSON[..], &["--resume", "replay.state"]].concat()).output().unwrap();
        let said: Value = serde_json::from_slice(&rest.stdout).unwrap();
        assert_eq!((rest.status.code(), &said["unknown"]), (Some(2), &REQUESTS.into()), "{said}");
        let ids = said["routes"][0]["failing"].as_array().unwrap().iter();
        let mut ids: Vec<_> = ids.map(|it| it["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        let asked = studio.monolith.asked();
        assert_eq!(ids, asked.keys().cloned().collect::<Vec<_>>(), "each is told once");
        assert!(asked.values().all(|it| *it == 1), "{asked:?}");
        assert!(!studio.path("replay.state").exists());
    }
}

#[test]
fn a_second_signal_ends_a_replay_at_once() {
    let studio = Studio::new(2);
    record(&studio, 1);
    let _never = studio.monolith.hold();
    let (mut replay, lines) = started(studio.replay(&[]));
    eventually("the request", || (studio.monolith.asked().len() == 1).then_some(()));
    replay.signal(Signal::INT);
    lines.recv_timeout(LONG).unwrap();
    replay.signal(Signal::INT);
    let begin = Instant::now();
    assert_eq!(replay.0.wait().unwrap().code(), Some(130));
    assert!(begin.elapsed() < Duration::from_secs(10), "an answer is waited for 30 s");
}

#[test]
fn what_kept_a_side_from_answering_is_said() {
    let studio = Studio::new(2);
    record(&studio, 1);
    let text = |mut replay: Command| {
        let output = replay.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = text(studio.replay(&[]));
    assert!(
        said.contains("could not be compared: failed: the handler's database failed"),
        "{said}"
    );
    studio.monolith.is_gone.store(true, Ordering::Relaxed);
    let said = text(studio.replay(&[]));
    let strayed = "1 answered by the monolith with another status than when recorded";
    assert!(said.contains(strayed), "{said}");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = text(studio.replay_at(&format!("http://{nobody}"), &["--format", "junit"]));
    assert!(said.contains("control_failed: no answer came: the server could not be"), "{said}");
}

/// Silence where nobody looks: a log of a CI holds the result and nothing of how it came about.
#[test]
fn where_no_terminal_is_there_is_no_progress() {
    let studio = Studio::new(2);
    record(&studio, 3);
    let replayed = studio.replay(&["--rate", "100"]).output().unwrap();
    let said = String::from_utf8(replayed.stderr).unwrap();
    assert_eq!(said, "banyan: not every request could be compared\n");
}
