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
    ServerConfig, ServerConnection, SignatureScheme,
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
        self.issue_with(name, CertificateParams::new(owned(hosts)).unwrap())
    }

    fn issue_with(&self, name: &str, params: CertificateParams) -> PairFiles {
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
        builder().with_root_certificates(self.trusted()).with_no_client_auth()
    }

    fn client_with(&self, identity: &PairFiles) -> ClientConfig {
        let chain = CertificateDer::pem_file_iter(&identity.cert).unwrap();
        let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
        builder()
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

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap()
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

mod buyers {
    use super::*;

    #[test]
    fn the_certificate_is_chosen_by_name_and_the_exact_one_before_the_wildcard() {
        let pki = Pki::new();
        let pairs = vec![
            pki.issue("first", &["shop.example"]),
            pki.issue("wildcard", &["*.shop.example"]),
            pki.issue("exact", &["pay.shop.example"]),
        ];
        let certificates = load(pairs.clone()).unwrap();
        let client = builder()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Credulous))
            .with_no_client_auth();
        let client = Arc::new(client);
        for (host, file) in [
            ("shop.example", "first.pem"),
            ("SHOP.example", "first.pem"),
            ("pay.shop.example", "exact.pem"),
            ("www.shop.example", "wildcard.pem"),
            ("a.b.shop.example", "first.pem"),
            ("elsewhere.example", "first.pem"),
            ("127.0.0.1", "first.pem"),
        ] {
            let connected = connect(&client, certificates.config(), host).unwrap();
            assert_eq!(shown(&connected, &pairs), pki.path(file), "{host}");
        }
    }

    #[test]
    fn a_host_is_covered_by_the_certificate_that_was_served_and_by_no_other() {
        let pki = Pki::new();
        let certificates = load(vec![
            pki.issue("a", &["shop.example", "*.shop.example", "10.0.0.7", "2001:db8::7"]),
            pki.issue("b", &["pay.example", "shop.example"]),
        ])
        .unwrap();
        for (sni, host, covered) in [
            (Some("shop.example"), "shop.example", true),
            (Some("shop.example"), "Shop.Example.", true),
            (Some("shop.example"), "www.shop.example", true),
            (Some("shop.example"), "a.b.shop.example", false),
            (Some("shop.example"), ".shop.example", false),
            (Some("shop.example"), "*.shop.example", true),
            (Some("shop.example"), "pay.example", false),
            (Some("shop.example"), "", false),
            (Some("pay.example"), "pay.example", true),
            (Some("pay.example"), "shop.example", true),
            (Some("pay.example"), "www.shop.example", false),
            (Some("elsewhere.example"), "shop.example", true),
            (Some("elsewhere.example"), "elsewhere.example", false),
            (None, "shop.example", true),
            (None, "10.0.0.7", true),
            (None, "10.0.0.8", false),
            (None, "[2001:db8::7]", true),
            (None, "[2001:DB8:0::7]", true),
            (None, "[2001:db8::8]", false),
        ] {
            assert_eq!(certificates.covers(sni, host), covered, "{sni:?} {host}");
        }
    }

    #[test]
    fn http_2_and_http_1_1_are_negotiated_and_nothing_else() {
        let pki = Pki::new();
        let certificates = load(vec![pki.issue("shop", &["shop.example"])]).unwrap();
        let negotiated = |offered: &[&str]| {
            let mut client = pki.client();
            client.alpn_protocols = offered.iter().map(|&it| it.into()).collect();
            connect(&Arc::new(client), certificates.config(), "shop.example")
                .map(|it| it.server.alpn_protocol().map(<[u8]>::to_vec))
        };
        assert_eq!(negotiated(&["h2", "http/1.1"]), Ok(Some(b"h2".to_vec())));
        assert_eq!(negotiated(&["http/1.1"]), Ok(Some(b"http/1.1".to_vec())));
        assert_eq!(negotiated(&[]), Ok(None));
        assert_eq!(negotiated(&["h3"]), Err(rustls::Error::NoApplicationProtocol));
    }

    #[test]
    fn tls_1_2_and_1_3_are_spoken_and_resumed() {
        let pki = Pki::new();
        let certificates = load(vec![pki.issue("shop", &["shop.example"])]).unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let client = ClientConfig::builder_with_provider(provider())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(pki.trusted())
                .with_no_client_auth();
            let client = Arc::new(client);
            let first = connect(&client, certificates.config(), "shop.example").unwrap();
            assert_eq!(first.server.protocol_version(), Some(version.version));
            assert!(!first.is_resumed());
            let second = connect(&client, certificates.config(), "shop.example").unwrap();
            assert!(second.is_resumed(), "{version:?}");
        }
    }

    #[test]
    fn without_a_certificate_there_is_nothing_to_serve() {
        assert!(story(load(Vec::new())).contains("give a certificate"));
    }

    #[test]
    fn expiries_tell_names_and_the_last_moment() {
        let pki = Pki::new();
        let mut params = CertificateParams::new(owned(&["Shop.example", "10.0.0.7"])).unwrap();
        params.not_after = datetime!(2031-02-03 04:05:06 UTC);
        let certificates = load(vec![pki.issue_with("shop", params)]).unwrap();
        let expiries = certificates.expiries();
        assert_eq!(expiries.len(), 1);
        assert_eq!(expiries[0].names, ["shop.example", "10.0.0.7"]);
        assert_eq!(expiries[0].not_after, datetime!(2031-02-03 04:05:06 UTC));
    }
}

