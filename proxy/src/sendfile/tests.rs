//! What a buyer gets for what the monolith names, from real files.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tempfile::TempDir;

use super::*;

const ACCEL: &str = "x-accel-redirect";
const PLAIN: &str = "x-sendfile";
const SECRET: &str = "not for sale";

/// `srv/`, which is configured, and `secret` beside it.
struct Disk {
    folder: TempDir,
    roots: Roots,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let srv = folder.path().join("srv");
        fs::create_dir_all(srv.join("a/b")).unwrap();
        fs::write(folder.path().join("secret"), SECRET).unwrap();
        fs::create_dir(folder.path().join("srv-2")).unwrap();
        fs::write(folder.path().join("srv-2/file"), SECRET).unwrap();
        fs::write(srv.join("file"), "0123456789").unwrap();
        fs::write(srv.join("a/b/ü ?%2e.txt"), "umlaut").unwrap();
        let srv = srv.to_str().unwrap();
        let roots = Roots::parse(&[srv.to_owned(), format!("/files/={srv}")]).unwrap();
        Self { folder, roots }
    }

    /// `name` below the configured directory, as a field's value.
    fn path(&self, name: &str) -> String {
        format!("{}/srv/{name}", self.folder.path().display())
    }

    async fn named(&self, field: &str, value: &str) -> Result<Sent, SendfileError> {
        ask(&self.roots, &Method::GET, &[], &[(field, value)]).await
    }
}

#[derive(Debug)]
struct Sent {
    head: response::Parts,
    body: Vec<u8>,
}

impl Sent {
    fn field(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).map(|it| it.to_str().unwrap())
    }
}

/// A head as Rails makes it, with these fields in addition.
fn rails(fields: &[(&str, &str)]) -> response::Parts {
    let mut answer = Response::builder().header("content-length", "0");
    for (name, value) in fields {
        answer = answer.header(*name, *value);
    }
    answer.body(()).unwrap().into_parts().0
}

async fn ask(
    roots: &Roots,
    method: &Method,
    request: &[(&str, &str)],
    answer: &[(&str, &str)],
) -> Result<Sent, SendfileError> {
    let mut head = rails(answer);
    let body = open_body(roots, method, request, &mut head).await.expect("a file is named");
    assert!(!head.headers.contains_key(PLAIN) && !head.headers.contains_key(ACCEL));
    let body = read(body?).await.unwrap();
    Ok(Sent { head, body })
}

async fn open_body(
    roots: &Roots,
    method: &Method,
    fields: &[(&str, &str)],
    head: &mut response::Parts,
) -> Option<Result<FileBody, SendfileError>> {
    let mut request = Request::builder().method(method);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).unwrap().into_parts().0;
    let named = Named::take(&mut head.headers)?;
    Some(roots.answer(named, &roots.asked(method, &request.headers), head).await)
}

async fn read(mut body: FileBody) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame?.into_data().unwrap();
        assert!(data.len() <= body::CHUNK);
        read.extend_from_slice(&data);
        assert_eq!(body.size_hint().exact().unwrap() == 0, body.is_end_stream());
    }
    Ok(read)
}

#[tokio::test]
async fn an_answer_that_names_no_file_is_left_alone() {
    let disk = Disk::new();
    let mut head = rails(&[("x-accel-buffering", "no"), ("etag", "\"x\"")]);
    let before = head.headers.clone();
    assert!(open_body(&disk.roots, &Method::GET, &[], &mut head).await.is_none());
    assert_eq!(head.headers, before);
}

#[tokio::test]
async fn what_lies_in_a_directory_is_sent() {
    let disk = Disk::new();
    for (field, value, body) in [
        (PLAIN, disk.path("file"), "0123456789"),
        (PLAIN, disk.path(".//./file"), "0123456789"),
        (PLAIN, disk.path("a/b/ü ?%2e.txt"), "umlaut"),
        (ACCEL, "/files/file".into(), "0123456789"),
        (ACCEL, "//files/.//file".into(), "0123456789"),
        (ACCEL, "/files/f%69le?a=b/../..".into(), "0123456789"),
        (ACCEL, "/%66iles/a/b/%C3%BC%20%3f%252e.txt".into(), "umlaut"),
    ] {
        let sent = disk.named(field, &value).await.unwrap();
        assert_eq!(sent.body, body.as_bytes(), "{value}");
        assert_eq!(sent.field("content-length"), Some(&*body.len().to_string()), "{value}");
        assert_eq!(
            (sent.head.status, sent.field("accept-ranges")),
            (StatusCode::OK, Some("bytes"))
        );
    }
}

