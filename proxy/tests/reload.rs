//! A changed route file comes into force however it is changed, and a bad one changes nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use http::Method;
use prometheus::Registry;
use proxy::{
    metrics::ProxyMetrics,
    route::{CommandLine, Compiler, Routes, Status},
};
use tempfile::TempDir;

/// Longer than any reload takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory with a route file in it, followed.
struct Followed {
    folder: TempDir,
    file: PathBuf,
    routes: Routes,
}

impl Followed {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("routes.toml");
        fs::write(&file, route("first")).unwrap();
        Self { routes: follow(&file), folder, file }
    }

    fn replace_by_rename(&self, text: &str) {
        let new = self.folder.path().join(".routes.toml.new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &self.file).unwrap();
    }
}

fn follow(file: &Path) -> Routes {
    Routes::watch(file.to_owned(), compiler(), CommandLine::default()).unwrap()
}

fn compiler() -> Compiler {
    let metrics = ProxyMetrics::register(&Registry::new()).unwrap();
    Compiler { extractions: &[], metrics }
}

fn route(id: &str) -> String {
    format!("[[route]]\nid = \"{id}\"\nstage = \"monolith\"\nmatch = {{ path = \"/cart\" }}\n")
}

fn in_force(routes: &Routes) -> String {
    routes.current().find(&Method::GET, "/cart").id.to_string()
}

/// Looks until `seen` holds. There is nothing to be told by: the table is read, never announced.
fn until(routes: &Routes, seen: impl Fn(&Status) -> bool) {
    let began = Instant::now();
    while !seen(&routes.status()) {
        assert!(began.elapsed() < PATIENCE, "not seen in time: {:?}", routes.status());
        thread::park_timeout(Duration::from_millis(2));
    }
}

fn until_in_force(routes: &Routes, id: &str) {
    until(routes, |_| in_force(routes) == id);
}

#[test]
fn a_file_written_in_place_comes_into_force() {
    let it = Followed::start();
    assert_eq!(in_force(&it.routes), "first");
    fs::write(&it.file, route("second")).unwrap();
    until_in_force(&it.routes, "second");
    until(&it.routes, |status| status.generation == 2 && status.rejected.is_none());
}

#[test]
fn a_file_replaced_by_a_rename_comes_into_force_again_and_again() {
    let it = Followed::start();
    for id in ["second", "third", "fourth"] {
        it.replace_by_rename(&route(id));
        until_in_force(&it.routes, id);
    }
}

#[test]
fn a_removed_file_keeps_the_last_good_table_until_it_is_there_again() {
    let it = Followed::start();
    fs::remove_file(&it.file).unwrap();
    until(&it.routes, |status| status.rejected.is_some());
    assert_eq!(in_force(&it.routes), "first");
    fs::write(&it.file, route("second")).unwrap();
    until_in_force(&it.routes, "second");
}

/// Kubernetes: `routes.toml` → `..data/routes.toml`, and `..data` is swapped by a rename.
#[test]
fn a_swapped_symbolic_link_comes_into_force_again_and_again() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let swap = |id: &str| {
        fs::create_dir(at(id)).unwrap();
        fs::write(at(id).join("routes.toml"), route(id)).unwrap();
        symlink(id, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    swap("first");
    symlink("..data/routes.toml", at("routes.toml")).unwrap();
    let routes = follow(&at("routes.toml"));
    for id in ["second", "third"] {
        swap(id);
        until_in_force(&routes, id);
    }
}

#[test]
fn a_bad_file_changes_nothing_and_says_everything_that_is_wrong() {
    let it = Followed::start();
    it.replace_by_rename("colour = 1\n[[route]]\nid = \"cart\"\n");
    until(&it.routes, |status| status.rejected.is_some());
    let status = it.routes.status();
    let faults = status.rejected.unwrap().faults;
    assert_eq!((in_force(&it.routes).as_str(), status.generation), ("first", 1));
    assert_eq!(faults.found.len(), 3, "{faults}");

    it.replace_by_rename(&route("second"));
    until_in_force(&it.routes, "second");
    until(&it.routes, |status| status.generation == 2 && status.rejected.is_none());
}

#[test]
fn at_the_start_a_bad_or_missing_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("routes.toml");
    let missing = Routes::watch(file.clone(), compiler(), CommandLine::default()).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"), "{missing}");
    fs::write(&file, "colour = 1").unwrap();
    let bad = Routes::watch(file, compiler(), CommandLine::default()).unwrap_err();
    assert!(bad.to_string().contains(":1:1: `colour`"), "{bad}");
}

