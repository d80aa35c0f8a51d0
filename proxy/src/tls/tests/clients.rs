//! Certificates of clients, required or optional.

use super::*;

#[test]
fn a_required_certificate_must_be_there_and_be_the_cas() {
    let pki = Pki::new();
    let server = pki.issue("shop", &["shop.example"]);
    let certificates = load_asking(vec![server], pki.ca_file(), true).unwrap();
    let connect =
        |client| connect(&Arc::new(client), certificates.offer().config(), "shop.example");
    let known = connect(pki.client_with(ALL, &client_identity(&pki))).unwrap();
    assert_eq!(known.server.peer_certificates().unwrap().len(), 1);
    assert!(connect(pki.client()).is_err());
    assert!(connect(pki.client_with(ALL, &client_identity(&Pki::new()))).is_err());
}

#[test]
fn an_optional_certificate_may_be_absent_but_not_anothers() {
    let pki = Pki::new();
    let server = pki.issue("shop", &["shop.example"]);
    let certificates = load_asking(vec![server], pki.ca_file(), false).unwrap();
    let connect =
        |client| connect(&Arc::new(client), certificates.offer().config(), "shop.example");
    let known = connect(pki.client_with(ALL, &client_identity(&pki))).unwrap();
    assert_eq!(known.server.peer_certificates().unwrap().len(), 1);
    let unknown = connect(pki.client()).unwrap();
    assert!(unknown.server.peer_certificates().is_none());
    assert!(connect(pki.client_with(ALL, &client_identity(&Pki::new()))).is_err());
}

#[test]
fn a_client_that_could_be_asked_is_verified_in_every_handshake() {
    let pki = Pki::new();
    let server = pki.issue("shop", &["shop.example"]);
    let identity = client_identity(&pki);
    for required in [true, false] {
        let certificates = load_asking(vec![server.clone()], pki.ca_file(), required).unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let client = Arc::new(pki.client_with(&[version], &identity));
            for _ in 0..2 {
                let connected =
                    connect(&client, certificates.offer().config(), "shop.example").unwrap();
                assert!(!connected.is_resumed());
            }
        }
    }
}
