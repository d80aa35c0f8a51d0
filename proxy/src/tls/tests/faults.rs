//! Bad files: each is named, with what to do about it.

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
    let version_1 = pki.write("version-1.pem", &as_version_1(&good.cert));
    let odd_key = pki.write("odd.key", &pem_of("PRIVATE KEY"));
    for (cert, key, culprit, advice) in [
        (&missing, &good.key, &missing, "check that it exists"),
        (&good.cert, &missing, &missing, "check that it exists"),
        (&empty, &good.key, &empty, "BEGIN CERTIFICATE"),
        (&good.key, &good.key, &good.key, "BEGIN CERTIFICATE"),
        (&torn, &good.key, &torn, "with a rename"),
        (&not_der, &good.key, &not_der, "issued again"),
        (&version_1, &good.key, &version_1, "issued again"),
        (&good.cert, &empty, &empty, "BEGIN PRIVATE KEY"),
        (&good.cert, &good.cert, &good.cert, "BEGIN PRIVATE KEY"),
        (&good.cert, &pkcs8, &pkcs8, "openssl pkey"),
        (&good.cert, &legacy, &legacy, "openssl pkey"),
        (&good.cert, &odd_key, &odd_key, "must be RSA"),
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
    let dated = pki.issue_with("dated", &params);
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

/// The same certificate, but X.509 version 1, as `openssl x509 -req` makes it without extensions.
fn as_version_1(file: &Path) -> String {
    // Byte 12 of the DER: two headers of four bytes, then `[0] { INTEGER 2 }` of RFC 5280 §4.1.
    let text = fs::read_to_string(file).unwrap();
    let head = "-----BEGIN CERTIFICATE-----";
    let body = text.trim_start().strip_prefix(head).unwrap().trim_start();
    assert_eq!(&body[16..18], "Ag", "not where the version is");
    format!("{head}\n{}AA{}", &body[..16], &body[18..])
}
