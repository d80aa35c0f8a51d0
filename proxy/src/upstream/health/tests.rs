//! Checks against a scripted server.

use std::sync::{Arc, Mutex};

use prometheus::Registry;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixListener},
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    super::{Settings, UpstreamMetrics, tests::clear},
    *,
};

/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// A server that gives every request the same answer and hangs up.
struct Scripted {
    address: Endpoint,
    answer: Arc<Mutex<Option<&'static str>>>,
    /// The heads of the requests that came.
    heads: mpsc::UnboundedReceiver<String>,
    serving: JoinHandle<()>,
}

impl Scripted {
    /// `None`: never an answer.
    async fn start(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = clear(&format!("http://{}", listener.local_addr().unwrap()));
        let answer = Arc::new(Mutex::new(answer));
        let (sender, heads) = mpsc::unbounded_channel();
        let script = Arc::clone(&answer);
        let serving = tokio::spawn(async move {
            let mut unanswered = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                sender.send(head(&mut stream).await).unwrap();
                let answer = *script.lock().unwrap();
                match answer {
                    Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                    None => unanswered.push(stream),
                }
            }
        });
        Self { address, answer, heads, serving }
    }

    fn now_answers(&self, answer: Option<&'static str>) {
        *self.answer.lock().unwrap() = answer;
    }

    async fn next_head(&mut self) -> String {
        timeout(PATIENCE, self.heads.recv()).await.expect("a check").unwrap()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Reads a request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn often() -> Health {
    Health { interval: Duration::from_millis(2), ..Health::default() }
}

fn upstream(address: &Endpoint, health: Health) -> Arc<Upstream> {
    version(address, Some(health), None)
}

fn version(
    address: &Endpoint,
    health: Option<Health>,
    previous: Option<&Upstream>,
) -> Arc<Upstream> {
    let settings = Settings { health, ..Settings::new(vec![address.clone()]) };
    let metrics = UpstreamMetrics::register(&Registry::new()).unwrap();
    Upstream::new("shop", settings, previous, &metrics)
}

fn is_up(upstream: &Upstream) -> bool {
    upstream.is_usable(&upstream.servers()[0])
}

async fn until_up(upstream: &Upstream, up: bool) {
    let deadline = Instant::now() + PATIENCE;
    while is_up(upstream) != up {
        assert!(Instant::now() < deadline, "up stayed {}", !up);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn start(upstream: &Arc<Upstream>) -> JoinHandle<()> {
    tokio::spawn(run(Arc::downgrade(upstream)))
}

async fn ends(checks: JoinHandle<()>) {
    timeout(PATIENCE, checks).await.expect("the checks end").unwrap();
}

#[tokio::test]
async fn a_server_goes_down_and_comes_back() {
    let server = Scripted::start(Some(OK)).await;
    let upstream = upstream(&server.address, often());
    let checks = start(&upstream);
    server.now_answers(Some(UNAVAILABLE));
    until_up(&upstream, false).await;
    server.now_answers(Some(OK));
    until_up(&upstream, true).await;
    drop(upstream);
    ends(checks).await;
}

#[tokio::test]
async fn the_checks_of_what_left_the_table_end_at_once() {
    let server = Scripted::start(Some(UNAVAILABLE)).await;
    let seldom = Health { interval: Duration::from_hours(1), ..Health::default() };
    let upstream = upstream(&server.address, seldom);
    let checks = start(&upstream);
    until_up(&upstream, false).await;
    // The next check is an hour away.
    drop(upstream);
    ends(checks).await;
}

#[tokio::test]
async fn a_check_looks_like_a_buyer_who_came_over_https() {
    let mut server = Scripted::start(Some(OK)).await;
    let upstream = upstream(&server.address, often());
    let _checks = start(&upstream);
    let head = server.next_head().await;
    assert!(head.starts_with("GET /up HTTP/1.1\r\n"), "{head}");
    let host = server.address.to_string().replace("http://", "host: ");
    for line in [host.as_str(), "user-agent: banyan-health", "x-forwarded-proto: https"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
    }
}

#[tokio::test]
async fn path_and_host_can_be_chosen() {
    let mut server = Scripted::start(Some(OK)).await;
    let host = Some(HeaderValue::from_static("shop.test"));
    let path = "/healthz?deep=1".parse().unwrap();
    let upstream = upstream(&server.address, Health { path, host, ..often() });
    let _checks = start(&upstream);
    let head = server.next_head().await;
    assert!(head.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: shop.test\r\n"), "{head}");
}

#[tokio::test]
async fn a_failed_first_check_is_enough_and_later_ones_are_not() {
    let mut server = Scripted::start(Some(UNAVAILABLE)).await;
    let patient = Health { unhealthy: u32::MAX, ..often() };
    let at_first = upstream(&server.address, patient.clone());
    let _checks = start(&at_first);
    until_up(&at_first, false).await;

    server.now_answers(Some(OK));
    until_up(&at_first, true).await;
    server.now_answers(Some(UNAVAILABLE));
    while server.heads.try_recv().is_ok() {}
    for _ in 0..5 {
        server.next_head().await;
    }
    assert!(is_up(&at_first));
}

#[test]
fn so_many_checks_in_a_row_change_a_servers_state() {
    let health = Health { healthy: 2, unhealthy: 3, ..Health::default() };
    let server = Server::new(clear("http://server.test"));
    let steps = [
        (true, None),
        (false, None),
        (false, None),
        (true, None),
        (false, None),
        (false, None),
        (false, Some(false)),
        (false, None),
        (true, None),
        (false, None),
        (true, None),
        (true, Some(true)),
    ];
    for (step, (passed, changed)) in steps.into_iter().enumerate() {
        assert_eq!(server.checked(passed, &health), changed, "step {step}");
    }
}

#[tokio::test]
async fn only_2xx_is_health() {
    for (answer, passes) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", true),
        ("HTTP/1.1 301 Moved Permanently\r\nlocation: https://shop.test/up\r\n\r\n", false),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", false),
        ("HTTP/1.1 404 Not Found\r\n\r\n", false),
        ("SSH-2.0-OpenSSH_9.2\r\n", false),
        ("", false),
    ] {
        let server = Scripted::start(Some(answer)).await;
        let checked = check(&server.address, &Health::default()).await;
        assert_eq!(checked.is_ok(), passes, "{answer:?}: {checked:?}");
    }
}

#[tokio::test]
async fn a_check_says_why_it_failed() {
    let server = Scripted::start(None).await;
    let hasty = Health { timeout: Duration::from_millis(5), ..Health::default() };
    let slow = check(&server.address, &hasty).await.unwrap_err();
    assert!(matches!(slow, CheckError::TimedOut(_)), "{slow:?}");

    server.now_answers(Some("HTTP/1.1 301 Moved Permanently\r\n\r\n"));
    let moved = check(&server.address, &Health::default()).await.unwrap_err();
    assert!(
        moved.to_string().starts_with("answered 301 Moved Permanently, must be 2xx"),
        "{moved}"
    );

    server.now_answers(Some(""));
    let broken = check(&server.address, &Health::default()).await.unwrap_err();
    assert!(matches!(broken, CheckError::Exchange(_)), "{broken:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = clear(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let refused = check(&closed, &Health::default()).await.unwrap_err();
    assert!(matches!(refused, CheckError::Connect(_)), "{refused:?}");
}

#[tokio::test]
async fn a_server_on_a_unix_socket_is_checked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("puma.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let length = stream.read(&mut head).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let address = clear(&format!("unix://{}", path.display()));
    check(&address, &Health::default()).await.unwrap();
    assert!(answering.await.unwrap().contains("\r\nhost: localhost\r\n"));
}

#[tokio::test]
async fn after_a_reload_only_the_younger_version_checks() {
    let server = Scripted::start(Some(OK)).await;
    let before = upstream(&server.address, often());
    let checks = start(&before);
    let after = version(&server.address, Some(often()), Some(&before));
    let checks_after = start(&after);
    // The older version lives on, as under a long answer.
    ends(checks).await;
    server.now_answers(Some(UNAVAILABLE));
    until_up(&before, false).await;
    let without = version(&server.address, None, Some(&after));
    ends(start(&without)).await;
    ends(checks_after).await;
}
