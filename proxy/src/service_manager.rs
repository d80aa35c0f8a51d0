//! What the service manager is told of this process, by systemd's protocol: `sd_notify(3)`.
//!
//! Nothing is told where nobody asks, that is without `NOTIFY_SOCKET`. What cannot be told is
//! logged: buyers are served all the same.

use std::process;

use sd_notify::NotifyState;

/// Buyers are served, and by this process: after an upgrade it is one that the manager has not
/// started.
pub fn serving() {
    let main = NotifyState::MainPid(process::id());
    tell(&[NotifyState::Ready, main, NotifyState::Status("serving")]);
}

/// Certificates and routes are read again; [`serving`] ends it.
pub fn reloading() {
    // `Type=notify-reload` gives up on a service that does not say since when.
    match NotifyState::monotonic_usec_now() {
        Ok(since) => tell(&[NotifyState::Reloading, since, NotifyState::Status("reloading")]),
        Err(error) => tracing::warn!(%error, "the system has no clock for the service manager"),
    }
}

/// No more connections are taken, and the process will end.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// The service is another process from now on. To be told before this one ends, or the manager would
/// take its end for the service's; and by this one, since a manager believes whom it knows.
pub fn succeeded(successor: u32) {
    tell(&[NotifyState::MainPid(successor)]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told: look at NOTIFY_SOCKET");
    }
}