mod reload {
    use super::*;

    #[test]
    fn new_connections_get_the_new_certificate_and_open_ones_go_on() {
        let pki = Pki::new();
        let files = pki.issue("shop", &["shop.example"]);
        let certificates = load(vec![files.clone()]).unwrap();
        let old = CertificateDer::from_pem_file(&files.cert).unwrap();
        let mut open =
            connect(&Arc::new(pki.client()), certificates.config(), "shop.example").unwrap();

        pki.issue("shop", &["shop.example", "pay.example"]);
        assert!(!certificates.covers(Some("shop.example"), "pay.example"));
        assert_eq!(certificates.clone().reload().unwrap(), Changed::Yes);

        assert!(open.carries("still here"));
        assert_eq!(open.client.peer_certificates().unwrap()[0], old);
        let new = connect(&Arc::new(pki.client()), certificates.config(), "pay.example").unwrap();
        assert_ne!(new.client.peer_certificates().unwrap()[0], old);
        assert!(certificates.covers(Some("shop.example"), "pay.example"));
    }

    #[test]
    fn the_same_files_change_nothing() {
        let pki = Pki::new();
        let files = pki.issue("shop", &["shop.example"]);
        let certificates = load_asking(vec![files], pki.ca_file(), true).unwrap();
        let before = certificates.config();
        assert_eq!(certificates.reload().unwrap(), Changed::No);
        assert!(Arc::ptr_eq(&before, &certificates.config()));
    }

    #[test]
    fn sessions_are_resumed_after_a_reload() {
        let pki = Pki::new();
        let certificates = load(vec![pki.issue("shop", &["shop.example"])]).unwrap();
        let client = Arc::new(pki.client());
        connect(&client, certificates.config(), "shop.example").unwrap();
        pki.issue("shop", &["shop.example"]);
        assert_eq!(certificates.reload().unwrap(), Changed::Yes);
        let again = connect(&client, certificates.config(), "shop.example").unwrap();
        assert!(again.is_resumed());
    }

    #[test]
    fn sessions_of_clients_are_not_resumed_when_their_ca_was_replaced() {
        let pki = Pki::new();
        let server = pki.issue("shop", &["shop.example"]);
        let certificates = load_asking(vec![server], pki.ca_file(), true).unwrap();
        let client = Arc::new(pki.client_with(&client_identity(&pki)));
        connect(&client, certificates.config(), "shop.example").unwrap();
        let again = connect(&client, certificates.config(), "shop.example").unwrap();
        assert!(again.is_resumed());

        pki.write("ca.pem", &authority().pem());
        assert_eq!(certificates.reload().unwrap(), Changed::Yes);
        assert!(connect(&client, certificates.config(), "shop.example").is_err());
    }

