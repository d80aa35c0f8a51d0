//! Which build this is: what a verdict says holds for one build of the handlers.

use std::{env, fs::File, io, sync::LazyLock};

use sha2::{Digest as _, Sha256};

/// Read once: a program does not change while it runs.
static ID: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    match hash() {
        Ok(hash) => format!("{version}-{hash}"),
        Err(error) => {
            tracing::warn!(%error, "builds are told apart by their version only");
            version.to_owned()
        }
    }
});

/// The version, and the first 12 hexadecimal digits of the SHA-256 of the program's own file.
pub fn id() -> &'static str {
    &ID
}

fn hash() -> io::Result<String> {
    // On Linux this opens the file that runs, also where another one has its name by now.
    let own = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { env::current_exe()? };
    let mut file = File::open(own)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match io::Read::read(&mut file, &mut piece)? {
            0 => return Ok(hex::encode(&hasher.finalize()[..6])),
            read => hasher.update(&piece[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_told_by_its_version_and_a_hash() {
        let hash = id().strip_prefix(concat!(env!("CARGO_PKG_VERSION"), "-")).unwrap();
        assert_eq!(hash.len(), 12, "{hash}");
    }
}
