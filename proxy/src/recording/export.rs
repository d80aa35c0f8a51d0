//! `banyan record`: what is recorded, and a part of it as one file that can be carried away.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use extracted::Extraction;
use prometheus::Registry;
use serde::Serialize;
use time::OffsetDateTime;

use super::{
    Archive, Entry, Exchange, Key, KeyError, ReadError,
    redacted::redacted,
    segment::{WriteError, Writer},
};
use crate::{
    config::{Format, Record},
    metrics::ProxyMetrics,
    report::{self, second},
    route::{Compiler, LoadError, RouteTable},
};

/// A redacted recording holds nothing that would have to be deleted.
const FOR_EVER: Duration = Duration::MAX;

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The recordings cannot be read.
    #[error("the recordings cannot be read")]
    Read(#[from] ReadError),
    /// There are no routes, and so nobody knows what a value is.
    #[error(transparent)]
    Routes(#[from] LoadError),
    /// A series was registered twice: a fault of the program.
    #[error("the metrics could not be registered")]
    Metrics(#[source] prometheus::Error),
    /// The file cannot be written.
    #[error("{0} cannot be written; choose a file that is not there yet")]
    Write(String, #[source] WriteError),
    /// Nothing was chosen, and so there is nothing to carry away.
    #[error("{0} No file is written.")]
    Nothing(String),
    /// The summary could not be written as JSON: a fault of this program.
    #[error("the summary could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// What was chosen. The shape of `--format json`.
#[derive(Debug, Serialize)]
struct Summary {
    routes: Vec<Chosen>,
    /// Requests that a redacted recording leaves out, since they hold a buyer's data.
    left_out: usize,
    /// Records that were not written whole, or were changed since.
    lost: usize,
    /// Segments that have expired.
    expired: usize,
    /// Segments that are encrypted with another key.
    other_key: usize,
    /// All of these in words.
    #[serde(skip)]
    unread: Vec<String>,
    /// Why no route is there, where none is.
    #[serde(skip)]
    nothing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<PathBuf>,
    /// Until when the output can be read; it holds what expires first until then.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
}

/// Of one route.
#[derive(Debug, Serialize)]
struct Chosen {
    route: String,
    requests: usize,
    #[serde(with = "time::serde::rfc3339")]
    first: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last: OffsetDateTime,
}

/// Looks through the recordings, writes what was asked for into a file, and says what it was.
///
/// # Errors
/// [`ExportError`].
pub fn record(
    arguments: &Record,
    extractions: &'static [Extraction],
) -> Result<String, ExportError> {
    let now = OffsetDateTime::now_utc();
    let key = arguments.key.load()?;
    let mut archive = Archive::open(&arguments.recordings, key.as_ref(), now)?;
    let (recorded, since) = (archive.entries.len(), arguments.since.map(|it| now - it));
    archive.entries.retain(|it| {
        let of_route = arguments.route.as_ref().is_none_or(|route| *route == it.route);
        of_route && since.is_none_or(|since| it.at >= since)
    });
    let table = arguments.redacted.then(|| table(&arguments.routes, extractions)).transpose()?;
    let key = key.as_ref().filter(|_| !arguments.redacted);
    let (mut output, mut routes, mut left_out) = (None, BTreeMap::new(), 0);
    for entry in &archive.entries {
        let exchange = archive.exchange(entry)?;
        let exchange = match &table {
            Some(table) => redacted(exchange, table),
            None => Some(exchange),
        };
        let Some(exchange) = exchange else {
            left_out += 1;
            continue;
        };
        if let Some(file) = &arguments.output {
            let begin = || Output::begin(file, key, &archive.entries, now);
            let mut writing = output.take().map_or_else(begin, Ok)?;
            writing.append(&exchange)?;
            output = Some(writing);
        }
        note(&mut routes, entry);
    }
    let unread = archive.loss.sentences();
    let nothing = routes.is_empty().then(|| nothing(arguments, recorded, left_out, &unread));
    if let (Some(nothing), Some(_)) = (&nothing, &arguments.output) {
        return Err(ExportError::Nothing(nothing.clone()));
    }
    let summary = Summary {
        routes: routes.into_values().collect(),
        left_out,
        lost: archive.loss.records(),
        expired: archive.loss.expired,
        other_key: archive.loss.other_key,
        unread,
        nothing,
        until: output.as_ref().filter(|_| key.is_some()).map(|it| it.0.header.until()),
        output: output.map(|it| it.0.path),
    };
    match arguments.format {
        Format::Json => Ok(serde_json::to_string_pretty(&summary)? + "\n"),
        Format::Text => Ok(text(&summary)),
    }
}

/// What the route file says.
fn table(file: &Path, extractions: &'static [Extraction]) -> Result<RouteTable, ExportError> {
    let metrics = ProxyMetrics::register(&Registry::new()).map_err(ExportError::Metrics)?;
    Ok(Compiler { extractions, metrics }.load(file)?)
}

/// The file that is written.
struct Output(Writer);

impl Output {
    /// A raw one expires with what expires first in it; a redacted one never.
    fn begin(
        file: &Path,
        key: Option<&Key>,
        entries: &[Entry],
        now: OffsetDateTime,
    ) -> Result<Self, ExportError> {
        let first = entries.iter().map(|it| it.until).min().filter(|_| key.is_some());
        let keep = first.map_or(FOR_EVER, |it| (it - now).try_into().unwrap_or_default());
        let writer = Writer::export(file, key, now, keep);
        writer.map(Self).map_err(|it| ExportError::Write(file.display().to_string(), it))
    }

    fn append(&mut self, exchange: &Exchange) -> Result<(), ExportError> {
        let record = exchange.encode().map_err(|_| WriteError::TooLong);
        let written = record.and_then(|it| self.0.append(it));
        written.map_err(|it| ExportError::Write(self.0.path.display().to_string(), it))
    }
}

fn note(routes: &mut BTreeMap<String, Chosen>, entry: &Entry) {
    let first =
        || Chosen { route: entry.route.clone(), requests: 0, first: entry.at, last: entry.at };
    let chosen = routes.entry(entry.route.clone()).or_insert_with(first);
    chosen.requests += 1;
    chosen.last = entry.at;
}

/// Why there is nothing to show, or to carry away.
fn nothing(arguments: &Record, recorded: usize, left_out: usize, unread: &[String]) -> String {
    if left_out > 0 {
        return self::left_out(left_out);
    }
    if recorded == 0 && unread.is_empty() {
        return "Nothing is recorded: give a route record = \"1%\" in routes.toml.".to_owned();
    }
    if recorded == 0 {
        return "Nothing can be read of what is recorded.".to_owned();
    }
    let route = arguments.route.as_ref().map(|it| format!("of the route {it}"));
    let since = arguments.since.map(|_| "as new as --since asks".to_owned());
    let asked: Vec<_> = route.into_iter().chain(since).collect();
    let requests = if recorded == 1 { "request" } else { "requests" };
    format!("None of {recorded} recorded {requests} is {}.", asked.join(" and "))
}

fn left_out(count: usize) -> String {
    format!(
        "{count} left out: they hold a buyer's data; `reveal` in routes.toml names what is none."
    )
}

fn text(summary: &Summary) -> String {
    let mut rows = vec![["ROUTE", "REQUESTS", "FIRST", "LAST"].map(str::to_owned)];
    rows.extend(summary.routes.iter().map(|it| {
        let [first, last] = [it.first, it.last].map(second);
        [it.route.clone(), it.requests.to_string(), first, last]
    }));
    let mut text = match (&summary.nothing, summary.left_out) {
        (Some(nothing), _) => nothing.clone() + "\n",
        (None, 0) => report::table(&rows),
        (None, count) => report::table(&rows) + &left_out(count) + "\n",
    };
    for it in &summary.unread {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{it}");
    }
    if let Some(output) = &summary.output {
        let until = summary.until.map(|it| format!(", which can be read until {}", second(it)));
        let _ = writeln!(text, "written to {}{}", output.display(), until.unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use clap::Parser as _;
    use http::Method;
    use tempfile::{TempDir, tempdir};

    use super::*;
    use crate::{
        config::{Cli, Command},
        recording::exchange::tests::exchange,
    };

    const KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111";

    const ROUTES: &str = r#"
[[route]]
id     = "catalog.show"
match  = { path = "/products/{id}" }
stage  = "monolith"
reveal = ["request.path.id", "request.query.page"]

[[route]]
id     = "cart"
match  = { path = "/cart" }
stage  = "monolith"

[[route]]
id     = "buyers.order"
match  = { path = "/users/{name}/orders/{id}" }
stage  = "monolith"
reveal = ["request.path.id"]
"#;

    fn run(folder: &TempDir, flags: &[&str]) -> Result<String, ExportError> {
        let recordings = folder.path().join("recordings").display().to_string();
        let routes = folder.path().join("routes.toml").display().to_string();
        let before = ["banyan", "record", "--recordings", &recordings, "--routes", &routes];
        let key = ["--recording-key", KEY];
        let cli = Cli::try_parse_from(before.iter().chain(&key).chain(flags)).unwrap();
        let Command::Record(arguments) = cli.command else { panic!("not record") };
        record(&arguments, &[])
    }

    /// Anonymous requests, and a write, of an hour ago.
    fn recorded() -> TempDir {
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("routes.toml"), ROUTES).unwrap();
        let recordings = folder.path().join("recordings");
        super::super::folder::create(&recordings).unwrap();
        let (key, hour) = (Key::parse(KEY).unwrap(), Duration::from_hours(1));
        let begun = OffsetDateTime::now_utc() - hour;
        let mut writer = Writer::begin(&recordings, &key, begun, 24 * hour).unwrap();
        for (id, route, target) in [
            ("a", "catalog.show", "/products/1"),
            ("b", "cart", "/cart"),
            ("c", "catalog.show", "/products/1?page=2"),
            ("d", "catalog.show", "/products/1?q=knitwear"),
            ("e", "catalog.show", "/products/1?knitwear"),
            ("f", "catalog.show", "/products/cy%40shop.test"),
            ("g", "buyers.order", "/users/jane-doe/orders/4711"),
            ("h", "wishlist", "/wishes"),
        ] {
            let route = route.to_owned();
            let it = Exchange { route, at: begun, body: Bytes::new(), ..exchange(id, target) };
            writer.append(it.encode().unwrap()).unwrap();
        }
        let cart = Exchange { route: "cart".into(), at: begun, ..exchange("i", "/cart") };
        let write = Exchange { method: Method::POST, ..cart };
        writer.append(write.encode().unwrap()).unwrap();
        folder
    }

    #[test]
    fn what_is_there_is_shown_by_route() {
        let folder = recorded();
        let text = run(&folder, &[]).unwrap();
        assert!(text.contains("catalog.show  5 "), "{text}");
        for flags in [["--since", "30m"], ["--route", "account"]] {
            let text = run(&folder, &flags).unwrap();
            assert!(text.starts_with("None of 9 recorded requests is "), "{flags:?}: {text}");
        }
        let text = run(&folder, &["--since", "30m", "--route", "cart"]).unwrap();
        let both = "None of 9 recorded requests is of the route cart and as new as --since asks.\n";
        assert_eq!(text, both);
    }

    #[test]
    fn an_empty_folder_says_how_something_comes_into_it() {
        let folder = recorded();
        let recordings = folder.path().join("recordings");
        std::fs::remove_dir_all(&recordings).unwrap();
        super::super::folder::create(&recordings).unwrap();
        let text = run(&folder, &[]).unwrap();
        assert!(text.starts_with("Nothing is recorded: give a route"), "{text}");
    }

    #[test]
    fn no_file_is_written_of_nothing() {
        let folder = recorded();
        let file = folder.path().join("nothing.recording");
        let output = ["--output", &file.display().to_string()];
        for (flags, says) in [
            (&["--route", "nope"][..], "None of 9 recorded requests is of the route nope. No file"),
            (&["--since", "0s"], "None of 9 recorded requests is as new as --since asks. No file"),
            (&["--redacted", "--route", "wishlist"], "1 left out: they hold a buyer's data;"),
        ] {
            let error = run(&folder, &[flags, &output].concat()).unwrap_err();
            assert!(matches!(error, ExportError::Nothing(_)), "{error:?}");
            assert!(error.to_string().starts_with(says), "{error}");
            assert!(!file.exists(), "{flags:?}");
        }
    }

    #[test]
    fn a_raw_file_needs_the_key_and_expires_with_what_is_in_it() {
        let folder = recorded();
        let file = folder.path().join("raw.recording");
        let name = file.display().to_string();
        run(&folder, &["--output", &name]).unwrap();
        let (key, now) = (Key::parse(KEY).unwrap(), OffsetDateTime::now_utc());
        let archive = Archive::open(&file, Some(&key), now).unwrap();
        assert_eq!(archive.entries.len(), 9);
        assert_eq!(
            archive.exchange(&archive.entries[0]).unwrap().downstream.peer.to_string(),
            "::1"
        );
        assert!(Archive::open(&file, None, now).is_err());
        let tomorrow = Archive::open(&file, Some(&key), now + Duration::from_hours(23)).unwrap();
        assert_eq!((tomorrow.entries.len(), tomorrow.loss.expired), (0, 1));
        let again = run(&folder, &["--output", &name]);
        assert!(matches!(again, Err(ExportError::Write(..))), "a file is not overwritten");
    }

    #[test]
    fn a_redacted_file_needs_no_key_and_holds_nothing_of_a_buyer() {
        let folder = recorded();
        let file = folder.path().join("redacted.recording");
        let said = run(&folder, &["--redacted", "--output", &file.display().to_string()]).unwrap();
        assert!(said.contains("6 left out: they hold a buyer's data; `reveal`"), "{said}");
        let bytes = std::fs::read(&file).unwrap();
        for gone in ["knitwear", "cookie", "::1", "POST", "jane", "shop.test", "wishes"] {
            assert!(!bytes.windows(gone.len()).any(|it| it == gone.as_bytes()), "{gone}");
        }
        let later = OffsetDateTime::now_utc() + Duration::from_hours(24 * 365 * 50);
        let archive = Archive::open(&file, None, later).unwrap();
        let ids: Vec<_> = archive.entries.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert!(archive.exchange(&archive.entries[0]).unwrap().answer.is_none());
    }

    #[test]
    fn nothing_is_redacted_without_the_routes() {
        let folder = recorded();
        let routes = folder.path().join("routes.toml");
        std::fs::write(&routes, "[[route]]").unwrap();
        assert!(matches!(run(&folder, &["--redacted"]), Err(ExportError::Routes(_))));
        std::fs::remove_file(&routes).unwrap();
        assert!(matches!(run(&folder, &["--redacted"]), Err(ExportError::Routes(_))));
        assert!(run(&folder, &[]).is_ok(), "the others need none");
    }

    #[test]
    fn what_is_left_out_is_not_said_to_be_missing() {
        let folder = recorded();
        let said = run(&folder, &["--redacted", "--route", "wishlist"]).unwrap();
        assert!(said.starts_with("1 left out"), "{said}");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let folder = recorded();
        let recordings = folder.path().join("recordings");
        let (other, day) = (Key::parse(&"2".repeat(64)).unwrap(), Duration::from_hours(24));
        let now = OffsetDateTime::now_utc();
        for (key, begun) in [(&other, now), (&Key::parse(KEY).unwrap(), now - 2 * day)] {
            Writer::begin(&recordings, key, begun, day).unwrap();
        }
        let said = run(&folder, &[]).unwrap();
        for sentence in ["1 segment has expired", "1 segment is encrypted with another key"] {
            assert!(said.contains(sentence), "{said}");
        }
        let said = run(&folder, &["--format", "json"]).unwrap();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let lost = ["lost", "expired", "other_key"].map(|it| said[it].as_u64());
        assert_eq!(lost, [Some(0), Some(1), Some(1)]);
    }
}
