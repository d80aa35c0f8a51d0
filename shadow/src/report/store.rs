//! The store that is written: counts as deltas in one transaction, samples bounded per difference.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use sqlx::Row as _;
use tokio::sync::Mutex;

use super::{
    Pending, Reports, Superseded,
    clock::Now,
    counts,
    database::{Database, Tx, rows},
    differences,
    error::StoreError,
    intervals, races,
    table::{Merge, Table},
    value::Value,
    writers,
};
use crate::redact::Redactor;

const SETTINGS: Table =
    Table { name: "settings", key: &["name"], values: &[("value", Merge::Keep)] };

const KEY: &str = "redaction key";

/// Where reports are kept. Cloning is cheap and shares the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) database: Database,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// The key of the redaction, if the store has none yet.
    fresh: [u8; 32],
    /// Beside that key, and not in the store.
    secret: Option<String>,
    /// Of this process.
    writer: String,
    opened: OnceLock<Opened>,
    /// What its clock said when something was last written.
    written: Mutex<Option<Now>>,
    /// The tables may have gone with their file, or with their server.
    is_doubtful: AtomicBool,
}

/// What is known of a store once it was reached.
#[derive(Debug)]
struct Opened {
    key: [u8; 32],
    redactor: Redactor,
    /// What its clock said then, and when it was last written before.
    found: Option<Found>,
}

/// What a process finds as it opens a store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) now: Now,
    /// `None` where it never was.
    pub(super) written: Option<i64>,
}

