//! What each command does, and its exit status: 0 done, 1 a fault was found, 2 it could not run, 3
//! it cannot be said yet.

use std::{
    cell::Cell,
    error::Error,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
};

use extracted::Extraction;
use shadow::State;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    comparison,
    config::{Check, Compare, Format, Record, Replay, Report, Serve, Verdict},
    error::Chain,
    logging, recording,
    replay::{self, Conclusion, Replayed},
    report, route,
    server::Banyan,
    service_manager, verdict,
};

/// Numbers of signals, as POSIX has them.
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// `banyan serve`: until SIGTERM, SIGINT or a successor, then a drain; a second signal ends it at
/// once. SIGHUP reads certificates and routes again.
pub fn serve(settings: &Serve, extractions: &'static [Extraction]) -> ExitCode {
    let log = match logging::install(settings.log_format, &settings.log, settings.log_unredacted) {
        Ok(guard) => guard,
        Err(message) => return cannot(&message),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = match &runtime {
        Ok(runtime) => runtime.block_on(until_signalled(settings, extractions)),
        Err(error) => return cannot(&format!("the system gives no event queue: {error}")),
    };
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    drop(log);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cannot(&Chain(error.as_ref()).to_string()),
    }
}

async fn until_signalled(
    settings: &Serve,
    extractions: &'static [Extraction],
) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut banyan = Banyan::start(settings, extractions).await?;
    let offer = banyan.offer();
    let succession = async {
        match offer {
            Some(offer) => offer.taken().await,
            None => std::future::pending().await,
        }
    };
    service_manager::serving();
    let ended = {
        // Dropped with this block: a process that drains has nothing to offer.
        let mut succession = std::pin::pin!(succession);
        loop {
            tokio::select! {
                successor = succession.as_mut() => break Ended::Succeeded(successor),
                _ = terminate.recv() => break Ended::Told,
                _ = interrupt.recv() => break Ended::Told,
                _ = hangup.recv() => {
                    service_manager::reloading();
                    banyan.reload();
                    service_manager::serving();
                }
            }
        }
    };
    let why = match ended {
        Ended::Succeeded(_) => "another process has taken over",
        Ended::Told => "told to stop",
    };
    tracing::info!(why, "draining; a second signal ends it at once");
    let ending = async {
        match ended {
            Ended::Succeeded(successor) => {
                successor.into_iter().for_each(service_manager::succeeded);
                banyan.retire().await;
            }
            Ended::Told => {
                service_manager::stopping();
                banyan.drain().await;
            }
        }
    };
    tokio::select! {
        () = ending => {}
        _ = terminate.recv() => tracing::warn!("drain cut short"),
        _ = interrupt.recv() => tracing::warn!("drain cut short"),
    }
    Ok(())
}

/// Why a process stops to serve.
enum Ended {
    /// Another one serves in its place; its id, where the system knows it.
    Succeeded(Option<u32>),
    /// By a signal.
    Told,
}

