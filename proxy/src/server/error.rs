//! Why the proxy did not start.

use std::io;

use shadow::StoreError;

use crate::{
    config::RailsError,
    handover::{HandoverError, SystemdError},
    listener::Address,
    recording,
    route::Faults,
    sendfile::RootError,
    spans,
    tls::TlsError,
};

/// Why the proxy did not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No monolith, neither on the command line nor in a file.
    #[error(
        "say where the monolith is: --monolith URL, or --routes FILE with a [monolith] section"
    )]
    NoMonolith,
    /// The route file has faults; each of them is in the list.
    #[error("the route file was not accepted; correct it, and try it with `banyan check`")]
    Routes(#[source] Faults),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: is another process there? choose another --listen or --admin")]
    Listen(Address, #[source] io::Error),
    /// The running process did not hand its sockets over.
    #[error("the running process has not handed its sockets over; it serves on")]
    Handover(#[source] HandoverError),
    /// systemd's sockets are not those of the settings.
    #[error("systemd's sockets cannot be used")]
    Systemd(#[source] SystemdError),
    /// The certificates cannot be used.
    #[error("the certificates cannot be used")]
    Tls(#[source] TlsError),
    /// A directory of files cannot be used.
    #[error(transparent)]
    Sendfile(RootError),
    /// The key of recordings cannot be used.
    #[error(transparent)]
    RecordingKey(recording::KeyError),
    /// Nothing can be recorded.
    #[error("requests cannot be recorded")]
    Recordings(#[source] recording::StartError),
    /// No spans can be exported.
    #[error("--otlp cannot be used")]
    Otlp(#[source] spans::StartError),
    /// Nobody is believed to be the monolith.
    #[error("the certificates of --monolith cannot be checked")]
    Trust(#[source] TlsError),
    /// Not as many keys as certificates.
    #[error("give --tls-key once for each --tls-cert, in the same order")]
    TlsPairs,
    /// The report store cannot be opened.
    #[error("the report store {0} cannot be opened; check --store")]
    Store(String, #[source] StoreError),
    /// The database URL cannot be read.
    #[error("--database must be mysql://USER:PASSWORD@HOST/NAME")]
    Database(#[source] sqlx::Error),
    /// The Redis URL cannot be read.
    #[error("--redis must be redis://:PASSWORD@HOST:PORT/NUMBER, without what is the default")]
    Redis(#[source] redis::RedisError),
    /// The monolith's settings cannot be used.
    #[error("the monolith's settings cannot be used")]
    Rails(#[source] RailsError),
    /// The judge could not start.
    #[error("the judge could not start")]
    Judge(#[source] shadow::StartError),
    /// The system gave no thread.
    #[error("the system gives no more threads")]
    Threads(#[source] io::Error),
    /// A series was registered twice: a fault of this program.
    #[error("the metrics could not be registered")]
    Metrics(#[source] prometheus::Error),
}
