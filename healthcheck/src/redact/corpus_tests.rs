//! The corpus: what is to be hidden, what is to be shown.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::Read;

use serde_json::Value;

use super::{MASK, Redaction};

fn corpus() -> Value {
    let packed: &[u8] = include_bytes!("../../tests/data/redaction_cases.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What the redactor makes of a case, as JSON.
fn shown(case: &Value) -> Value {
    let redaction = Redaction::default();
    let value = case["value"].clone();
    match case["where"].as_str().unwrap() {
        "argv" => Value::Array(redaction.arguments(&serde_json::from_value::<Vec<String>>(value).unwrap())),
        "check_output" => redaction.value(value),
        _ => redaction.named(case["name"].as_str().unwrap(), value),
    }
}

/// Every text in a value, as a reader of the JSON sees it, and the JSON itself.
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

#[test]
fn the_corpus_is_hidden_and_shown() {
    let corpus = corpus();
    let list = |name: &str| corpus[name].as_array().unwrap().clone();
    let half = std::env::var("REDACT_HALF").ok();
    let in_half = |case: &Value| {
        let Some(half) = &half else { return true };
        let crc = flate2::Crc::new();
        let mut crc = crc;
        crc.update(case["id"].as_str().unwrap().as_bytes());
        (crc.sum() % 2).to_string() == *half
    };
    let mut missed = Vec::new();
    let mut kept = (0, 0);
    let hide: Vec<_> = list("must_hide").into_iter().filter(|c| in_half(c)).collect();
    for case in &hide {
        let shown = shown(case);
        let all = texts(&shown);
        let also = case["also"].as_array().cloned().unwrap_or_default();
        if std::iter::once(&case["secret"])
            .chain(&also)
            .any(|secret| all.contains(secret.as_str().unwrap()))
        {
            missed.push(format!("{case}\n   -> {shown}"));
        }
        for keep in case["keep"].as_array().into_iter().flatten() {
            kept.1 += 1;
            if all.contains(keep.as_str().unwrap()) {
                kept.0 += 1;
            } else {
                println!("NOT KEPT {case}\n   -> {shown}");
            }
        }
    }
    let mut destroyed = Vec::new();
    let show: Vec<_> = list("must_show").into_iter().filter(|c| in_half(c)).collect();
    for case in &show {
        let shown = shown(case);
        if shown != case["value"] {
            destroyed.push(format!("{case}\n   -> {shown}"));
        }
    }
    let mut seed = Vec::new();
    for case in list("seed_hides") {
        if shown(&case) != MASK {
            seed.push(format!("{case}"));
        }
    }
    for text in &missed {
        println!("MISSED {text}");
    }
    for text in &destroyed {
        println!("DESTROYED {text}");
    }
    let percent = |part: usize, of: usize| 100.0 * part as f64 / of as f64;
    println!(
        "hidden {:.1} % of {}, destroyed {:.1} % of {}, kept {} of {}",
        percent(hide.len() - missed.len(), hide.len()),
        hide.len(),
        percent(destroyed.len(), show.len()),
        show.len(),
        kept.0,
        kept.1
    );
    assert_eq!(seed, Vec::<String>::new());
    assert!(percent(missed.len(), hide.len()) <= 1.0);
    assert!(percent(destroyed.len(), show.len()) <= 1.0);
}

#[test]
fn scratch() {
    let Ok(path) = std::env::var("REDACT_SCRATCH") else {
        return;
    };
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut missed, mut destroyed, mut all) = (0, 0, 0);
    for case in cases.as_array().unwrap() {
        all += 1;
        let out = shown(case);
        let text = texts(&out);
        if case["kind"] == "show" {
            if out != case["value"] {
                destroyed += 1;
                println!(
                    "DESTROYED {} {} {}\n      -> {out}",
                    case["where"], case["name"], case["value"]
                );
            }
        } else if case["secrets"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| text.contains(s.as_str().unwrap()))
        {
            missed += 1;
            println!(
                "MISSED {} {} {}\n      -> {out}",
                case["where"], case["name"], case["value"]
            );
        }
        let again = match case["where"].as_str().unwrap() {
            "argv" => Value::Array(
                Redaction::default().arguments(&serde_json::from_value::<Vec<String>>(out.clone()).unwrap()),
            ),
            "check_output" => Redaction::default().value(out.clone()),
            _ => Redaction::default().named(case["name"].as_str().unwrap(), out.clone()),
        };
        if again != out {
            println!(
                "NOT IDEMPOTENT {} {}\n      -> {out}\n      -> {again}",
                case["where"], case["value"]
            );
        }
    }
    println!("of {all}: missed {missed}, destroyed {destroyed}");
}
