//! Asserts three properties of redaction: it hides every secret of a document, it keeps the structure of the document,
//! and valid JSON stays valid.
#![no_main]

mod document;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use arbitrary::Unstructured;
use healthcheck::{EnvironmentDump, redact};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;

use crate::document::{Document, document};

const MASK: &str = "********";

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((&kind, bytes)) = bytes.split_first() else {
        return Corpus::Reject;
    };
    if kind % 4 == 0 {
        let Ok(text) = str::from_utf8(bytes) else {
            return Corpus::Reject;
        };
        any_text(text);
    } else {
        let Ok(document) = document(&mut Unstructured::new(bytes)) else {
            return Corpus::Reject;
        };
        generated(&document);
    }
    Corpus::Keep
});

/// Asserts two properties for arbitrary text. If `redact` inserts no mask, it doesn't change the text at all. Valid
/// JSON stays valid JSON.
fn any_text(text: &str) {
    let redacted = redact(text);
    if !redacted.contains(MASK) && redacted != text {
        panic!("changed and masked nothing:\n{text:?}\n{redacted:?}");
    }
    if let Ok(before) = serde_json::from_str::<Value>(text) {
        let after = serde_json::from_str::<Value>(&redacted);
        assert!(after.is_ok(), "no JSON any more:\n{before}\n{redacted}");
    }
}

/// Redacts a document with known secrets in two ways, as a section and as a text. Asserts that redaction hides all of
/// these secrets.
fn generated(document: &Document) {
    let section = section(&document.value);
    document.assert_hidden_in(&section);
    assert_same_shape(&document.value, &section);

    let text = document.value.to_string();
    let redacted = redact(&text);
    match serde_json::from_str(&redacted) {
        Ok(read) => document.assert_hidden_in(&read),
        Err(error) => panic!("{error}: no JSON any more:\n{text}\n{redacted}"),
    }
}

fn section(value: &Value) -> Value {
    let dump = EnvironmentDump::builder()
        .discover(false)
        .include_os(false)
        .include_rust(false)
        .include_process(false)
        .section("document", value)
        .build()
        .expect("one section is no conflict");
    let mut collecting = pin!(dump.collect());
    // The only section has a fixed value, so `collect` is ready at the first poll.
    match collecting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(mut sections) => sections["document"].take(),
        Poll::Pending => panic!("a fixed section was waited for"),
    }
}

/// Asserts that `after`, the redacted form of `before`, has the same names and structure. Only values may differ.
fn assert_same_shape(before: &Value, after: &Value) {
    match (before, after) {
        (_, Value::String(text)) if text.contains(MASK) => {}
        (Value::Object(before), Value::Object(after)) => {
            assert!(
                before.keys().eq(after.keys()),
                "other names: {before:?} {after:?}"
            );
            for (before, after) in before.values().zip(after.values()) {
                assert_same_shape(before, after);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "another length: {before:?} {after:?}");
            for (before, after) in before.iter().zip(after) {
                assert_same_shape(before, after);
            }
        }
        _ => assert_eq!(before, after, "changed and masked nothing"),
    }
}
