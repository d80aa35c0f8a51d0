//! The databases that a store may be, each as it is installed: the servers run below `target/run/` on
//! ports of their own, and end with this process in whatever way it ends.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tests::project::Scratch;

use crate::programs::{as_somebody, give_away, libraries, mysqld, program};

/// A database server of a kind that is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MariaDb,
    MySql,
    Postgres,
}

/// A running server.
pub(crate) struct Server {
    kind: Kind,
    /// Options of its own, beside those that all have.
    options: Vec<String>,
    folder: Scratch,
    port: u16,
    run: Option<Run>,
}

/// A run of the server; it ends when its lifeline is closed.
struct Run {
    script: Child,
    lifeline: Option<ChildStdin>,
    server: u32,
}

static MARIADB: LazyLock<Server> = LazyLock::new(|| Server::start(Kind::MariaDb));
static MYSQL: LazyLock<Server> = LazyLock::new(|| Server::start(Kind::MySql));
static POSTGRES: LazyLock<Server> = LazyLock::new(|| Server::start(Kind::Postgres));

/// Prints the server's process id, and ends the server when nobody holds its standard input.
const SCRIPT: &str = r#"signal=$1; shift
"$@" </dev/null >&2 & echo $!; exec >&2
cat >/dev/null; kill -CONT $!; kill -s "$signal" $!; wait $!"#;

impl Kind {
    /// The server that the tests of this process share.
    fn shared(self) -> &'static Server {
        match self {
            Self::MariaDb => &MARIADB,
            Self::MySql => &MYSQL,
            Self::Postgres => &POSTGRES,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
            Self::Postgres => "postgresql",
        }
    }
}

/// A new database in the shared server.
pub(crate) async fn database(kind: Kind) -> String {
    let server = tokio::task::spawn_blocking(move || kind.shared()).await.unwrap();
    server.database().await
}

