//! Multipart forms against what Rails made of the same bytes (`tests/vectors/multipart.json`).

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    super::params::{Param, Params},
    *,
};

const TYPE: &str = "multipart/form-data; boundary=AaB03x";

fn read(
    content_type: &str,
    body: &[u8],
    piece: usize,
) -> (TempDir, Result<Params, MultipartError>) {
    let folder = tempfile::tempdir().unwrap();
    let params = read_to(folder.path().to_owned(), content_type, body, piece, u64::MAX);
    (folder, params)
}

fn read_to(
    folder: PathBuf,
    content_type: &str,
    body: &[u8],
    piece: usize,
    disk: u64,
) -> Result<Params, MultipartError> {
    let mut multipart = Multipart::new(content_type, folder, disk)?;
    body.chunks(piece).try_for_each(|it| multipart.write(it))?;
    multipart.finish()
}

/// As the vectors have it: files with all that is known of them.
fn shown(param: &Param) -> Value {
    match param {
        Param::File(upload) => json!({
            "filename": upload.original_filename,
            "type": upload.content_type,
            "head": upload.headers,
            "content": hex::encode(fs::read(upload.path()).unwrap()),
            "size": upload.size,
        }),
        Param::Array(values) => values.iter().map(shown).collect(),
        Param::Hash(params) => all(params),
        other => serde_json::to_value(other).unwrap(),
    }
}

fn all(params: &Params) -> Value {
    params
        .iter()
        .map(|(name, value)| (name.to_owned(), shown(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn forms_are_read_as_rack_reads_them_or_left_to_it() {
    let vectors = include_str!("../../../tests/vectors/multipart.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let mut left = Vec::new();
    for (name, vector) in vectors["forms"].as_object().unwrap() {
        let body = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
        let content_type = vector["type"].as_str().unwrap();
        for piece in [1, 7, 1 << 20] {
            match read(content_type, &body, piece) {
                (_folder, Ok(params)) => {
                    assert_eq!(all(&params).to_string(), vector["params"].to_string(), "{name}");
                }
                (_, Err(MultipartError::Params(ParamsError::Unusual(_)))) if piece == 1 => {
                    left.push(name.clone());
                }
                (_, Err(MultipartError::Params(ParamsError::Unusual(_)))) => {
                    assert!(left.contains(name), "{name} depends on how it comes");
                }
                (_, Err(MultipartError::Params(error))) => {
                    let status = error.status().map(|it| u64::from(it.as_u16()));
                    assert_eq!(status, vector["status"].as_u64(), "{name}: {error}");
                }
                (_, Err(error)) => panic!("{name}: {error}"),
            }
        }
    }
    let expected: Vec<_> = vectors["forms"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|it| it.starts_with("left: "))
        .collect();
    assert_eq!(left.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_content_type_that_rack_reads_otherwise_is_left_to_it() {
    for content_type in [
        "multipart/form-data",
        "multipart/mixed; boundary=a",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a b\"",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; myboundary=a; boundary=----WebKitFormBoundary",
        "multipart/form-data; boundary=a ; charset=utf-8",
        "multipart/form-data; boundary =a",
    ] {
        let multipart = Multipart::new(content_type, PathBuf::new(), 0);
        assert!(matches!(multipart, Err(ParamsError::Unusual(_))), "{content_type}");
    }
    let browsers = "multipart/form-data; boundary=----WebKitFormBoundaryABC";
    assert!(Multipart::new(browsers, PathBuf::new(), 0).is_ok());
}

fn part(disposition: &str, content: &str) -> String {
    format!("--AaB03x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
}

fn files(count: usize) -> String {
    part("name=\"f[]\"; filename=\"a\"", "x").repeat(count) + "--AaB03x--\r\n"
}

#[test]
fn there_may_be_so_many_files_and_parts() {
    let (_folder, read_files) = read(TYPE, files(MAX_FILES - 1).as_bytes(), 1 << 20);
    assert!(matches!(read_files.unwrap().get("f"), Some(Param::Array(it)) if it.len() == 127));
    let texts = |count| part("name=\"a[]\"", "x").repeat(count) + "--AaB03x--\r\n";
    assert!(read(TYPE, texts(MAX_PARTS - 1).as_bytes(), 1 << 20).1.is_ok());
    for body in [files(MAX_FILES), texts(MAX_PARTS)] {
        let error = read(TYPE, body.as_bytes(), 1 << 20).1.unwrap_err();
        assert!(matches!(error, MultipartError::Params(ParamsError::Limit(_))), "{error}");
    }
}

#[test]
fn files_go_when_nobody_has_them() {
    let (folder, params) = read(TYPE, files(3).as_bytes(), 10);
    let count = || fs::read_dir(folder.path()).unwrap().count();
    let params = params.unwrap();
    assert_eq!(count(), 3);
    let clone = params.clone();
    drop(params);
    assert_eq!(count(), 3);
    drop(clone);
    assert_eq!(count(), 0);
    let body = files(3).replace("--AaB03x--", "--AaB03x");
    assert!(read_to(folder.path().to_owned(), TYPE, body.as_bytes(), 10, 9).is_err());
    assert_eq!(count(), 0);
}

#[test]
fn files_take_no_more_room_than_they_may() {
    let folder = tempfile::tempdir().unwrap();
    let with = |disk| read_to(folder.path().to_owned(), TYPE, files(2).as_bytes(), 3, disk);
    assert!(with(2).is_ok());
    assert!(matches!(with(1), Err(MultipartError::Params(ParamsError::Unusual(_)))));
    let gone = read_to(folder.path().join("gone"), TYPE, files(1).as_bytes(), 3, 9);
    assert!(matches!(gone, Err(MultipartError::Disk(_))));
}

#[test]
fn a_large_file_is_not_held_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut multipart = Multipart::new(TYPE, folder.path().to_owned(), u64::MAX).unwrap();
    multipart.write(part("name=\"f\"; filename=\"a\"", "").trim_end().as_bytes()).unwrap();
    multipart.write(b"\r\n\r\n").unwrap();
    for _ in 0..100 {
        multipart.write(&[b'-'; 10_000]).unwrap();
        assert!(multipart.waiting.len() < 100);
    }
    multipart.write(b"\r\n--AaB03x--").unwrap();
    let params = multipart.finish().unwrap();
    assert!(matches!(params.get("f"), Some(Param::File(it)) if it.size == 1_000_000));
}

proptest! {
    #[test]
    fn every_content_is_read_back(content in prop::collection::vec(prop::sample::select(&b"\r\n-AaB03x"[..]), 0..80), piece in 1_usize..40) {
        let mut body = part("name=\"f\"; filename=\"a\"", "").into_bytes();
        body.truncate(body.len() - 2);
        body.extend_from_slice(&content);
        body.extend_from_slice(b"\r\n--AaB03x--\r\n");
        // Such a content would be more than one part.
        prop_assume!(!content.windows(8).any(|it| it == b"--AaB03x"));
        let (_folder, params) = read(TYPE, &body, piece);
        let params = params.unwrap();
        let Some(Param::File(upload)) = params.get("f") else { panic!("no file") };
        prop_assert_eq!(fs::read(upload.path()).unwrap(), content);
    }

    #[test]
    fn no_body_panics(body in "(--AaB03x|\r\n|--|: |;|name=|\"|a|Content-Disposition|form-data|filename|\\*|%4|\\\\){0,30}", piece in 1_usize..40) {
        let _ = read(TYPE, body.as_bytes(), piece);
    }
}
