//! A process that is killed at any moment, or whose disk is full, leaves a store that is whole.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use shadow::{Reports, Store};
use sqlx::{Connection as _, Row as _};

use crate::{
    bench::{LONG, Place},
    on_each_store,
    servers::connect,
};

on_each_store! { a_process_that_is_killed_at_any_moment_leaves_whole_flushes }

/// `store-writer` at work. It says what it has offered, and what it has found stored.
struct Writer {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Writer {
    /// With this shell in front, which ends in `exec "$@"`.
    fn start(url: &str, shell: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", shell, "sh", env!("CARGO_BIN_EXE_store-writer"), url]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// Lifts the limit that its shell has set.
    fn free_the_disk(&self) {
        let process = self.process.id().to_string();
        let freed = Command::new("prlimit")
            .args(["--fsize=unlimited:unlimited", "--pid", &process])
            .status()
            .unwrap();
        assert!(freed.success());
    }

    /// The next line: `offered 12` or `stored 12`, or `failed 1`.
    fn line(&mut self) -> Option<(String, u64)> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let (what, count) = line.trim().split_once(' ')?;
        Some((what.to_owned(), count.parse().unwrap()))
    }

    /// Waits for such a line.
    fn until(&mut self, holds: impl Fn(&str, u64) -> bool) -> u64 {
        loop {
            let (what, count) = self.line().unwrap();
            if holds(&what, count) {
                return count;
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn a_process_that_is_killed_at_any_moment_leaves_whole_flushes(place: Place) {
    drop(Store::open(&place.url).await.unwrap());
    let (mut least, mut most) = (0, 0);
    for round in 0..8 {
        let url = place.url.clone();
        let (stored, offered) = tokio::task::spawn_blocking(move || {
            let mut writer = Writer::start(&url, "exec \"$@\"");
            let mut offered = 0;
            // Somewhere between two flushes, or within one.
            let until = Duration::from_millis(1_100 + 173 * round);
            let begin = std::time::Instant::now();
            let mut stored = 0;
            while begin.elapsed() < until || stored == 0 {
                match writer.line().unwrap() {
                    (what, count) if what == "offered" => offered = count,
                    (_, count) => stored = count,
                }
            }
            writer.process.kill().unwrap();
            while let Some((what, count)) = writer.line() {
                if what == "offered" {
                    offered = count;
                } else {
                    stored = count;
                }
            }
            (stored, offered)
        })
        .await
        .unwrap();
        least += stored;
        most += offered;
        let compared = whole(&place.url).await;
        assert!((least..=most).contains(&compared), "{least} ≤ {compared} ≤ {most}");
        (least, most) = (compared, compared);
    }
    assert!(least > 0);
}

/// The number of requests in a store, which must be the same wherever it counts them.
async fn whole(url: &str) -> u64 {
    let mut connection = connect(url).await;
    if url.starts_with("sqlite") {
        let found = sqlx::query("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
        assert_eq!(found.get::<String, _>(0), "ok");
    }
    let mut sums = Vec::new();
    for (column, table) in [
        ("matched + mismatched + ignored + noise", "routes WHERE route = 'a'"),
        ("compared", "strata WHERE route = 'a'"),
        ("count", "latencies WHERE route = 'a' AND leg = 'control'"),
        ("requests", "differences WHERE route = 'a'"),
    ] {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {column} FROM {table}"));
        let rows = sqlx::query(statement).fetch_all(&mut connection).await.unwrap();
        sums.push(rows.iter().map(|it| it.get::<i64, _>(0)).sum::<i64>());
    }
    connection.close().await.unwrap();
    assert!(sums.iter().all(|it| *it == sums[0]), "{sums:?}");
    let reports = Reports::open_read_only(url).await.unwrap();
    let report = reports.route("a").await.unwrap();
    assert_eq!(report.map_or(0, |it| it.compared()), sums[0].cast_unsigned());
    sums[0].cast_unsigned()
}

/// The limit of a file's size is what a disk is to one file that fills it.
#[tokio::test]
async fn a_full_disk_costs_nothing_and_recovers_by_itself() {
    let place = Place::sqlite().await;
    drop(Store::open(&place.url).await.unwrap());
    let url = place.url.clone();
    let (stored, offered) = tokio::task::spawn_blocking(move || {
        // In blocks of 512 bytes; the signal for it would end the process.
        let mut writer = Writer::start(&url, "trap '' XFSZ; ulimit -S -f 400; exec \"$@\"");
        writer.until(|what, count| what == "failed" && count > 1);
        writer.free_the_disk();
        let offered = writer.until(|what, _| what == "offered");
        (writer.until(|what, count| what == "stored" && count >= offered), offered)
    })
    .await
    .unwrap();
    assert!(whole(&place.url).await >= stored && stored >= offered);
}

/// Then not even what SQLite has beside its file can be made.
#[tokio::test]
async fn a_disk_that_is_full_at_the_start_is_waited_for() {
    let place = Place::sqlite().await;
    drop(Store::open(&place.url).await.unwrap());
    let [wal, shm] = ["wal", "shm"].map(|it| place.folder.path().join(format!("banyan.db-{it}")));
    let start = std::time::Instant::now();
    while wal.exists() || shm.exists() {
        assert!(start.elapsed() < LONG, "its connections end with the store");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let url = place.url.clone();
    tokio::task::spawn_blocking(move || {
        let mut writer = Writer::start(&url, "trap '' XFSZ; ulimit -S -f 0; exec \"$@\"");
        writer.until(|what, count| what == "failed" && count > 0);
        writer.free_the_disk();
        writer.until(|what, count| what == "stored" && count > 0);
    })
    .await
    .unwrap();
    assert!(whole(&place.url).await > 0);
}