impl Server {
    /// Starts a server with nothing in it.
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_with(kind, Vec::new())
    }

    /// As [`Server::start`], with these options too.
    pub(crate) fn start_with(kind: Kind, options: Vec<String>) -> Self {
        let folder = Scratch::new(kind.name());
        let data = folder.path().join("data");
        let installed = match kind {
            Kind::MariaDb => Command::new("mariadb-install-db")
                .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                .args(["--skip-test-db", "--skip-name-resolve", "--user=root"])
                .args(SMALL)
                .arg(format!("--datadir={}", data.display()))
                // Two of them trip over each other in one.
                .arg(format!("--tmpdir={}", folder.path().display()))
                .output(),
            Kind::MySql => {
                let init = folder.path().join("init.sql");
                let user = "CREATE USER root@'127.0.0.1';\n\
                            GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n";
                fs::write(&init, user).unwrap();
                mysqld()
                    .arg("--initialize-insecure")
                    .arg(format!("--init-file={}", init.display()))
                    .arg(format!("--datadir={}", data.display()))
                    .output()
            }
            Kind::Postgres => {
                fs::create_dir(&data).unwrap();
                give_away(&data);
                let mut command = as_somebody(&program("initdb"));
                command.args(["-U", "banyan", "-A", "trust", "-E", "UTF8", "--no-sync"]);
                command.arg("--locale=C").arg("-D").arg(&data).output()
            }
        };
        let installed = installed.unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let mut server = Self { kind, options, folder, port: 0, run: None };
        for _ in 0..3 {
            server.port = free_port();
            server.restart();
            if server.is_up() {
                return server;
            }
        }
        let log = fs::read_to_string(server.log()).unwrap_or_default();
        panic!("{kind:?} does not start:\n{log}");
    }

    /// Starts it again in the same place, after [`Server::kill`].
    pub(crate) fn restart(&mut self) {
        self.run = None;
        let data = self.folder.path().join("data");
        let mut command = Command::new("sh");
        command.arg("-c").arg(SCRIPT).arg("sh");
        match self.kind {
            Kind::MariaDb => {
                command.args(["KILL", "mariadbd", "--no-defaults", "--user=root"]);
                command.args(["--skip-name-resolve", "--bind-address=127.0.0.1"]);
                command.args(["--innodb-flush-log-at-trx-commit=2", "--skip-log-bin"]);
                command.args(["--socket=mysql.sock", "--innodb-buffer-pool-size=64M"]).args(SMALL);
                command.arg(format!("--datadir={}", data.display()));
                command.arg(format!("--port={}", self.port));
            }
            Kind::MySql => {
                let mysqld = mysqld();
                command.arg("KILL").arg(mysqld.get_program()).args(mysqld.get_args());
                command.args(["--skip-name-resolve", "--bind-address=127.0.0.1"]);
                command.args(["--innodb-flush-log-at-trx-commit=2", "--skip-log-bin"]);
                command.arg("--socket=mysql.sock").arg(format!("--datadir={}", data.display()));
                command.arg(format!("--port={}", self.port));
            }
            Kind::Postgres => {
                // Killed, it would leave shared memory behind; told to quit, it ends as quickly.
                command.arg("QUIT");
                let postgres = as_somebody(&program("postgres"));
                command.arg(postgres.get_program()).args(postgres.get_args());
                command.args(["-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-p"]);
                command.arg(self.port.to_string()).arg("-D").arg(&data);
                command.env("LD_LIBRARY_PATH", libraries());
            }
        }
        command.args(&self.options);
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut script = command.spawn().unwrap();
        let lifeline = script.stdin.take();
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let server = line.trim().parse().unwrap();
        self.run = Some(Run { script, lifeline, server });
    }

    /// Waits until it takes connections; false when it has ended.
    pub(crate) fn is_up(&self) -> bool {
        let ready = match self.kind {
            Kind::MariaDb | Kind::MySql => "ready for connections",
            Kind::Postgres => "ready to accept connections",
        };
        let start = Instant::now();
        let Some(run) = &self.run else { return false };
        // What earlier runs wrote is in the log too, so that a connection is the only sign.
        while start.elapsed() < Duration::from_mins(1) {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            if log.contains(ready) && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            {
                return true;
            }
            if !Path::new("/proc").join(run.server.to_string()).exists() {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Takes its time away; it keeps its connections.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// As a crash does.
    pub(crate) fn kill(&self) {
        self.signal("KILL");
    }

    /// PostgreSQL has a process for each connection: all of them are paused.
    fn signal(&self, signal: &str) {
        let server = self.run.as_ref().unwrap().server;
        let mut processes = vec![server.to_string()];
        processes.extend(children(server));
        let _ = Command::new("kill").arg("-s").arg(signal).args(processes).output().unwrap();
    }

    /// A new database in it, as a URL.
    pub(crate) async fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("reports_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let root = match self.kind {
            Kind::MariaDb | Kind::MySql => format!("mysql://root@127.0.0.1:{}", self.port),
            Kind::Postgres => format!("postgres://banyan@127.0.0.1:{}", self.port),
        };
        let first = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        execute(&format!("{root}/{first}"), &format!("CREATE DATABASE {name}")).await;
        format!("{root}/{name}")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.script.wait();
    }
}

/// Runs statements over a connection of its own.
pub(crate) async fn execute(url: &str, statements: &str) {
    let mut connection = connect(url).await;
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))).await.unwrap();
    connection.close().await.unwrap();
}

/// Connects, as soon as the server lets it.
pub(crate) async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let start = Instant::now();
    loop {
        match AnyConnection::connect(url).await {
            Ok(connection) => return connection,
            Err(error) => assert!(start.elapsed() < Duration::from_mins(1), "{url}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Small files, so that a server is quickly there.
const SMALL: [&str; 4] = [
    "--innodb-log-file-size=16M",
    "--innodb-undo-tablespaces=0",
    "--innodb-data-file-path=ibdata1:4M:autoextend",
    "--innodb-temp-data-file-path=ibtmp1:4M:autoextend",
];

fn children(process: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().map(|it| it.unwrap().path().join("stat"));
    // "PID (NAME) STATE PARENT …"
    let children = processes.filter_map(|it| {
        let stat = fs::read_to_string(it).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
        (parent == process.to_string()).then(|| stat.split(' ').next().unwrap().to_owned())
    });
    children.collect()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
