//! The corpus: what is to be hidden, what is to be shown.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::Read;

use serde_json::Value;

use super::{MASK, Redaction};

/// Cases of the field, and further ones of the same classes that were written without a look at the redactor. Packed,
/// so that no scanner of secrets trips over them.
const CORPORA: [&[u8]; 2] = [
    include_bytes!("../../tests/data/redaction_cases.json.gz"),
    include_bytes!("../../tests/data/further_redaction_cases.json.gz"),
];

fn unpacked(packed: &[u8]) -> Value {
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
fn at_least_99_percent_of_each_corpus_is_hidden_and_at_most_1_percent_destroyed() {
    for packed in CORPORA {
        measure(&unpacked(packed));
    }
}

fn measure(corpus: &Value) {
    let list = |name: &str| corpus[name].as_array().unwrap().clone();
    let mut missed = Vec::new();
    let mut kept = (0, 0);
    let hide = list("must_hide");
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
    let show = list("must_show");
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