impl Store {
    /// Opens the store named `sqlite://PATH`, `mysql://USER:PASSWORD@HOST/NAME` or
    /// `postgres://USER:PASSWORD@HOST/NAME`, makes the file if it is not there, and brings the tables
    /// up to date.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed, unless a migration failed half-way.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::named(url, None)?;
        store.prepare().await?;
        Ok(store)
    }

    /// As [`Store::open`], but one that cannot be opened now (a server that is down, a lock, a full
    /// disk, a newer build's tables) is opened when it can be: until then nothing is judged. Buyers
    /// must not wait for reports. With a `secret` values are hashed under that too, which is not in
    /// the store.
    ///
    /// # Errors
    /// As [`Store::open`], where what was asked for is wrong.
    pub async fn open_or_wait(url: &str, secret: Option<&str>) -> Result<Self, StoreError> {
        let store = Self::named(url, secret)?;
        match store.prepare().await {
            Err(error) if !error.is_of_settings() => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(
                    store = Self::name(url), %error, source,
                    "the report store cannot be opened: buyers are served, nothing is compared, and \
                     it is tried again every second"
                );
                Ok(store)
            }
            prepared => prepared.map(|()| store),
        }
    }

    fn named(url: &str, secret: Option<&str>) -> Result<Self, StoreError> {
        let (mut fresh, mut writer) = ([0; 32], [0; 8]);
        getrandom::fill(&mut fresh).map_err(StoreError::Key)?;
        getrandom::fill(&mut writer).map_err(StoreError::Key)?;
        let (writer, opened) = (hex::encode(writer), OnceLock::new());
        let secret = secret.map(str::to_owned);
        let (written, is_doubtful) = (Mutex::default(), AtomicBool::new(true));
        let state = State { fresh, secret, writer, opened, written, is_doubtful };
        Ok(Self { database: Database::writable(url)?, state: Arc::new(state) })
    }

    /// Whether it was ever reached: before that nobody knows how to redact.
    pub(crate) fn is_open(&self) -> bool {
        self.state.opened.get().is_some()
    }

    /// A store's URL for people: without its password, and without its parameters, of which one may
    /// be a password too.
    pub fn name(url: &str) -> String {
        let before = |text: &str, signs: &[char]| text.split(signs).next().map(str::to_owned);
        let name = match url.split_once("://") {
            None if url.starts_with("sqlite:") => before(url, &['?']),
            // It is no URL: what of it is a password nobody knows.
            None => before(url, &[':', '@', '?']),
            Some((scheme, rest)) => {
                let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
                let place = match place.rsplit_once('@') {
                    // The `?` may be one of a password.
                    _ if parameters.contains('@') => before(place, &[':', '@']),
                    Some((user, place)) => before(user, &[':']).map(|it| format!("{it}@{place}")),
                    None => Some(place.to_owned()),
                };
                place.map(|it| format!("{scheme}://{it}"))
            }
        };
        name.unwrap_or_default()
    }

    /// Reads what this store holds.
    pub fn reports(&self) -> Reports {
        Reports::of(self.database.clone())
    }

    /// Of a store that was never reached it is one that nobody else has.
    pub(crate) fn redactor(&self) -> &Redactor {
        let State { opened, fresh, secret, .. } = &*self.state;
        &opened.get_or_init(|| Opened::new(*fresh, secret.as_deref(), None)).redactor
    }

    /// Adds all of it, or nothing; and nothing if this number was written already. Each process
    /// counts its flushes, so that one whose `COMMIT` was not answered can be written again.
    pub(crate) fn write<'a>(
        &'a self,
        number: u64,
        pending: &'a Pending,
    ) -> BoxFuture<'a, Result<Superseded, StoreError>> {
        // In a box, since the compiler does not see through all of this that it may be sent.
        async move {
            self.prepare().await?;
            let written = self.add(number, pending).await;
            self.state.is_doubtful.store(written.is_err(), Ordering::Relaxed);
            written
        }
        .boxed()
    }

    /// Brings the tables up to date where that is not certain, and learns the key of the redaction:
    /// made once, so that hashes stay comparable across restarts.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        let State { fresh, secret, opened, is_doubtful, .. } = &*self.state;
        if !is_doubtful.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.database.reach().await?;
        let known = opened.get().map_or(fresh, |it| &it.key);
        let (key, found) = prepare(&self.database, known).await?;
        if opened.get_or_init(|| Opened::new(key, secret.as_deref(), Some(found))).key != key {
            return Err(StoreError::Exchanged);
        }
        is_doubtful.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn add(&self, number: u64, pending: &Pending) -> Result<Superseded, StoreError> {
        let mut tx = self.begin().await?;
        let now = Now::of(&mut tx).await?;
        self.add_at(tx, now, number, pending).await
    }

    async fn add_at(
        &self,
        mut tx: Tx,
        now: Now,
        number: u64,
        pending: &Pending,
    ) -> Result<Superseded, StoreError> {
        let mut superseded = Superseded::default();
        if !writers::is_new(&mut tx, self.writer(), number, now).await? {
            return Ok(superseded);
        }
        let mut written = self.state.written.lock().await;
        if written.is_some_and(|it| now.was_set_since(it)) {
            tracing::warn!("the clock of the report store was set: times are taken up anew");
            intervals::seal(&mut tx).await?;
        }
        let by = (self.writer(), now);
        for (route, binding, delta) in pending.by_age() {
            counts::write(&mut tx, by, (route, &binding), delta, &mut superseded).await?;
            differences::write(&mut tx, route, &delta.differences).await?;
            races::write(&mut tx, route, &delta.raced).await?;
        }
        tx.commit().await?;
        *written = Some(now);
        Ok(superseded)
    }

    /// Begins a transaction that writes, when no other process has one: flushes touch the rows of
    /// the same routes, so they could only wait for one another half-way, or deadlock.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        let mut tx = self.database.begin().await?;
        let statement =
            format!("SELECT value FROM settings WHERE name = $1{}", tx.dialect.for_update());
        let kept = tx.fetch(&statement, &[KEY.into()]).await?;
        let kept: Option<Vec<u8>> = kept.first().map(|it| it.try_get(0)).transpose()?;
        match kept {
            Some(kept) if self.state.opened.get().is_some_and(|it| it.key == *kept) => Ok(tx),
            _ => Err(StoreError::Exchanged),
        }
    }

    /// This process, as the store knows it.
    pub(super) fn writer(&self) -> &str {
        &self.state.writer
    }

    /// What this process has found as it opened the store.
    pub(super) fn found(&self) -> Option<Found> {
        self.state.opened.get()?.found
    }
}

impl Opened {
    fn new(key: [u8; 32], secret: Option<&str>, found: Option<Found>) -> Self {
        let redactor = Redactor::new(key);
        let redactor = secret.map(|it| redactor.keyed_with(it)).unwrap_or(redactor);
        Self { key, redactor, found }
    }
}