#[tokio::test]
async fn nothing_else_is_sent_whatever_it_is_called() {
    let disk = Disk::new();
    symlink("../secret", disk.path("out")).unwrap();
    symlink(disk.folder.path(), disk.path("out-folder")).unwrap();
    symlink("loop", disk.path("loop")).unwrap();
    symlink("nowhere", disk.path("dangling")).unwrap();
    let outside = disk.folder.path().join("secret").display().to_string();
    let beside = disk.folder.path().join("srv-2/file").display().to_string();
    for (field, value, status) in [
        (PLAIN, disk.path("absent"), 404),
        (PLAIN, disk.path("file/absent"), 404),
        (PLAIN, disk.path("dangling"), 404),
        (PLAIN, disk.path(""), 404),
        (PLAIN, disk.path("a"), 404),
        (PLAIN, disk.path("../secret"), 502),
        (PLAIN, disk.path("a/../file"), 502),
        (PLAIN, disk.path("%2e%2e/secret"), 404),
        (PLAIN, disk.path("out"), 502),
        (PLAIN, disk.path("out-folder/secret"), 502),
        (PLAIN, disk.path("loop"), 502),
        (PLAIN, outside.clone(), 502),
        (PLAIN, beside, 502),
        (PLAIN, "file".into(), 502),
        (PLAIN, String::new(), 502),
        (PLAIN, "/files/file".into(), 502),
        (ACCEL, "/files/../secret".into(), 502),
        (ACCEL, "/files/%2e%2e/secret".into(), 502),
        (ACCEL, "/files/%2E./secret".into(), 502),
        (ACCEL, "/files/..%2fsecret".into(), 502),
        (ACCEL, "/files%2f..%2fsecret".into(), 502),
        (ACCEL, "/files/%252e%252e/secret".into(), 404),
        (ACCEL, "/files/..\\secret".into(), 404),
        (ACCEL, "/files/file%00".into(), 502),
        (ACCEL, "/files/%00/../secret".into(), 502),
        (ACCEL, format!("/files/{outside}"), 404),
        (ACCEL, format!("/files/%2f{outside}"), 404),
        (ACCEL, "/files/out".into(), 502),
        (ACCEL, "/files/out-folder/secret".into(), 502),
        (ACCEL, "/files".into(), 404),
        (ACCEL, "/files/".into(), 404),
        (ACCEL, "/files?/file".into(), 404),
        (ACCEL, "/filesfile".into(), 502),
        (ACCEL, "/files-2/file".into(), 502),
        (ACCEL, "/other/file".into(), 502),
        (ACCEL, "files/file".into(), 502),
        (ACCEL, "@files".into(), 502),
        (ACCEL, "http://files/file".into(), 502),
        (ACCEL, outside.clone(), 502),
        (ACCEL, disk.path("file"), 502),
    ] {
        let error = disk.named(field, &value).await.expect_err(&value);
        assert_eq!(error.status(), status, "{value}: {error}");
        assert!(!error.to_string().contains(SECRET));
    }
}

#[tokio::test]
async fn a_link_that_stays_inside_is_followed_also_an_absolute_one() {
    let disk = Disk::new();
    symlink("../file", disk.path("a/near")).unwrap();
    symlink(disk.path("file"), disk.path("absolute")).unwrap();
    symlink(disk.path("a"), disk.path("folder")).unwrap();
    for value in ["a/near", "absolute", "folder/near"] {
        assert_eq!(disk.named(PLAIN, &disk.path(value)).await.unwrap().body, b"0123456789");
        let uri = format!("/files/{value}");
        assert_eq!(disk.named(ACCEL, &uri).await.unwrap().body, b"0123456789");
    }
}

