//! Redacts large collections of texts, the corpora. Counts the secrets that stay visible, the ordinary values that are
//! masked, and the log lines that are changed.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::Read;

use serde_json::Value;

use super::{MASK, Redaction};

// These files of texts are compressed. Otherwise, secret scanners would report the made-up secrets in the texts.
const CASES: &[u8] = include_bytes!("../../tests/data/redaction_cases.json.gz");
const FURTHER: &[u8] = include_bytes!("../../tests/data/further_redaction_cases.json.gz");
/// Test cases from the examples of public scanners, sanitizers and container images. The authors of these examples
/// didn't know this redactor.
const INDEPENDENT: &[u8] = include_bytes!("../../tests/data/redaction_independent.json.gz");
/// Log lines of sixteen systems, from Android to ZooKeeper.
const LOG_LINES: &[u8] = include_bytes!("../../tests/data/ordinary_log_lines.txt.gz");

fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut text)
        .unwrap();
    text
}

fn corpus(packed: &[u8]) -> Value {
    serde_json::from_str(&unpacked(packed)).unwrap()
}

/// Redacts the value of a test case, and returns the result.
fn shown(case: &Value) -> Value {
    let redaction = Redaction::default();
    let value = if case["value"].is_null() {
        case["text"].clone()
    } else {
        case["value"].clone()
    };
    let name = case["name"].as_str();
    match (case["where"].as_str().unwrap(), name) {
        ("argv", _) => redaction
            .arguments(&serde_json::from_value::<Vec<String>>(value).unwrap())
            .into(),
        ("text" | "check_output", _) | (_, None) => redaction.value(value),
        (_, Some(name)) => redaction.named(name, value),
    }
}

/// Returns one text to search for secrets: all names and strings in a value without JSON escapes, followed by the value
/// as JSON.
fn texts(value: &Value) -> String {
    fn collect(value: &Value, into: &mut String) {
        match value {
            Value::String(text) => into.push_str(text),
            Value::Array(list) => list.iter().for_each(|value| collect(value, into)),
            Value::Object(map) => map.iter().for_each(|(name, value)| {
                into.push_str(name);
                into.push('\n');
                collect(value, into);
            }),
            other => into.push_str(&other.to_string()),
        }
        into.push('\n');
    }
    let mut all = String::new();
    collect(value, &mut all);
    all.push_str(&value.to_string());
    all
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Redacts each case and calls `holds` with the case and the result. Prints the cases for which `holds` returns false,
/// and returns their percentage.
fn failing<'c>(
    word: &str,
    cases: impl Iterator<Item = &'c Value>,
    holds: impl Fn(&Value, &Value) -> bool,
) -> f64 {
    let (mut failing, mut all) = (0, 0);
    for case in cases {
        let shown = shown(case);
        all += 1;
        if !holds(case, &shown) {
            println!("{word} {case}\n   -> {shown}");
            failing += 1;
        }
    }
    let percent = 100.0 * f64::from(failing) / f64::from(all);
    println!("{word}: {failing} of {all}, {percent:.2} %");
    percent
}

fn is_hidden(secrets: &[&Value], shown: &Value) -> bool {
    let all = texts(shown);
    !secrets
        .iter()
        .any(|secret| all.contains(secret.as_str().unwrap()))
}

fn assert_own(packed: &[u8], most_seen: f64) {
    let corpus = corpus(packed);
    let seen = failing("SEEN", list(&corpus["must_hide"]).iter(), |case, shown| {
        let also = list(&case["also"]).iter();
        is_hidden(&also.chain([&case["secret"]]).collect::<Vec<_>>(), shown)
    });
    let destroyed = failing("DESTROYED", list(&corpus["must_show"]).iter(), |case, shown| {
        *shown == case["value"]
    });
    let py_healthcheck = list(&corpus["seed_hides"]).iter();
    assert!(py_healthcheck.into_iter().all(|case| shown(case) == MASK));
    assert!(
        seen <= most_seen && destroyed <= 0.5,
        "{seen:.2} % seen, {destroyed:.2} % destroyed"
    );
}

#[test]
fn at_least_99_and_a_half_percent_of_the_cases_are_hidden() {
    assert_own(CASES, 0.5);
}

#[test]
fn at_least_98_percent_of_the_further_cases_are_hidden() {
    assert_own(FURTHER, 2.0);
}

#[test]
fn at_least_97_and_a_half_percent_of_the_independent_cases_are_hidden_and_at_most_half_a_percent_destroyed() {
    let corpus = corpus(INDEPENDENT);
    let kind = |kind: &'static str| {
        list(&corpus["cases"])
            .iter()
            .filter(move |case| case["kind"] == kind)
    };
    let seen = failing("SEEN", kind("hide"), |case, shown| {
        is_hidden(&list(&case["secrets"]).iter().collect::<Vec<_>>(), shown)
    });
    let destroyed = failing("DESTROYED", kind("show"), |case, shown| {
        *shown == case["text"] || *shown == case["value"]
    });
    assert!(
        seen <= 2.5 && destroyed <= 0.5,
        "{seen:.2} % seen, {destroyed:.2} % destroyed"
    );
}

#[test]
fn at_most_3_of_1000_ordinary_log_lines_are_changed() {
    let lines = unpacked(LOG_LINES);
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::json!({ "where": "text", "text": line }))
        .collect();
    let changed = failing("CHANGED", lines.iter(), |case, shown| *shown == case["text"]);
    assert!(changed <= 0.3, "{changed:.2} %");
}
