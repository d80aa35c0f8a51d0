//! curl, which is another implementation of everything, sees through Banyan what it sees without.

use std::{
    fs,
    process::{Output, Stdio},
    time::Duration,
};

use futures_util::future::join_all;
use tests::{banyan::Setup, browser::Browser, project::Scratch};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use crate::support::{Pair, shop};

/// Every way to ask: curl's flag, and the address that it is for.
pub(crate) fn ways(pair: &Pair) -> [(&'static str, String); 5] {
    let (clear, tls) = (pair.clear.url(), format!("https://{}", pair.tls.address()));
    [
        ("--http1.0", clear.clone()),
        ("--http1.1", clear.clone()),
        ("--http2-prior-knowledge", clear),
        ("--http1.1", tls.clone()),
        ("--http2", tls),
    ]
}

/// An answer, as curl tells it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: String,
    /// Without those that belong to one connection or one request.
    pub(crate) fields: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Asks for `url`, and fails unless curl is content.
    pub(crate) async fn to(arguments: &[&str], url: &str) -> Self {
        let files = Scratch::new("answer");
        let (head, body) = (files.path().join("head"), files.path().join("body"));
        let output = curl(arguments)
            .args([&"--dump-header".into(), &head, &"--output".into(), &body])
            .arg(url)
            .output()
            .await
            .unwrap();
        succeeded(&output, arguments, url);
        let head = fs::read_to_string(head).unwrap();
        // A 100 has a head of its own before.
        let last = head.trim_end().rsplit("\r\n\r\n").next().unwrap();
        let mut lines = last.split("\r\n").map(str::to_owned);
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        let mut fields: Vec<_> = lines.map(|it| lower_name(&it)).filter(|it| lasts(it)).collect();
        fields.sort();
        // For a HEAD curl writes the head there.
        let body = if arguments.contains(&"--head") { None } else { fs::read(body).ok() };
        Self { status, fields, body: body.unwrap_or_default() }
    }
}

fn lower_name(field: &str) -> String {
    let (name, value) = field.split_once(':').unwrap();
    format!("{}:{value}", name.to_lowercase())
}

fn lasts(field: &str) -> bool {
    let name = field.split(':').next().unwrap_or_default();
    let passing = [
        "connection",
        "content-security-policy", // for its nonces
        "date",
        "keep-alive",
        "set-cookie",
        "transfer-encoding",
        "x-request-id",
        "x-runtime",
    ];
    !passing.contains(&name)
}

fn curl(arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--insecure", "--max-time", "50"]).args(arguments);
    command.kill_on_drop(true);
    command
}

fn succeeded(output: &Output, arguments: &[&str], url: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {arguments:?} {url}: {said}");
}

/// A buyer of the seeds whom nobody else of these tests is.
pub(crate) async fn logged_in(base: &str, number: u32) -> Browser {
    let browser = Browser::new(base);
    let login = browser.visit("/login").await.unwrap();
    let email = format!("buyer{number}@shop.test");
    let fields = [("email", email.as_str()), ("password", "correct horse")];
    let home = browser.submit(&login, "/login", &fields).await.unwrap();
    assert_eq!(home.path, "/", "{}", home.text());
    browser
}

/// Asks for the same directly and in every way, and fails where an answer differs.
async fn is_the_same(pair: &Pair, path: &str, cases: &[&[&str]], also: &[&str]) -> Vec<Answer> {
    let shop = shop().await.url;
    let mut direct_answers = Vec::new();
    for case in cases {
        let mut arguments = case.to_vec();
        arguments.extend(also);
        arguments.push("--http1.1");
        let direct = Answer::to(&arguments, &format!("{shop}{path}")).await;
        let answers = join_all(ways(pair).map(|(way, base)| {
            *arguments.last_mut().unwrap() = way;
            let arguments = arguments.clone();
            async move { (Answer::to(&arguments, &format!("{base}{path}")).await, way, base) }
        }));
        for (answer, way, base) in answers.await {
            let head = |it: &Answer| (it.status.clone(), it.fields.clone());
            assert_eq!(head(&answer), head(&direct), "{case:?} {way} {base}{path}");
            assert!(answer.body == direct.body, "{case:?} {way} {base}{path}: another body");
        }
        direct_answers.push(direct);
    }
    direct_answers
}