#[test]
fn a_table_that_records_comes_into_force_only_where_something_can_be_recorded() {
    let records = route("records") + "record = \"1%\"\n";
    let it = Followed::start();
    it.replace_by_rename(&records);
    until(&it.routes, |status| status.rejected.is_some());
    let faults = it.routes.status().rejected.unwrap().faults.to_string();
    assert!(faults.contains(":5:10: `record` needs a folder and a key"), "{faults}");
    assert!(faults.contains("--recordings DIR"), "{faults}");
    assert_eq!(in_force(&it.routes), "first");

    let told = CommandLine { records: true, ..CommandLine::default() };
    let routes = Routes::watch(it.file.clone(), compiler(), told).unwrap();
    assert_eq!(in_force(&routes), "records");
    assert!(Routes::watch(it.file.clone(), compiler(), CommandLine::default()).is_err());
}

/// The store's journal, say, which is written all the time.
#[test]
fn a_directory_that_never_rests_does_not_hold_a_reload_back() {
    let it = Followed::start();
    let journal = it.folder.path().join("banyan.db-wal");
    thread::scope(|scope| {
        let (stop, stopped) = mpsc::channel::<()>();
        scope.spawn(move || {
            let pause = Duration::from_millis(5);
            while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                fs::write(&journal, "x").unwrap();
            }
        });
        fs::write(&it.file, route("second")).unwrap();
        until_in_force(&it.routes, "second");
        drop(stop);
    });
}

/// A route file whose monolith is behind TLS, and whose CA stands beside it.
fn behind_tls(id: &str) -> String {
    let monolith = "servers = [\"https://rails.test\"]\ntls = { ca = \"ca.pem\" }";
    format!("[monolith]\n{monolith}\n{}", route(id))
}

fn authority() -> String {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

#[test]
fn a_file_that_the_route_file_names_is_followed_too() {
    let it = Followed::start();
    it.replace_by_rename(&behind_tls("second"));
    until(&it.routes, |status| status.rejected.is_some());
    assert_eq!(in_force(&it.routes), "first");

    let ca = it.folder.path().join("ca.pem");
    fs::write(&ca, authority()).unwrap();
    until_in_force(&it.routes, "second");
    until(&it.routes, |status| status.generation == 2 && status.rejected.is_none());

    fs::write(&ca, authority()).unwrap();
    until(&it.routes, |status| status.generation == 3 && status.rejected.is_none());

    fs::remove_file(&ca).unwrap();
    until(&it.routes, |status| status.rejected.is_some());
    assert_eq!((in_force(&it.routes).as_str(), it.routes.status().generation), ("second", 3));
}

#[test]
fn a_server_that_stays_the_same_stays_known_and_one_with_another_ca_does_not() {
    let it = Followed::start();
    let ca = it.folder.path().join("ca.pem");
    fs::write(&ca, authority()).unwrap();
    it.replace_by_rename(&behind_tls("second"));
    until_in_force(&it.routes, "second");
    let server = || it.routes.current().monolith.as_ref().unwrap().servers()[0].clone();
    let before = server();
    it.replace_by_rename(&behind_tls("third"));
    until_in_force(&it.routes, "third");
    assert!(std::sync::Arc::ptr_eq(&before, &server()));
    fs::write(&ca, authority()).unwrap();
    until(&it.routes, |_| !std::sync::Arc::ptr_eq(&before, &server()));
}
