//! Which certificate a buyer gets, and what is negotiated.

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
    let client = builder(ALL)
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
        let connected = connect(&client, certificates.offer().config(), host).unwrap();
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
    let offer = certificates.offer();
    for (sni, host, covered) in [
        ("shop.example", "shop.example", true),
        ("shop.example", "Shop.Example.", true),
        ("shop.example", "www.shop.example", true),
        ("www.shop.example", "shop.example", true),
        ("shop.example", "a.b.shop.example", false),
        ("shop.example", ".shop.example", false),
        ("shop.example", "pay.example", false),
        ("shop.example", "", false),
        ("pay.example", "pay.example", true),
        ("pay.example", "shop.example", true),
        ("pay.example", "www.shop.example", false),
        ("shop.example", "10.0.0.7", true),
        ("shop.example", "10.0.0.8", false),
        ("shop.example", "[2001:db8::7]", true),
        ("shop.example", "[2001:DB8:0::7]", true),
        ("shop.example", "[2001:db8::8]", false),
    ] {
        let shown = offer.shown(Some(sni)).unwrap();
        assert_eq!(shown.speaks_for(host), covered, "{sni} {host}");
    }
    // Who looks at no names is not held to them.
    assert!(offer.shown(None).is_none());
    assert!(offer.shown(Some("elsewhere.example")).is_none());
}

#[test]
fn http_2_and_http_1_1_are_negotiated_and_nothing_else() {
    let pki = Pki::new();
    let certificates = load(vec![pki.issue("shop", &["shop.example"])]).unwrap();
    let negotiated = |offered: &[&str]| {
        let mut client = pki.client();
        client.alpn_protocols = offered.iter().map(|&it| it.into()).collect();
        connect(&Arc::new(client), certificates.offer().config(), "shop.example")
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
        let client =
            builder(&[version]).with_root_certificates(pki.trusted()).with_no_client_auth();
        let client = Arc::new(client);
        let first = connect(&client, certificates.offer().config(), "shop.example").unwrap();
        assert_eq!(first.server.protocol_version(), Some(version.version));
        assert!(!first.is_resumed());
        let second = connect(&client, certificates.offer().config(), "shop.example").unwrap();
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
    let certificates = load(vec![pki.issue_with("shop", &params)]).unwrap();
    let expiries = certificates.expiries();
    assert_eq!(expiries.len(), 1);
    assert_eq!(expiries[0].names, ["shop.example", "10.0.0.7"]);
    assert_eq!(expiries[0].not_after, datetime!(2031-02-03 04:05:06 UTC));
}
