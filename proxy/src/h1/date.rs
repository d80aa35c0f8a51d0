//! The `Date` of answers that come without one, formatted once a second.

use std::{
    cell::RefCell,
    time::{Instant, SystemTime},
};

/// A formatted second, and when it was looked at.
struct Cached {
    text: String,
    at: Instant,
}

thread_local! {
    static NOW: RefCell<Option<Cached>> = const { RefCell::new(None) };
}

/// Shows the time of now, as RFC 9110 §5.6.7 writes it.
pub fn with_now(show: impl FnOnce(&[u8])) {
    NOW.with_borrow_mut(|cached| {
        let fresh = cached.take().filter(|it| it.at.elapsed().as_millis() < 500);
        let now = fresh.unwrap_or_else(|| Cached {
            text: httpdate::fmt_http_date(SystemTime::now()),
            at: Instant::now(),
        });
        show(now.text.as_bytes());
        *cached = Some(now);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_of_now() {
        with_now(|text| {
            let date = httpdate::parse_http_date(std::str::from_utf8(text).unwrap()).unwrap();
            assert!(date.elapsed().unwrap().as_secs() < 5);
        });
    }
}