/// Brings the tables up to date, and returns the key of the redaction; if there is none yet it is
/// `key`.
async fn prepare(database: &Database, key: &[u8; 32]) -> Result<([u8; 32], Found), StoreError> {
    let tables = database.fetch(database.dialect.tables(), &[]).await?;
    let tables = rows(&tables, |it| it.try_get::<String, _>(0))?;
    if !tables.is_empty() && !tables.iter().any(|it| it == "_sqlx_migrations") {
        return Err(StoreError::Foreign);
    }
    database.migrate().await?;
    let mut tx = database.begin().await?;
    tx.upsert(&SETTINGS, &[[KEY.into(), Value::Bytes(key)]]).await?;
    let kept = tx.fetch("SELECT value FROM settings WHERE name = $1", &[KEY.into()]).await?;
    let now = Now::of(&mut tx).await?;
    let written = writers::newest(&mut tx).await?;
    tx.commit().await?;
    let kept: Vec<u8> = kept.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
    let key = <[u8; 32]>::try_from(kept).map_err(|_| {
        StoreError::Statement(sqlx::Error::Decode("the redaction key is not 32 bytes".into()))
    })?;
    Ok((key, Found { now, written }))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use time::OffsetDateTime;

    use super::*;
    use crate::{Budget, Proof, Subject, Unknown, binding::Binding, compare::Rules};

    #[tokio::test]
    async fn a_flush_whose_commit_was_not_answered_is_not_added_twice() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("banyan.db").display());
        let store = Store::open(&url).await.unwrap();
        let (budget, proof) = (Budget::default(), Proof::default());
        let subject = Subject::new("a", Rules::default(), budget, proof, Vec::new());
        let now = OffsetDateTime::now_utc();
        let mut pending = Pending::default();
        let binding = Binding { build: "".into(), rules: "".into(), monolith: None, since: None };
        pending.route(&subject, binding, now).0.matched = 1;
        for (number, matched) in [(1, 1), (1, 1), (2, 2), (2, 2), (1, 2), (3, 3)] {
            store.write(number, &pending).await.unwrap();
            let report = store.reports().route("a").await.unwrap().unwrap();
            assert_eq!(report.matched, matched, "after {number}");
        }
        // Another process counts its own.
        let other = Store::open(&url).await.unwrap();
        other.write(1, &pending).await.unwrap();
        assert_eq!(other.reports().route("a").await.unwrap().unwrap().matched, 4);
    }

    #[tokio::test]
    async fn what_could_not_be_compared_makes_no_route_watched_for_longer() {
        const HOUR: Duration = Duration::from_hours(1);
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("banyan.db").display());
        let store = Store::open(&url).await.unwrap();
        let (budget, proof) = (Budget::default(), Proof { time: 24 * HOUR, ..Proof::default() });
        let subject = Subject::new("a", Rules::default(), budget, proof, Vec::new());
        let (begin, first) = (Instant::now(), OffsetDateTime::now_utc());
        let binding = Binding { build: "".into(), rules: "".into(), monolith: None, since: None };
        let mut pending = Pending::default();
        for (hours, is_compared) in
            [(0_u32, false), (1, true), (2, true), (3, true), (4, false), (50, false)]
        {
            let (delta, _) = pending.route(&subject, binding.clone(), first + hours * HOUR);
            if is_compared {
                delta.compared_at(begin + hours * HOUR);
            } else {
                *delta.unknowns.entry(Unknown::ClientGone).or_default() += 1;
            }
        }
        let now = Now::at(1_800_000_000_000, begin + 50 * HOUR);
        let tx = store.begin().await.unwrap();
        store.add_at(tx, now, 1, &pending).await.unwrap();
        let report = store.reports().route("a").await.unwrap().unwrap();
        let why = &report.verdict.why;
        assert!(why.contains("watched for 2 h of 1 d"), "{why}");
        assert_eq!(report.last_at - report.since, 50 * HOUR);
    }

    #[test]
    fn a_name_holds_no_password() {
        for (url, name) in [
            ("sqlite://banyan.db", "sqlite://banyan.db"),
            ("mysql://banyan:p@ss:word@db/reports", "mysql://banyan@db/reports"),
            ("postgres://banyan@db:5432/reports", "postgres://banyan@db:5432/reports"),
            ("postgres://db/reports?user=banyan&password=s3cret", "postgres://db/reports"),
            ("postgres://banyan:s3@db/reports?sslkey=s3cret", "postgres://banyan@db/reports"),
            ("postgres://db:5432/reports?password=s3@cret", "postgres://db"),
            ("mysql://banyan:s3?cr@et@db/reports", "mysql://banyan"),
            ("mysql://banyan:s3@c?r@et@db/reports?ssl-mode=DISABLED", "mysql://banyan"),
            ("sqlite:///srv/banyan.db?mode=rwc", "sqlite:///srv/banyan.db"),
            ("sqlite:banyan.db?mode=rwc", "sqlite:banyan.db"),
            ("banyan:s3cret@db/reports", "banyan"),
            ("banyan.db", "banyan.db"),
        ] {
            assert_eq!(Store::name(url), name);
        }
    }
}
