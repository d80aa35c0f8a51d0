//! The vectors that the Rust code is tested with are what the installed gems say.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tests::project;

#[test]
fn the_vectors_are_what_the_gems_say() {
    let folder = project::root().join("extracted/tests/vectors");
    let mut sections: Vec<_> = fs::read_dir(folder.join("sections"))
        .unwrap()
        .map(|it| it.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    sections.sort();
    assert!(sections.len() > 3, "{sections:?}");
    for section in sections {
        let kept = fs::read_to_string(folder.join(format!("{section}.json"))).unwrap();
        let said = generated(&folder, &section);
        let differing = kept.lines().zip(said.lines()).find(|(kept, said)| kept != said);
        assert!(kept == said, "{section}.json is not what the gems say: {differing:#?}");
    }
}

/// Ruby's deprecations of the gems' own code are nothing to us.
fn generated(folder: &Path, section: &str) -> String {
    let output = Command::new("ruby")
        .args(["-W0", "generate.rb", section])
        .current_dir(folder)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
