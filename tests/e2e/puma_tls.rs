//! A real Puma behind TLS.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tests::{
    banyan::{Proxy, Setup},
    project::Scratch,
};

/// Says by which scheme Puma was reached, and what it was sent.
const APP: &str = "run ->(env) {
  [200, { 'content-type' => 'text/plain' }, [env['rack.url_scheme'], ' ', env['rack.input'].read]]
}";

/// A Puma that runs until this is dropped.
struct Puma {
    process: Child,
    port: String,
}

impl Puma {
    fn start(folder: &Path) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (key, ca, app) =
            (folder.join("key.pem"), folder.join("ca.pem"), folder.join("config.ru"));
        fs::write(&key, signing_key.serialize_pem()).unwrap();
        fs::write(&ca, cert.pem()).unwrap();
        fs::write(&app, APP).unwrap();
        let (key, ca) = (key.display(), ca.display());
        let mut process = Command::new("puma")
            .args(["-C", "-", "-e", "production", "-b"])
            .arg(format!("ssl://127.0.0.1:0?key={key}&cert={ca}&verify_mode=none"))
            .arg(app)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("Listening on ssl://127.0.0.1:")?;
            Some(rest.split('?').next()?.to_owned())
        });
        Self { process, port: port.expect("Puma did not start") }
    }
}

impl Drop for Puma {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_puma_behind_tls_is_asked_over_connections_that_are_kept() {
    let folder = Scratch::new("puma");
    let puma = Puma::start(folder.path());
    let ca = folder.path().join("ca.pem");
    let routes = format!(
        "[monolith]\nservers = [\"https://127.0.0.1:{}\"]\ntls = {{ ca = \"{}\" }}\n",
        puma.port,
        ca.display()
    );
    let setup =
        Setup { routes: Some(routes), flags: vec!["--workers=1".to_owned()], ..Setup::default() };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let client = reqwest::Client::new();
    for _ in 0..3 {
        let answer = client.get(proxy.url()).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "https ");
    }
    let metrics = reqwest::get(format!("{}/metrics", proxy.admin())).await.unwrap();
    let opened = "banyan_upstream_connects_total{result=\"ok\",upstream=\"monolith\"} 1\n";
    assert!(metrics.text().await.unwrap().contains(opened), "one connection is enough");
    for body in ["short", &"x".repeat(300_000)] {
        let answer = client.post(proxy.url()).body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), format!("https {body}"));
    }
    proxy.stop().await;
    drop(puma);
}
