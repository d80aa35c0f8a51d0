//! Parameters against what Rails made of the same bytes (`tests/vectors/params.json`).

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/params.json")).unwrap()
}

fn input(vector: &Value) -> Vec<u8> {
    match vector["in"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => hex::decode(vector["hex"].as_str().unwrap()).unwrap(),
    }
}

/// The names' order counts, which a comparison of values would not see.
fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn check(vector: &Value, got: Result<Params, ParamsError>) {
    match got {
        Ok(params) => assert_eq!(written(&params), written(&vector["params"]), "{vector}"),
        Err(error) => {
            let status = error.status().map(|it| u64::from(it.as_u16()));
            assert_eq!(status, vector["status"].as_u64(), "{vector}: {error}");
        }
    }
}

#[test]
fn queries_are_read_as_rails_reads_them() {
    for vector in vectors()["queries"].as_array().unwrap() {
        check(vector, Params::from_query(&String::from_utf8(input(vector)).unwrap()));
    }
}

#[test]
fn forms_are_read_as_rails_reads_them() {
    for vector in vectors()["forms"].as_array().unwrap() {
        check(vector, Params::from_form(&input(vector)));
    }
}

#[test]
fn json_is_read_as_rails_reads_it_or_left_to_it() {
    let mut left = Vec::new();
    for vector in vectors()["json"].as_array().unwrap() {
        match Params::from_json(&input(vector)) {
            Err(ParamsError::Unusual(_)) => {
                left.push(vector["in"].as_str().unwrap_or("hex").to_owned());
            }
            other => check(vector, other),
        }
    }
    let unusual = [
        r#"{"a":1e20}"#,
        r#"{"a":123456789012345678901234567890}"#,
        r#"{"a":1e400}"#,
        r#"{"a":"\q"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":1/*x*/}"#,
        "// x\n{}",
        r#"{"a":-0}"#,
        r#"{"a":-0.0}"#,
        "hex",
    ];
    assert_eq!(left, unusual);
}

#[test]
fn nothing_is_nested_deeper_than_rails_would() {
    let hashes = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    for (name, body) in [
        ("100 arrays", "[".repeat(100) + &"]".repeat(100)),
        ("101 arrays", "[".repeat(101) + &"]".repeat(101)),
        ("100 hashes", hashes(100)),
        ("101 hashes", hashes(101)),
    ] {
        check_size(&vectors()["deep"][name], Params::from_json(body.as_bytes()));
    }
}

fn check_size(vector: &Value, got: Result<Params, ParamsError>) {
    match got {
        Ok(params) => assert_eq!(Some(params.len() as u64), vector["params"].as_u64(), "{vector}"),
        Err(_) => check(vector, got),
    }
}

/// Rack's patterns look at lines there.
#[test]
fn a_nested_name_with_a_line_end_is_left_to_rails() {
    for query in ["a[%0Ab]=1", "a%0A[]=1"] {
        assert!(matches!(Params::from_query(query), Err(ParamsError::Unusual(_))), "{query}");
    }
    assert_eq!(Params::from_query("a%0Ab=1").unwrap().text("a\nb"), Some("1"));
}

#[test]
fn limits_are_those_of_rack() {
    let a = |count| "a".repeat(count);
    for (name, query) in [
        ("4095 separators", "a&".repeat(4095)),
        ("4096 separators", "a&".repeat(4096)),
        ("depth 100", format!("a{}=1", "[b]".repeat(99))),
        ("depth 101", format!("a{}=1", "[b]".repeat(100))),
        ("key space 65536", a(65_536)),
        ("key space 65537", a(65_537)),
        ("key space of characters", "%C3%A9".repeat(65_536)),
        ("key space of one hash", format!("a[{}]=1&b[{}]=1", a(40_000), a(40_000))),
        ("4194304 bytes", format!("a={}", a(4_194_302))),
        ("4194305 bytes", format!("a={}", a(4_194_303))),
    ] {
        let vector = &vectors()["long"][name];
        assert!(vector.is_object(), "{name}");
        check_size(vector, Params::from_query(&query));
    }
}

#[test]
fn the_path_wins_over_the_query_and_that_over_the_body() {
    for vector in vectors()["all"].as_array().unwrap() {
        let form = Params::from_form(vector["form"].as_str().unwrap().as_bytes()).unwrap();
        let query = Params::from_query(vector["query"].as_str().unwrap()).unwrap();
        let path: Vec<_> = vector["path"].as_object().unwrap().iter().collect();
        let path: Vec<_> =
            path.iter().map(|it| (it.0.clone(), it.1.as_str().unwrap().to_owned())).collect();
        assert_eq!(written(&Params::merged(form, query, &path)), written(&vector["params"]));
    }
}

#[test]
fn a_form_can_name_its_method() {
    for vector in vectors()["methods"].as_array().unwrap() {
        let method = vector["method"].as_str().unwrap();
        let form = Params::from_form(vector["form"].as_str().unwrap().as_bytes()).ok();
        let named = (method == "POST")
            .then(|| method_override(form.as_ref(), vector["header"].as_str()))
            .flatten();
        assert_eq!(named.as_ref().map_or(method, Method::as_str), vector["becomes"], "{vector}");
    }
}

#[test]
fn json_is_wrapped_under_the_controllers_name() {
    let body = Params::from_json(br#"{"name":"a","_method":"put","x":1}"#).unwrap();
    let mut all = body.clone();
    all.wrap(&body, "user", None);
    assert_eq!(written(&all), r#"{"name":"a","_method":"put","x":1,"user":{"name":"a","x":1}}"#);
    let mut all = body.clone();
    all.wrap(&body, "user", Some(&["x", "id"]));
    assert_eq!(written(all.get("user").unwrap()), r#"{"x":1}"#);
    all.wrap(&body, "name", None);
    assert_eq!(all.text("name"), Some("a"));
}

#[test]
fn required_and_permitted_as_in_a_controller() {
    let params = Params::from_query("user[name]=a&user[b][]=1&user[c]&x=1&e[]").unwrap();
    let user = params.require("user").unwrap();
    assert_eq!(written(&user.permit(&["c", "name", "b", "z"])), r#"{"c":null,"name":"a"}"#);
    assert_eq!(params.require("gone").unwrap_err().status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(params.require("e").unwrap_err().status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(params.require("x").unwrap_err().status(), None);
}

proptest! {
    #[test]
    fn every_escaped_pair_is_read_back(name in "[^\\[\\]\n]{1,20}", value in ".{0,40}") {
        let escape = |it| utf8_percent_encode(it, NON_ALPHANUMERIC).to_string();
        let query = format!("a=1&{}={}", escape(&name), escape(&value));
        let params = Params::from_query(&query).unwrap();
        prop_assert_eq!(params.text(&name), Some(value.as_str()));
    }

    #[test]
    fn no_query_panics(query in "[ab%0-3=&;\\[\\]+ ]{0,60}", any in ".{0,60}") {
        let _ = Params::from_query(&query);
        let _ = Params::from_query(&any);
    }

    #[test]
    fn no_json_panics(body in prop::collection::vec(any::<u8>(), 0..60), text in "[\\[\\]{}:,\"a0-9e.\\-]{0,40}") {
        let _ = Params::from_json(&body);
        let _ = Params::from_json(text.as_bytes());
    }
}
