//! Golden files: a route file above a `----------` line; the table it makes, or what is wrong with
//! it, below.
//!
//! A line `#? GET /path` asks which route that request takes. `BLESS=1` rewrites what stands below.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::PathBuf, sync::Arc};

use extracted::{Effects, Extraction, HandlerError};
use http::Method;
use prometheus::Registry;
use proptest::prelude::*;
use proxy::{
    extraction::guard::Settings,
    metrics::ProxyMetrics,
    route::{At, Candidate, Compiled, Compiler, PathPattern, Percent, Plan, Route, RouteTable},
};
use shadow::Proof;

const DIVIDER: &str = "----------\n";

static EXTRACTIONS: [Extraction; 2] = [named("catalog.list"), named("catalog.show")];

const fn named(id: &'static str) -> Extraction {
    Extraction {
        id,
        replaces: "Api::ProductsController",
        effects: Effects::None,
        run: |_, _| Box::pin(async { Err(HandlerError::Declined("only named, never run")) }),
    }
}

/// A breaker that opened must not close because a comment in the file changed.
#[test]
fn a_guard_outlives_a_reload_that_does_not_change_it() {
    let compiler = compiler();
    let file = |concurrency: u32| {
        format!(
            "[[route]]\nid = \"catalog.list\"\nmatch = {{ path = \"/\" }}\nstage = \"extracted\"\n\
             concurrency = {concurrency}\n"
        )
    };
    let guard = |table: &RouteTable| table.routes().next().unwrap().guard.clone().unwrap();
    let first = compiler.compile(&file(4), "routes.toml").unwrap().table;
    let after =
        |text: &str| compiler.compile_after(Some(&first), text, "routes.toml").unwrap().table;
    assert!(Arc::ptr_eq(&guard(&first), &guard(&after(&format!("# new\n{}", file(4))))));
    assert!(!Arc::ptr_eq(&guard(&first), &guard(&after(&file(5)))));
}

/// What was compared already is not compared again because a comment in the file changed; by other
/// rules nothing was compared yet.
#[test]
fn a_sampler_outlives_a_reload_that_does_not_change_what_it_is_for() {
    let compiler = compiler();
    let file = |sample: &str, budget: &str| {
        format!(
            "[[route]]\nid = \"catalog.list\"\nmatch = {{ path = \"/\" }}\nstage = \"extracted\"\n\
             sample = {sample}\nbudget = {{ critical = \"{budget}\" }}\n"
        )
    };
    let sampler = |table: &RouteTable| table.routes().next().unwrap().plan.sampler().cloned();
    let first = compiler.compile(&file("{ per_kind = 5 }", "1%"), "routes.toml").unwrap().table;
    let stays = |text: &str| {
        let after = compiler.compile_after(Some(&first), text, "routes.toml").unwrap().table;
        Arc::ptr_eq(&sampler(&first).unwrap(), &sampler(&after).unwrap())
    };
    assert!(stays(&format!("# new\n{}", file("{ per_kind = 5 }", "1%"))));
    assert!(!stays(&file("{ per_kind = 6 }", "1%")));
    assert!(!stays(&file("{ per_kind = 5 }", "2%")));
}

#[test]
fn what_was_shown_of_a_route_holds_for_the_same_requests_sides_and_time_out() {
    const MATCH: &str = "match = { method = \"GET\", path = \"/\" }";
    let compiler = compiler();
    let judged_as = |one: &str, other: &str| {
        let table = |lines: &str| {
            let file = format!(
                "[upstream.a]\nservers = [\"http://127.0.0.1:1\"]\n\
                 [upstream.b]\nservers = [\"http://127.0.0.1:2\"]\n\
                 [[route]]\nid = \"catalog.list\"\n{lines}\n"
            );
            compiler.compile(&file, "routes.toml").unwrap().table
        };
        let (one, other) = (table(one), table(other));
        let [one, other] = [&one, &other].map(|it| it.judged().next().unwrap());
        one.is_judged_as(other)
    };
    let shadow = format!("{MATCH}\nstage = \"shadow\"");
    for more in ["sample = \"5%\"", "record = \"1%\"", "priority = 1", "noise = \"0%\""] {
        assert!(judged_as(&shadow, &format!("{shadow}\n{more}")), "{more}");
    }
    assert!(judged_as(&shadow, &format!("{MATCH}\nstage = \"extracted\"")), "cut over");
    for more in ["candidate = \"a\"", "upstream = \"a\"", "timeout = \"7s\"", "noise = \"5%\""] {
        assert!(!judged_as(&shadow, &format!("{shadow}\n{more}")), "{more}");
    }
    let [a, b] = ["a", "b"].map(|it| format!("{shadow}\ncandidate = \"{it}\""));
    assert!(!judged_as(&a, &b), "another service");
    assert!(!judged_as(&shadow, &shadow.replace("\"/\"", "\"/{id}\"")), "other requests");
    let [few, many] = ["5%", "50%"].map(|it| format!("{shadow}\nnoise = \"{it}\""));
    assert!(judged_as(&few, &many), "more of the same");
}

