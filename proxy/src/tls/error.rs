//! What can be wrong with certificates, keys and CA files, and what to do about it.

use std::{error::Error, io, path::PathBuf};

use rustls::pki_types::pem;

/// Each names the file and says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No pair was given, so there is nothing to show to a client.
    #[error("no certificate is configured: give a certificate and its key")]
    NoPairs,
    /// The file is missing, forbidden, or too large.
    #[error("{file} cannot be read: check that it exists and that Banyan's user may read it")]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It begins like PEM and breaks off, or holds something else than base64.
    #[error("{file} is not whole PEM: write it anew, and put it in place with a rename")]
    NotPem {
        /// Which file.
        file: PathBuf,
        /// Where it breaks off.
        source: pem::Error,
    },
    /// Empty, DER, or a file of something else.
    #[error(
        "{file} holds no certificate: it must have a PEM section `BEGIN CERTIFICATE`, the server's \
         own first, then its intermediates"
    )]
    NoCertificate {
        /// Which file.
        file: PathBuf,
    },
    /// Empty, DER, or a file of something else.
    #[error(
        "{file} holds no private key: it must have a PEM section `BEGIN PRIVATE KEY`, \
         `BEGIN RSA PRIVATE KEY` or `BEGIN EC PRIVATE KEY`"
    )]
    NoKey {
        /// Which file.
        file: PathBuf,
    },
    /// There is nobody to type a passphrase when a certificate is replaced at night.
    #[error(
        "{file} is encrypted: decrypt it with `openssl pkey -in FILE -out NEWFILE` and let only \
         Banyan's user read it"
    )]
    EncryptedKey {
        /// Which file.
        file: PathBuf,
    },
    /// It is a private key, but none that can sign a handshake.
    #[error(
        "the key in {file} cannot be used: it must be RSA (2048 bits or more), ECDSA or Ed25519"
    )]
    BadKey {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The first certificate of the file is not what it claims to be.
    #[error(
        "the first certificate in {file} cannot be used: have it issued again, as X.509 version 3"
    )]
    BadCertificate {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// As happens between the replacement of the one file and of the other.
    #[error(
        "{key} is not the key of the first certificate in {cert}: put the server's own certificate \
         first, or reload again when both files are replaced"
    )]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate in a CA file cannot be trusted as a root.
    #[error("{file} cannot be used as a CA file: each of its certificates must be a CA's")]
    BadAuthority {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// As in a container image without them.
    #[error("this system has no CA certificates: install `ca-certificates`, or name a CA file")]
    NoSystemRoots {
        /// Why, if the system said so.
        source: Option<rustls_native_certs::Error>,
    },
    /// No random numbers, or no cipher suite is left.
    #[error("the cryptographic library cannot be used here: report this, with what stands below")]
    Provider(#[source] rustls::Error),
}
