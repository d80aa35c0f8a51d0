//! A CA of the tests' own, and handshakes in memory: no socket, no clock.

mod buyers;
mod clients;
mod faults;
mod monolith;
mod reload;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, RootCertStore,
    ServerConfig, ServerConnection, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_native_certs::CertificateResult;
use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};

use super::{
    Certificates, Changed, ClientAuth, PairFiles, Settings, TlsError, UpstreamTls, certificates,
    provider, upstream,
};
use crate::error::Chain;

const ALL: &[&SupportedProtocolVersion] = super::VERSIONS;

/// A CA, and a directory for what it issues.
struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Pki {
    fn new() -> Self {
        Self { ca: authority(), directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// Writes `NAME.pem` and `NAME.key`, and reads them back as the settings name them.
    fn issue(&self, name: &str, hosts: &[&str]) -> PairFiles {
        self.issue_with(name, &CertificateParams::new(owned(hosts)).unwrap())
    }

    fn issue_with(&self, name: &str, params: &CertificateParams) -> PairFiles {
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.ca).unwrap();
        PairFiles {
            cert: self.write(&format!("{name}.pem"), &cert.pem()),
            key: self.write(&format!("{name}.key"), &key.serialize_pem()),
        }
    }

    fn ca_file(&self) -> PathBuf {
        self.write("ca.pem", &self.ca.pem())
    }

    /// A client that believes this CA, and forgets no session.
    fn client(&self) -> ClientConfig {
        builder(ALL).with_root_certificates(self.trusted()).with_no_client_auth()
    }

    fn client_with(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        identity: &PairFiles,
    ) -> ClientConfig {
        let chain = CertificateDer::pem_file_iter(&identity.cert).unwrap();
        let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
        builder(versions)
            .with_root_certificates(self.trusted())
            .with_client_auth_cert(chain.map(Result::unwrap).collect(), key)
            .unwrap()
    }

    fn trusted(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.der().clone()).unwrap();
        roots
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn owned(hosts: &[&str]) -> Vec<String> {
    hosts.iter().map(|&host| host.to_owned()).collect()
}

fn builder(
    versions: &[&'static SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap()
}

fn load(pairs: Vec<PairFiles>) -> Result<Certificates, TlsError> {
    Certificates::load(Settings { pairs, client_auth: None })
}

fn load_asking(
    pairs: Vec<PairFiles>,
    ca_file: PathBuf,
    required: bool,
) -> Result<Certificates, TlsError> {
    Certificates::load(Settings { pairs, client_auth: Some(ClientAuth { ca_file, required }) })
}

/// Both ends of a connection whose handshake succeeded.
struct Connected {
    client: ClientConnection,
    server: ServerConnection,
}

impl Connected {
    /// Carries what each side has to say to the other until both are silent.
    fn settle(&mut self) -> Result<(), rustls::Error> {
        loop {
            let mut wire = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut wire).unwrap();
            }
            let mut unread = wire.as_slice();
            while !unread.is_empty() {
                self.server.read_tls(&mut unread).unwrap();
                self.server.process_new_packets()?;
            }
            let mut answer = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut answer).unwrap();
            }
            if wire.is_empty() && answer.is_empty() {
                return Ok(());
            }
            let mut unread = answer.as_slice();
            while !unread.is_empty() {
                self.client.read_tls(&mut unread).unwrap();
                self.client.process_new_packets()?;
            }
        }
    }

    fn is_resumed(&self) -> bool {
        let kinds = (self.client.handshake_kind(), self.server.handshake_kind());
        kinds == (Some(HandshakeKind::Resumed), Some(HandshakeKind::Resumed))
    }

    /// The client sends `text` and the server reads it.
    fn carries(&mut self, text: &str) -> bool {
        self.client.writer().write_all(text.as_bytes()).unwrap();
        self.settle().unwrap();
        let mut received = vec![0; text.len()];
        self.server.reader().read_exact(&mut received).unwrap();
        received == text.as_bytes()
    }
}

fn connect(
    client: &Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    host: &str,
) -> Result<Connected, rustls::Error> {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut connected = Connected {
        client: ClientConnection::new(Arc::clone(client), name).unwrap(),
        server: ServerConnection::new(server).unwrap(),
    };
    connected.settle()?;
    Ok(connected)
}

/// The certificate file whose leaf the client was shown.
fn shown<'a>(connected: &Connected, pairs: &'a [PairFiles]) -> &'a Path {
    let leaf = &connected.client.peer_certificates().unwrap()[0];
    let is_leaf = |it: &&PairFiles| CertificateDer::from_pem_file(&it.cert).unwrap() == *leaf;
    &pairs.iter().find(is_leaf).unwrap().cert
}

/// The whole story of an error, as the log tells it.
fn story<T: std::fmt::Debug>(result: Result<T, TlsError>) -> String {
    Chain(&result.unwrap_err()).to_string()
}

fn client_identity(pki: &Pki) -> PairFiles {
    let mut params = CertificateParams::new(owned(&["clerk.example"])).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    pki.issue_with("clerk", &params)
}

/// A client that accepts a certificate for another name than it asked for, so as to see it.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