#[tokio::test]
async fn a_directory_may_be_a_link_that_a_deployment_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for release in ["1", "2"] {
        fs::create_dir(path(release)).unwrap();
        fs::write(path(release).join("file"), release).unwrap();
    }
    symlink(path("1"), path("current")).unwrap();
    let current = path("current").display().to_string();
    let roots = Roots::parse(std::slice::from_ref(&current)).unwrap();
    let get = async |name: String| ask(&roots, &Method::GET, &[], &[(PLAIN, &name)]).await;
    // Rails may write the link or, having resolved it, the directory behind it.
    assert_eq!(get(format!("{current}/file")).await.unwrap().body, b"1");
    assert_eq!(get(path("1/file").display().to_string()).await.unwrap().body, b"1");
    fs::remove_file(path("current")).unwrap();
    symlink(path("2"), path("current")).unwrap();
    assert_eq!(get(format!("{current}/file")).await.unwrap().body, b"2");
    assert_eq!(get(path("1/file").display().to_string()).await.unwrap_err().status(), 502);
    fs::remove_file(path("current")).unwrap();
    // The directory has gone, which is no buyer's mistake.
    assert_eq!(get(format!("{current}/file")).await.unwrap_err().status(), 502);
}

#[tokio::test]
async fn pipes_and_devices_are_no_files() {
    let disk = Disk::new();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, disk.path("pipe"), kind, mode, 0).unwrap();
    assert!(matches!(disk.named(PLAIN, &disk.path("pipe")).await, Err(SendfileError::NotAFile(_))));
    let devices = Roots::parse(&["/dev".to_owned()]).unwrap();
    for device in ["/dev/zero", "/dev/null"] {
        let sent = ask(&devices, &Method::GET, &[], &[(PLAIN, device)]).await;
        assert!(matches!(sent, Err(SendfileError::NotAFile(_))), "{device}: {sent:?}");
    }
}

