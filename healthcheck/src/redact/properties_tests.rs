//! Tests properties that hold for every text and every document.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::Value;

use super::{Redaction, redact};

/// Generates one fragment of a text: a word, a sign or random characters.
///
/// Most fragments are words or signs that have a meaning for the scanner. The scanner would find nothing in most random
/// texts.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "password", "token", "secret", "api_key", "auth", "Authorization", "session", "name", "value", "key", "user",
            "Cookie", "Bearer", "Basic", "hunter2", "swordfish", "FAKE0012ab34cd", "8080", "true", "null", "db.internal",
            "postgres", "https", "mysql", "--password", "-p", "-u", "curl", "kind: Secret", "data:", "Some(", "passwords",
            "Credentials", "dXNlcjpwYXNz", "eyJhbGciOiJIUzI1NiJ9", "ghp_a1B2c3D4e5F6a1B2c3D4e5F6", "********", "${PASSWORD}",
            "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "jdbc:oracle:thin:", "expired", "required", "is",
        ]).prop_map(str::to_owned),
        4 => prop::sample::select(vec![
            " ", "=", ": ", ":", "\n", "\"", "'", "\\\"", "\\n", "://", "@", "/", "?", "&", ",", ", ", ";", "{", "}", "[", "]",
            "(", ")", "<", ">", "|", "-", "  ", "- ", "%3D", "%22", "%40", "&quot;", "=>", "->", "\t", "\\", "#", ".", "\r\n", "$", "*",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9]{1,20}",
        1 => any::<char>().prop_map(String::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

fn document(leaf: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-j]{1,6}", inner), 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Generates values that are usual in reports. None of them is secret.
fn innocent() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![
            "ok",
            "connection refused (os error 111)",
            "/var/lib/app/data.db",
            "1.2.3-rc.1",
            "10.0.0.1:5432",
            "db.internal",
            "https://example.com/a?page=2#top",
            "58e6b3a414a1e090dfc6029add0f3555ccba127f",
            "token expired",
            "550e8400-e29b-41d4-a716-446655440000",
            "sha256:6987740fb624e3e9943ec5d9ac5519b7",
            "lag=3 partition=7",
            "password authentication failed for user \"app\"",
            "2024-05-01T12:30:00Z",
            "Größe: 3 MiB",
            "{\"a\": [1, 2]}",
        ])
        .prop_map(Value::from),
        "[a-z ]{0,20}".prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redacting_twice_changes_nothing_more(text in text()) {
        let once = redact(&text).into_owned();
        let twice = redact(&once).into_owned();
        prop_assert_eq!(&twice, &once, "{:?}", text);
    }

    #[test]
    fn a_document_without_secrets_is_unchanged(value in document(innocent())) {
        let redaction = Redaction::default();
        prop_assert_eq!(redaction.value(value.clone()), value.clone());
        let text = value.to_string();
        prop_assert!(matches!(redaction.text(&text), Cow::Borrowed(_)), "{}", redaction.text(&text));
    }

    #[test]
    fn a_json_text_stays_json(value in document(text().prop_map(Value::from))) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let shown = redact(&text);
            prop_assert!(serde_json::from_str::<Value>(&shown).is_ok(), "{}\n{}", text, shown);
        }
    }

    #[test]
    fn a_secret_under_its_name_is_nowhere_in_the_document(
        value in document(innocent()),
        name in prop::sample::select(vec!["password", "apiKey", "client_secret", "db.pwd", "X-Auth-Token", "credentials"]),
        levels in 0_usize..4,
    ) {
        let secret = concat!("FAKE", "0099ab12cd");
        let mut value = serde_json::json!({ "a": value, name: { "b": [secret] }, "list": [{ "name": name, "value": secret }] });
        for _ in 0..levels {
            value = serde_json::json!({ "inner": value.to_string() });
        }
        let shown = Redaction::default().value(value).to_string();
        prop_assert!(!shown.contains(secret), "{shown}");
    }
}
