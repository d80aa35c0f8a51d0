//! What must hold of every parser that sees outside bytes, whatever the bytes are.
//!
//! A target is a function that panics when its property is broken. `libfuzzer.rs` gives it to the fuzzer;
//! the test below gives it the seeds, in every run of `cargo test`.

mod http1;
mod proxy_protocol;
mod rails;
mod recording;
mod routes;
mod shadow;

/// One parser, or what is built on it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its seeds are in the folder of this name.
    pub name: &'static str,
    /// Panics when the property does not hold for this input.
    pub check: fn(&[u8]),
}

/// All of them, in alphabetical order.
pub const TARGETS: [Target; 15] = [
    Target { name: "chunked", check: http1::chunked },
    Target { name: "proxy_protocol", check: proxy_protocol::header },
    Target { name: "rails_cache", check: rails::cache },
    Target { name: "rails_cookies", check: rails::cookies },
    Target { name: "rails_marshal", check: rails::marshal },
    Target { name: "rails_multipart", check: rails::multipart },
    Target { name: "rails_params", check: rails::params },
    Target { name: "rails_query", check: rails::query },
    Target { name: "recording", check: recording::segment },
    Target { name: "request_head", check: http1::request_head },
    Target { name: "response_head", check: http1::response_head },
    Target { name: "route_file", check: routes::file },
    Target { name: "route_path", check: routes::path },
    Target { name: "shadow_comparison", check: shadow::comparison },
    Target { name: "shadow_json", check: shadow::json },
];

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    /// Each target's folder; two of them lead to golden files, which are seeds as well.
    const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds");

    fn entries(folder: &Path) -> Vec<PathBuf> {
        let mut found: Vec<_> =
            fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
        found.sort();
        found
    }

    #[test]
    fn every_target_has_seeds_and_all_seeds_have_a_target() {
        let folders = entries(Path::new(SEEDS));
        let names = folders.iter().map(|it| it.file_name().unwrap().to_str().unwrap());
        assert!(names.eq(TARGETS.map(|it| it.name)), "{folders:?}");
        assert!(folders.iter().all(|it| entries(it).len() > 2), "{folders:?}");
    }

    #[test]
    fn every_target_holds_for_its_seeds() {
        for target in TARGETS {
            for seed in entries(&Path::new(SEEDS).join(target.name)) {
                println!("{} {}", target.name, seed.display());
                (target.check)(&fs::read(seed).unwrap());
            }
        }
    }
}
