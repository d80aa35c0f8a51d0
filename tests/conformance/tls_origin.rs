//! Certificates of a CA of the tests' own, and a server that shows them.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tests::project::Scratch;
use time::{Duration, OffsetDateTime};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A CA, and a directory for its certificate.
pub(crate) struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
    directory: Scratch,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let pki = Self { ca, directory: Scratch::new("pki") };
        pki.write_to(&pki.ca_file());
        pki
    }

    /// Where its own certificate is.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Writes its own certificate somewhere else.
    pub(crate) fn write_to(&self, file: &PathBuf) {
        std::fs::write(file, self.ca.pem()).unwrap();
    }

    /// A server whose certificate is good for `host` and speaks `protocols`.
    pub(crate) fn acceptor(&self, host: &str, protocols: &[&str]) -> TlsAcceptor {
        self.issue(&CertificateParams::new([host.to_owned()]).unwrap(), protocols)
    }

    /// The same, but it was good until yesterday.
    pub(crate) fn expired(&self, host: &str) -> TlsAcceptor {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = OffsetDateTime::now_utc() - Duration::days(9);
        params.not_after = OffsetDateTime::now_utc() - Duration::days(1);
        self.issue(&params, &[])
    }

    fn issue(&self, params: &CertificateParams, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)
                .unwrap();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A server that speaks HTTP/1.1 through TLS, and answers everything with its name.
pub(crate) struct TlsOrigin {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
    accepting: AbortHandle,
}

impl TlsOrigin {
    pub(crate) async fn start(acceptor: TlsAcceptor, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, heads) = <(Arc<AtomicUsize>, Arc<Mutex<Vec<String>>>)>::default();
        let (counted, recorded) = (Arc::clone(&connections), Arc::clone(&heads));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
                let recorded = Arc::clone(&recorded);
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    counted.fetch_add(1, Ordering::SeqCst);
                    serve(stream, name, &recorded).await;
                });
            }
        });
        Self { address, connections, heads, accepting: accepting.abort_handle() }
    }

    /// Connections whose handshake succeeded.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Heads of the requests that came, as they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for TlsOrigin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Answers requests without bodies until the client closes; an upgrade becomes an echo.
async fn serve(mut stream: TlsStream<TcpStream>, name: &str, heads: &Mutex<Vec<String>>) {
    let mut buffer = Vec::new();
    loop {
        while !buffer.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8_lossy(&std::mem::take(&mut buffer)).into_owned();
        let upgrade = head.contains("upgrade: echo");
        heads.lock().unwrap().push(head);
        let length = name.len();
        let answer = if upgrade {
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n"
                .to_owned()
        } else {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{name}")
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if upgrade {
            let (mut read, mut write) = tokio::io::split(stream);
            // Until one of them closes.
            let _ = tokio::io::copy(&mut read, &mut write).await;
            return;
        }
    }
}
