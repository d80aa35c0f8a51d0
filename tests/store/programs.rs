//! Programs that are unpacked below `target/tools/`, and who runs them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use tests::project;

/// MySQL's server with the libraries that it was built for. It is not in Debian 12, so its tests are
/// there only with the feature `mysql`.
pub(crate) fn mysqld() -> Command {
    let root = project::target().join("tools/mysql");
    let (libraries, program) = (root.join("lib"), root.join("mysqld"));
    assert!(program.exists(), "MySQL is not there: run tests/setup/fetch-mysql");
    let mut command = Command::new(libraries.join("ld-linux-x86-64.so.2"));
    command.arg("--library-path").arg(&libraries).arg(program);
    command.args(["--no-defaults", "--user=root", "--mysqlx=OFF", "--secure-file-priv="]);
    command.args(["--innodb-redo-log-capacity=32M", "--innodb-buffer-pool-size=64M"]);
    command.arg(format!("--basedir={}", root.display()));
    command.arg(format!("--lc-messages-dir={}", root.join("share").display()));
    command
}

/// One of PostgreSQL's.
pub(crate) fn program(name: &str) -> PathBuf {
    let programs = project::target().join("tools/postgresql/lib/postgresql/15/bin");
    let program = programs.join(name);
    assert!(program.exists(), "{} is not there: run tests/setup/install test", program.display());
    program
}

/// PostgreSQL refuses to run as root.
pub(crate) fn as_somebody(program: &Path) -> Command {
    let mut command = match *IDENTITY {
        Identity::Own => return Command::new(program),
        Identity::Nobody => nobody(),
        Identity::InName => {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-user=65534", "--map-group=65534"]);
            command
        }
    };
    command.arg("--").arg(program);
    command
}

/// Who PostgreSQL runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// Whoever runs the tests.
    Own,
    Nobody,
    /// Root with another number, where nobody else may enter the checkout, such as below `/root`.
    InName,
}

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    if !is_root() {
        return Identity::Own;
    }
    let trial = nobody().args(["--", "test", "-r"]).arg(program("postgres")).status().unwrap();
    if trial.success() { Identity::Nobody } else { Identity::InName }
});

fn nobody() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command
}

pub(crate) fn libraries() -> PathBuf {
    project::target().join("tools/postgresql/lib")
}

/// Makes a file or a folder that of whoever PostgreSQL runs as.
pub(crate) fn give_away(path: &Path) {
    if *IDENTITY == Identity::Nobody {
        std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").unwrap().uid() == 0
}