fn compiler() -> Compiler {
    let metrics = ProxyMetrics::register(&Registry::new()).unwrap();
    Compiler { extractions: &EXTRACTIONS, metrics }
}

#[test]
fn every_golden_file_compiles_to_what_stands_below_its_line() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/routes");
    let files: BTreeMap<_, _> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .map(|path| (path.file_name().unwrap().to_owned(), path))
        .collect();
    assert!(files.len() >= 25, "the golden files are in proxy/tests/routes");
    let mut differing = Vec::new();
    for (name, path) in files {
        let golden = fs::read_to_string(&path).unwrap();
        let (input, expected) = golden.split_once(DIVIDER).unwrap_or((&golden, ""));
        let found = outcome(input);
        if found != expected && blessing() {
            fs::write(&path, format!("{input}{DIVIDER}{found}")).unwrap();
        } else if found != expected {
            differing.push(format!("{}: expected\n{expected}but found\n{found}", name.display()));
        }
    }
    assert!(differing.is_empty(), "BLESS=1 accepts this:\n\n{}", differing.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of the proxy")]
fn blessing() -> bool {
    env::var("BLESS").is_ok_and(|it| it == "1")
}

fn outcome(input: &str) -> String {
    let mut text = String::new();
    match compiler().compile(input, "routes.toml") {
        Err(faults) => writeln!(text, "{faults}").unwrap(),
        Ok(Compiled { table, warnings, .. }) => {
            for warning in &warnings {
                writeln!(text, "{}", At("routes.toml", warning)).unwrap();
            }
            dump(&mut text, &table);
            for question in input.lines().filter_map(|it| it.strip_prefix("#? ")) {
                answer(&mut text, &table, question);
            }
        }
    }
    text
}

fn dump(text: &mut String, table: &RouteTable) {
    if let Some(monolith) = &table.monolith {
        let servers = monolith.servers().iter().map(|it| it.address().to_string());
        writeln!(text, "monolith {}", servers.collect::<Vec<_>>().join(", ")).unwrap();
    }
    for upstream in table.upstreams() {
        let servers = upstream.servers().iter().map(|it| it.address().to_string());
        let servers = servers.collect::<Vec<_>>().join(", ");
        writeln!(text, "upstream {} {servers}", upstream.name()).unwrap();
    }
    for route in table.routes() {
        let Route { id, methods, pattern, priority, plan, timeout, guard, subject, .. } = &**route;
        let sample = match plan {
            Plan::Monolith | Plan::Upstream => String::new(),
            Plan::Shadow { sample, .. } | Plan::Extracted { sample, .. } => {
                format!(" {}", sample.sample())
            }
        };
        let (critical, cosmetic) = (subject.budget.critical.get(), subject.budget.cosmetic.get());
        let stage = plan.stage();
        write!(text, "{id}: {methods} {pattern} {stage}{sample}, {timeout:?}").unwrap();
        write!(text, ", budget {critical}/{cosmetic}").unwrap();
        if subject.proof != Proof::default() {
            let Proof { confidence, time } = subject.proof;
            write!(text, ", proof {}/{time:?}", confidence.get()).unwrap();
        }
        if route.noise != Percent::NONE {
            write!(text, ", noise {}", route.noise).unwrap();
        }
        if let Plan::Shadow { candidate: Candidate::Upstream(candidate), .. } = plan {
            write!(text, ", candidate {}", candidate.name()).unwrap();
        }
        if let Some(upstream) = &route.upstream {
            write!(text, ", upstream {}", upstream.name()).unwrap();
        }
        if let Some(guard) = guard.as_ref().filter(|it| it.settings() != Settings::default()) {
            let Settings { concurrency, failures, percent, window, pause } = guard.settings();
            write!(text, ", {concurrency} at once").unwrap();
            write!(text, ", breaker {failures}/{percent}% {window:?} {pause:?}").unwrap();
        }
        if *priority != 0 {
            write!(text, ", priority {priority}").unwrap();
        }
        if !subject.reveal.is_empty() {
            write!(text, ", reveals {}", subject.reveal.len()).unwrap();
        }
        text.push('\n');
    }
}

fn answer(text: &mut String, table: &RouteTable, question: &str) {
    let (method, path) = question.split_once(' ').unwrap();
    let route = table.find(&method.parse::<Method>().unwrap(), path);
    write!(text, "? {question} -> {}", route.id).unwrap();
    for (name, value) in route.pattern.params(path).unwrap_or_default() {
        write!(text, " {name}={value:?}").unwrap();
    }
    text.push('\n');
}

/// Ten thousand routes of two lines each.
fn large_file(routes: usize) -> String {
    (0..routes).fold(String::new(), |mut text, index| {
        writeln!(text, "[[route]]\nid = \"r{index}\"\nstage = \"monolith\"").unwrap();
        writeln!(text, "match = {{ method = \"GET\", path = \"/r{index}/{{id}}/show\" }}").unwrap();
        text
    })
}

#[test]
fn ten_thousand_routes_are_told_apart() {
    let table = compiler().compile(&large_file(10_000), "routes.toml").unwrap().table;
    for index in [0, 4_999, 9_999] {
        let route = table.find(&Method::GET, &format!("/r{index}/7/show"));
        assert_eq!(*route.id, *format!("r{index}"));
    }
    assert_eq!(&*table.find(&Method::GET, "/r10000/7/show").id, "unrouted");
}

/// What the table is compared with: every route is tried, and the most specific of those that match
/// is taken. Specific is, from the left: a literal, `{name}`, `{rest...}`.
fn naive<'a>(routes: &'a [(String, bool)], method: &Method, path: &str) -> Option<&'a str> {
    let fits = |(pattern, any): &&(String, bool)| {
        let path = path.split('/').skip(1).collect::<Vec<_>>();
        let segments = pattern.split('/').skip(1).collect::<Vec<_>>();
        let rest = segments.last().is_some_and(|it| it.ends_with("...}"));
        let long_enough =
            if rest { path.len() >= segments.len() } else { path.len() == segments.len() };
        let mut pairs = segments.iter().zip(&path);
        (*any || method == Method::GET)
            && long_enough
            && pairs.all(|(segment, it)| match segment.strip_prefix('{') {
                None => segment == it,
                Some(name) => name.ends_with("...}") || !it.contains('.'),
            })
    };
    let rank = |(pattern, any): &&(String, bool)| {
        let kinds = pattern.split('/').skip(1).map(|it| match it {
            _ if it.ends_with("...}") => 2,
            _ if it.starts_with('{') => 1,
            _ => 0,
        });
        (kinds.collect::<Vec<u8>>(), *any)
    };
    routes.iter().filter(fits).min_by_key(rank).map(|it| it.0.as_str())
}

