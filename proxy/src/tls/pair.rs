//! One certificate with its key: read from two files, and checked against each other.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    sign::CertifiedKey,
};
use time::OffsetDateTime;
use x509_parser::{certificate::X509Certificate, error::X509Error, prelude::GeneralName};

use super::{TlsError, read, read_certificates};

/// Where a certificate and its key are; both may be the same file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFiles {
    /// PEM: the server's own certificate first, then the intermediates up to the root.
    pub cert: PathBuf,
    /// PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
}

/// A certificate that can be served.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) cert_file: PathBuf,
    /// The subject alternative names that a browser would look at: DNS names in lower case (a
    /// wildcard as `*.shop.example`), and addresses. The common name does not count (RFC 9525 §2).
    pub(super) names: Vec<String>,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
}

impl Pair {
    /// # Errors
    /// Whatever would keep a handshake from succeeding, but not a leaf that is out of its time: a
    /// clock may be wrong, and a proxy that does not start serves nobody.
    pub(super) fn read(files: &PairFiles, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let chain = read_certificates(&files.cert)?;
        let key = read_key(&files.key)?;
        let bad = |source| TlsError::BadCertificate { file: files.cert.clone(), source };
        let leaf = chain.first().map(describe).transpose();
        let (names, not_before, not_after) = leaf
            .map_err(|error| bad(error.into()))?
            .ok_or_else(|| TlsError::NoCertificate { file: files.cert.clone() })?;
        let certified =
            CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    TlsError::Mismatch { cert: files.cert.clone(), key: files.key.clone() }
                }
                rustls::Error::InvalidCertificate(_) => bad(error.into()),
                source => TlsError::BadKey { file: files.key.clone(), source },
            })?;
        let cert_file = files.cert.clone();
        Ok(Self { certified: Arc::new(certified), cert_file, names, not_before, not_after })
    }

    /// What an operator should know about this certificate at the time `now`.
    pub(super) fn warnings(&self, now: OffsetDateTime) -> impl Iterator<Item = String> {
        let file = self.cert_file.display();
        let (not_before, not_after) = (self.not_before, self.not_after);
        let nameless = self.names.is_empty().then(|| {
            format!(
                "the certificate in {file} has no subject alternative name, so no client accepts \
                 it: have it issued with the shop's names"
            )
        });
        let early = (now < not_before).then(|| {
            format!(
                "the certificate in {file} is not valid before {not_before}: check this machine's \
                 clock, or serve the previous certificate until then"
            )
        });
        let late = (now > not_after).then(|| {
            format!(
                "the certificate in {file} expired at {not_after}, so clients refuse it: renew it \
                 and reload"
            )
        });
        [nameless, early, late].into_iter().flatten()
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let content = read(file)?;
    PrivateKeyDer::from_pem_slice(&content).map_err(|source| match source {
        _ if is_encrypted(&content) => TlsError::EncryptedKey { file: file.to_owned() },
        pem::Error::NoItemsFound => TlsError::NoKey { file: file.to_owned() },
        source => TlsError::NotPem { file: file.to_owned(), source },
    })
}

/// PKCS #8 says so in its label (RFC 7468 §11), the older forms in a header (RFC 1421 §4.6.1.1).
fn is_encrypted(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}

type Description = (Vec<String>, OffsetDateTime, OffsetDateTime);

fn describe(leaf: &CertificateDer<'_>) -> Result<Description, X509Error> {
    let (_, leaf) = x509_parser::parse_x509_certificate(leaf)?;
    let validity = leaf.validity();
    let (not_before, not_after) =
        (validity.not_before.to_datetime(), validity.not_after.to_datetime());
    Ok((names(&leaf)?, not_before, not_after))
}

fn names(leaf: &X509Certificate<'_>) -> Result<Vec<String>, X509Error> {
    let Some(extension) = leaf.subject_alternative_name()? else { return Ok(Vec::new()) };
    let name = |name: &GeneralName<'_>| match *name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(octets) => address(octets),
        _ => None,
    };
    Ok(extension.value.general_names.iter().filter_map(name).collect())
}

/// RFC 5280 §4.2.1.6: four octets or sixteen.
fn address(octets: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(octets).map(|it| Ipv4Addr::from(it).to_string());
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|it| Ipv6Addr::from(it).to_string())).ok()
}
