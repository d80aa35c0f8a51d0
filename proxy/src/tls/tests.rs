//! What clients are shown, and what a bad file changes: nothing.

use std::{fs, path::Path, sync::Arc};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::io::duplex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

/// Writes a certificate for `names` and its key; returns the paths.
fn pair(directory: &Path, stem: &str, names: &[&str]) -> (PathBuf, PathBuf) {
    let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let (chain, key) =
        (directory.join(format!("{stem}.crt")), directory.join(format!("{stem}.key")));
    fs::write(&chain, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    (chain, key)
}

fn files(pairs: Vec<(PathBuf, PathBuf)>) -> Files {
    Files { pairs, client_ca: None, client_required: false }
}

/// Whether a client that trusts only `trusted` gets a session for `name`, and over which protocol.
async fn connects(
    certificates: &Certificates,
    trusted: &Path,
    name: &str,
    alpn: &[&str],
) -> Option<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate::chain(trusted).unwrap().remove(0)).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|it| it.as_bytes().to_vec()).collect();
    let (ours, theirs) = duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(certificates.config());
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let (accepted, connected) =
        tokio::join!(acceptor.accept(ours), connector.connect(name, theirs));
    let protocol = accepted.ok()?.get_ref().1.alpn_protocol().unwrap_or_default().to_vec();
    connected.ok().map(|_| protocol)
}

#[tokio::test]
async fn a_client_is_shown_the_certificate_of_the_name_that_it_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    let shop = pair(directory.path(), "shop", &["shop.test"]);
    let all = pair(directory.path(), "all", &["*.shop.test"]);
    let certificates = Certificates::load(files(vec![shop.clone(), all.clone()])).unwrap();
    assert!(connects(&certificates, &shop.0, "shop.test", &[]).await.is_some());
    assert!(connects(&certificates, &all.0, "www.shop.test", &[]).await.is_some());
    assert!(connects(&certificates, &all.0, "shop.test", &[]).await.is_none());
    assert!(connects(&certificates, &shop.0, "a.b.shop.test", &[]).await.is_none());
}

#[tokio::test]
async fn both_versions_of_http_are_offered() {
    let directory = tempfile::tempdir().unwrap();
    let shop = pair(directory.path(), "shop", &["shop.test"]);
    let certificates = Certificates::load(files(vec![shop.clone()])).unwrap();
    for (offered, chosen) in
        [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"][..], "http/1.1"), (&[][..], "")]
    {
        let protocol = connects(&certificates, &shop.0, "shop.test", offered).await.unwrap();
        assert_eq!(protocol, chosen.as_bytes());
    }
}

#[tokio::test]
async fn a_reload_shows_the_new_certificate_and_a_bad_one_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let shop = pair(directory.path(), "shop", &["shop.test"]);
    let certificates = Certificates::load(files(vec![shop.clone()])).unwrap();
    let old = directory.path().join("old.crt");
    fs::copy(&shop.0, &old).unwrap();
    pair(directory.path(), "shop", &["shop.test"]);
    certificates.reload().unwrap();
    assert!(connects(&certificates, &shop.0, "shop.test", &[]).await.is_some());
    assert!(connects(&certificates, &old, "shop.test", &[]).await.is_none());

    let new = directory.path().join("new.crt");
    fs::copy(&shop.0, &new).unwrap();
    for bad in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        fs::write(&shop.0, bad).unwrap();
        let error = certificates.reload().unwrap_err().to_string();
        assert!(error.contains("shop."), "{error}");
        assert!(connects(&certificates, &new, "shop.test", &[]).await.is_some());
    }
}

#[test]
fn a_key_of_another_certificate_is_refused_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let (chain, _) = pair(directory.path(), "a", &["a.test"]);
    let (_, key) = pair(directory.path(), "b", &["b.test"]);
    let error = Certificates::load(files(vec![(chain, key)])).unwrap_err().to_string();
    assert!(error.contains("b.key"), "{error}");
    assert!(matches!(Certificates::load(files(Vec::new())), Err(TlsError::None)));
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_required() {
    let directory = tempfile::tempdir().unwrap();
    let shop = pair(directory.path(), "shop", &["shop.test"]);
    let (ca, _) = pair(directory.path(), "ca", &["ca.test"]);
    for (client_required, refused) in [(false, false), (true, true)] {
        let files =
            Files { client_ca: Some(ca.clone()), client_required, ..files(vec![shop.clone()]) };
        let certificates = Certificates::load(files).unwrap();
        assert_eq!(connects(&certificates, &shop.0, "shop.test", &[]).await.is_none(), refused);
    }
}