#[tokio::test]
async fn without_a_directory_the_field_is_an_alarm_and_not_an_empty_download() {
    let roots = Roots::parse(&[]).unwrap();
    for field in [PLAIN, ACCEL] {
        let error = ask(&roots, &Method::GET, &[], &[(field, "/etc/hostname")]).await.unwrap_err();
        assert!(matches!(error, SendfileError::Outside(_)));
        assert!(error.to_string().contains("--sendfile"), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_could_mean_two_things_is_not_even_looked_for() {
    let disk = Disk::new();
    for uri in ["/files/file%00", "/files/a/../file", "files/file", ""] {
        let sent = disk.named(ACCEL, uri).await;
        assert!(matches!(sent, Err(SendfileError::Unclear(_))), "{uri}: {sent:?}");
    }
}

#[tokio::test]
async fn two_names_are_none() {
    let disk = Disk::new();
    let file = disk.path("file");
    for second in [(PLAIN, &*file), (ACCEL, "/files/file")] {
        let sent = ask(&disk.roots, &Method::GET, &[], &[(PLAIN, &file), second]).await;
        assert!(matches!(sent, Err(SendfileError::Unclear(_))), "{sent:?}");
    }
}

#[tokio::test]
async fn the_longest_prefix_decides_and_directories_may_contain_one_another() {
    let disk = Disk::new();
    fs::write(disk.path("a/file"), "inner").unwrap();
    symlink("../file", disk.path("a/up")).unwrap();
    let roots = [
        disk.path("a"),
        disk.path(""),
        format!("/={}", disk.path("")),
        format!("/x={}", disk.path("")),
        format!("/x/y={}", disk.path("a")),
    ];
    let roots = Roots::parse(&roots).unwrap();
    for (field, value, body) in [
        (ACCEL, "/x/file", "0123456789"),
        (ACCEL, "/x/y/file", "inner"),
        (ACCEL, "/a/file", "inner"),
        (PLAIN, &disk.path("a/up"), "0123456789"),
    ] {
        let sent = ask(&roots, &Method::GET, &[], &[(field, value)]).await.unwrap();
        assert_eq!(sent.body, body.as_bytes(), "{value}");
    }
}

#[tokio::test]
async fn what_rails_said_stays() {
    let disk = Disk::new();
    let file = disk.path("file");
    let said = [
        ("content-type", "application/pdf"),
        ("content-disposition", "attachment; filename=\"a.pdf\""),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("cache-control", "private"),
        ("etag", "W/\"rails\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    let nginx = [(PLAIN, &*file), ("x-accel-charset", "utf-8"), ("x-accel-limit-rate", "9")];
    let framing = [("transfer-encoding", "chunked"), ("content-range", "bytes 0-1/2")];
    let answer = [&said[..], &nginx, &framing].concat();
    let sent = ask(&disk.roots, &Method::GET, &[], &answer).await.unwrap();
    let mut kept = said.to_vec();
    kept.extend([("content-length", "10"), ("accept-ranges", "bytes")]);
    let mut got: Vec<_> =
        sent.head.headers.iter().map(|it| (it.0.as_str(), it.1.to_str().unwrap())).collect();
    kept.sort_unstable();
    got.sort_unstable();
    assert_eq!(got, kept);
    let again = [("if-none-match", "\"rails\"")];
    let sent = ask(&disk.roots, &Method::GET, &again, &answer).await.unwrap();
    assert_eq!((sent.head.status, &*sent.body), (StatusCode::NOT_MODIFIED, &b""[..]));
    assert_eq!(sent.field("content-length"), None);
    assert_eq!(sent.field("content-type"), None);
    assert_eq!(sent.field("etag"), Some("W/\"rails\""));
    assert_eq!(sent.head.headers.get_all("set-cookie").iter().count(), 2);
}

#[tokio::test]
async fn a_file_without_validators_gets_its_own_and_a_download_continues_with_them() {
    let disk = Disk::new();
    let file = disk.path("file");
    let answer = [(PLAIN, &*file)];
    let first = ask(&disk.roots, &Method::GET, &[], &answer).await.unwrap();
    for (validator, condition) in
        [("etag", "if-none-match"), ("last-modified", "if-modified-since")]
    {
        let value = first.field(validator).unwrap();
        let again = [(condition, value)];
        let sent = ask(&disk.roots, &Method::GET, &again, &answer).await.unwrap();
        assert_eq!(sent.head.status, StatusCode::NOT_MODIFIED, "{condition}: {value}");
        let rest = [("range", "bytes=4-"), ("if-range", value)];
        let sent = ask(&disk.roots, &Method::GET, &rest, &answer).await.unwrap();
        assert_eq!((sent.head.status, &*sent.body), (StatusCode::PARTIAL_CONTENT, &b"456789"[..]));
        assert_eq!(sent.field("content-range"), Some("bytes 4-9/10"));
        assert_eq!(sent.field("content-length"), Some("6"));
    }
    let rest = [("range", "bytes=4-"), ("if-range", first.field("etag").unwrap())];
    fs::write(&file, "another one").unwrap();
    let sent = ask(&disk.roots, &Method::GET, &rest, &answer).await.unwrap();
    assert_eq!((sent.head.status, &*sent.body), (StatusCode::OK, &b"another one"[..]));
}

#[tokio::test]
async fn a_strange_clock_gives_no_validator_that_lies() {
    let disk = Disk::new();
    let file = disk.path("file");
    let hour = Duration::from_hours(1);
    for (time, tag, modified) in
        [(UNIX_EPOCH - hour, false, false), (SystemTime::now() + hour, true, false)]
    {
        File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        let sent = disk.named(PLAIN, &file).await.unwrap();
        assert_eq!(sent.field("etag").is_some(), tag, "{time:?}");
        assert_eq!(sent.field("last-modified").is_some(), modified, "{time:?}");
    }
}

#[tokio::test]
async fn a_range_that_is_not_there_says_how_long_the_file_is() {
    let disk = Disk::new();
    let file = disk.path("file");
    let answer = [(PLAIN, &*file), ("content-type", "application/pdf")];
    let range = [("range", "bytes=10-")];
    let sent = ask(&disk.roots, &Method::GET, &range, &answer).await.unwrap();
    assert_eq!(sent.head.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(sent.field("content-range"), Some("bytes */10"));
    assert_eq!((sent.field("content-length"), sent.field("content-type")), (Some("0"), None));
    assert!(sent.body.is_empty());
}

#[tokio::test]
async fn head_gets_the_length_and_no_body() {
    let disk = Disk::new();
    let answer = [(ACCEL, "/files/file")];
    let range = [("range", "bytes=4-")];
    let sent = ask(&disk.roots, &Method::HEAD, &range, &answer).await.unwrap();
    assert_eq!((sent.head.status, sent.field("content-length")), (StatusCode::OK, Some("10")));
    assert!(sent.body.is_empty());
}

#[tokio::test]
async fn another_status_stays_and_is_never_partial() {
    let disk = Disk::new();
    let range = [("range", "bytes=4-"), ("if-none-match", "*")];
    for (status, after, length) in [(404, 404, 10), (201, 201, 10), (304, 304, 0), (204, 204, 0)] {
        let mut head = rails(&[(ACCEL, "/files/file")]);
        head.status = StatusCode::from_u16(status).unwrap();
        let body = open_body(&disk.roots, &Method::GET, &range, &mut head).await.unwrap().unwrap();
        assert_eq!((head.status.as_u16(), read(body).await.unwrap().len()), (after, length));
        assert_eq!(head.headers.contains_key("content-length"), length > 0);
    }
    // An old Rack's own range: ours is made from the whole file.
    let mut head = rails(&[(ACCEL, "/files/file"), ("content-range", "bytes 4-9/10")]);
    head.status = StatusCode::PARTIAL_CONTENT;
    let body = open_body(&disk.roots, &Method::GET, &[], &mut head).await.unwrap().unwrap();
    assert_eq!((head.status, read(body).await.unwrap().len()), (StatusCode::OK, 10));
    assert!(!head.headers.contains_key("content-range"));
}

#[tokio::test]
async fn a_large_file_is_read_piece_by_piece() {
    let disk = Disk::new();
    let length = 8 * 1024 * 1024 * 1024;
    File::create(disk.path("large")).unwrap().set_len(length).unwrap();
    let mut head = rails(&[(ACCEL, "/files/large")]);
    let body = open_body(&disk.roots, &Method::GET, &[], &mut head).await.unwrap();
    let mut body = body.unwrap();
    for read in 1..=64 {
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(data.len(), body::CHUNK);
        assert_eq!(body.size_hint().exact(), Some(length - read * body::CHUNK as u64));
    }
    // The same from its last bytes on.
    let end = [("range", "bytes=-100000")];
    let sent = ask(&disk.roots, &Method::GET, &end, &[(ACCEL, "/files/large")]).await.unwrap();
    assert_eq!(sent.body.len(), 100_000);
}

#[tokio::test]
async fn a_file_that_becomes_shorter_ends_with_an_error_and_one_that_grows_as_promised() {
    let disk = Disk::new();
    for (changed, ends) in [(70_000, None), (300_000, Some(200_000))] {
        let file = File::create(disk.path("changing")).unwrap();
        file.set_len(200_000).unwrap();
        let mut head = rails(&[(ACCEL, "/files/changing")]);
        let body = open_body(&disk.roots, &Method::GET, &[], &mut head).await.unwrap();
        let mut body = body.unwrap();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap().len();
        file.set_len(changed).unwrap();
        let mut read = first;
        let error = loop {
            match body.frame().await {
                Some(Ok(frame)) => read += frame.into_data().unwrap().len(),
                Some(Err(error)) => break Some(error.kind()),
                None => break None,
            }
        };
        assert_eq!(error.is_none().then_some(read), ends);
        assert_eq!(error, ends.is_none().then_some(io::ErrorKind::UnexpectedEof));
        assert!(body.frame().await.is_none());
    }
}

#[test]
fn a_body_can_be_sent_between_threads() {
    fn is_send<T: Send + Unpin + 'static>() {}
    is_send::<FileBody>();
}

#[test]
fn a_directory_that_cannot_be_used_is_refused_with_what_it_must_be() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display().to_string();
    fs::write(folder.path().join("file"), "").unwrap();
    for value in
        ["", "srv", "./srv", "/files=srv", "/files=", &format!("files={here}"), "~/srv", "srv=/"]
    {
        let error = Roots::parse(&[value.to_owned()]).unwrap_err();
        assert!(matches!(error, RootError::Relative(_)), "{value}: {error}");
    }
    for value in [format!("{here}/absent"), format!("{here}/file"), format!("/x={here}/absent")] {
        let error = Roots::parse(std::slice::from_ref(&value)).unwrap_err();
        assert!(error.to_string().contains(&value), "{error}");
        assert!(matches!(error, RootError::Unusable { .. }), "{value}: {error}");
    }
    let twice = [format!("/x={here}"), format!("/x/={here}")];
    assert!(matches!(Roots::parse(&twice), Err(RootError::Twice(_))));
    assert!(Roots::parse(&[here.clone(), here]).is_ok());
}
