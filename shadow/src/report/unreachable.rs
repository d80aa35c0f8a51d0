//! Why a server cannot be reached, where it is TLS that keeps it from us.

use std::{fs::File, io, path::PathBuf};

use percent_encoding::percent_decode_str;

use super::StoreError;

/// What a connection that could not be opened comes to, with the files that its URL names.
pub(super) fn unreachable(error: sqlx::Error, files: &[PathBuf]) -> StoreError {
    match &error {
        sqlx::Error::Tls(_) => StoreError::Tls(error),
        sqlx::Error::Io(io) => match of_rustls(io) {
            Some(rustls::Error::InvalidCertificate(_)) => StoreError::Certificate(error),
            Some(_) => StoreError::Tls(error),
            None => {
                let unreadable = |it: &PathBuf| Some((it.clone(), File::open(it).err()?));
                match files.iter().find_map(unreadable) {
                    Some((file, error)) => StoreError::File(file, error),
                    None => StoreError::Open(error),
                }
            }
        },
        _ => StoreError::Open(error),
    }
}

/// The certificates and keys that a URL names, in the words that sqlx knows for them.
pub(super) fn files(url: &str) -> Vec<PathBuf> {
    let query = url.split_once('?').map_or("", |it| it.1);
    let values = query.split('&').filter_map(|it| {
        let (key, value) = it.split_once('=')?;
        let value = percent_decode_str(value).decode_utf8().ok()?;
        let key = key.replace('-', "");
        let is_one = ["sslca", "sslrootcert", "sslcert", "sslkey"].contains(&&*key);
        // Or it is the certificate itself.
        (is_one && !value.starts_with("-----BEGIN")).then(|| value.as_ref().into())
    });
    values.collect()
}

fn of_rustls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_url_are_found_however_they_are_written() {
        for (url, expected) in [
            ("mysql://a@b/c?ssl-mode=VERIFY_CA&ssl-ca=/a%20b.pem", &["/a b.pem"][..]),
            ("postgres://a@b/c?sslrootcert=ca.pem&sslkey=k&ssl-cert=c", &["ca.pem", "k", "c"]),
            ("postgres://a@b/c?sslrootcert=-----BEGIN%20CERTIFICATE-----", &[]),
            ("sqlite://banyan.db", &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(files(url), expected, "{url}");
        }
    }
}