/// Puma's own files: whole, in parts, not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_and_its_parts_are_the_same_through_every_protocol() {
    let pair = Pair::start(Setup::default()).await;
    let whole = Answer::to(&[], &format!("{}/terms.txt", shop().await.url)).await;
    let modified = whole.fields.iter().find_map(|it| it.strip_prefix("last-modified: ")).unwrap();
    let (if_range, outdated) =
        (format!("If-Range: {modified}"), "If-Range: Mon, 01 Jan 2001 00:00:00 GMT");
    let cases: [(&[&str], &str); 12] = [
        (&[], "200"),
        (&["--head"], "200"),
        (&["--range", "0-99"], "206"),
        (&["--range", "100-"], "206"),
        (&["--range", "-100"], "206"),
        (&["--range", "0-9,20-29,-5"], "206"),
        (&["--range", "0-9", "--head"], "206"),
        (&["--range", "100000-"], "416"),
        (&["--range", "0-9", "--header", &if_range], "206"),
        // Rack knows no If-Range; what it makes of one is its own business.
        (&["--range", "0-9", "--header", outdated], "206"),
        (&["--time-cond", modified], "304"),
        (&["--compressed"], "200"),
    ];
    let answers = is_the_same(&pair, "/terms.txt", &cases.map(|it| it.0), &[]).await;
    for (answer, (case, status)) in answers.iter().zip(cases) {
        assert_eq!(answer.status, status, "{case:?}");
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_broke_off_is_resumed() {
    let pair = Pair::start(Setup::default()).await;
    let whole = fs::read(tests::project::root().join("tests/shop/public/terms.txt")).unwrap();
    for (index, (way, base)) in ways(&pair).iter().enumerate() {
        let file = pair.files.path().join(format!("part-{index}"));
        fs::write(&file, &whole[..1000]).unwrap();
        let (name, url) = (file.display().to_string(), format!("{base}/terms.txt"));
        let arguments = [way, "--continue-at", "-", "--output", &name];
        succeeded(&curl(&arguments).arg(&url).output().await.unwrap(), &arguments, &url);
        assert!(fs::read(&file).unwrap() == whole, "{way} {base}");
    }
    pair.stop().await;
}

/// What Rails makes as it goes: of unknown length, compressed or not, with or without a body.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_the_same_through_every_protocol() {
    let pair = Pair::start(Setup::default()).await;
    let cookie = logged_in(&pair.clear.url(), 491).await.cookie_header();
    let cases: [&[&str]; 4] =
        [&[], &["--head"], &["--compressed"], &["--header", "Accept-Encoding: gzip"]];
    let answers = is_the_same(&pair, "/orders.csv", &cases, &["--cookie", &cookie]).await;
    let [plain, _head, unpacked, packed] = &answers[..] else { unreachable!("as many as cases") };
    assert!(plain.body.starts_with(b"number,status,"), "{plain:?}");
    assert!(plain.body.split(|it| *it == b'\n').count() > 2, "buyer491 has no orders");
    assert!(unpacked.body == plain.body && packed.body.starts_with(b"\x1f\x8b"), "{packed:?}");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_arrives_whole_however_curl_sends_it() {
    let pair = Pair::start(Setup::default()).await;
    let chunked: &[&str] = &["--header", "Transfer-Encoding: chunked"];
    let expecting: &[&str] = &["--header", "Expect: 100-continue"];
    let silent: &[&str] = &["--header", "Expect:"];
    let [old, clear, prior, tls, h2] = ways(&pair);
    let cases = [
        (&old, silent),
        (&clear, expecting),
        (&clear, chunked),
        (&clear, silent),
        (&prior, silent),
        (&tls, expecting),
        (&tls, chunked),
        (&h2, silent),
    ];
    for (number, ((way, base), manner)) in (1_u8..).zip(cases) {
        let said = uploads(&pair, way, base, manner, number).await;
        let continued = said.contains("< HTTP/1.1 100");
        assert!(continued || manner != expecting, "{way} {base} was not told to go on:\n{said}");
    }
    pair.stop().await;
}

/// Uploads a picture of its own, and looks at it; returns what curl says of the exchange.
async fn uploads(pair: &Pair, way: &str, base: &str, manner: &[&str], number: u8) -> String {
    let browser = logged_in(base, 492).await;
    let (picture, arguments) = picture_to_upload(pair, &browser, base, number).await;
    let mut arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    arguments.extend([way, "--verbose"].iter().chain(manner));
    let url = format!("{base}/profile");
    let output = curl(&arguments).arg(&url).output().await.unwrap();
    succeeded(&output, &arguments, &url);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let cookie = browser.cookie_header();
    let back = Answer::to(&[way, "--cookie", &cookie], &format!("{base}/profile/avatar")).await;
    assert!(
        back.body == picture,
        "{way} {base} {manner:?}: {} {:?}\n{said}",
        back.status,
        back.fields
    );
    said
}

/// A picture that no other number has, and what curl needs to upload it as the browser's user.
pub(crate) async fn picture_to_upload(
    pair: &Pair,
    browser: &Browser,
    base: &str,
    number: u8,
) -> (Vec<u8>, Vec<String>) {
    // What decides over being a picture is in the first bytes.
    let mut picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    picture.resize(2 * 1024 * 1024 + usize::from(number), number);
    let file = pair.files.path().join(format!("{number}.png"));
    fs::write(&file, &picture).unwrap();
    let profile = browser.visit("/profile").await.unwrap();
    let mut arguments = Vec::new();
    for (name, value) in profile.hidden_fields("/profile").unwrap() {
        arguments.extend(["--form-string".into(), format!("{name}={value}")]);
    }
    let part = format!("user[avatar]=@{};type=image/png", file.display());
    arguments.extend(["--form".into(), part, "--cookie".into(), browser.cookie_header()]);
    arguments.extend(["--header".into(), format!("Origin: {base}")]);
    (picture, arguments)
}

/// Ten seconds of events: who sees the first of them at once has not waited for the last.
#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_one_by_one_through_every_protocol() {
    let pair = Pair::start(Setup::default()).await;
    let browser = logged_in(&pair.clear.url(), 493).await;
    let orders = browser.visit("/orders").await.unwrap();
    let order = orders.attributes("a[href^='/orders/']:not([href$='csv'])", "href").remove(0);
    let cookie = browser.cookie_header();
    join_all(ways(&pair).map(|(way, base)| {
        let (url, cookie) = (format!("{base}{order}/events?ticks=50"), &cookie);
        async move {
            let mut curl = curl(&[way, "--no-buffer", "--cookie", cookie])
                .arg(&url)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(curl.stdout.take().unwrap()).lines();
            for due in ["id: 1", "id: 2", "id: 5"] {
                let found =
                    async { while lines.next_line().await.unwrap().expect("it ended") != due {} };
                let found = timeout(Duration::from_secs(40), found).await;
                found.unwrap_or_else(|_| panic!("{way} {base}: no {due}"));
            }
            assert!(
                curl.try_wait().unwrap().is_none(),
                "{way} {base}: the events came all at once"
            );
        }
    }))
    .await;
    pair.stop().await;
}
