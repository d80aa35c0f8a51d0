//! Certificates and keys: read from PEM files, and found by the name that a client asks for.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert, VerifierBuilderError},
    sign::CertifiedKey,
};
use x509_parser::{extensions::GeneralName, prelude::FromDer as _};

/// Why the certificates cannot be used. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate was named.
    #[error("https:// needs --tls-cert and --tls-key, once for each certificate")]
    None,
    /// A file is not PEM, or holds nothing of what it should.
    #[error("{0} cannot be read: it must be PEM")]
    Unreadable(PathBuf, #[source] pem::Error),
    /// There is no certificate in it.
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    /// The key is not the certificate's, or of a kind that is not supported.
    #[error("{0} cannot be used: is it the key of the certificate?")]
    Unusable(PathBuf, #[source] rustls::Error),
    /// The first certificate of a chain is no X.509 certificate.
    #[error("{0} holds a certificate that cannot be read")]
    Malformed(PathBuf, #[source] x509_parser::nom::Err<x509_parser::error::X509Error>),
    /// The CA of client certificates cannot be used.
    #[error("{0} cannot be used to check client certificates")]
    ClientCa(PathBuf, #[source] VerifierBuilderError),
    /// The TLS library could not be set up.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// Certificates by the names that they are for.
#[derive(Debug)]
pub(super) struct Named {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By what follows `*.`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    /// For clients that name nothing, or nothing that is known.
    first: Arc<CertifiedKey>,
}

impl Named {
    pub(super) fn read(
        pairs: &[(PathBuf, PathBuf)],
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let mut read = Vec::new();
        for (chain, key) in pairs {
            read.push((certified(chain, key, provider)?, names(chain)?));
        }
        let first = read.first().map(|(key, _)| Arc::clone(key)).ok_or(TlsError::None)?;
        let mut named = Self { exact: HashMap::new(), wildcard: HashMap::new(), first };
        for (key, names) in read {
            for name in names {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut named.wildcard, parent.to_owned()),
                    None => (&mut named.exact, name),
                };
                map.entry(name).or_insert_with(|| Arc::clone(&key));
            }
        }
        Ok(named)
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        // A wildcard stands for one label (RFC 9525 §6.3).
        let parent = name.split_once('.').map(|(_, parent)| parent);
        self.exact.get(&name).or_else(|| self.wildcard.get(parent?))
    }
}

impl ResolvesServerCert for Named {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().and_then(|name| self.find(name));
        Some(Arc::clone(found.unwrap_or(&self.first)))
    }
}

/// Every certificate of a file.
pub(super) fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error| TlsError::Unreadable(file.to_owned(), error);
    let chain: Vec<_> = CertificateDer::pem_file_iter(file)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() { Err(TlsError::Empty(file.to_owned())) } else { Ok(chain) }
}

fn certified(
    chain: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificates = self::chain(chain)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsError::Unreadable(key.to_owned(), error))?;
    let unusable = |error| TlsError::Unusable(key.to_owned(), error);
    let certified = CertifiedKey::from_der(certificates, secret, provider).map_err(unusable)?;
    certified.keys_match().map_err(unusable)?;
    Ok(Arc::new(certified))
}

/// The DNS names of a chain's first certificate, in lower case.
fn names(file: &Path) -> Result<Vec<String>, TlsError> {
    let chain = chain(file)?;
    let Some(leaf) = chain.first() else { return Ok(Vec::new()) };
    let malformed = |error| TlsError::Malformed(file.to_owned(), error);
    let (_, leaf) = x509_parser::certificate::X509Certificate::from_der(leaf).map_err(malformed)?;
    if !leaf.validity().is_valid() {
        let (from, until) = (&leaf.validity().not_before, &leaf.validity().not_after);
        tracing::warn!(file = %file.display(), %from, %until, "the certificate is not valid now");
    }
    let Ok(Some(names)) = leaf.subject_alternative_name() else { return Ok(Vec::new()) };
    let names = names.value.general_names.iter().filter_map(|it| match it {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    Ok(names.collect())
}
