//! Hand-overs between tasks and between processes: what waits is served, and whoever fails, somebody
//! serves.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::{fd::AsFd as _, unix::fs::PermissionsExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;

/// The address that every process here is told to listen on.
fn any_port() -> Address {
    "127.0.0.1:0".parse().unwrap()
}

/// A test that waits in vain fails.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future).await.expect("it never came")
}

/// A directory with room for an upgrade socket.
struct Place {
    _directory: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("upgrade");
    Place { _directory: directory, path }
}

/// A process that is about to serve.
struct Starting {
    address: SocketAddr,
    bound: Bound,
    seat: Seat,
}

async fn start(path: &Path, workers: usize) -> Starting {
    let mut inheritance = take(path).await.unwrap();
    let bound = inheritance.sockets.open(&any_port(), workers).unwrap();
    let Address::Tcp(address) = *bound.address() else { panic!("not a port") };
    Starting { address, bound, seat: inheritance.seat }
}

impl Starting {
    async fn occupy(self) -> Result<Offer, HandoverError> {
        self.seat.occupy([self.bound].into_iter().collect()).await
    }
}

/// The first process at `path`, which offers its sockets and accepts nothing.
async fn first(path: &Path) -> (SocketAddr, JoinHandle<Option<u32>>) {
    let starting = start(path, 1).await;
    (starting.address, tokio::spawn(starting.occupy().await.unwrap().taken()))
}

/// Accepts from all sockets and says `name` to each buyer, until `stop`.
fn serve(
    bound: &Bound,
    workers: usize,
    name: &'static str,
    stop: &CancellationToken,
) -> TaskTracker {
    let tasks = TaskTracker::new();
    for socket in bound.deal(workers).unwrap().into_iter().flatten() {
        let Socket::Tcp(socket) = socket else { panic!("not a port") };
        let (listener, stop) = (TcpListener::from_std(socket).unwrap(), stop.clone());
        tasks.spawn(async move {
            loop {
                let (mut buyer, _) = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener::accept(&listener) => accepted,
                };
                buyer.write_all(name.as_bytes()).await.unwrap();
            }
        });
    }
    tasks.close();
    tasks
}

/// Who serves this buyer.
fn asked(mut buyer: TcpStream) -> String {
    let mut name = String::new();
    buyer.read_to_string(&mut name).unwrap();
    name
}

