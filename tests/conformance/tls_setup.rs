//! A CA of the tests' own, Banyan with certificates of it, and clients that look at them.

use std::{fs, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use tests::{
    banyan::{Proxy, Setup},
    project::Scratch,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::origin::Origin;

/// Every version that is spoken.
pub(crate) const ALL: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// A CA, and a directory for what it issues.
pub(crate) struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
    files: Scratch,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { ca, files: Scratch::new("pki") }
    }

    /// Where the file of that name is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Writes `NAME.pem` and `NAME.key`, over what was there; good until 2100.
    pub(crate) fn issue(&self, name: &str, hosts: &[&str]) {
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.not_after = date_time_ymd(2100, 1, 1);
        let cert = params.signed_by(&key, &self.ca).unwrap();
        fs::write(self.file(&format!("{name}.pem")), cert.pem()).unwrap();
        fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// The certificate in `NAME.pem`.
    pub(crate) fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.file(&format!("{name}.pem"))).unwrap()
    }

    /// Banyan in front of `origin`, with these certificates.
    pub(crate) async fn banyan(&self, origin: &Origin, names: &[&str], flags: &[&str]) -> Proxy {
        let mut all = vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()];
        for name in names {
            all.push(format!("--tls-cert={}", self.file(&format!("{name}.pem")).display()));
            all.push(format!("--tls-key={}", self.file(&format!("{name}.key")).display()));
        }
        all.extend(flags.iter().map(|&it| it.to_owned()));
        let setup = Setup {
            monolith: format!("http://{}", origin.address),
            routes: Some("timeouts = { handshake = \"500ms\" }\n".to_owned()),
            listen: Some("https://127.0.0.1:0".to_owned()),
            flags: all,
            ..Setup::default()
        };
        Proxy::start(setup, &[]).await.unwrap()
    }

    /// Where the CA's own certificate is.
    pub(crate) fn ca_file(&self) -> String {
        fs::write(self.file("ca.pem"), self.ca.pem()).unwrap();
        self.file("ca.pem").display().to_string()
    }

    /// A client that believes this CA, and forgets no session. Given a name, it shows that
    /// certificate.
    pub(crate) fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
        identity: Option<&str>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = PrivateKeyDer::from_pem_file(self.file(&format!("{name}.key"))).unwrap();
                builder.with_client_auth_cert(vec![self.certificate(name)], key).unwrap()
            }
        };
        config.alpn_protocols = protocols.iter().map(|&it| it.into()).collect();
        Arc::new(config)
    }
}

/// Connects, and asks for the certificate of `name`; no name is asked for where it is an address.
pub(crate) async fn connect(
    proxy: &Proxy,
    config: &Arc<ClientConfig>,
    name: &str,
) -> Result<TlsStream<TcpStream>, String> {
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::clone(config));
    connector.connect(name, stream).await.map_err(|it| it.to_string())
}
