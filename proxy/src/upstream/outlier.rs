//! Passive outlier detection: whose requests fail again and again is left alone for a while.
//!
//! After Envoy's `consecutive_gateway_failure` and `consecutive_local_origin_failure`, counted
//! together. An error of the application (500) comes from a server that works: leaving it alone
//! would only send the same request to the next one.

use std::sync::PoisonError;

use http::StatusCode;
use tokio::time::Instant;

use super::{Outcome, Server, Upstream};

impl Outcome {
    const fn is_failure(self) -> bool {
        match self {
            Self::Answered(status) => matches!(
                status,
                StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::ConnectFailed | Self::BrokeOff | Self::TimedOut => true,
        }
    }
}

impl Upstream {
    /// Counts an outcome, and ejects the server if it was one failure too many.
    pub(super) fn learn(&self, server: &Server, outcome: Outcome) {
        if !outcome.is_failure() {
            server.succeeded();
        } else if self.settings.outlier.consecutive > 0
            && server.failed(self.settings.outlier.consecutive)
        {
            self.eject(server, outcome);
        }
    }

    /// A server that was asked because no other was left has answered: it is back.
    pub fn readmit(&self, server: &Server) {
        if server.readmit(Instant::now()) {
            let (upstream, server) = (&self.name, server.label());
            tracing::info!(upstream, server, "server answers again");
            self.servers_changed();
        }
    }

    fn eject(&self, server: &Server, outcome: Outcome) {
        let deciding = self.shared.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let ejected = self.servers.iter().filter(|it| it.ejected_until(now).is_some()).count();
        let percent = usize::from(self.settings.outlier.max_ejected_percent);
        let may_be_ejected = (self.servers.len() * percent / 100).max(1);
        if ejected >= may_be_ejected {
            return;
        }
        let Some(ejected_for) = server.eject(now, &self.settings.outlier) else { return };
        drop(deciding);
        let (upstream, server) = (&self.name, server.label());
        tracing::warn!(upstream, server, last = ?outcome, ?ejected_for, "server ejected");
        // Fewer usable servers may mean panic, and then all of them may be used.
        self.servers_changed();
    }
}