#[tokio::test]
async fn the_upgrade_socket_is_for_our_own_user() {
    let place = place();
    let seat = take(&place.path).await.unwrap().seat;
    assert_eq!(fs::metadata(&place.path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(seat);
    let inheritance = take(&place.path).await.unwrap();
    assert!(inheritance.sockets.is_empty(), "a stale file hands nothing over");
}

#[tokio::test]
async fn a_successor_that_dies_changes_nothing() {
    let place = place();
    let (address, retired) = first(&place.path).await;
    for _ in 0..3 {
        let successor = start(&place.path, 2).await;
        assert_eq!(successor.address, address);
    }
    let successor = start(&place.path, 2).await;
    assert!(!retired.is_finished());
    successor.occupy().await.unwrap();
    soon(retired).await.unwrap();
}

#[tokio::test]
async fn a_successor_that_takes_too_long_is_told_that_it_must_not_serve() {
    let place = place();
    let mut offer = start(&place.path, 1).await.occupy().await.unwrap();
    offer.patience = Duration::ZERO;
    let serving_on = tokio::spawn(offer.taken());
    let late = start(&place.path, 1).await;
    // The offer stands; the next is answered when the first has been given up.
    start(&place.path, 1).await;
    assert!(matches!(late.occupy().await, Err(HandoverError::TooLate)));
    serving_on.abort();
}

#[tokio::test]
async fn a_successor_serves_when_the_old_process_dies_meanwhile() {
    let place = place();
    let (address, old) = first(&place.path).await;
    let successor = start(&place.path, 1).await;
    old.abort();
    assert!(old.await.unwrap_err().is_cancelled());
    let successor = tokio::spawn(successor.occupy().await.unwrap().taken());
    // It has the upgrade socket too.
    assert_eq!(start(&place.path, 1).await.address, address);
    successor.abort();
}

#[tokio::test]
async fn of_two_successors_the_second_succeeds_the_first() {
    let place = place();
    let (address, first) = first(&place.path).await;
    let second = start(&place.path, 1).await;
    let path = place.path.clone();
    let third = tokio::spawn(async move { start(&path, 1).await });
    let second = tokio::spawn(second.occupy().await.unwrap().taken());
    soon(first).await.unwrap();
    let third = soon(third).await.unwrap();
    assert_eq!(third.address, address);
    third.occupy().await.unwrap();
    soon(second).await.unwrap();
}

#[tokio::test]
async fn what_is_no_upgrade_socket_is_left_alone() {
    let place = place();
    fs::write(&place.path, "data").unwrap();
    assert!(matches!(take(&place.path).await, Err(HandoverError::Path(..))));
    assert_eq!(fs::read_to_string(&place.path).unwrap(), "data");
}

#[tokio::test]
async fn whoever_does_not_answer_is_not_waited_for() {
    let place = place();
    let _silent = listener::bind_unix(&place.path, PRIVATE).unwrap();
    let taken = take_within(Duration::from_millis(1), &place.path).await;
    assert!(matches!(taken, Err(HandoverError::Silent)));

    let (ours, theirs) = UnixStream::pair().unwrap();
    let uid = geteuid().as_raw();
    let (ours, theirs) = (Channel::new(ours, uid).unwrap(), Channel::new(theirs, uid).unwrap());
    let refused = soon(retire(ours, Duration::ZERO)).await.unwrap_err();
    assert!(matches!(refused, HandoverError::Silent));
    // And it learns that nobody has heard it.
    assert!(matches!(theirs.send(&Message::Retiring).await, Err(HandoverError::Gone)));
}

/// What a successor makes of a process that answers with `line` and hands the files of
/// `/dev/null` over.
async fn answered(line: &str) -> HandoverError {
    let place = place();
    let listener = listener::bind_unix(&place.path, PRIVATE).unwrap();
    let listener = tokio::net::UnixListener::from_std(listener).unwrap();
    let answer = async {
        let mut stream = listener::accept_unix(&listener).await;
        stream.write_all(line.as_bytes()).await.unwrap();
        let null = fs::File::open("/dev/null").unwrap();
        let channel = Channel::new(stream, geteuid().as_raw()).unwrap();
        let fds = [listener.as_fd(), null.as_fd()];
        channel.send_sockets(&fds).await.unwrap();
        channel
    };
    let (taken, _open) = tokio::join!(take(&place.path), answer);
    taken.unwrap_err()
}

#[tokio::test]
async fn nothing_but_a_hand_over_is_accepted() {
    let not_listening = r#"{"version":1,"message":"sockets","addresses":[
        {"address":"127.0.0.1:80","sockets":1}]}"#
        .replace('\n', "")
        + "\n";
    assert!(matches!(answered(&not_listening).await, HandoverError::Socket(..)));
    let none = not_listening.replace(r#""sockets":1"#, r#""sockets":0"#);
    assert!(matches!(answered(&none).await, HandoverError::Socket(..)));
    let nowhere = not_listening.replace("127.0.0.1:80", "somewhere");
    assert!(matches!(answered(&nowhere).await, HandoverError::Malformed));
    assert!(matches!(answered("HTTP/1.1 400 Bad Request\n").await, HandoverError::Malformed));
    let serving = "{\"version\":1,\"message\":\"serving\"}\n";
    assert!(matches!(answered(serving).await, HandoverError::Malformed));
    let newer = "{\"version\":2,\"message\":\"inheritance\"}\n";
    assert!(matches!(answered(newer).await, HandoverError::Version(2)));
}

#[tokio::test]
async fn a_successor_of_another_version_learns_ours() {
    let place = place();
    let (_, old) = first(&place.path).await;
    let mut newer = UnixStream::connect(&place.path).await.unwrap();
    newer.write_all(b"{\"version\":2,\"message\":\"take\"}\n").await.unwrap();
    let mut answer = String::new();
    newer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("{\"version\":1,"), "{answer}");
    assert!(!old.is_finished());
    old.abort();
}

/// 20 hand-overs between processes of 1 to 4 workers, at 500 new connections a second.
#[tokio::test]
async fn no_buyer_is_refused_or_reset_while_processes_succeed_each_other() {
    const HANDOVERS: u32 = 20;
    const BUYERS_EACH: u32 = 25;
    let place = place();
    let starting = start(&place.path, 3).await;
    let address = starting.address;
    let mut stop = CancellationToken::new();
    let mut tasks = serve(&starting.bound, 3, "banyan", &stop);
    let mut old = tokio::spawn(starting.occupy().await.unwrap().taken());

    let (served, mut waiting) = tokio::sync::mpsc::unbounded_channel();
    let buyers = tokio::spawn(async move {
        let mut rate = tokio::time::interval(Duration::from_millis(2));
        rate.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !served.is_closed() {
            rate.tick().await;
            let served = served.clone();
            tokio::spawn(async move {
                let _ = served.send(buy(address).await);
            });
        }
    });
    for workers in (1..=4).cycle().take(HANDOVERS as usize) {
        for _ in 0..BUYERS_EACH {
            assert_eq!(waiting.recv().await.unwrap().unwrap(), "banyan");
        }
        let successor = start(&place.path, workers).await;
        let stop_successor = CancellationToken::new();
        let successors = serve(&successor.bound, workers, "banyan", &stop_successor);
        let offer = successor.occupy().await.unwrap();
        soon(old).await.unwrap();
        stop.cancel();
        tasks.wait().await;
        (old, stop, tasks) = (tokio::spawn(offer.taken()), stop_successor, successors);
    }
    for _ in 0..BUYERS_EACH {
        assert_eq!(waiting.recv().await.unwrap().unwrap(), "banyan");
    }
    drop(waiting);
    buyers.await.unwrap();
    old.abort();
}

