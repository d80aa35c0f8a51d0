//! Which metrics the shipped Grafana dashboard and Prometheus rules query: a test holds them
//! against what is emitted, since a panel over a metric that nobody emits stays empty in silence.

use std::collections::BTreeSet;

use serde_json::Value;

const GRAFANA: &str = include_str!("../grafana/banyan.json");
const ALERTS: &str = include_str!("../prometheus/alerts.yml");

/// The name of every metric that a panel, a variable or an alert queries, as a registry names it:
/// a histogram's `_bucket`, `_sum` and `_count` are the histogram. `up` and other series that
/// Prometheus makes itself are left out.
pub fn queried_metrics() -> BTreeSet<String> {
    // Both texts are fixed at compile time; a test parses them.
    let dashboard = serde_json::from_str(GRAFANA).unwrap_or_default();
    let mut expressions = Vec::new();
    collect_panels(&dashboard, &mut expressions);
    expressions.extend(alert_expressions(ALERTS));
    expressions.iter().flat_map(|it| metrics(it)).filter(|it| it != "up").collect()
}

/// Every query in a Grafana dashboard: of panels, annotations and variables.
fn collect_panels(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "expr" => found.push(text.clone()),
                    Value::String(text) if name == "definition" => {
                        found.extend(variable_selector(text));
                    }
                    _ => collect_panels(value, found),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|it| collect_panels(it, found)),
        _ => {}
    }
}

/// The selector in Grafana's `label_values(selector, label)`.
fn variable_selector(definition: &str) -> Option<String> {
    let arguments = definition.strip_prefix("label_values(")?.strip_suffix(')')?;
    Some(arguments.rsplit_once(',')?.0.to_owned())
}

/// The expressions of a rules file in which each stands alone below `expr: |`, indented deeper.
fn alert_expressions(yaml: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = yaml.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.trim() == "expr: |" {
            let mut expression = String::new();
            while let Some(next) = lines.next_if(|it| indent(it) > indent(line)) {
                expression.push_str(next.trim());
                expression.push('\n');
            }
            found.push(expression);
        }
    }
    found
}

/// The metric names in a `PromQL` expression: every word that is none of a function, a keyword, a
/// label or a number.
fn metrics(expression: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = expression;
    // Whether the next parentheses hold labels, as after `by`.
    let mut labels = false;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '{' => 1 + end_of(&rest[1..], '}'),
            '[' => 1 + end_of(&rest[1..], ']'),
            '"' => 1 + end_of(&rest[1..], '"'),
            '(' if labels => {
                labels = false;
                1 + end_of(&rest[1..], ')')
            }
            _ if is_word(first) => rest.find(|it| !is_word(it)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        match token {
            "by" | "without" | "on" | "ignoring" | "group_left" | "group_right" => labels = true,
            "and" | "or" | "unless" | "bool" | "offset" => {}
            _ if !first.is_ascii_alphabetic() || is_function(after) => {}
            _ => {
                found.insert(family(token).to_owned());
            }
        }
    }
    found
}

/// Whether the word before `after` is called: `rate(…)`, `sum by (route) (…)`.
fn is_function(after: &str) -> bool {
    let after = after.trim_start();
    ["(", "by ", "without "].iter().any(|it| after.starts_with(it))
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

/// Where `text` continues behind `closing`, which ends quoted text or stands outside of it.
fn end_of(text: &str, closing: char) -> usize {
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        if letter == closing && !quoted {
            return at + letter.len_utf8();
        }
        quoted ^= letter == '"';
    }
    text.len()
}

/// The metric that a histogram's series belongs to.
fn family(name: &str) -> &str {
    let suffixes = ["_bucket", "_sum", "_count"];
    suffixes.iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(expression: &str) -> Vec<String> {
        metrics(expression).into_iter().collect()
    }

    #[test]
    fn a_metric_is_told_from_functions_labels_and_numbers() {
        let expression = r#"histogram_quantile(0.99, sum by (le, route) (rate(a_seconds_bucket{route=~"b|c}", d!="e"}[5m]))) * 60 > 1e3"#;
        assert_eq!(names(expression), ["a_seconds"]);
    }

    #[test]
    fn every_operand_is_found() {
        let expression = "sum without (instance) (a_total) / ignoring(side) group_left (x) b_total
            and on (route) c unless d offset 5m or max by (route) (e)";
        assert_eq!(names(expression), ["a_total", "b_total", "c", "d", "e"]);
    }

    #[test]
    fn a_block_of_a_rules_file_is_one_expression() {
        let yaml = "rules:\n  - alert: A\n    expr: |\n      a\n        > 0\n    for: 1m\n";
        assert_eq!(alert_expressions(yaml), ["a\n> 0\n"]);
    }

    #[test]
    fn the_shipped_files_are_read_whole() {
        let dashboard: Value = serde_json::from_str(GRAFANA).unwrap();
        let mut expressions = Vec::new();
        collect_panels(&dashboard, &mut expressions);
        let queries =
            GRAFANA.matches("\"expr\":").count() + GRAFANA.matches("label_values(").count() / 2;
        assert_eq!(expressions.len(), queries);

        let alerts = alert_expressions(ALERTS);
        assert_eq!(alerts.len(), ALERTS.matches("- alert:").count());
        assert!(alerts.iter().all(|it| !metrics(it).is_empty()), "{alerts:?}");
    }
}
