//! TLS towards clients: several certificates, chosen by name, read again without a restart.

mod certificate;

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    server::{ProducesTickets, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use self::certificate::Named;
pub use self::certificate::TlsError;

/// Which files hold what.
#[derive(Debug, Clone)]
pub struct Files {
    /// Certificate chains and their keys, in PEM; the first is shown where no name fits.
    pub pairs: Vec<(PathBuf, PathBuf)>,
    /// Clients may show a certificate of this CA; one that shows another is refused.
    pub client_ca: Option<PathBuf>,
    /// Clients that show none are refused too.
    pub client_required: bool,
}

/// The certificates in force. Cloning is cheap and shares them.
#[derive(Debug, Clone)]
pub struct Certificates {
    files: Arc<Files>,
    config: Arc<ArcSwap<ServerConfig>>,
    /// Outlives every reload, so that sessions can be resumed afterwards.
    tickets: Arc<dyn ProducesTickets>,
}

impl Certificates {
    /// Reads every file.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn load(files: Files) -> Result<Self, TlsError> {
        let tickets = ring::Ticketer::new().map_err(TlsError::Setup)?;
        let config = config(&files, &tickets)?;
        let config = Arc::new(ArcSwap::from_pointee(config));
        Ok(Self { files: Arc::new(files), config, tickets })
    }

    /// Reads every file again. What is open stays open.
    ///
    /// # Errors
    /// [`TlsError`] names the file; the certificates that were in force stay.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.config.store(Arc::new(config(&self.files, &self.tickets)?));
        Ok(())
    }

    /// For the next connection.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }
}

fn config(files: &Files, tickets: &Arc<dyn ProducesTickets>) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let named = Named::read(&files.pairs, &provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => builder.with_client_cert_verifier(verifier(file, files, &provider)?),
    };
    let mut config = builder.with_cert_resolver(Arc::new(named));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = Arc::clone(tickets);
    Ok(config)
}

fn verifier(
    file: &PathBuf,
    files: &Files,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificate::chain(file)? {
        roots.add(certificate).map_err(|error| TlsError::Unusable(file.clone(), error))?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if files.client_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| TlsError::ClientCa(file.clone(), error))
}

#[cfg(test)]
mod tests;
