//! curl as the buyer's end, for what no raw socket of ours should judge alone.

use tokio::process::Command;

use tests::banyan::{Proxy, Setup};

use crate::origin::{Origin, Step};

/// Rails sends no trailers; a service that was split off may.
#[tokio::test(flavor = "multi_thread")]
async fn curl_finds_the_trailers_of_an_answer() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                  5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n";
    let origin = Origin::scripted(|_| vec![Step::Send(answer.into())]).await;
    let setup = Setup {
        monolith: format!("http://{}", origin.address),
        listen: Some("h2c://127.0.0.1:0".into()),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    for way in ["--http1.1", "--http2-prior-knowledge"] {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "20", "--include", way])
            .args(["--header", "TE: trailers"])
            .arg(proxy.url())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap().to_lowercase();
        assert!(output.status.success() && said.contains("hello"), "{way}: {said}");
        let (_, trailers) = said.split_once("\r\n\r\n").unwrap();
        assert!(trailers.contains("x-sum: 7"), "{way}: {said}");
    }
    proxy.stop().await;
}
