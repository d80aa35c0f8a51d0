//! TLS on both sides: the certificates that buyers see, and whom to believe to be the monolith.

mod certificates;
mod choice;
mod error;
mod pair;
#[cfg(test)]
mod tests;
mod upstream;

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use rustls::{
    RootCertStore, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};

pub use self::{
    certificates::{Certificates, Changed, ClientAuth, Expiry, Offer, Settings},
    choice::Shown,
    error::TlsError,
    pair::PairFiles,
    upstream::{Fingerprint, UpstreamTls},
};

/// HTTP/2 and HTTP/1.1 as ALPN calls them (RFC 7301 §6, RFC 9113 §3.2).
const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// A file of certificates or keys that is larger than this is a mistake.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// The cryptography, with its own list of cipher suites and key exchange groups. It is passed
/// explicitly everywhere: rustls' process-wide default would be a global.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { file: file.to_owned(), source };
    let mut content = Vec::new();
    let source = File::open(file).map_err(unreadable)?;
    let read = source.take(SIZE_LIMIT + 1).read_to_end(&mut content).map_err(unreadable)?;
    if read as u64 > SIZE_LIMIT {
        return Err(unreadable(io::Error::other("it is larger than 16 MiB")));
    }
    Ok(content)
}

/// All certificates of a PEM file in their order; at least one.
fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(file)?)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::NotPem { file: file.to_owned(), source })?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { file: file.to_owned() });
    }
    Ok(certificates)
}

/// The certificates of a CA file, as trust anchors.
fn roots(file: &Path, certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate.clone())
            .map_err(|source| TlsError::BadAuthority { file: file.to_owned(), source })?;
    }
    Ok(roots)
}
