//! Stores on servers over TLS: what is encrypted, who is believed, and what is said of the others.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use shadow::{Reports, Store, StoreError};
use tests::project::Scratch;

use crate::{
    programs::give_away,
    servers::{self, Kind, Server},
};

/// A server that takes connections over TLS only, with a certificate for `localhost`.
struct Guarded {
    kind: Kind,
    files: Scratch,
    server: Server,
}

fn ca() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Guarded {
    fn start(kind: Kind) -> Self {
        let files = Scratch::new("tls");
        let file = |name: &str| files.path().join(name);
        let issuer = ca();
        fs::write(file("ca.pem"), issuer.pem()).unwrap();
        fs::write(file("other-ca.pem"), ca().pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        fs::write(file("server.pem"), params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
        fs::write(file("server.key"), key.serialize_pem()).unwrap();
        // PostgreSQL takes no key that others may read.
        fs::set_permissions(file("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
        give_away(&file("server.key"));
        fs::write(file("hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
        let file = |name: &str| file(name).display().to_string();
        let options = match kind {
            Kind::MariaDb | Kind::MySql => vec![
                "--require-secure-transport=ON".to_owned(),
                format!("--ssl-cert={}", file("server.pem")),
                format!("--ssl-key={}", file("server.key")),
            ],
            Kind::Postgres => [
                "ssl=on".to_owned(),
                format!("ssl_cert_file={}", file("server.pem")),
                format!("ssl_key_file={}", file("server.key")),
                format!("hba_file={}", file("hba.conf")),
            ]
            .into_iter()
            .flat_map(|it| ["-c".to_owned(), it])
            .collect(),
        };
        let server = Server::start_with(kind, options);
        Self { kind, files, server }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// A database's URL with a mode, as MySQL calls it, and perhaps a CA.
    fn url(&self, database: &str, mode: &str, ca: Option<&str>) -> String {
        let url = with_mode(self.kind, database, mode);
        let key = match self.kind {
            Kind::MariaDb | Kind::MySql => "ssl-ca",
            Kind::Postgres => "sslrootcert",
        };
        let ca = ca.map(|it| format!("&{key}={}", self.file(it).display()));
        url + &ca.unwrap_or_default()
    }
}

fn with_mode(kind: Kind, url: &str, mode: &str) -> String {
    match (kind, mode) {
        (Kind::MariaDb | Kind::MySql, _) => format!("{url}?ssl-mode={mode}"),
        (Kind::Postgres, "DISABLED") => format!("{url}?sslmode=disable"),
        (Kind::Postgres, "REQUIRED") => format!("{url}?sslmode=require"),
        (Kind::Postgres, "VERIFY_IDENTITY") => format!("{url}?sslmode=verify-full"),
        (Kind::Postgres, _) => format!("{url}?sslmode=verify-ca"),
    }
}

#[tokio::test]
async fn a_mariadb_with_a_certificate_is_believed_by_who_knows_its_ca() {
    let guarded = believed(Kind::MariaDb).await;
    // The handlers' database is connected to in the same way.
    let url = guarded.server.database().await;
    let connect = async |mode, ca| {
        let pool = extracted::rails::database::pool(&guarded.url(&url, mode, Some(ca)), 1).unwrap();
        let answer = sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(&pool).await;
        answer.map_err(|it| it.to_string())
    };
    assert_eq!(connect("VERIFY_CA", "ca.pem").await, Ok(1));
    let refused = connect("VERIFY_CA", "other-ca.pem").await.unwrap_err();
    assert!(refused.contains("invalid peer certificate"), "{refused}");
}

#[tokio::test]
async fn a_postgresql_with_a_certificate_is_believed_by_who_knows_its_ca() {
    believed(Kind::Postgres).await;
}

#[cfg(feature = "mysql")]
#[tokio::test]
async fn a_mysql_lets_users_in_by_its_own_way_over_tls() {
    let guarded = believed(Kind::MySql).await;
    // `caching_sha2_password`, which sends the password itself where the server has not cached it.
    let database = guarded.server.database().await;
    let user =
        "CREATE USER banyan@'%' IDENTIFIED BY 'correct horse'; GRANT ALL ON *.* TO banyan@'%'";
    servers::execute(&database, user).await;
    let url = database.replace("root@", "banyan:correct%20horse@");
    for mode in ["VERIFY_CA", "REQUIRED"] {
        let store = Store::open(&guarded.url(&url, mode, Some("ca.pem"))).await;
        assert!(store.is_ok(), "{mode}: {store:?}");
    }
    let wrong = url.replace("horse", "donkey");
    let refused = Store::open(&guarded.url(&wrong, "REQUIRED", None)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Open(sqlx::Error::Database(_))), "{refused:?}");
}

async fn believed(kind: Kind) -> Guarded {
    let guarded = tokio::task::spawn_blocking(move || Guarded::start(kind)).await.unwrap();
    let database = guarded.server.database().await;
    let by_name = database.replace("127.0.0.1", "localhost");
    for (url, mode, ca) in [
        (&database, "REQUIRED", None),
        (&database, "VERIFY_CA", Some("ca.pem")),
        (&by_name, "VERIFY_IDENTITY", Some("ca.pem")),
    ] {
        let url = guarded.url(url, mode, ca);
        let store = Store::open(&url).await;
        assert!(store.is_ok(), "{url}: {store:?}");
    }
    for (mode, ca) in [
        ("VERIFY_CA", None),
        ("VERIFY_CA", Some("other-ca.pem")),
        ("VERIFY_IDENTITY", Some("ca.pem")),
    ] {
        let url = guarded.url(&database, mode, ca);
        for error in [
            Store::open(&url).await.unwrap_err(),
            // It would be refused for ever.
            Store::open_or_wait(&url, None).await.unwrap_err(),
            Reports::open_read_only(&url).await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Certificate(_)), "{url}: {error:?}");
            assert!(error.to_string().contains("name the CA that issued it"), "{error}");
        }
    }
    let absent = guarded.url(&database, "VERIFY_CA", Some("absent.pem"));
    let error = Store::open_or_wait(&absent, None).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::File(file, _) if file.ends_with("absent.pem")),
        "{error:?}"
    );
    // Only TLS gets in: who was let in above spoke it.
    let refused = Store::open(&guarded.url(&database, "DISABLED", None)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Open(_)), "{refused:?}");
    // A company's CA is among the system's.
    let url = guarded.url(&database, "VERIFY_CA", None);
    let ca = guarded.file("ca.pem");
    let line = tokio::task::spawn_blocking(move || {
        let mut writer = Command::new(env!("CARGO_BIN_EXE_store-writer"))
            .arg(url)
            .env("SSL_CERT_FILE", ca)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(writer.stdout.take().unwrap()).read_line(&mut line).unwrap();
        writer.kill().unwrap();
        writer.wait().unwrap();
        line
    });
    assert!(line.await.unwrap().starts_with("offered"), "it was opened");
    guarded
}

#[tokio::test]
async fn tls_that_is_asked_for_and_not_spoken_is_refused() {
    for kind in [Kind::MariaDb, Kind::Postgres] {
        let url = servers::database(kind).await;
        for mode in ["REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"] {
            let error = Store::open_or_wait(&with_mode(kind, &url, mode), None).await.unwrap_err();
            assert!(matches!(error, StoreError::Tls(_)), "{kind:?} {mode}: {error:?}");
            assert!(error.to_string().contains("turn it on there"), "{error}");
        }
        assert!(Store::open(&with_mode(kind, &url, "DISABLED")).await.is_ok());
    }
}
