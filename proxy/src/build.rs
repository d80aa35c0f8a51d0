//! Which build this is: what a verdict says holds for one build of the handlers.

use std::{env, fs::File, hash::Hasher as _, io, io::Read as _};

/// The version, and a hash of the program's own file: any other build has another one. The hash is a
/// quick one, since a start waits for it and nobody gains by a collision.
pub fn id() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match hash() {
        Ok(hash) => format!("{version}-{hash:016x}"),
        Err(error) => {
            tracing::warn!(%error, "builds are told apart by their version only");
            version.to_owned()
        }
    }
}

fn hash() -> io::Result<u64> {
    // On Linux this opens the file that runs, also where another one has its name by now.
    let own = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { env::current_exe()? };
    let mut file = File::open(own)?;
    let mut hasher = std::hash::DefaultHasher::default();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            read => hasher.write(&piece[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_keeps_its_id() {
        assert_eq!(id(), id());
        assert!(id().len() > env!("CARGO_PKG_VERSION").len() + 16);
    }
}
