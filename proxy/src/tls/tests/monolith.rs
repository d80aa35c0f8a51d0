//! Whom the connectors believe, and what they offer.

use super::*;

#[test]
fn each_connector_offers_its_protocol_and_resumes() {
    let pki = Pki::new();
    let server = load(vec![pki.issue("puma", &["puma.internal"])]).unwrap();
    let upstream = UpstreamTls::new(Some(&pki.ca_file())).unwrap();
    for (connector, protocol) in
        [(upstream.http1(), b"http/1.1".as_slice()), (upstream.http2(), b"h2".as_slice())]
    {
        let first = connect(connector.config(), server.offer().config(), "puma.internal").unwrap();
        assert_eq!(first.client.alpn_protocol(), Some(protocol));
        assert!(!first.is_resumed());
        let second = connect(connector.config(), server.offer().config(), "puma.internal").unwrap();
        assert!(second.is_resumed());
    }
}

#[test]
fn a_server_must_have_the_name_and_the_ca() {
    let pki = Pki::new();
    let server = load(vec![pki.issue("puma", &["puma.internal", "127.0.0.1"])]).unwrap();
    let ours = UpstreamTls::new(Some(&pki.ca_file())).unwrap().http1();
    assert!(connect(ours.config(), server.offer().config(), "puma.internal").is_ok());
    assert!(connect(ours.config(), server.offer().config(), "127.0.0.1").is_ok());
    assert!(connect(ours.config(), server.offer().config(), "other.internal").is_err());
    assert!(connect(ours.config(), server.offer().config(), "127.0.0.2").is_err());

    let stranger = Pki::new();
    let theirs = UpstreamTls::new(Some(&stranger.ca_file())).unwrap().http1();
    assert!(connect(theirs.config(), server.offer().config(), "puma.internal").is_err());
}

#[test]
fn without_a_ca_file_a_private_ca_is_not_believed() {
    let pki = Pki::new();
    let server = load(vec![pki.issue("puma", &["puma.internal"])]).unwrap();
    match UpstreamTls::new(None) {
        Ok(system) => {
            let connected =
                connect(system.http1().config(), server.offer().config(), "puma.internal");
            assert!(connected.is_err());
        }
        Err(error) => assert!(matches!(error, TlsError::NoSystemRoots { .. }), "{error}"),
    }
}
