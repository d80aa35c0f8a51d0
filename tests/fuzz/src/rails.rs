//! What handlers read of a request, as Rails would.

use std::{env, path::PathBuf, sync::LazyLock};

use extracted::rails::{
    cache::{Format, Stored},
    cookie::{Cookies, SetCookie},
    marshal as ruby,
    multipart::{Multipart, MultipartError},
    params::{Param, Params},
    query::Query,
    string,
};
use time::OffsetDateTime;

/// A plain parameter stands for itself: what is written behind it changes only what it names.
pub(crate) fn query(input: &[u8]) {
    let Ok(raw) = str::from_utf8(input) else { return };
    let _ = string::to_i(raw);
    let Ok(query) = Query::parse(raw) else { return };
    assert_eq!(Query::parse(&raw.replace(';', "&")).as_ref(), Ok(&query));
    let Ok(longer) = Query::parse(&format!("{raw}&fuzz%3F=%41+b")) else { return };
    assert_eq!(longer.get("fuzz?"), Some("A b"));
    for pair in raw.split(['&', ';']) {
        let name = pair.split('=').next().unwrap_or_default();
        if name != "fuzz%3F" && !name.contains(['%', '+', '?', '[', ']']) {
            assert_eq!(longer.get(name), query.get(name), "{name}");
            assert_eq!(
                string::presence(query.get(name)).is_some(),
                query.get(name).is_some_and(|it| !it.trim().is_empty())
            );
        }
    }
}

/// A query and a form are the same where there is no `;`, arrays hold no nil, and what was read is
/// read again when it is written out in full.
pub(crate) fn params(input: &[u8]) {
    let _ = Params::from_json(input);
    let form = Params::from_form(input);
    let Ok(raw) = str::from_utf8(input) else { return };
    let query = Params::from_query(raw);
    if !raw.contains(';') && !raw.ends_with('\0') {
        assert_eq!(query, form);
    }
    let Ok(params) = query else { return };
    for (name, value) in params.iter() {
        assert!(!name.is_empty());
        without_nil(value);
    }
    let longer = Params::from_query(&format!("{raw}&fuzz%3F[x][]=%41+b"));
    if let Ok(longer) = longer {
        let Some(Param::Array(values)) = longer.hash("fuzz?").and_then(|it| it.get("x")) else {
            panic!("{longer:?}")
        };
        assert_eq!(values.last(), Some(&Param::Text("A b".to_owned())));
    }
}

fn without_nil(value: &Param) {
    match value {
        Param::Array(values) => {
            assert!(!values.contains(&Param::Nil));
            values.iter().for_each(without_nil);
        }
        Param::Hash(params) => params.iter().for_each(|(_, value)| without_nil(value)),
        _ => {}
    }
}

/// A body means the same however it comes, and its files are where they should be.
pub(crate) fn multipart(input: &[u8]) {
    let whole = read(input, input.len().max(1));
    match (&whole, read(input, 3)) {
        (Ok(whole), Ok(pieces)) => same(whole, &pieces),
        (Err(MultipartError::Params(whole)), Err(MultipartError::Params(pieces))) => {
            assert_eq!(whole.status(), pieces.status());
        }
        (whole, pieces) => panic!("{whole:?} is {pieces:?} in pieces"),
    }
}

fn read(body: &[u8], piece: usize) -> Result<Params, MultipartError> {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(env::temp_dir);
    let content_type = "multipart/form-data; boundary=x";
    let mut multipart = Multipart::new(content_type, FOLDER.clone(), 1 << 20)?;
    body.chunks(piece).try_for_each(|it| multipart.write(it))?;
    multipart.finish()
}

fn same(one: &Params, other: &Params) {
    assert!(one.iter().map(|it| it.0).eq(other.iter().map(|it| it.0)));
    for ((_, one), (_, other)) in one.iter().zip(other.iter()) {
        same_value(one, other);
    }
}

fn same_value(one: &Param, other: &Param) {
    match (one, other) {
        (Param::File(one), Param::File(other)) => {
            assert_eq!((one.size, &one.original_filename), (other.size, &other.original_filename));
            let length = one.path().metadata().map(|it| it.len()).ok();
            assert_eq!(length, Some(one.size));
        }
        (Param::Hash(one), Param::Hash(other)) => same(one, other),
        (Param::Array(one), Param::Array(other)) => {
            assert_eq!(one.len(), other.len());
            one.iter().zip(other).for_each(|(one, other)| same_value(one, other));
        }
        (one, other) => assert_eq!(one, other),
    }
}

/// What can be read is written in one way, and read from that as the same.
pub(crate) fn marshal(input: &[u8]) {
    let _ = ruby::load_entry(input);
    let Ok(value) = ruby::load(input) else { return };
    let written = ruby::dump(&value);
    // Links of the input are copies in what is written, so that it may be too large to be read.
    if let Ok(again) = ruby::load(&written) {
        assert_eq!(ruby::dump(&again), written);
    }
}

/// The first cookie of a name counts, and what is written is read.
pub(crate) fn cookies(input: &[u8]) {
    let _ = Cookies::parse(input);
    let Ok(value) = str::from_utf8(input) else { return };
    let Ok(written) = SetCookie::new("fuzz", value).to_header() else { return };
    let pair = written.as_bytes().split(|it| *it == b';').next().unwrap_or_default();
    let field = [pair, b"; fuzz=second"].concat();
    assert_eq!(Cookies::parse(&field).get("fuzz"), Some(input));
}

/// What an entry of any format holds is the same once it is kept in another.
pub(crate) fn cache(input: &[u8]) {
    let Ok(stored) = Stored::load(input) else { return };
    let now = OffsetDateTime::UNIX_EPOCH;
    for format in [Format::Rails61, Format::Rails70, Format::Rails71] {
        let written = Stored::dump(&stored.value, format, now, None);
        // Links of the input are copies in what is written, so that it may be too large to be read.
        if let Ok(again) = Stored::load(&written) {
            assert_eq!(ruby::dump(&again.value), ruby::dump(&stored.value));
        }
    }
}