    #[test]
    fn bad_files_leave_the_last_good_certificates_in_force() {
        let pki = Pki::new();
        let files = pki.issue("shop", &["shop.example"]);
        let other = pki.issue("other", &["other.example"]);
        let certificates =
            load_asking(vec![files.clone(), other.clone()], pki.ca_file(), false).unwrap();
        let before = certificates.config();
        let client = Arc::new(pki.client());
        for (file, content) in [
            (&files.cert, ""),
            (&files.key, ""),
            (&other.cert, "-----BEGIN CERTIFICATE-----\nMIIB"),
            (&other.key, &pki.ca.key().serialize_pem()),
            (&pki.path("ca.pem"), ""),
        ] {
            let good = fs::read(file).unwrap();
            fs::write(file, content).unwrap();
            assert!(story(certificates.reload()).contains(file.to_str().unwrap()));
            assert!(Arc::ptr_eq(&before, &certificates.config()));
            assert!(connect(&client, certificates.config(), "shop.example").is_ok());
            fs::write(file, good).unwrap();
        }
        fs::remove_file(&files.key).unwrap();
        assert!(story(certificates.reload()).contains("cannot be read"));
        assert!(connect(&client, certificates.config(), "shop.example").is_ok());
    }
}

mod faults {
    use super::*;

    #[test]
    fn each_names_the_file_and_what_to_do() {
        let pki = Pki::new();
        let good = pki.issue("shop", &["shop.example"]);
        let other = pki.issue("other", &["other.example"]);
        let missing = pki.path("missing.pem");
        let empty = pki.write("empty.pem", "");
        let torn = pki.write("torn.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
        let not_der = pki.write("not-der.pem", &pem_of("CERTIFICATE"));
        let pkcs8 = pki.write("pkcs8.key", &pem_of("ENCRYPTED PRIVATE KEY"));
        let legacy = pki.write(
            "legacy.key",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
             DEK-Info: AES-256-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n",
        );
        let odd_key = pki.write("odd.key", &pem_of("PRIVATE KEY"));
        for (cert, key, culprit, advice) in [
            (&missing, &good.key, &missing, "check that it exists"),
            (&good.cert, &missing, &missing, "check that it exists"),
            (&empty, &good.key, &empty, "BEGIN CERTIFICATE"),
            (&good.key, &good.key, &good.key, "BEGIN CERTIFICATE"),
            (&torn, &good.key, &torn, "with a rename"),
            (&not_der, &good.key, &not_der, "issued again"),
            (&good.cert, &empty, &empty, "BEGIN PRIVATE KEY"),
            (&good.cert, &good.cert, &good.cert, "BEGIN PRIVATE KEY"),
            (&good.cert, &pkcs8, &pkcs8, "openssl pkey"),
            (&good.cert, &legacy, &legacy, "openssl pkey"),
            (&good.cert, &odd_key, &odd_key, "must be RSA, ECDSA"),
            (&good.cert, &other.key, &other.key, "reload again when both"),
        ] {
            let pair = PairFiles { cert: cert.clone(), key: key.clone() };
            let story = story(load(vec![pair]));
            assert!(story.contains(culprit.to_str().unwrap()), "{story}");
            assert!(story.contains(advice), "{story}");
        }
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_one() {
        let pki = Pki::new();
        let pair = pki.issue("shop", &["shop.example"]);
        let empty = pki.write("empty.pem", "");
        let not_der = pki.write("not-der.pem", &pem_of("CERTIFICATE"));
        for file in [empty, not_der] {
            let name = file.to_str().unwrap().to_owned();
            assert!(story(UpstreamTls::new(Some(&file))).contains(&name));
            assert!(story(load_asking(vec![pair.clone()], file, false)).contains(&name));
        }
    }

    #[test]
    fn what_a_handshake_survives_is_a_warning() {
        let pki = Pki::new();
        let mut params = CertificateParams::new(owned(&["shop.example"])).unwrap();
        params.not_before = datetime!(2030-01-01 00:00 UTC);
        params.not_after = datetime!(2030-04-01 00:00 UTC);
        let dated = pki.issue_with("dated", params);
        let nameless = pki.issue("nameless", &[]);
        let hidden = pki.issue("hidden", &["shop.example"]);

        let warnings = |pairs: &[&PairFiles], now: OffsetDateTime| {
            let pairs = pairs.iter().copied().cloned().collect();
            let settings = Settings { pairs, client_auth: None };
            certificates::Inputs::read(&settings, &provider()).unwrap().warnings(now)
        };
        let within = datetime!(2030-02-01 00:00 UTC);
        assert_eq!(warnings(&[&dated], within), Vec::<String>::new());
        for (pairs, now, file, advice) in [
            (vec![&dated], datetime!(2029-12-31 23:59 UTC), "dated.pem", "clock"),
            (vec![&dated], datetime!(2030-04-01 00:01 UTC), "dated.pem", "renew it"),
            (vec![&nameless], within, "nameless.pem", "have it issued"),
            (vec![&dated, &hidden], within, "hidden.pem", "remove it"),
        ] {
            let found = warnings(&pairs, now);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(pki.path(file).to_str().unwrap()), "{found:?}");
            assert!(found[0].contains(advice), "{found:?}");
        }
    }

    #[test]
    fn a_system_without_cas_is_one() {
        assert!(
            story(upstream::system_roots(CertificateResult::default())).contains("ca-certificates")
        );
    }

    fn pem_of(label: &str) -> String {
        format!("-----BEGIN {label}-----\nMAMCAQA=\n-----END {label}-----\n")
    }
}

mod clients {
    use super::*;

