//! The commands as an operator meets them: exit statuses, what is printed, and a drain.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;

fn banyan(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banyan"));
    command.current_dir(folder).env_clear();
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = banyan(folder).args(arguments).output().unwrap();
    let text = |it| String::from_utf8(it).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn check_says_good_or_every_fault_with_its_place() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("routes.toml");
    fs::write(
        &file,
        "[[route]]\nid = \"cart\"\nmatch = { path = \"/cart\" }\nstage = \"monolith\"\n",
    )
    .unwrap();
    let (code, out, _) = run(folder.path(), &["check"]);
    assert_eq!((code, out.as_str()), (Some(0), "routes.toml: good, 1 route\n"));

    fs::write(
        &file,
        "[[route]]\nid = \"cart\"\nmatch = { path = \"cart\" }\nstage = \"monolit\"\n",
    )
    .unwrap();
    let (code, out, _) = run(folder.path(), &["check"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("routes.toml:3:18: \"cart\" must start with `/`"), "{out}");
    assert!(out.contains("routes.toml:4:9: ") && out.contains("did you mean `monolith`?"), "{out}");

    let (code, out, _) = run(folder.path(), &["check", "--format", "json"]);
    let faults: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, faults.as_array().unwrap().len()), (Some(1), 2));
    assert_eq!((&faults[0]["line"], &faults[0]["severity"]), (&3.into(), &"error".into()));
}

#[test]
fn what_cannot_run_says_why_and_ends_with_2() {
    let folder = TempDir::new().unwrap();
    let recorded = "[[route]]\nid = \"cart\"\nmatch = { path = \"/cart\" }\nstage = \"monolith\"\nrecord = \"1%\"\n";
    fs::write(folder.path().join("recorded.toml"), recorded).unwrap();
    for (arguments, says) in [
        (&["check", "absent.toml"][..], "absent.toml"),
        (&["serve"], "say where the monolith is"),
        (&["serve", "--monolith", "ftp://rails"], "must be `http://HOST:PORT`"),
        (&["serve", "--monolith", "http://rails", "--listen", "https://0.0.0.0:1"], "certificate"),
        (&["serve", "--monolith", "http://rails", "--listen", "ftp://0.0.0.0:1"], "http://"),
        (&["serve", "--monolith", "http://rails", "--log", "a=b=c"], "--log"),
        (
            &["serve", "--monolith", "http://rails", "--log", "warning"],
            "`warning` is no level: off",
        ),
        (&["serve", "--monolith", "http://rails", "--store", "sqlite:///no/such/x.db"], "--store"),
        (&["serve", "--monolith", "http://rails", "--routes", "recorded.toml"], "--recordings DIR"),
        (
            &["serve", "--monolith", "http://rails", "--recording-key", "short"],
            "openssl rand -hex 32",
        ),
        (&["record", "--recordings", "absent"], "absent cannot be read"),
        (&["replay", "absent"], "name it with --routes"),
        (&["replay", "absent", "--routes", "recorded.toml"], "absent cannot be read"),
        (&["replay", ".", "--routes", "recorded.toml"], "--database URL"),
        (&["replay", "recorded.toml", "--routes", "recorded.toml"], "is no recording"),
        (&["report", "--store", "sqlite://absent.db"], "--store"),
        (&["verdict"], "--samples"),
        (&["verdict", "--samples", "1", "--mismatches", "2"], "counts the mismatched ones too"),
        (&["verdict", "--samples", "-1"], "--samples"),
        (&["verdict", "--samples", "18446744073709551615"], "at most 9007199254740992,"),
        (&["verdict", "--samples", "1", "--unknowns", "100000000000000"], "at most 90071992547409"),
        (&["verdict", "--samples", "1", "--budget", "0%"], "more than 0%"),
        (&["verdict", "--samples", "1", "--budget", "1"], "must be a percentage"),
        (&["verdict", "--samples", "1", "--confidence", "100%"], "less than 100%"),
    ] {
        let (code, _, error) = run(folder.path(), arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}

#[test]
fn verdict_says_what_the_judge_would_say_and_what_is_missing() {
    let folder = TempDir::new().unwrap();
    let ask = |question: &str| {
        let arguments: Vec<_> = question.split(' ').collect();
        let (code, out, error) = run(folder.path(), &[&["verdict"], &arguments[..]].concat());
        assert_eq!(error, "", "{question}");
        (code, out)
    };
    let question = "--budget 1% --confidence 95% --samples 500 --mismatches 2";
    let (code, out) = ask(&format!("{question} --format json"));
    let answer: Value = serde_json::from_str(&out).unwrap();
    let expected = json!({
        "budget": 0.01, "confidence": 0.95, "samples": 500, "mismatches": 2, "unknowns": 0,
        "state": "undecided", "more_requests": 374, "more_seconds": null,
        "why": "374 more distinct requests without a difference (2 of 500 differ so far)",
    });
    assert_eq!((code, answer), (Some(3), expected));
    let (code, out) = ask(question);
    assert_eq!(code, Some(3));
    assert!(out.starts_with("undecided: 374 more distinct requests"), "{out}");

    assert_eq!(ask("--budget 1% --samples 363"), (Some(0), "ready\n".to_owned()));
    let (code, out) = ask("--budget 1% --samples 10 --mismatches 5");
    assert_eq!(code, Some(1));
    assert!(out.starts_with("not ready: critical differences in 5 of 10 requests"), "{out}");
    let (code, out) = ask("--budget 1% --samples 1000 --unknowns 50");
    assert_eq!(code, Some(1));
    assert!(
        out.contains("4.8 % of the distinct requests could not be compared, at most 1 % may be"),
        "{out}"
    );
    let (_, out) = ask("--budget 1% --samples 989 --unknowns 10");
    assert!(
        out.starts_with(
            "not ready: 1.001 % of the distinct requests could not be compared, at most 1 % may be"
        ),
        "{out}"
    );
    let (_, out) = ask("--budget 0.07% --samples 10 --mismatches 5");
    assert!(out.contains("5 of 10 requests (50.0 %), the budget is 0.07 %;"), "{out}");
    let (_, out) = ask("--budget 0.0001% --samples 1000000 --mismatches 3");
    assert!(out.contains("3 of 1000000 requests (< 0.01 %), the budget is 0.0001 %"), "{out}");
}

/// A monolith that answers every connection once.
fn monolith() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nrails",
            );
        }
    });
    format!("http://{address}")
}