/// An error when the buyer is refused, reset or forgotten.
async fn buy(address: SocketAddr) -> io::Result<String> {
    let served = timeout(ANSWER, async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let mut name = String::new();
        stream.read_to_string(&mut name).await?;
        Ok(name)
    });
    served.await?
}

/// Says which part of a test this process plays: the test starts itself once more.
const PART: &str = "BANYAN_TEST_PART";

/// This very program, to run the test `name` as another process which is told `part`.
fn myself(name: &str, part: &str) -> String {
    let program = env::current_exe().unwrap();
    format!(
        "{PART}='{part}' exec '{}' --exact --nocapture handover::tests::{name}",
        program.display()
    )
}

fn run(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn succeeded(mut child: Child) {
    assert!(child.wait().unwrap().success(), "the other process failed");
}

#[tokio::test]
async fn what_waits_in_a_socket_is_served_by_the_next_process() {
    if let Some(path) = env::var_os(PART) {
        let successor = start(Path::new(&path), 2).await;
        let bound = successor.bound.deal(1).unwrap().remove(0);
        successor.occupy().await.unwrap();
        // The old process has three sockets, and a buyer waits in at least one of them.
        for socket in bound {
            let Socket::Tcp(socket) = socket else { panic!("not a port") };
            while let Ok((mut buyer, _)) = socket.accept() {
                buyer.write_all(b"successor").unwrap();
            }
        }
        return;
    }
    let place = place();
    let starting = start(&place.path, 3).await;
    let buyers: Vec<_> = (0..20).map(|_| TcpStream::connect(starting.address).unwrap()).collect();
    let offer = starting.occupy().await.unwrap();
    let script = myself(
        "what_waits_in_a_socket_is_served_by_the_next_process",
        place.path.to_str().unwrap(),
    );
    let child = run(&script).spawn().unwrap();
    soon(offer.taken()).await;
    succeeded(child);
    for buyer in buyers {
        assert_eq!(asked(buyer), "successor");
    }
}

#[test]
fn sockets_of_systemd_are_found_by_their_address() {
    const NAME: &str = "sockets_of_systemd_are_found_by_their_address";
    if let Some(wanted) = env::var_os(PART) {
        let wanted = wanted.into_string().unwrap();
        let wanted: Vec<Address> = wanted.split(' ').map(|it| it.parse().unwrap()).collect();
        let mut sockets = match Sockets::from_systemd(&wanted) {
            Ok(sockets) => sockets,
            Err(SystemdError::Unwanted(_)) => std::process::exit(11),
            Err(SystemdError::Kind(..)) => std::process::exit(12),
        };
        for (address, name) in wanted.iter().zip(["first", "second"]) {
            let bound = sockets.open(address, 1).unwrap();
            match bound.deal(1).unwrap().remove(0).remove(0) {
                Socket::Tcp(it) => it.accept().unwrap().0.write_all(name.as_bytes()).unwrap(),
                Socket::Unix(it) => it.accept().unwrap().0.write_all(name.as_bytes()).unwrap(),
            }
        }
        assert!(sockets.is_empty());
        return;
    }
    let place = place();
    let port = std::net::TcpListener::bind("[::]:0").unwrap();
    let number = port.local_addr().unwrap().port();
    let file = listener::bind_unix(&place.path, PRIVATE).unwrap();
    let mut to_port = TcpStream::connect(("127.0.0.1", number)).unwrap();
    let mut to_file = std::os::unix::net::UnixStream::connect(&place.path).unwrap();
    // As systemd does it: descriptors from 3 on, and the process that they are for.
    let start = |wanted: &str, stdin: OwnedFd, stdout: OwnedFd| {
        let script = format!(
            "export LISTEN_PID=$$ LISTEN_FDS=2; exec 3<&0 4<&1 </dev/null >/dev/null; {}",
            myself(NAME, wanted)
        );
        run(&script).stdin(stdin).stdout(stdout).spawn().unwrap()
    };
    let port = || OwnedFd::from(port.try_clone().unwrap());
    let file = || OwnedFd::from(file.try_clone().unwrap());

    let both = format!("unix://{} 0.0.0.0:{number}", place.path.display());
    succeeded(start(&both, port(), file()));
    let said = |stream: &mut dyn io::Read| {
        let mut name = String::new();
        stream.read_to_string(&mut name).unwrap();
        name
    };
    assert_eq!(said(&mut to_file), "first");
    assert_eq!(said(&mut to_port), "second");

    let exit = |mut child: Child| child.wait().unwrap().code();
    assert_eq!(exit(start(&format!("0.0.0.0:{number}"), port(), file())), Some(11));
    let null = fs::File::open("/dev/null").unwrap();
    assert_eq!(exit(start(&both, port(), null.into())), Some(12));
}