    #[test]
    fn a_required_certificate_must_be_there_and_be_the_cas() {
        let pki = Pki::new();
        let server = pki.issue("shop", &["shop.example"]);
        let certificates = load_asking(vec![server], pki.ca_file(), true).unwrap();
        let connect = |client| connect(&Arc::new(client), certificates.config(), "shop.example");
        let known = connect(pki.client_with(&client_identity(&pki))).unwrap();
        assert_eq!(known.server.peer_certificates().unwrap().len(), 1);
        assert!(connect(pki.client()).is_err());
        assert!(connect(pki.client_with(&client_identity(&Pki::new()))).is_err());
    }

    #[test]
    fn an_optional_certificate_may_be_absent_but_not_anothers() {
        let pki = Pki::new();
        let server = pki.issue("shop", &["shop.example"]);
        let certificates = load_asking(vec![server], pki.ca_file(), false).unwrap();
        let connect = |client| connect(&Arc::new(client), certificates.config(), "shop.example");
        let known = connect(pki.client_with(&client_identity(&pki))).unwrap();
        assert_eq!(known.server.peer_certificates().unwrap().len(), 1);
        let unknown = connect(pki.client()).unwrap();
        assert!(unknown.server.peer_certificates().is_none());
        assert!(connect(pki.client_with(&client_identity(&Pki::new()))).is_err());
    }
}

mod monolith {
    use super::*;

    #[test]
    fn each_connector_offers_its_protocol_and_resumes() {
        let pki = Pki::new();
        let server = load(vec![pki.issue("puma", &["puma.internal"])]).unwrap();
        let upstream = UpstreamTls::new(Some(&pki.ca_file())).unwrap();
        for (connector, protocol) in
            [(upstream.http1(), b"http/1.1".as_slice()), (upstream.http2(), b"h2".as_slice())]
        {
            let first = connect(connector.config(), server.config(), "puma.internal").unwrap();
            assert_eq!(first.client.alpn_protocol(), Some(protocol));
            assert!(!first.is_resumed());
            let second = connect(connector.config(), server.config(), "puma.internal").unwrap();
            assert!(second.is_resumed());
        }
    }

    #[test]
    fn a_server_must_have_the_name_and_the_ca() {
        let pki = Pki::new();
        let server = load(vec![pki.issue("puma", &["puma.internal", "127.0.0.1"])]).unwrap();
        let ours = UpstreamTls::new(Some(&pki.ca_file())).unwrap().http1();
        assert!(connect(ours.config(), server.config(), "puma.internal").is_ok());
        assert!(connect(ours.config(), server.config(), "127.0.0.1").is_ok());
        assert!(connect(ours.config(), server.config(), "other.internal").is_err());
        assert!(connect(ours.config(), server.config(), "127.0.0.2").is_err());

        let stranger = Pki::new();
        let theirs = UpstreamTls::new(Some(&stranger.ca_file())).unwrap().http1();
        assert!(connect(theirs.config(), server.config(), "puma.internal").is_err());
    }

    #[test]
    fn without_a_ca_file_a_private_ca_is_not_believed() {
        let pki = Pki::new();
        let server = load(vec![pki.issue("puma", &["puma.internal"])]).unwrap();
        match UpstreamTls::new(None) {
            Ok(system) => {
                let connected = connect(system.http1().config(), server.config(), "puma.internal");
                assert!(connected.is_err());
            }
            Err(error) => assert!(matches!(error, TlsError::NoSystemRoots { .. }), "{error}"),
        }
    }
}

fn client_identity(pki: &Pki) -> PairFiles {
    let mut params = CertificateParams::new(owned(&["clerk.example"])).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    pki.issue_with("clerk", params)
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
