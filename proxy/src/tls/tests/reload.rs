//! What a reload changes, and what it must not change.

use super::*;

#[test]
fn new_connections_get_the_new_certificate_and_open_ones_go_on() {
    let pki = Pki::new();
    let files = pki.issue("shop", &["shop.example"]);
    let certificates = load(vec![files.clone()]).unwrap();
    let old = CertificateDer::from_pem_file(&files.cert).unwrap();
    let mut open =
        connect(&Arc::new(pki.client()), certificates.offer().config(), "shop.example").unwrap();

    pki.issue("shop", &["shop.example", "pay.example"]);
    let shown = certificates.offer().shown(Some("shop.example")).unwrap();
    assert_eq!(certificates.clone().reload().unwrap(), Changed::Yes);

    assert!(open.carries("still here"));
    assert_eq!(open.client.peer_certificates().unwrap()[0], old);
    let new =
        connect(&Arc::new(pki.client()), certificates.offer().config(), "pay.example").unwrap();
    assert_ne!(new.client.peer_certificates().unwrap()[0], old);
    // An open connection is good for what its own certificate says.
    assert!(!shown.speaks_for("pay.example"));
    let shown = certificates.offer().shown(Some("shop.example")).unwrap();
    assert!(shown.speaks_for("pay.example"));
}

#[test]
fn the_same_files_change_nothing() {
    let pki = Pki::new();
    let files = pki.issue("shop", &["shop.example"]);
    let certificates = load_asking(vec![files], pki.ca_file(), true).unwrap();
    let before = certificates.offer().config();
    assert_eq!(certificates.reload().unwrap(), Changed::No);
    assert!(Arc::ptr_eq(&before, &certificates.offer().config()));
}

#[test]
fn sessions_are_resumed_after_a_reload() {
    let pki = Pki::new();
    let certificates = load(vec![pki.issue("shop", &["shop.example"])]).unwrap();
    let client = Arc::new(pki.client());
    connect(&client, certificates.offer().config(), "shop.example").unwrap();
    pki.issue("shop", &["shop.example"]);
    assert_eq!(certificates.reload().unwrap(), Changed::Yes);
    let again = connect(&client, certificates.offer().config(), "shop.example").unwrap();
    assert!(again.is_resumed());
}

#[test]
fn clients_of_a_ca_that_was_replaced_are_refused() {
    let pki = Pki::new();
    let server = pki.issue("shop", &["shop.example"]);
    let certificates = load_asking(vec![server], pki.ca_file(), true).unwrap();
    let client = Arc::new(pki.client_with(ALL, &client_identity(&pki)));
    assert!(connect(&client, certificates.offer().config(), "shop.example").is_ok());
    pki.write("ca.pem", &authority().pem());
    assert_eq!(certificates.reload().unwrap(), Changed::Yes);
    assert!(connect(&client, certificates.offer().config(), "shop.example").is_err());
}

#[test]
fn bad_files_leave_the_last_good_certificates_in_force() {
    let pki = Pki::new();
    let files = pki.issue("shop", &["shop.example"]);
    let other = pki.issue("other", &["other.example"]);
    let certificates =
        load_asking(vec![files.clone(), other.clone()], pki.ca_file(), false).unwrap();
    let before = certificates.offer().config();
    // A good new certificate must not come into force as long as another file is bad.
    pki.issue("shop", &["shop.example"]);
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
        assert!(Arc::ptr_eq(&before, &certificates.offer().config()));
        assert!(connect(&client, certificates.offer().config(), "shop.example").is_ok());
        fs::write(file, good).unwrap();
    }
    assert_eq!(certificates.reload().unwrap(), Changed::Yes);
    fs::remove_file(&files.key).unwrap();
    assert!(story(certificates.reload()).contains("cannot be read"));
    assert!(connect(&client, certificates.offer().config(), "shop.example").is_ok());
}
