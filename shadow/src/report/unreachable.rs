//! Why a server cannot be reached, where it is TLS that keeps it from us.

use std::io;

use super::StoreError;

/// What a connection that could not be opened comes to.
pub(super) fn unreachable(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Tls(_) => StoreError::Tls(error),
        sqlx::Error::Io(io) => match of_rustls(io) {
            Some(rustls::Error::InvalidCertificate(_)) => StoreError::Certificate(error),
            Some(_) => StoreError::Tls(error),
            None => StoreError::Open(error),
        },
        _ => StoreError::Open(error),
    }
}

fn of_rustls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