/// `banyan check`: every fault of the file; 0 when there is none.
pub fn check(arguments: &Check, extractions: &'static [Extraction]) -> ExitCode {
    let checked = match route::check(&arguments.file, extractions) {
        Ok(checked) => checked,
        Err(message) => return cannot(&message),
    };
    let printed = match arguments.format {
        Format::Text => print(&checked.text()),
        Format::Json => print(&checked.json()),
    };
    match printed {
        Err(error) => cannot(&error.to_string()),
        Ok(()) if checked.is_accepted() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

/// `banyan compare`: two stored answers; 0 when they are the same, 1 when they differ.
pub fn compare(arguments: &Compare, extractions: &'static [Extraction]) -> ExitCode {
    match comparison::compare(arguments, extractions) {
        Err(error) => cannot(&Chain(&error).to_string()),
        Ok(compared) => match print(&compared.text) {
            Err(error) => cannot(&error.to_string()),
            Ok(()) if compared.same => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
        },
    }
}

/// `banyan record`: what is recorded, and a part of it as a file.
pub fn record(arguments: &Record, extractions: &'static [Extraction]) -> ExitCode {
    match recording::record(arguments, extractions) {
        Ok(text) => print(&text).map_or_else(|it| cannot(&it.to_string()), |()| ExitCode::SUCCESS),
        Err(error) => cannot(&Chain(&error).to_string()),
    }
}

/// `banyan replay`: recorded requests; 0 when no answer differs, 1 when one does, 2 when none was
/// compared, or not all could be. SIGINT and SIGTERM stop it behind what is under way, and a second
/// one at once: 128 and the signal's number then, as shells say it.
pub fn replay(arguments: &Replay, extractions: &'static [Extraction]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let stopped = Cell::new(None);
    let replayed = match &runtime {
        Ok(runtime) => runtime.block_on(until_stopped(arguments, extractions, &stopped)),
        Err(error) => return cannot(&format!("the system gives no event queue: {error}")),
    };
    if let Ok(runtime) = runtime {
        // What a second signal has cut short is not waited for.
        runtime.shutdown_background();
    }
    let Replayed { text, conclusion } = match replayed {
        Ok(replayed) => replayed,
        Err(error) => {
            let failed = cannot(&Chain(error.as_ref()).to_string());
            return stopped.get().map_or(failed, |signal| ExitCode::from(128 + signal));
        }
    };
    match (print(&text), conclusion) {
        (Err(error), _) => cannot(&error.to_string()),
        (Ok(()), Conclusion::Same) => ExitCode::SUCCESS,
        (Ok(()), Conclusion::Different) => ExitCode::FAILURE,
        (Ok(()), Conclusion::Unknown) => cannot("not every request could be compared"),
        (Ok(()), Conclusion::Nothing) => cannot("nothing was compared"),
    }
}

/// Replays, and notes the number of the signal that has stopped it.
async fn until_stopped(
    arguments: &Replay,
    extractions: &'static [Extraction],
    stopped: &Cell<Option<u8>>,
) -> Result<Replayed, Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, is_stopped) = tokio::sync::oneshot::channel();
    let listening = async {
        let mut stop = Some(stop);
        loop {
            let number = tokio::select! {
                _ = terminate.recv() => SIGTERM,
                _ = interrupt.recv() => SIGINT,
            };
            stopped.set(Some(number));
            match stop.take() {
                Some(stop) => {
                    // Behind the progress bar, which is not ended by a line feed.
                    let feed = if io::stderr().is_terminal() { "\n" } else { "" };
                    let what = "stopping behind what is under way; a second signal stops at once";
                    let _ = writeln!(io::stderr().lock(), "{feed}banyan: {what}");
                    let _ = stop.send(());
                }
                None => return,
            }
        }
    };
    tokio::select! {
        replayed = replay::replay(arguments, extractions, is_stopped) => Ok(replayed?),
        () = listening => Err("stopped at once".into()),
    }
}

/// `banyan report`: the verdicts, or one route's differences.
pub fn report(arguments: &Report) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let text = match runtime {
        Ok(runtime) => runtime.block_on(report::text(arguments)),
        Err(error) => return cannot(&format!("the system gives no event queue: {error}")),
    };
    match text {
        Ok(text) => print(&text).map_or_else(|it| cannot(&it.to_string()), |()| ExitCode::SUCCESS),
        Err(error) => cannot(&Chain(&error).to_string()),
    }
}

/// `banyan verdict`: what the judge would say.
pub fn verdict(arguments: &Verdict) -> ExitCode {
    let answer = match verdict::answer(arguments) {
        Ok(answer) => answer,
        Err(error) => return cannot(&Chain(&error).to_string()),
    };
    match print(&answer.text) {
        Err(error) => cannot(&error.to_string()),
        Ok(()) => match answer.state {
            State::Ready => ExitCode::SUCCESS,
            State::NotReady => ExitCode::FAILURE,
            State::Undecided => ExitCode::from(3),
        },
    }
}

/// Writes to standard output; a reader that has gone (`| head`) is no error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Says on standard error why the command could not run.
fn cannot(message: &str) -> ExitCode {
    // Where standard error is closed there is nobody to tell; the exit status still says it.
    let _ = writeln!(io::stderr().lock(), "banyan: {message}");
    ExitCode::from(2)
}
