//! What of a command's output the document vouches for.

/// The essential of an output: no blanks that align it, no hashes (of values, of a build), no ids of
/// requests, no moments, and N for each number but 0.
pub(super) fn masked(text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().map(without_numbers).collect::<Vec<_>>();
    text.lines().map(|it| words(it).join(" ")).filter(|it| !it.is_empty()).collect()
}

fn without_numbers(word: &str) -> String {
    if word.starts_with('#') {
        return "#".to_owned();
    }
    if is_uuid(word) {
        return "UUID".to_owned();
    }
    if is_moment(word) {
        return "MOMENT".to_owned();
    }
    if let Some((version, hash)) = word.trim_end_matches(',').split_once('-')
        && hash.len() == 12
        && hash.bytes().all(|it| it.is_ascii_hexdigit())
    {
        return format!("{version}-#");
    }
    let mut masked = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(|it: char| it.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|it: char| !it.is_ascii_digit() && it != '.');
        let digits = number[..end.unwrap_or(number.len())].trim_end_matches('.');
        let (end, is_zero) = (digits.len(), digits.bytes().all(|it| matches!(it, b'0' | b'.')));
        masked.extend([before, if is_zero { "0" } else { "N" }]);
        rest = &number[end..];
    }
    masked + rest
}

/// A request's id.
fn is_uuid(word: &str) -> bool {
    let lengths = word.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && word.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit())
}

/// `2026-11-29T06:21:54Z`.
fn is_moment(word: &str) -> bool {
    let like = "0000-00-00T00:00:00Z";
    let fits = |(one, other): (u8, u8)| one == other || (other == b'0' && one.is_ascii_digit());
    word.len() == like.len() && word.bytes().zip(like.bytes()).all(fits)
}

#[test]
fn only_blanks_hashes_and_numbers_of_an_output_may_differ() {
    assert_eq!(masked("A  B\n\n10  99.50 #0a›\n"), masked("A B\n7 1.2 #ff›\n"));
    assert_eq!(masked("10.00 % of 3."), masked("18.75 % of 16."));
    assert_eq!(masked("2026-11-29T06:21:54Z"), masked("2026-12-01T00:00:00Z"));
    let ids = ["0192f7a1-5b6e-7c10-9d3f-2a41c7e8b605", "b3b0c0de-0000-4000-8000-a1b2c3d4e5f6"];
    assert_eq!(masked(ids[0]), masked(ids[1]));
    for (one, other) in [
        ("2026-11-29T06:21:54Z", "2026-11-29"),
        ("A 10", "A ten"),
        ("A 0.0", "A 0.1"),
        ("A\nB", "A B"),
        ("A 10", "A 0"),
        ("A 0", "B 0"),
    ] {
        assert_ne!(masked(one), masked(other));
    }
}
