//! Files that a real Rails only names, and Banyan sends: uploads by both fields, and `public/` by
//! `X-Sendfile`.

use std::fs;

use tests::{banyan::Setup, project, shop::Shop};

use crate::{
    curl::{Answer, logged_in, picture_to_upload, ways},
    support::Pair,
};

/// A field's value, for what comes with `NAME: `.
fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.fields.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rails_names_in_x_sendfile_is_sent_over_every_protocol() {
    let public = project::root().join("tests/shop/public");
    let (shop, pair) = behind("X-Sendfile", |storage| {
        ["--sendfile".into(), storage, "--sendfile".into(), public.display().to_string()]
    })
    .await;
    an_upload_is_sent_by_banyan(&pair, &shop, "x-sendfile").await;

    let terms = fs::read(public.join("terms.txt")).unwrap();
    for (way, base) in ways(&pair) {
        let url = format!("{base}/terms.txt");
        let whole = Answer::to(&[way], &url).await;
        assert_eq!((&whole.status[..], whole.body == terms), ("200", true), "{way} {whole:?}");
        let part = Answer::to(&[way, "--range", "1000-1099"], &url).await;
        assert_eq!((&part.status[..], &part.body[..]), ("206", &terms[1000..1100]), "{way}");
    }
    pair.stop().await;
    tokio::task::spawn_blocking(move || drop(shop)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rails_names_in_x_accel_redirect_is_sent_over_every_protocol() {
    let flags = |storage| ["--sendfile".into(), format!("/uploads={storage}")];
    let (shop, pair) = behind("X-Accel-Redirect", flags).await;
    an_upload_is_sent_by_banyan(&pair, &shop, "x-accel-redirect").await;
    pair.stop().await;
    tokio::task::spawn_blocking(move || drop(shop)).await.unwrap();
}

/// A shop of its own that names files in that field, and Banyan with the flags for its storage.
async fn behind<const N: usize>(
    name: &'static str,
    flags: impl Fn(String) -> [String; N],
) -> (Shop, Pair) {
    let shop = tokio::task::spawn_blocking(|| Shop::start_naming_files(name));
    let shop = shop.await.unwrap().unwrap();
    let flags = flags(shop.storage().display().to_string()).to_vec();
    let monolith = shop.addresses.url.clone();
    let pair = Pair::start(Setup { monolith, flags, ..Setup::default() }).await;
    (shop, pair)
}

async fn an_upload_is_sent_by_banyan(pair: &Pair, shop: &Shop, name: &str) {
    let base = pair.clear.url();
    let browser = logged_in(&base, 494).await;
    let (picture, upload) = picture_to_upload(pair, &browser, &base, 1).await;
    let upload: Vec<_> = upload.iter().map(String::as_str).collect();
    assert_eq!(Answer::to(&upload, &format!("{base}/profile")).await.status, "302");

    let upload = Upload { picture, cookie: browser.cookie_header() };
    // Puma has sent nothing of it: it is Banyan that reads the file.
    let named = upload.ask(&[], &shop.addresses.url).await;
    assert!(field(&named, name).is_some() && named.body.is_empty(), "{:?}", named.fields);
    for (way, base) in ways(pair) {
        let whole = upload.is_sent_whole(way, &base, &named).await;
        assert_eq!(field(&whole, name), None, "{way} {base}");
        upload.is_sent_in_parts(way, &base, &named).await;
    }
}

/// A picture, and the cookie of its only spectator.
struct Upload {
    picture: Vec<u8>,
    cookie: String,
}

impl Upload {
    async fn ask(&self, arguments: &[&str], base: &str) -> Answer {
        let arguments = [arguments, &["--cookie", &self.cookie]].concat();
        Answer::to(&arguments, &format!("{base}/profile/avatar")).await
    }

    /// With what Rails said of it in the answer that has only `named` it, and unless the client has it
    /// already.
    async fn is_sent_whole(&self, way: &str, base: &str, named: &Answer) -> Answer {
        let whole = self.ask(&[way], base).await;
        assert_eq!((&whole.status[..], whole.body == self.picture), ("200", true), "{way} {base}");
        let length = self.picture.len().to_string();
        assert_eq!(field(&whole, "content-length"), Some(&length[..]), "{way} {base}");
        for same in
            ["cache-control", "content-disposition", "content-type", "etag", "last-modified"]
        {
            assert_eq!(field(&whole, same), field(named, same), "{way} {base}: {same}");
        }
        let head = self.ask(&[way, "--head"], base).await;
        // Rails takes the body off before it looks whether it is a file: no length, here as without us.
        let more = head.fields.iter().find(|it| !whole.fields.contains(it));
        assert_eq!((&head.status[..], more), ("200", None), "{way} {base}");
        let etag = format!("If-None-Match: {}", field(named, "etag").unwrap());
        let unchanged = self.ask(&[way, "--header", &etag], base).await;
        assert_eq!((&unchanged.status[..], unchanged.body.len()), ("304", 0), "{way} {base}");
        whole
    }

    async fn is_sent_in_parts(&self, way: &str, base: &str, named: &Answer) {
        let modified = format!("If-Range: {}", field(named, "last-modified").unwrap());
        let outdated = "If-Range: Mon, 01 Jan 2001 00:00:00 GMT";
        let size = self.picture.len();
        for (arguments, status, due) in [
            (&["--range", "0-99"][..], "206", 0..100),
            (&["--range", "-10"], "206", size - 10..size),
            (&["--range", "-10", "--header", &modified], "206", size - 10..size),
            (&["--range", "-10", "--header", outdated], "200", 0..size),
        ] {
            let part = self.ask(&[&[way], arguments].concat(), base).await;
            let right = part.body == self.picture[due];
            assert_eq!((&part.status[..], right), (status, true), "{way} {base} {arguments:?}");
        }
    }
}
