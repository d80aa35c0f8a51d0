//! TLS towards the monolith: whose certificates are believed, and what is spoken there.

use std::{path::Path, sync::Arc};

use rustls::{ClientConfig, RootCertStore, client::Resumption};
use rustls_native_certs::CertificateResult;
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsConnector;

use super::{H2, HTTP1, TlsError, VERSIONS, provider, read, read_certificates, roots};

/// Opens TLS to servers of an upstream, whose certificates must be good for the name or address
/// that is asked for. Cloning is cheap and shares the sessions that can be resumed.
#[derive(Debug, Clone)]
pub struct UpstreamTls {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl UpstreamTls {
    /// Believes the CAs in `ca_file` (PEM) and no others, or those of the system: Debian's and
    /// Red Hat's bundles, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Blocks while it reads.
    ///
    /// # Errors
    /// The file is bad, or the system has no CA.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let trusted = match ca_file {
            Some(file) => roots(file, &read_certificates(file)?)?,
            None => system_roots(rustls_native_certs::load_native_certs())?,
        };
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Provider)?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let speaking = |protocol: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.into()];
            // Its own: a session of the one protocol cannot be resumed for the other.
            config.resumption = Resumption::default();
            Arc::new(config)
        };
        Ok(Self { http1: speaking(HTTP1), http2: speaking(H2) })
    }

    /// For HTTP/1.1. A server that knows no ALPN speaks it anyway.
    pub fn http1(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.http1))
    }

    /// For HTTP/2. A server that knows no ALPN succeeds in the handshake and then speaks HTTP/1.1:
    /// see whether `alpn_protocol()` of the connection is `h2` before speaking it.
    pub fn http2(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.http2))
    }
}

/// What a file says, for those who want to know whether it changes; that it cannot be read is one of
/// the things that it may say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(Option<[u8; 32]>);

impl Fingerprint {
    /// Reads the file, and blocks while it does.
    pub fn of(file: &Path) -> Self {
        Self(read(file).ok().map(|content| Sha256::digest(content).into()))
    }
}

/// Some of a system's certificates may be odd; those that can be used are enough.
pub(super) fn system_roots(found: CertificateResult) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(TlsError::NoSystemRoots { source: found.errors.into_iter().next() });
    }
    Ok(roots)
}
