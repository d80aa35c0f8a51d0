//! Files that the origin names instead of sending them.

use std::fs;

use tests::{
    banyan::{Proxy, Setup},
    project::Scratch,
};

use crate::{
    message::Message,
    origin::{Origin, Step, ok},
    support::{Verdict, Verdicts, ask, buyer, get, holds, is, once, same},
};

/// An origin that names a file, by the field that the target says; in front of it Banyan with these
/// flags, and a directory with an invoice.
struct Named {
    proxy: Proxy,
    directory: Scratch,
    origin: Origin,
}

impl Named {
    async fn start(flags: impl Fn(&str) -> Vec<String>) -> Self {
        let directory = Scratch::new("files");
        let path = directory.path().display().to_string();
        fs::write(directory.path().join("invoice.txt"), "ten pounds").unwrap();
        let origin = Origin::scripted(move |request| {
            vec![Step::Send(match request.target() {
                "/plain" => ok("plain"),
                target => names(target, &path),
            })]
        });
        let origin = origin.await;
        let mut all = vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()];
        all.extend(flags(&directory.path().display().to_string()));
        let monolith = format!("http://{}", origin.address);
        let setup = Setup { monolith, flags: all, ..Setup::default() };
        let proxy = Proxy::start(setup, &[]).await.unwrap();
        Self { proxy, directory, origin }
    }

    async fn ask(&self, request: &str) -> Result<Message, String> {
        once(&self.proxy, request).await
    }
}

/// `/sendfile/NAME` or `/accel/NAME`.
fn names(target: &str, directory: &str) -> Vec<u8> {
    let field = match target.strip_prefix("/sendfile/") {
        Some(name) => format!("X-Sendfile: {directory}/{name}"),
        None => format!("X-Accel-Redirect: {}", target.strip_prefix("/accel").unwrap_or_default()),
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\
                Content-Disposition: attachment; filename=\"invoice.txt\"\r\nX-Accel-Buffering: no";
    format!("{head}\r\n{field}\r\n\r\n").into_bytes()
}

fn is_the_invoice(answer: &Message) -> Verdict {
    is(answer, 200)?;
    same("the body", &answer.text()[..], "ten pounds")?;
    same("the length", &answer.get("content-length"), &Some("10"))?;
    let disposition = "attachment; filename=\"invoice.txt\"";
    same("what Rails said", &answer.get("content-disposition"), &Some(disposition))?;
    tells_nothing(answer)
}

fn tells_nothing(answer: &Message) -> Verdict {
    let told =
        |it: &&(String, String)| it.0.starts_with("x-accel") || it.0.starts_with("x-sendfile");
    same("a field for a file server", &answer.fields.iter().find(told), &None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_named_is_sent_in_the_answers_place() {
    let both = |it: &str| vec![format!("--sendfile={it}"), format!("--sendfile=/private={it}")];
    let shop = Named::start(both).await;
    let mut verdicts = Verdicts::default();
    for target in ["/sendfile/invoice.txt", "/accel/private/invoice.txt"] {
        let whole = shop.ask(&get(target)).await.and_then(|it| is_the_invoice(&it));
        verdicts.add(target, whole);
        let request = format!("HEAD {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n");
        let head = shop.ask(&request).await.and_then(|answer| {
            is(&answer, 200)?;
            same("the length", &answer.get("content-length"), &Some("10"))
        });
        verdicts.add(&format!("HEAD {target}"), head);
        let lines = "Host: shop.test\r\nRange: bytes=4-5";
        let part = shop.ask(&format!("GET {target} HTTP/1.1\r\n{lines}\r\n\r\n")).await;
        let part = part.and_then(|answer| {
            is(&answer, 206)?;
            same("the body", &answer.text()[..], "po")?;
            same("the range", &answer.get("content-range"), &Some("bytes 4-5/10"))
        });
        verdicts.add(&format!("a range of {target}"), part);
    }
    shop.proxy.stop().await;
    let mapping = format!("{}=/private", shop.directory.path().display());
    for arrived in shop.origin.requests() {
        assert_eq!(arrived.request.get("x-accel-mapping"), Some(&mapping[..]), "as Rack needs it");
    }
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_goes_on_behind_a_file_and_a_file_that_is_not_there() {
    let shop = Named::start(|it| vec![format!("--sendfile={it}")]).await;
    let mut wire = buyer(&shop.proxy).await;
    is_the_invoice(&ask(&mut wire, get("/sendfile/invoice.txt")).await.unwrap()).unwrap();
    let plain = ask(&mut wire, get("/plain")).await.unwrap();
    assert_eq!(plain.text(), "plain");
    let absent = ask(&mut wire, get("/sendfile/absent.txt")).await.unwrap();
    is(&absent, 404).unwrap();
    tells_nothing(&absent).unwrap();
    shop.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_directory_holds_is_an_error_of_the_shop() {
    let shop = Named::start(|it| vec![format!("--sendfile=/private={it}")]).await;
    let outside = Scratch::new("elsewhere");
    fs::write(outside.path().join("key.pem"), "secret").unwrap();
    std::os::unix::fs::symlink(
        outside.path().join("key.pem"),
        shop.directory.path().join("link.pem"),
    )
    .unwrap();
    let mut verdicts = Verdicts::default();
    for target in [
        "/sendfile/invoice.txt",
        "/accel/other/invoice.txt",
        "/accel/private/../private/invoice.txt",
        "/accel/private/%2e%2e/private/invoice.txt",
        "/accel/private/link.pem",
    ] {
        let answer = shop.ask(&get(target)).await;
        let verdict = answer.and_then(|answer| {
            is(&answer, 502)?;
            holds(!answer.text().contains("secret"), || answer.text())?;
            tells_nothing(&answer)
        });
        verdicts.add(target, verdict);
    }
    shop.proxy.stop().await;
    verdicts.conclude();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_directory_only_a_trusted_server_in_front_is_told_the_files_name() {
    let trusting = Named::start(|_| vec!["--trusted-proxy=127.0.0.1/32".to_owned()]).await;
    let answer = trusting.ask(&get("/accel/private/invoice.txt")).await.unwrap();
    is(&answer, 200).unwrap();
    assert_eq!(answer.get("x-accel-redirect"), Some("/private/invoice.txt"));
    trusting.proxy.stop().await;
    let nobody = Named::start(|_| Vec::new()).await;
    let answer = nobody.ask(&get("/accel/private/invoice.txt")).await.unwrap();
    is(&answer, 502).unwrap();
    tells_nothing(&answer).unwrap();
    nobody.proxy.stop().await;
}