fn template() -> impl Strategy<Value = String> {
    let segment = prop_oneof![Just("a"), Just("b"), Just("a.b"), Just("{x}")];
    (proptest::collection::vec(segment, 1..4), any::<bool>()).prop_map(|(segments, rest)| {
        let mut text = String::new();
        for (index, segment) in segments.iter().enumerate() {
            let segment = segment.replace('x', &format!("x{index}"));
            write!(text, "/{segment}").unwrap();
        }
        if rest { text + "/{rest...}" } else { text }
    })
}

proptest! {
    #[test]
    fn the_table_agrees_with_trying_every_route(
        templates in proptest::collection::btree_set((template(), any::<bool>()), 1..12),
        path in "(/(a|b|c|a\\.b)){1,5}",
        post in any::<bool>(),
    ) {
        let routes: Vec<_> = templates.into_iter().collect();
        let mut file = String::new();
        for (index, (pattern, any)) in routes.iter().enumerate() {
            let method = if *any { "" } else { "method = \"GET\", " };
            writeln!(file, "[[route]]\nid = \"r{index}\"\nstage = \"monolith\"").unwrap();
            writeln!(file, "match = {{ {method}path = \"{pattern}\" }}").unwrap();
        }
        let table = compiler().compile(&file, "routes.toml").unwrap().table;
        let method = if post { Method::POST } else { Method::GET };
        let route = table.find(&method, &path);
        let found = (&*route.id != "unrouted").then(|| route.pattern.to_string());
        prop_assert_eq!(found.as_deref(), naive(&routes, &method, &path));
        // The table and the template never disagree on whether a path matches.
        if let Some(pattern) = found {
            prop_assert!(PathPattern::parse(&pattern).unwrap().params(&path).is_some());
        }
    }

    #[test]
    fn no_text_panics_the_compiler(text in "\\PC*") {
        let _ = compiler().compile(&text, "routes.toml");
    }

    #[test]
    fn no_toml_panics_the_compiler(
        keys in proptest::collection::vec(
            ("(id|match|stage|sample|timeout|budget|proof|ignore|tolerate|reveal|priority|x)", value()), 0..8,
        ),
        monolith in value(),
    ) {
        let mut text = format!("monolith = {monolith}\n[[route]]\n");
        for (key, value) in keys {
            writeln!(text, "{key} = {value}").unwrap();
        }
        let _ = compiler().compile(&text, "routes.toml");
    }
}

/// Values of every kind, those that mean something among them.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "(1|-7|0x1F|9223372036854775807|99999999999999999999|1.5|nan|-inf|true)",
        "(2027-03-31|2027-02-28T01:02:03Z|07:32:00)",
        "\"(GET|shadow|extracted|catalog.show|100%|-1%|300ms|\\$\\.a|/a/\\{b\\}|/é%|)\"",
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = "(id|path|method|at|as|why|until|within|critical|servers)";
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|it| format!("[{}]", it.join(", "))),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|it| {
                let pairs: Vec<_> =
                    it.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", pairs.join(", "))
            }),
        ]
    })
}
