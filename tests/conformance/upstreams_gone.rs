//! Servers that speak HTTP/2 and go away in the middle: what is sent again.

use crate::{
    frames_origin::{Deed, FramesOrigin},
    support::{Verdicts, ask, banyan_before, buyer, get, is, same},
};

/// The status that the buyer gets for a second request on a connection, of which `deed` is the end;
/// and where requests came.
async fn seen(request: &str, deed: Deed) -> Result<(u16, Vec<(usize, u32)>), String> {
    let origin =
        FramesOrigin::start(
            move |connection, stream| {
                if (connection, stream) == (0, 3) { deed } else { Deed::Answer }
            },
        )
        .await;
    let proxy = banyan_before(&[format!("h2c://{}", origin.address)], "").await;
    let mut wire = buyer(&proxy).await;
    is(&ask(&mut wire, get("/first")).await?, 200)?;
    let answer = ask(&mut wire, request).await;
    proxy.stop().await;
    Ok((answer?.status(), origin.came()))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_server_did_not_begin_or_may_see_twice_is_sent_again() {
    let get = get("/");
    let post = "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello";
    let delete = "DELETE / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    let again = vec![(0, 1), (0, 3), (1, 1)];
    let once = vec![(0, 1), (0, 3)];
    let mut verdicts = Verdicts::default();
    for (request, deed, due) in [
        (&*get, Deed::GoAway(1), (200, &again)),
        (post, Deed::GoAway(1), (200, &again)),
        (delete, Deed::GoAwayAndClose(1), (200, &again)),
        (&*get, Deed::GoAwayAndClose(3), (200, &again)),
        (post, Deed::GoAwayAndClose(3), (502, &once)),
        (delete, Deed::GoAwayAndClose(3), (502, &once)),
        (&*get, Deed::Close, (200, &again)),
        (post, Deed::Close, (502, &once)),
        (delete, Deed::Close, (502, &once)),
    ] {
        let name = format!("{} {deed:?}", &request[..4]);
        let (status, came) = (due.0, due.1.clone());
        let found = seen(request, deed).await;
        verdicts.add(&name, found.and_then(|it| same("it", &it, &(status, came))));
    }
    verdicts.conclude();
}
