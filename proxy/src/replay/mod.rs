//! `banyan replay`: recorded requests, run against a monolith and the handlers of this build, and the
//! answers compared as the judge compares them.

mod checkpoint;
mod junit;
mod progress;
mod sample;
mod sessions;
mod sides;
mod tally;
mod text;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use extracted::Extraction;
use futures_util::{Stream, StreamExt as _, stream};
use prometheus::Registry;
use time::OffsetDateTime;
use tokio::time::interval;

use self::{
    checkpoint::{Checkpoint, CheckpointError},
    progress::Progress,
    sides::Sides,
    tally::{Compared, Outcome, Tally},
};
use crate::{
    config::{RailsError, Replay, ReplayFormat},
    metrics::ProxyMetrics,
    recording::{Archive, Entry, KeyError, Loss, ReadError},
    route::{Compiler, LoadError},
    tls::TlsError,
};

/// With `--rate`, requests that may be under way at once.
const AT_ONCE: usize = 8;

/// Why nothing was replayed, or not all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The recording cannot be read.
    #[error("the recording cannot be read")]
    Read(#[from] ReadError),
    /// There are no routes.
    #[error(transparent)]
    Routes(#[from] LoadError),
    /// A series was registered twice: a fault of the program.
    #[error("the metrics could not be registered")]
    Metrics(#[source] prometheus::Error),
    /// The handlers have no database.
    #[error("say where the monolith's database is, for the handlers: --database URL")]
    NoDatabase,
    /// The database URL cannot be read.
    #[error("--database must be mysql://USER:PASSWORD@HOST/NAME")]
    Database(#[source] sqlx::Error),
    /// The monolith's settings cannot be used.
    #[error("the monolith's settings cannot be used")]
    Rails(#[from] RailsError),
    /// Nobody is believed to be the monolith.
    #[error("the certificates of --monolith cannot be checked")]
    Trust(#[source] TlsError),
    /// The system gave no threads.
    #[error("the system gives no more threads")]
    Threads(#[source] io::Error),
    /// The request of `--sample` is not there.
    #[error("{0}")]
    NotRecorded(String),
    /// The checkpoint cannot be used.
    #[error("--resume cannot be used")]
    Checkpoint(#[from] CheckpointError),
    /// The user has stopped it.
    #[error("stopped after {done} of {total} requests{}", resume_hint(.file.as_ref()))]
    Stopped {
        /// Requests that were replayed or skipped.
        done: usize,
        /// Requests that were chosen.
        total: usize,
        /// Where it can go on from.
        file: Option<PathBuf>,
    },
    /// The result could not be written as JSON: a fault of this program.
    #[error("the result could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// What a replay comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// For standard output.
    pub text: String,
    /// What it means for whoever waits for it.
    pub conclusion: Conclusion,
}

/// What a replay means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Requests were compared, and no answer differed.
    Same,
    /// An answer differed.
    Different,
    /// None differed, but some could not be compared or read.
    Unknown,
    /// There was none, or nobody was asked.
    Nothing,
}

/// Replays what the arguments name with these handlers, until that is done or `interrupted` is, and
/// then until what is under way is.
///
/// # Errors
/// [`ReplayError`].
pub async fn replay(
    arguments: &Replay,
    extractions: &'static [Extraction],
    interrupted: impl Future,
) -> Result<Replayed, ReplayError> {
    let key = arguments.key.load()?;
    let metrics = ProxyMetrics::register(&Registry::new()).map_err(ReplayError::Metrics)?;
    let compiler = Compiler { extractions, metrics: metrics.clone() };
    let table = Arc::new(compiler.load(&arguments.routes)?);
    let mut archive = Archive::open(&arguments.recording, key.as_ref(), OffsetDateTime::now_utc())?;
    if let Some(id) = &arguments.sample {
        archive.entries.retain(|it| it.id == *id);
        if archive.entries.is_empty() {
            return Err(ReplayError::NotRecorded(sample::explain(arguments, id, &table).await));
        }
        // The one that was asked for is there, whatever else is missing.
        archive.loss = Loss::default();
    }
    archive.entries.retain(|it| arguments.route.as_ref().is_none_or(|route| *route == it.route));
    let name = checkpoint::run(arguments, &table.hash, archive.entries.first());
    let sides = Sides::new(arguments, extractions, table, &metrics)?;
    let mut run = Run { arguments, archive, sides, name, checkpoint: None };
    let tally = run.through(interrupted).await?;
    let conclusion = conclusion(&tally, run.archive.loss);
    let text = match arguments.format {
        ReplayFormat::Text => text::text(&tally, &run.archive.loss, arguments),
        ReplayFormat::Json => text::json(&tally, &run.archive.loss)?,
        ReplayFormat::Junit => junit::xml(&tally, &run.archive.loss),
    };
    Ok(Replayed { text, conclusion })
}

/// What is missing of a recording could have differed.
fn conclusion(tally: &Tally, loss: Loss) -> Conclusion {
    match tally.totals() {
        (_, 1.., _) => Conclusion::Different,
        (1.., 0, 0) if loss.missing().is_none() => Conclusion::Same,
        (0, 0, 0) if loss.missing().is_none() => Conclusion::Nothing,
        _ => Conclusion::Unknown,
    }
}

/// One run through a recording.
struct Run<'a> {
    arguments: &'a Replay,
    archive: Archive,
    sides: Sides,
    /// By which one that goes on is known.
    name: String,
    checkpoint: Option<Checkpoint>,
}

impl Run<'_> {
    async fn through(&mut self, interrupted: impl Future) -> Result<Tally, ReplayError> {
        let total = self.archive.entries.len();
        let mut tally = Tally::default();
        if let Some(file) = &self.arguments.resume {
            let (checkpoint, found) =
                Checkpoint::open(file, self.archive.key(), self.name.clone())?;
            if let Some(found) = found {
                self.archive.entries.retain(|it| found.is_before(it));
                self.sides.sessions.resume(found.aliases);
                tally = found.tally;
            }
            self.checkpoint = Some(checkpoint);
        }
        let mut progress = Progress::new(total, total - self.archive.entries.len());
        let mut last = None;
        {
            let mut outcomes = std::pin::pin!(self.outcomes(interrupted));
            while let Some((entry, request, compared)) = outcomes.next().await {
                tally.count(entry, request, compared);
                progress.step(&tally);
                if let Some(checkpoint) = &self.checkpoint {
                    checkpoint.reached(entry, &tally, &self.sides.sessions)?;
                }
                last = Some(entry);
            }
        }
        progress.end();
        if progress.done() < total {
            if let (Some(checkpoint), Some(last)) = (&self.checkpoint, last) {
                checkpoint.write(last, &tally, &self.sides.sessions)?;
            }
            let (done, file) = (progress.done(), self.arguments.resume.clone());
            return Err(ReplayError::Stopped { done, total, file });
        }
        if let Some(checkpoint) = self.checkpoint.take() {
            checkpoint.remove()?;
        }
        Ok(tally)
    }

    /// Each request with what came of it, in order. Without a rate each waits for the one before.
    /// Once interrupted none is begun; those under way are waited for, since what the monolith has
    /// done it would do again when the run goes on.
    fn outcomes(
        &self,
        interrupted: impl Future,
    ) -> impl Stream<Item = (&Entry, Option<String>, Compared)> {
        let entries = stream::iter(&self.archive.entries);
        let pace = self.arguments.rate.map(|it| Duration::from_secs(1) / it);
        let at_once = if pace.is_some() { AT_ONCE } else { 1 };
        let ticks = Arc::new(tokio::sync::Mutex::new(pace.map(interval)));
        entries
            .then(move |entry| {
                let ticks = Arc::clone(&ticks);
                async move {
                    if let Some(ticks) = &mut *ticks.lock().await {
                        ticks.tick().await;
                    }
                    entry
                }
            })
            .take_until(interrupted)
            .map(|entry| self.outcome(entry))
            .buffered(at_once)
    }

    /// What was asked for is told only to who may see values.
    async fn outcome<'a>(&'a self, entry: &'a Entry) -> (&'a Entry, Option<String>, Compared) {
        let Ok(exchange) = self.archive.exchange(entry) else {
            return (entry, None, Outcome::Gone.into());
        };
        let request = format!("{} {}", exchange.method, exchange.target);
        let compared = self.sides.compare(exchange).await;
        (entry, self.arguments.values.then_some(request), compared)
    }
}

fn resume_hint(file: Option<&PathBuf>) -> String {
    file.map_or_else(
        || "; with --resume FILE it could go on".to_owned(),
        |file| format!("; the same command goes on from {}", file.display()),
    )
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;

    use super::{tally::RouteTally, *};
    use crate::recording::{Key, tests::recorded};

    #[test]
    fn what_could_not_be_read_is_never_called_the_same() {
        let of = |same, different, unknown| {
            let route = RouteTally { same, different, unknown, ..RouteTally::default() };
            Tally { routes: [("catalog.show".to_owned(), route)].into() }
        };
        let [none, torn, expired, damaged, other_key] = [
            Loss::default(),
            Loss { torn: 1, ..Loss::default() },
            Loss { expired: 1, ..Loss::default() },
            Loss { damaged: 1, ..Loss::default() },
            Loss { other_key: 1, ..Loss::default() },
        ];
        for loss in [none, torn, expired] {
            assert_eq!(conclusion(&of(1, 0, 0), loss), Conclusion::Same, "{loss:?}");
        }
        for loss in [damaged, other_key] {
            assert_eq!(conclusion(&of(1, 0, 0), loss), Conclusion::Unknown, "{loss:?}");
            assert_eq!(conclusion(&of(1, 1, 0), loss), Conclusion::Different, "{loss:?}");
        }
        assert_eq!(conclusion(&of(0, 0, 0), none), Conclusion::Nothing);
        assert_eq!(conclusion(&of(0, 0, 0), damaged), Conclusion::Unknown);
        assert_eq!(conclusion(&of(1, 0, 1), none), Conclusion::Unknown);
    }

    #[test]
    fn what_was_deleted_while_the_replay_ran_could_not_be_compared() {
        let (folder, key) = (tempdir().unwrap(), Key::parse(&"1".repeat(64)).unwrap());
        let archive = recorded(folder.path(), &key, &["kept", "deleted"]);
        let mut tally = Tally::default();
        tally.count(&archive.entries[0], None, Outcome::Same.into());
        tally.count(&archive.entries[1], None, Outcome::Gone.into());
        assert_eq!(conclusion(&tally, archive.loss), Conclusion::Unknown);
        let failing = &tally.routes["catalog.show"].failing;
        assert_eq!(failing[0].missed().unwrap(), "gone: the recording has it no longer");
    }
}