/// Starts `banyan serve` with these further arguments; returns it and its two addresses.
fn serve(folder: &Path, arguments: &[&str]) -> (Child, String, String) {
    let (child, serving, log) = start(folder, arguments);
    // Read on, so that a full pipe never stops the log.
    thread::spawn(move || log.count());
    let listen = serving["addresses"].as_str().unwrap().trim_matches(['[', ']']).to_owned();
    (child, listen, serving["admin"].as_str().unwrap().to_owned())
}

/// Starts `banyan serve`; returns it, its first line, and the lines that follow.
fn start(
    folder: &Path,
    arguments: &[&str],
) -> (Child, Value, impl Iterator<Item = Value> + Send + 'static) {
    let monolith = monolith();
    let mut child = banyan(folder)
        .args([
            "serve",
            "--monolith",
            &monolith,
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ])
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let serving = serde_json::from_str(&line).unwrap();
    (child, serving, log.lines().map(|it| serde_json::from_str(&it.unwrap()).unwrap()))
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn one_argument_serves_keeps_its_store_here_and_drains_on_sigterm() {
    let folder = TempDir::new().unwrap();
    let (mut child, listen, admin) = serve(folder.path(), &[]);
    assert!(get(&listen, "/cart").ends_with("\r\n\r\nrails"));
    assert!(get(&admin, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(get(&admin, "/metrics").contains("banyan_requests_total{route=\"unrouted\""));
    assert!(folder.path().join("banyan.db").exists());

    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let (code, out, _) = run(folder.path(), &["report"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("Nothing was compared yet"), "{out}");
}

/// Reports must never keep buyers from being served.
#[test]
fn a_store_that_cannot_be_opened_now_keeps_nobody_from_being_served() {
    let folder = TempDir::new().unwrap();
    let (mut child, ..) = serve(folder.path(), &[]);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("sqlite://{}", folder.path().join("banyan.db").display());
    let mut other = runtime.block_on(SqliteConnection::connect(&url)).unwrap();
    let mut execute = |statement: &'static str| {
        runtime.block_on(other.execute(statement)).unwrap();
    };
    let newer = "INSERT INTO _sqlx_migrations VALUES (9000, 'x', 0, TRUE, 'x', 0)";
    for (faults, says) in [
        (["BEGIN IMMEDIATE", "ROLLBACK"], "database is locked"),
        ([newer, "DELETE FROM _sqlx_migrations WHERE version = 9000"], "it is of a newer version"),
    ] {
        execute(faults[0]);
        let (mut child, unopened, mut log) = start(folder.path(), &[]);
        assert!(unopened.to_string().contains(says), "{unopened}");
        assert!(unopened.to_string().contains("buyers are served"), "{unopened}");
        let serving = log.find(|it| it["addresses"].is_string()).unwrap();
        thread::spawn(move || log.count());
        assert!(get(serving["addresses"].as_str().unwrap(), "/cart").ends_with("\r\n\r\nrails"));
        if says != "database is locked" {
            let page = get(serving["admin"].as_str().unwrap(), "/");
            assert!(page.contains(says), "{page}");
            let (code, _, error) = run(folder.path(), &["report"]);
            assert_eq!(code, Some(2), "{error}");
            assert!(error.contains(says), "{error}");
        }
        execute(faults[1]);
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_second_signal_ends_a_drain_that_waits_for_a_client() {
    let folder = TempDir::new().unwrap();
    let (mut child, listen, _) = serve(folder.path(), &["--drain-timeout", "3600"]);
    // A request that never ends: its body is promised and does not come.
    let mut stream = TcpStream::connect(&listen).unwrap();
    stream.write_all(b"POST /x HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 9\r\n\r\n").unwrap();
    let pid = Pid::from_child(&child);
    // Until the process is gone: the first begins the drain, one of the next ends it.
    while child.try_wait().unwrap().is_none() {
        let _ = kill_process(pid, Signal::TERM);
        thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_request_has_one_line_in_the_log_with_the_times_of_both_sides() {
    let folder = TempDir::new().unwrap();
    let (mut child, serving, log) = start(folder.path(), &[]);
    let listen = serving["addresses"].as_str().unwrap();
    assert!(get(listen, "/cart?coupon=TEN").ends_with("\r\n\r\nrails"));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let lines: Vec<Value> = log.filter(|it| it["target"] == "access").collect();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let [line] = &lines[..] else { panic!("{} lines", lines.len()) };
    for (field, value) in [
        ("route", json!("unrouted")),
        ("stage", json!("monolith")),
        ("side", json!("monolith")),
        ("method", json!("GET")),
        ("path", json!("*")), // no route: nothing of it is known to be no buyer's
        ("status", json!(200)),
        ("bytes", json!(5)),
        ("complete", json!(true)),
        ("termination", json!("--")),
        ("retries", json!(0)),
        ("queue_ms", json!(0.0)),
        ("client", json!("127.0.0.1")),
    ] {
        assert_eq!(line[field], value, "{field} of {line}");
    }
    assert!(line["server"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{line}");
    assert_eq!(line["trace_id"].as_str().unwrap().len(), 32, "{line}");
    let ms = |field: &str| line[field].as_f64().unwrap_or_else(|| panic!("no {field}: {line}"));
    assert!(ms("connect_ms") <= ms("server_ms"), "{line}");
    assert!(ms("server_ms") <= ms("first_byte_ms"), "{line}");
    assert!(ms("first_byte_ms") <= ms("total_ms"), "{line}");
}

/// Two answers and a route file with a rule for the second of their two differences.
fn stored_answers(folder: &Path) {
    let answer = |price: &str, seen: u8| {
        let body = format!(
            "{{\"lines\":[{{\"price\":{price}}}],\"seen\":{seen},\"n\":12345678901234567890}}"
        );
        format!("HTTP/2 200 \r\ncontent-type: application/json\r\n\r\n{body}")
    };
    fs::write(folder.join("control"), answer("19.90", 1)).unwrap();
    fs::write(folder.join("candidate"), answer("19.9", 2)).unwrap();
    fs::write(folder.join("seen"), answer("19.90", 3)).unwrap();
    fs::write(
        folder.join("routes.toml"),
        "[[route]]\nid = \"cart\"\nmatch = { path = \"/cart.json\" }\nstage = \"monolith\"\n\
         ignore = [{ at = \"$.seen\", why = \"a counter\" }]\n",
    )
    .unwrap();
}

#[test]
fn compare_says_the_same_or_every_difference_and_ends_with_0_or_1() {
    let folder = TempDir::new().unwrap();
    stored_answers(folder.path());
    let (code, out, _) = run(folder.path(), &["compare", "control", "control"]);
    assert_eq!((code, out.as_str()), (Some(0), "The same.\n"));

    let (code, out, _) = run(folder.path(), &["compare", "control", "candidate"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("$.lines[0].price  changed  critical  19.90"), "{out}");
    assert!(out.ends_with("Different: 2 critical, 0 cosmetic.\n"), "{out}");

    let arguments = ["compare", "control", "candidate", "--format", "json"];
    let (code, out, _) = run(folder.path(), &arguments);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &found["same"]), (Some(1), &json!(false)));
    assert!(out.contains("\"control\": 19.90,") && out.contains("\"candidate\": 19.9\n"), "{out}");
    let place = &found["differences"][0];
    assert_eq!(place["path"], "$.lines[0].price");
    assert_eq!((&place["kind"], &place["class"]), (&json!("changed"), &json!("critical")));
}

#[test]
fn compare_holds_answers_against_a_routes_rules() {
    let folder = TempDir::new().unwrap();
    stored_answers(folder.path());
    let rules = ["--routes", "routes.toml", "--route", "cart"];
    let (code, out, _) =
        run(folder.path(), &[&["compare", "control", "seen"], &rules[..]].concat());
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("excused: a counter"), "{out}");
    assert!(out.ends_with("The same by the route's rules.\n"), "{out}");
    let (code, ..) =
        run(folder.path(), &[&["compare", "control", "candidate"], &rules[..]].concat());
    assert_eq!(code, Some(1));
}

#[test]
fn compare_applies_every_kind_of_rule() {
    let folder = TempDir::new().unwrap();
    let control = r#"{"id":7,"to":"7","ref":"ord_1a","banner":"a","cols":{"a":1,"b":2}}"#;
    let candidate = r#"{"id":9,"to":"9","ref":"ord_2b","banner":"b","cols":{"b":2,"a":1}}"#;
    fs::write(folder.path().join("control"), control).unwrap();
    fs::write(folder.path().join("candidate"), candidate).unwrap();
    fs::write(
        folder.path().join("routes.toml"),
        r#"
[[route]]
id       = "orders"
match    = { path = "/orders.json" }
stage    = "monolith"
tolerate = [
  { at = "$.id", as = "id", of = "order", why = "numbered anew" },
  { at = "$.to", as = "id", of = "order", why = "numbered anew" },
  { at = "$.ref", as = "regex", pattern = "ord_[0-9a-f]{2}", why = "drawn" },
]
classify = [{ at = "$.banner", as = "cosmetic", why = "nobody acts on it" }]
order    = [{ at = "$.cols", why = "shown so" }]
"#,
    )
    .unwrap();
    let (code, out, error) = run(
        folder.path(),
        &[
            "compare",
            "control",
            "candidate",
            "--content-type",
            "application/json",
            "--routes",
            "routes.toml",
            "--route",
            "orders",
        ],
    );
    let found: Vec<_> = out.lines().map(|it| it.split_whitespace().collect::<Vec<_>>()).collect();
    let rules: Vec<_> =
        found.iter().skip(1).map(|it| it.get(5..).unwrap_or_default().join(" ")).collect();
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(
        rules,
        [
            "excused: numbered anew",
            "excused: numbered anew",
            "excused: drawn",
            "cosmetic: nobody acts on it",
            "",
            ""
        ],
        "{out}"
    );
    assert!(out.contains("$.cols    moved"), "{out}");
    assert!(out.ends_with("Different: 1 critical, 1 cosmetic.\n"), "{out}");
}

#[test]
fn compare_reads_bodies_alone_and_says_what_it_cannot_read() {
    let folder = TempDir::new().unwrap();
    stored_answers(folder.path());
    fs::write(folder.path().join("a.html"), "<p class='a b'>x").unwrap();
    fs::write(folder.path().join("b.html"), "<p class='b a'>y</p>").unwrap();
    let html = ["--content-type", "text/html"];
    let (code, out, _) =
        run(folder.path(), &[&["compare", "a.html", "b.html"], &html[..]].concat());
    assert_eq!(code, Some(1));
    assert!(out.contains(":root > body > p::text"), "{out}");
    for (name, last) in [("a.json", 1), ("b.json", 2)] {
        let long = format!("[{}{last}]", "\"a text\",".repeat(200_000));
        fs::write(folder.path().join(name), long).unwrap();
    }
    let json = ["--content-type", "application/json"];
    let (_, out, _) = run(folder.path(), &[&["compare", "a.json", "b.json"], &json[..]].concat());
    assert!(out.contains("$[200000]"), "{out}");
    for (arguments, says) in [
        (&["a.html", "b.html"][..], "a.html has no HTTP response (no status line)"),
        (&["absent", "control"], "absent cannot be read: No such file"),
        (&["control", "control", "--routes", "routes.toml"], "--route <ID>"),
        (
            &["control", "control", "--routes", "routes.toml", "--route", "x"],
            "routes.toml has no route `x`",
        ),
        (&["control", "control", "--routes", "control", "--route", "x"], "control:1:"),
        (&["a.html", "b.html", "--content-type", "application/json"], "cannot be compared"),
    ] {
        let (code, _, error) = run(folder.path(), &[&["compare"], arguments].concat());
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}
