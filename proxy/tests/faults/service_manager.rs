//! What systemd is told, from the start over a reload and an upgrade to the end.

use std::{os::unix::net::UnixDatagram, path::Path, process::Command};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    banyan::{Banyan, PATIENCE, command},
    client::{get, once, status},
    origin::{scripted, usual},
};

/// The socket that a service manager listens on.
struct Manager(UnixDatagram);

impl Manager {
    fn new(folder: &Path) -> Self {
        let socket = UnixDatagram::bind(folder.join("notify.sock")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// The assignments of the next message.
    fn hears(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn hears_nothing(&self) {
        self.0.set_nonblocking(true).unwrap();
        let heard = self.0.recv(&mut [0; 4096]);
        self.0.set_nonblocking(false).unwrap();
        assert!(heard.is_err(), "more than was due: {:?}", heard.map(|_| ()));
    }
}

fn main_pid(banyan: &Banyan) -> String {
    format!("MAINPID={}", banyan.child.id())
}

fn serving(banyan: &Banyan) -> Vec<String> {
    vec!["READY=1".to_owned(), main_pid(banyan), "STATUS=serving".to_owned()]
}

fn signal(banyan: &Banyan, signal: Signal) {
    kill_process(Pid::from_child(&banyan.child), signal).unwrap();
}

/// The command of a process that is managed from `manager`'s folder.
fn managed(folder: &TempDir, manager: &Path) -> Command {
    let mut serve = command(folder, "http://127.0.0.1:0", "", &[scripted(usual)]);
    serve.env("NOTIFY_SOCKET", manager.join("notify.sock"));
    serve.arg("--upgrade-socket").arg(manager.join("upgrade.sock"));
    serve
}

fn start(manager: &Path) -> Banyan {
    let folder = TempDir::new().unwrap();
    Banyan::run(managed(&folder, manager), folder)
}

#[test]
fn systemd_learns_of_the_start_a_reload_and_the_end() {
    let place = TempDir::new().unwrap();
    let manager = Manager::new(place.path());
    let mut banyan = start(place.path());
    assert_eq!(manager.hears(), serving(&banyan));
    assert_eq!(status(&once(banyan.admin, &get("/readyz"))), 200);

    signal(&banyan, Signal::HUP);
    let reloading = manager.hears();
    assert_eq!((&reloading[0][..], &reloading[2][..]), ("RELOADING=1", "STATUS=reloading"));
    let since = reloading[1].strip_prefix("MONOTONIC_USEC=").unwrap();
    assert!(since.parse::<u64>().unwrap() > 0, "{reloading:?}");
    assert_eq!(manager.hears(), serving(&banyan));

    signal(&banyan, Signal::TERM);
    assert_eq!(manager.hears(), ["STOPPING=1", "STATUS=draining"]);
    assert!(banyan.child.wait().unwrap().success());
    manager.hears_nothing();
}

/// The predecessor names its successor: systemd believes it as long as it is the main process, and
/// would take its end for the service's otherwise. Nobody says that the service stops.
#[test]
fn a_successor_becomes_the_main_process_before_its_predecessor_ends() {
    let place = TempDir::new().unwrap();
    let manager = Manager::new(place.path());
    let mut old = start(place.path());
    assert_eq!(manager.hears(), serving(&old));
    let new = start(place.path());
    assert!(old.child.wait().unwrap().success());
    let mut heard = [manager.hears(), manager.hears()];
    heard.sort_by_key(Vec::len);
    assert_eq!(heard, [vec![main_pid(&new)], serving(&new)]);
    manager.hears_nothing();
}

#[test]
fn a_manager_that_does_not_listen_changes_nothing() {
    let place = TempDir::new().unwrap();
    let mut banyan = start(place.path());
    assert_eq!(status(&once(banyan.address, &get("/"))), 200);
    signal(&banyan, Signal::TERM);
    assert!(banyan.child.wait().unwrap().success());
}
